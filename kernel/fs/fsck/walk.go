package fsck

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// walk looks at every inode.
func (c *Checker) walk() {
	for g := range c.state.Groups {
		c.to.Progress(uint64(c.lo)+uint64(g)*uint64(c.hi-c.lo)/uint64(c.state.Groups), uint64(c.state.Groups))
		n := c.shape.GroupAt(g)
		p, ok := c.read(n, disk.Group, groupPage)
		if c.error != errno.OK {
			return
		}
		c.ino = 0
		if !ok {
			c.report("a group block is damaged", n)
			if !c.repair {
				continue
			}
			c.shape.InitGroup(p, g) // compare makes it anew; all inodes are looked at
			disk.SetHigh(p, c.highest(g))
			for k := range disk.High(p) * disk.PerBlock {
				disk.SetInode(p, k)
			}
			c.write(n, disk.Group, p)
		}
		if g == 0 && (!disk.InodeBit(p, 0) || disk.High(p) == 0) {
			c.report("the root directory is not marked as in use", n)
			disk.SetInode(p, 0)
			disk.SetHigh(p, max(disk.High(p), 1))
			c.write(n, disk.Group, p)
		}
		for k := range disk.High(p) * disk.PerBlock {
			if k%disk.PerBlock == 0 {
				c.read(n+1+uint64(k/disk.PerBlock), disk.Data, inodePage)
			}
			c.visit(g, k, disk.InodeBit(p, k))
			if c.error != errno.OK {
				return
			}
		}
	}
}

// highest is how many blocks of a group's table of inodes look like that.
func (c *Checker) highest(g uint32) uint32 {
	high := uint32(0)
	for i := range c.shape.PerGroup / disk.PerBlock {
		n := c.shape.GroupAt(g) + 1 + uint64(i)
		if _, ok := c.read(n, disk.Inodes, otherPage); ok {
			high = i + 1
		}
	}
	return high
}

// visit looks at inode k of group g, whose bit says whether it is in use.
func (c *Checker) visit(g, k uint32, used bool) {
	c.ino = c.shape.InodeNumber(g, k)
	p, i := c.m.Pages[inodePage], int(k%disk.PerBlock)
	n, _ := c.shape.InodeAt(c.ino)
	disk.GetInode(p, i, &c.inode)
	d := &c.inode
	c.blocks, c.names, c.bytes, c.dirty = 0, 0, 0, false
	switch {
	case !c.shape.SumInode(p, c.ino, i):
		c.report("an inode is damaged", n) // perhaps a free one: it keeps its block from being read
		c.clear()
	case !used:
	case d.Mode == 0:
		c.report("an inode is marked as in use and is not", n)
		c.clear()
	case !c.shape.CheckInode(d):
		c.report("an inode contradicts itself", n)
		c.clear()
	case c.ino == disk.Root && (d.Type() != disk.TypeDir || d.Parent != disk.Root):
		c.report("the root directory is none", n)
		c.clear()
	case d.Type() == disk.TypeDir:
		c.directory()
	default:
		c.file()
	}
	if c.dirty && c.repair {
		disk.PutInode(p, i, d)
		if c.error == errno.OK {
			c.shape.SealInode(p, c.ino, i)
			c.error = c.t.WriteBlock(c.d, n, p)
		}
	}
}

// clear gives up an inode.
func (c *Checker) clear() {
	if !c.repair {
		return
	}
	c.inode = disk.Inode{Generation: c.inode.Generation}
	if c.ino == disk.Root {
		c.inode.Mode, c.inode.Links, c.inode.Parent = disk.TypeDir|0o755, 1, disk.Root
	}
	c.dirty = true
}

// file looks at a file or a symbolic link.
func (c *Checker) file() {
	d := &c.inode
	if d.Type() == disk.TypeLink && d.Inline() {
		return
	}
	last, kept := uint64(0), 0
	for i := range int(d.Count) {
		x := d.Body[i]
		limit := uint64(1 << 32)
		if i+1 < int(d.Count) {
			limit = uint64(d.Body[i+1].At)
		}
		if c.extent(x, int(d.Depth), uint64(x.At), limit, &last) {
			d.Body[kept] = x
			kept++
		} else {
			c.dirty = true
		}
	}
	if kept != int(d.Count) {
		d.Count = uint16(kept)
		if kept == 0 {
			d.Depth = 0
		}
	}
	if last > (d.Size+block.Size-1)/block.Size && !d.Cut && d.Type() == disk.TypeFile {
		c.report("a file has blocks beyond its end", 0)
		d.Cut, c.dirty = true, true
	}
	if c.blocks != d.Blocks {
		c.report("a file has another number of blocks than its inode says", 0)
		d.Blocks, c.dirty = c.blocks, true
	}
}

// extent looks at an entry of the tree of extents: at depth 0 a run of blocks, else a node. What it has lies between lo and hi.
// It says whether the entry can stay.
func (c *Checker) extent(x disk.Extent, depth int, lo, hi uint64, last *uint64) bool {
	if depth == 0 {
		if uint64(x.At) < lo || uint64(x.At)+uint64(x.Len) > hi || uint64(x.At) < *last {
			c.report("extents overlap, or are out of order", uint64(x.Block))
			return false
		}
		if !c.mark(uint64(x.Block), x.Len) {
			c.tell("blocks are in use twice", c.ino, uint64(x.Block))
			return false
		}
		c.blocks += x.Len
		*last = uint64(x.At) + uint64(x.Len)
		return true
	}
	n := uint64(x.Block)
	if !c.mark(n, 1) {
		c.tell("a block is in use twice", c.ino, n)
		return false
	}
	p, ok := c.read(n, disk.Extents, nodePages+depth)
	if !ok || disk.Owner(p) != c.ino || disk.Level(p) != depth-1 {
		c.report("a node of a file is damaged", n)
		return false
	}
	c.blocks++
	kept, changed := 0, false
	count := disk.Count(p)
	for i := range count {
		y := disk.GetExtent(p, i)
		limit := hi
		if i+1 < count {
			limit = min(hi, uint64(disk.GetExtent(p, i+1).At))
		}
		if c.extent(y, depth-1, max(lo, uint64(y.At)), limit, last) && uint64(y.At) >= lo {
			disk.SetExtent(p, kept, y)
			kept++
		} else {
			changed = true
		}
	}
	if changed {
		for disk.Count(p) > kept {
			disk.RemoveExtent(p, disk.Count(p)-1)
		}
		c.dirty = true
		if kept > 0 {
			c.write(n, disk.Extents, p)
		}
	}
	return kept > 0
}

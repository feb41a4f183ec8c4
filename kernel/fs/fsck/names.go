package fsck

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
)

// directory looks at a directory: its names, and whether it lies below the root.
func (c *Checker) directory() {
	d := &c.inode
	if d.Root != 0 && !c.nameNode(uint64(d.Root), int(d.Depth), 0, ^uint64(0)) {
		d.Root, d.Depth, c.dirty = 0, 0, true
		c.blocks, c.names = 0, 0 // what was below counts as lost
	}
	if c.names != d.Size {
		c.report("a directory has another number of names than its inode says", 0)
		d.Size, c.dirty = c.names, true
	}
	if c.blocks != d.Blocks {
		c.report("a directory has another number of blocks than its inode says", 0)
		d.Blocks, c.dirty = c.blocks, true
	}
	if c.first && d.Links > 0 {
		c.climb()
	}
}

// climb goes from a directory to the root. That the parents have its name is seen from above.
func (c *Checker) climb() {
	at := c.ino
	for range maxSteps {
		if at == disk.Root {
			return
		}
		d, ok := c.other(at)
		if !ok || d.Type() != disk.TypeDir || d.Links == 0 {
			break
		}
		at = d.Parent
	}
	c.report("a directory does not lie below the root", 0)
}

// maxSteps is how deep directories lie.
const maxSteps = 100_000

// other reads another inode than the one that is being looked at; ok says that it is in use.
func (c *Checker) other(ino uint32) (d disk.Inode, ok bool) {
	if !c.shape.HasInode(ino) {
		return d, false
	}
	g, k := c.shape.InodeGroup(ino)
	if g >= c.state.Groups {
		return d, false
	}
	p, ok := c.read(c.shape.GroupAt(g), disk.Group, otherPage)
	if !ok || !disk.InodeBit(p, k) || k/disk.PerBlock >= disk.High(p) {
		return d, false
	}
	n, i := c.shape.InodeAt(ino)
	p, _ = c.read(n, disk.Data, otherInode)
	disk.GetInode(p, i, &d)
	return d, c.shape.SumInode(p, ino, i) && d.Mode != 0 && c.shape.CheckInode(&d)
}

// nameNode looks at a node of a directory, in which there are hashes from lo to before hi. It says whether it can stay.
func (c *Checker) nameNode(n uint64, level int, lo, hi uint64) bool {
	if !c.mark(n, 1) {
		c.tell("a block is in use twice", c.ino, n)
		return false
	}
	if level == 0 {
		return c.leaf(n, lo, hi)
	}
	p, ok := c.read(n, disk.Index, nodePages+level)
	if !ok || disk.Owner(p) != c.ino || disk.Level(p) != level {
		c.report("a node of a directory is damaged", n)
		return false
	}
	c.blocks++
	changed := false
	for i := 0; i < disk.Count(p); {
		from, child := disk.GetChild(p, i)
		if i == 0 {
			from = lo
		}
		to := hi
		if i+1 < disk.Count(p) {
			to, _ = disk.GetChild(p, i+1)
		}
		stays := from >= lo && to <= hi
		if !stays {
			c.report("a directory's nodes are out of order", n)
		}
		if stays = stays && c.nameNode(uint64(child), level-1, from, to); !stays && c.repair {
			disk.RemoveChild(p, i)
			changed = true
		} else {
			i++
		}
	}
	return c.keep(n, disk.Index, p, changed)
}

// leaf looks at names.
func (c *Checker) leaf(n uint64, lo, hi uint64) bool {
	p, ok := c.read(n, disk.Leaf, nodePages)
	if !ok || disk.Owner(p) != c.ino {
		c.report("a leaf of a directory is damaged", n)
		return false
	}
	c.blocks++
	changed := false
	for i := 0; i < disk.Count(p); {
		s := disk.GetSlot(p, i)
		stays := c.nameOf(s, disk.SlotName(p, s), n, lo, hi)
		if stays {
			c.names++
		}
		if !stays && c.repair {
			disk.RemoveSlot(p, i)
			changed = true
		} else {
			i++
		}
	}
	return c.keep(n, disk.Leaf, p, changed)
}

// keep writes what is left of a node, if it has changed, and says whether anything is.
func (c *Checker) keep(n uint64, k disk.Kind, p *block.Page, changed bool) bool {
	left := disk.Count(p) > 0
	if changed && left {
		c.write(n, k, p)
	}
	return left
}

// nameOf looks at one name, counts it for its inode, and says whether it can stay.
func (c *Checker) nameOf(s disk.Slot, name []byte, n uint64, lo, hi uint64) bool {
	if s.Hash < lo || s.Hash >= hi || s.Hash != c.shape.Hash(name) {
		c.report("a name is where it is not looked for", n)
		return false
	}
	for _, b := range name {
		if b == 0 || b == '/' {
			c.report("a name cannot be one", n)
			return false
		}
	}
	d, ok := c.other(s.Ino)
	switch {
	case !ok:
		c.report("a name leads to no inode", n)
		return false
	case uint8(d.Mode>>12) != s.Type:
		c.report("a name says another type than its inode", n)
		return false
	case d.Type() == disk.TypeDir && (d.Parent != c.ino || s.Ino == disk.Root):
		c.report("a name leads to a directory that has another parent", n)
		return false
	}
	if g, k := c.shape.InodeGroup(s.Ino); g >= c.lo && g < c.hi {
		at := &c.m.Names[(g-c.lo)*c.shape.PerGroup+k]
		*at++
		if d.Type() == disk.TypeDir && *at > 1 {
			c.tell("a directory has two names", s.Ino, n)
			return false
		}
	}
	return true
}

package fsck

import (
	"math/bits"

	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// compare looks at the groups of the window: what their blocks say, and what walk has found.
func (c *Checker) compare() {
	for g := c.lo; g < c.hi && c.error == errno.OK; g++ {
		n := c.shape.GroupAt(g)
		p, ok := c.read(n, disk.Group, groupPage)
		if !ok {
			continue // walk has said so
		}
		before := c.found
		c.ino = 0
		orphans, gaveUp := c.countNames(g, p)
		free := c.compareBlocks(g, p)
		inodes := 0
		for k := range c.shape.PerGroup {
			if !disk.InodeBit(p, k) {
				inodes++
			}
		}
		for k := c.shape.PerGroup; k < disk.MaxPerGroup; k++ {
			if !disk.InodeBit(p, k) {
				c.tell("an inode is marked as free that there is not", 0, n)
				disk.SetInode(p, k)
			}
		}
		if disk.FreeBlocks(p) != free || disk.FreeInodes(p) != inodes || disk.Orphans(p) != orphans {
			c.tell("a group's counts are wrong", 0, n)
			disk.AddFreeBlocks(p, free-disk.FreeBlocks(p))
			disk.AddFreeInodes(p, inodes-disk.FreeInodes(p))
			disk.AddOrphans(p, int(orphans)-int(disk.Orphans(p)))
		}
		if c.found != before || gaveUp {
			c.write(n, disk.Group, p)
		}
	}
}

// compareBlocks compares the bits of blocks with what is in use, and returns how many are free.
func (c *Checker) compareBlocks(g uint32, p *block.Page) (free int) {
	n := c.shape.GroupAt(g)
	for i := range c.shape.FirstData() {
		c.mark(n+uint64(i), 1)
	}
	for w := range uint32(disk.BlockWords) {
		used := c.m.Marks[(g-c.lo)*disk.BlockWords+w]
		if end := c.shape.GroupLen(g); end < (w+1)*64 { // what is beyond the disk is not free
			used |= ^uint64(0) << (max(end, w*64) - w*64)
		}
		if have := disk.BlockWord(p, w); have != used {
			at := n + uint64(w)*64
			if wrong := used &^ have; wrong != 0 {
				c.tell("blocks are in use and marked as free", 0, at+uint64(bits.TrailingZeros64(wrong)))
			}
			if wrong := have &^ used; wrong != 0 {
				c.tell("blocks are marked as in use and are nobody's", 0, at+uint64(bits.TrailingZeros64(wrong)))
			}
			disk.SetBlockWord(p, w, used)
		}
		free += 64 - bits.OnesCount64(used)
	}
	return free
}

// countNames compares the names that inodes have with the number that they say, and returns how many are orphans,
// and whether there were some that walk gave up.
func (c *Checker) countNames(g uint32, p *block.Page) (orphans uint32, gaveUp bool) {
	for k := range disk.High(p) * disk.PerBlock {
		if !disk.InodeBit(p, k) {
			continue
		}
		ino := c.shape.InodeNumber(g, k)
		n, i := c.shape.InodeAt(ino)
		q, _ := c.read(n, disk.Data, otherInode)
		var d disk.Inode
		disk.GetInode(q, i, &d)
		if !c.shape.SumInode(q, ino, i) || d.Mode == 0 {
			if c.repair { // it was given up
				disk.ClearInode(p, k)
				gaveUp = true
			}
			continue
		}
		names := c.m.Names[(g-c.lo)*c.shape.PerGroup+k]
		if ino == disk.Root {
			names++
		}
		if names != d.Links {
			if names == 0 {
				c.tell("an inode has lost its names", ino, 0)
				c.lost++
			} else {
				c.tell("an inode has another number of names than it says", ino, 0)
			}
			if c.repair {
				d.Links = names
				disk.PutInode(q, i, &d)
				if c.error == errno.OK {
					c.shape.SealInode(q, ino, i)
					c.error = c.t.WriteBlock(c.d, n, q)
				}
			}
		}
		if d.Links == 0 || d.Cut {
			orphans++
		}
	}
	return orphans, gaveUp
}

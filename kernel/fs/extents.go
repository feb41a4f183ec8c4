package fs

import (
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// extents.go: which block of the disk is which of a file. The caller has the inode's lock.

// find returns where block at of a file is, 0 if it is in a hole; and for how many blocks from there on that is so, in a row on
// the disk. count is 1 at least, and want at most.
func (f *FS) find(t *Task, ip *Inode, at, want uint32) (n uint64, count uint32, e errno.Errno) {
	limit := uint32(1<<32 - 1) // the first block that may not be in the hole
	i := int(ip.d.Count)
	for i > 0 && ip.d.Body[i-1].At > at {
		i--
		limit = ip.d.Body[i].At
	}
	if i == 0 {
		return 0, min(want, limit-at), errno.OK
	}
	x := ip.d.Body[i-1]
	for level := int(ip.d.Depth) - 1; level >= 0; level-- {
		b, e := f.node(t, ip, x.Block, level)
		if e != errno.OK {
			return 0, 0, e
		}
		i := disk.FindExtent(b.Page, at)
		if i+1 < disk.Count(b.Page) {
			limit = min(limit, disk.GetExtent(b.Page, i+1).At)
		}
		if i >= 0 {
			x = disk.GetExtent(b.Page, i)
		}
		f.cache.Drop(b)
		if i < 0 {
			return 0, min(want, limit-at), errno.OK
		}
	}
	if at < x.End() {
		return uint64(x.Block) + uint64(at-x.At), min(want, x.End()-at), errno.OK
	}
	return 0, min(want, limit-at), errno.OK
}

// node returns a node of a file's tree, in use.
func (f *FS) node(t *Task, ip *Inode, n uint32, level int) (*cache.Buffer, errno.Errno) {
	b, e := f.cache.Read(&t.Task.Task, uint64(n), disk.Extents)
	if e == errno.OK && (disk.Owner(b.Page) != ip.ino || disk.Level(b.Page) != level || disk.Count(b.Page) == 0) {
		f.cache.Drop(b)
		e = errno.Corrupt
	}
	return b, e
}

// newNode returns a new empty node, in use and joined.
func (f *FS) newNode(t *Task, ip *Inode, near uint64, k disk.Kind) (*cache.Buffer, errno.Errno) {
	n, _, e := f.alloc(t, near, 1)
	if e != errno.OK {
		return nil, e
	}
	b, e := f.cache.Fresh(&t.Task.Task, n, k)
	if e != errno.OK {
		return nil, f.stop(e)
	}
	f.journal.Join(t.base(), b)
	ip.d.Blocks++
	return b, errno.OK
}

// insertCost is how many blocks of metadata an insert changes at most, the inode's not counted: for each level a node and a new
// one; and for each new one a group; and a group and the state if groups come into use.
const insertCost = 3*disk.MaxDepth + 3

// insert adds an extent, which overlaps none. A tree that has no room grows on the way down, so each step leaves it whole: if
// there is no space for one, the extent is not there and all else is. ip.d changes; update is the caller's.
func (f *FS) insert(t *Task, ip *Inode, x disk.Extent) errno.Errno {
	d := &ip.d
	if d.Depth == 0 {
		i := int(d.Count)
		for i > 0 && d.Body[i-1].At > x.At {
			i--
		}
		if i > 0 && join(&d.Body[i-1], x) {
			return errno.OK
		}
		if d.Count < disk.RootExtents {
			copy(d.Body[i+1:d.Count+1], d.Body[i:d.Count])
			d.Body[i] = x
			d.Count++
			return errno.OK
		}
	}
	if d.Count == disk.RootExtents {
		if e := f.deepen(t, ip); e != errno.OK {
			return e
		}
	}
	return f.descend(t, ip, x)
}

// join makes x longer by next, if that continues it.
func join(x *disk.Extent, next disk.Extent) bool {
	if x.End() != next.At || x.Block+x.Len != next.Block || x.Len+next.Len > disk.GroupBlocks {
		return false
	}
	x.Len += next.Len
	return true
}

// deepen moves what is in the inode to a node below it.
func (f *FS) deepen(t *Task, ip *Inode) errno.Errno {
	d := &ip.d
	if d.Depth == disk.MaxDepth {
		return errno.FileLarge
	}
	b, e := f.newNode(t, ip, uint64(d.Body[0].Block), disk.Extents)
	if e != errno.OK {
		return e
	}
	disk.InitExtents(b.Page, ip.ino, int(d.Depth))
	for i, x := range d.Body {
		disk.InsertExtent(b.Page, i, x)
	}
	d.Body = [disk.RootExtents]disk.Extent{{At: d.Body[0].At, Block: uint32(f.cache.Block(b))}}
	d.Count = 1
	d.Depth++
	f.cache.Drop(b)
	return errno.OK
}

// descend inserts below a root that has room for one more.
func (f *FS) descend(t *Task, ip *Inode, x disk.Extent) errno.Errno {
	d := &ip.d
	i := int(d.Count) - 1
	for i > 0 && d.Body[i].At > x.At {
		i--
	}
	d.Body[i].At = min(d.Body[i].At, x.At)
	b, e := f.node(t, ip, d.Body[i].Block, int(d.Depth)-1)
	if e != errno.OK {
		return e
	}
	if disk.Count(b.Page) == disk.NodeExtents {
		q, e := f.splitNode(t, ip, b)
		if e != errno.OK {
			f.cache.Drop(b)
			return e
		}
		y := disk.Extent{At: disk.GetExtent(q.Page, 0).At, Block: uint32(f.cache.Block(q))}
		copy(d.Body[i+2:d.Count+1], d.Body[i+1:d.Count])
		d.Body[i+1] = y
		d.Count++
		b = f.choose(b, q, x.At >= y.At)
	}
	for level := int(d.Depth) - 1; level > 0; level-- {
		i := max(disk.FindExtent(b.Page, x.At), 0)
		y := disk.GetExtent(b.Page, i)
		if x.At < y.At {
			f.journal.Join(t.base(), b)
			y.At = x.At
			disk.SetExtent(b.Page, i, y)
		}
		c, e := f.node(t, ip, y.Block, level-1)
		if e != errno.OK {
			f.cache.Drop(b)
			return e
		}
		if disk.Count(c.Page) == disk.NodeExtents {
			q, e := f.splitNode(t, ip, c)
			if e != errno.OK {
				f.cache.Drop(c)
				f.cache.Drop(b)
				return e
			}
			at := disk.GetExtent(q.Page, 0).At
			f.journal.Join(t.base(), b)
			disk.InsertExtent(b.Page, i+1, disk.Extent{At: at, Block: uint32(f.cache.Block(q))})
			c = f.choose(c, q, x.At >= at)
		}
		f.cache.Drop(b)
		b = c
	}
	f.journal.Join(t.base(), b)
	i = disk.FindExtent(b.Page, x.At)
	if i >= 0 {
		if y := disk.GetExtent(b.Page, i); join(&y, x) {
			disk.SetExtent(b.Page, i, y)
			f.cache.Drop(b)
			return errno.OK
		}
	}
	disk.InsertExtent(b.Page, i+1, x)
	f.cache.Drop(b)
	return errno.OK
}

// choose keeps one of two nodes in use.
func (f *FS) choose(p, q *cache.Buffer, second bool) *cache.Buffer {
	if second {
		p, q = q, p
	}
	f.cache.Drop(q)
	return p
}

// splitNode moves half of a full node to a new one, which is in use.
func (f *FS) splitNode(t *Task, ip *Inode, b *cache.Buffer) (*cache.Buffer, errno.Errno) {
	q, e := f.newNode(t, ip, f.cache.Block(b), disk.Extents)
	if e != errno.OK {
		return nil, e
	}
	f.journal.Join(t.base(), b)
	disk.InitExtents(q.Page, ip.ino, disk.Level(b.Page))
	disk.MoveExtents(q.Page, b.Page, disk.NodeExtents/2)
	return q, errno.OK
}

package fs

import (
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// cut.go: freeing the end of a file. What is large takes several operations; in between, the inode says that it is Cut, and
// its group counts it among the orphans, so that a mount after a crash goes on with it.

// cutCost is how many blocks of metadata one step of cut changes at most: a group for the extent; and for each node on the way
// down the node, and its group and its revocation if it becomes empty.
const cutCost = 1 + 3*disk.MaxDepth

// cut frees the file's blocks from block from on, the last first, as far as the operation's reservation goes, less the two
// blocks that the caller needs. It says whether all are gone. ip.d changes; update is the caller's, who has the inode's lock.
func (f *FS) cut(t *Task, ip *Inode, from uint32) (done bool, e errno.Errno) {
	for {
		if left, _ := t.Left(); left < cutCost+2 {
			return false, errno.OK
		}
		done, e := f.cutOne(t, ip, from)
		if done || e != errno.OK {
			return done, e
		}
	}
}

// cutOne frees the last extent, or the end of it.
func (f *FS) cutOne(t *Task, ip *Inode, from uint32) (done bool, e errno.Errno) {
	d := &ip.d
	if d.Count == 0 {
		return true, errno.OK
	}
	last := &d.Body[d.Count-1]
	if d.Depth == 0 {
		gone, done, e := f.shrink(t, ip, last, from)
		if gone {
			*last = disk.Extent{}
			d.Count--
		}
		return done || d.Count == 0, e
	}
	defer f.leave(t)
	x := *last
	for t.depth = 0; t.depth < int(d.Depth); t.depth++ {
		b, e := f.node(t, ip, x.Block, int(d.Depth)-1-t.depth)
		if e != errno.OK {
			return false, e
		}
		t.nodes[t.depth] = b
		x = disk.GetExtent(b.Page, disk.Count(b.Page)-1)
	}
	b := t.nodes[t.depth-1]
	before := x
	gone, done, e := f.shrink(t, ip, &x, from)
	if e != errno.OK || x == before && !gone {
		return done, e
	}
	f.journal.Join(t.base(), b)
	if !gone {
		disk.SetExtent(b.Page, disk.Count(b.Page)-1, x)
		return done, errno.OK
	}
	return f.prune(t, ip)
}

// prune takes the last entry out of the last node of the way in t, and that node out of the one above if it becomes empty,
// and so on.
func (f *FS) prune(t *Task, ip *Inode) (done bool, e errno.Errno) {
	d := &ip.d
	for i := t.depth - 1; i >= 0; i-- {
		b := t.nodes[i]
		f.journal.Join(t.base(), b)
		disk.RemoveExtent(b.Page, disk.Count(b.Page)-1)
		if disk.Count(b.Page) > 0 {
			return false, errno.OK
		}
		if e := f.free(t, f.cache.Block(b), 1, true); e != errno.OK {
			return false, e
		}
		d.Blocks--
	}
	d.Count--
	d.Body[d.Count] = disk.Extent{}
	if d.Count == 0 {
		d.Depth = 0
	}
	return d.Count == 0, errno.OK
}

// leave ends the use of the nodes of the way in t.
func (f *FS) leave(t *Task) {
	for i := range t.depth {
		f.cache.Drop(t.nodes[i])
	}
	t.depth = 0
}

// shrink frees what an extent has from block from on. It says whether nothing is left of it, and whether something is left, so
// that nothing before it need be looked at.
func (f *FS) shrink(t *Task, ip *Inode, x *disk.Extent, from uint32) (gone, done bool, e errno.Errno) {
	if x.End() <= from {
		return false, true, errno.OK
	}
	keep := uint32(0)
	if x.At < from {
		keep = from - x.At
	}
	if e := f.free(t, uint64(x.Block)+uint64(keep), x.Len-keep, false); e != errno.OK {
		return false, false, e
	}
	ip.d.Blocks -= x.Len - keep
	x.Len = keep
	return keep == 0, keep > 0, errno.OK
}

// cutReserve is what an operation reserves that cuts: a few steps at least.
const cutReserve = 3*cutCost + 4

// cutAll goes on cutting to the file's size, in operations of its own, until done. The caller has the inode in use and no lock.
func (f *FS) cutAll(t *Task, ip *Inode) errno.Errno {
	for {
		if e := f.journal.Begin(t.base(), cutReserve, 0); e != errno.OK {
			return e
		}
		ip.lock.Lock(t.C)
		done, e := !ip.d.Cut, errno.OK
		if !done {
			done, e = f.cutMore(t, ip)
		}
		ip.lock.Unlock(t.C)
		f.journal.End(t.base())
		if done || e != errno.OK {
			return e
		}
	}
}

// cutMore is one operation's part of that.
func (f *FS) cutMore(t *Task, ip *Inode) (done bool, e errno.Errno) {
	if done, e = f.cut(t, ip, blocksOf(ip.d.Size)); e != errno.OK {
		return false, f.stop(e)
	}
	if done {
		ip.d.Cut = false
		if ip.d.Links > 0 { // else it is an orphan anyway
			if e := f.orphan(t, ip, -1); e != errno.OK {
				return false, e
			}
		}
	}
	return done, f.update(t, ip)
}

// blocksOf is how many blocks so many bytes take.
func blocksOf(size uint64) uint32 { return uint32((size + blockSize - 1) / blockSize) }

// reap frees an inode that has no name and is the caller's alone. If it cannot it says so, and a mount will.
func (f *FS) reap(t *Task, ip *Inode) bool {
	for {
		if f.journal.Begin(t.base(), cutReserve, 0) != errno.OK {
			return false
		}
		ip.lock.Lock(t.C)
		done, e := true, errno.OK
		if ip.d.Mode == 0 {
			// Somebody else has.
		} else if ip.d.Type() != disk.TypeDir {
			if done, e = f.cut(t, ip, 0); e != errno.OK {
				f.stop(e)
			}
		}
		switch {
		case e != errno.OK || ip.d.Mode == 0:
			done = true
		case done:
			e = f.freeInode(t, ip, true)
		default:
			e = f.update(t, ip)
		}
		ip.lock.Unlock(t.C)
		f.journal.End(t.base())
		if done || e != errno.OK {
			return e == errno.OK
		}
	}
}

// reapAll looks in the groups that have orphans for inodes without a name, and for those that are Cut.
func (f *FS) reapAll(t *Task) errno.Errno {
	for g := range f.inUse.Load() {
		if f.groups[g].orphans == 0 {
			continue
		}
		for k := range f.shape.PerGroup {
			ip, e := f.hold(t, f.shape.InodeNumber(g, k))
			if e != errno.OK {
				return e
			}
			if ip.d.Mode != 0 && ip.d.Links > 0 && ip.d.Cut {
				e = f.cutAll(t, ip)
			}
			f.Put(t, ip)
			if e != errno.OK {
				return e
			}
		}
		f.groups[g].orphans = 0
	}
	return errno.OK
}

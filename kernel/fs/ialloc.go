package fs

import (
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// newInode finds a free inode, near the group of inode near, and takes it. It changes a group block and one of inodes, and the
// state if a group comes into use. The inode is in use, and in no directory: Mode and Links are 0.
func (f *FS) newInode(t *Task, near uint32) (*Inode, errno.Errno) {
	first, _ := f.shape.InodeGroup(near)
	groups := f.inUse.Load()
	for i := range groups {
		g := first + i
		if g >= groups {
			g -= groups
		}
		if f.groups[g].inodes.Load() == 0 {
			continue
		}
		if ip, e := f.newInodeIn(t, g); e != errno.NoInodes {
			return ip, e
		}
	}
	g, e := f.extend(t, groups)
	switch e {
	case errno.OK:
		return f.newInodeIn(t, g)
	case errno.NoSpace:
		e = errno.NoInodes
	}
	return nil, e
}

// newInodeIn is newInode in one group.
func (f *FS) newInodeIn(t *Task, g uint32) (*Inode, errno.Errno) {
	i, need, e := f.takeInode(t, g, 0)
	if need > 0 {
		f.super.Lock(t.C)
		i, e = f.takeFresh(t, g)
		f.super.Unlock(t.C)
	}
	if e != errno.OK {
		return nil, e
	}
	f.groups[g].inodes.Add(^uint32(0))
	f.freeInodes.Add(-1)
	ino := uint32(f.table.Key(i))
	n, at := f.shape.InodeAt(ino)
	b, e := f.cache.Read(&t.Task.Task, n, disk.Inodes)
	if e != errno.OK {
		f.table.Drop(i)
		return nil, f.stop(e)
	}
	b.Lock.Lock(t.C)
	f.journal.JoinLocked(t.base(), b)
	disk.GetInode(b.Page, at, &t.inode)
	f.unlock(t, b)
	if t.inode.Mode != 0 {
		f.table.Drop(i)
		return nil, f.stop(errno.Corrupt)
	}
	ip := &f.inodes[i]
	ip.lock.Lock(t.C)
	ip.ino, ip.next, ip.ahead, ip.going = ino, 0, 0, false
	ip.d = disk.Inode{Generation: max(t.inode.Generation+1, 1)}
	ip.seq.Store(t.Seq)
	ip.life.Store(0)
	f.table.Set(i, loaded)
	ip.lock.Unlock(t.C)
	return ip, errno.OK
}

// takeInode takes the first free inode of a group, and returns its slot, in use. Its block is one that was written before, or
// one of the first made of the group's; if it is none of these it takes nothing, and says of how many it would be: need.
func (f *FS) takeInode(t *Task, g, made uint32) (slot int, need uint32, e errno.Errno) {
	b, e := f.lockGroup(t, g)
	if e != errno.OK {
		return -1, 0, e
	}
	slot, need, e = f.takeFrom(t, b, g, made)
	f.unlock(t, b)
	return slot, need, e
}

// takeFrom is takeInode with the group's block, whose lock the caller has.
func (f *FS) takeFrom(t *Task, b *cache.Buffer, g, made uint32) (slot int, need uint32, e errno.Errno) {
	k := disk.FreeInode(b.Page)
	if k < 0 || k >= int(f.shape.PerGroup) {
		return -1, 0, errno.NoInodes
	}
	high, next := disk.High(b.Page), uint32(k)/disk.PerBlock+1
	if next > max(high, made) {
		return -1, next, errno.OK
	}
	i := f.table.Claim(t.C, uint64(f.shape.InodeNumber(g, uint32(k)))) // before anything is changed
	if i < 0 {
		return -1, 0, errno.NoSlots
	}
	if ip := &f.inodes[i]; f.table.State(i).Load()&loaded != 0 && ip.d.Mode != 0 { // somebody has it open
		f.table.Drop(i)
		return -1, 0, errno.Corrupt
	}
	f.journal.JoinLocked(t.base(), b)
	disk.SetInode(b.Page, uint32(k))
	disk.AddFreeInodes(b.Page, -1)
	disk.SetHigh(b.Page, max(high, next))
	return i, 0, errno.OK
}

// takeFresh is takeInode where all inodes of the blocks that were written are in use: it makes one more block. The caller has
// the state's lock, so it alone does. As soon as the group says that the block was written, others take inodes there and read
// it; so it is made before.
func (f *FS) takeFresh(t *Task, g uint32) (slot int, e errno.Errno) {
	slot, need, e := f.takeInode(t, g, 0) // one may have been freed, or a block made, by now
	if need == 0 {
		return slot, e
	}
	n := f.shape.GroupAt(g) + uint64(need)
	b, e := f.cache.Fresh(&t.Task.Task, n, disk.Inodes)
	if e != errno.OK {
		return -1, e
	}
	slot, need, e = f.takeInode(t, g, need)
	if need > 0 { // what was not in use is
		e = errno.Corrupt
	}
	if e == errno.OK {
		if at, _ := f.shape.InodeAt(uint32(f.table.Key(slot))); at == n { // else one was freed, and the block is not written yet
			f.journal.Join(t.base(), b)
		}
	}
	f.cache.Drop(b)
	return slot, e
}

// freeInode ends the life of an inode, whose lock the caller has and which has no blocks. It changes a group block and one of
// inodes.
func (f *FS) freeInode(t *Task, ip *Inode, orphan bool) errno.Errno {
	g, k := f.shape.InodeGroup(ip.ino)
	ip.d = disk.Inode{Generation: ip.d.Generation}
	if e := f.update(t, ip); e != errno.OK {
		return e
	}
	b, e := f.lockGroup(t, g)
	if e != errno.OK {
		return f.stop(e)
	}
	f.journal.JoinLocked(t.base(), b)
	f.table.Clear(int(ip.index), doomed)
	disk.ClearInode(b.Page, k)
	disk.AddFreeInodes(b.Page, 1)
	if orphan {
		disk.AddOrphans(b.Page, -1)
	}
	f.unlock(t, b)
	f.groups[g].inodes.Add(1)
	f.freeInodes.Add(1)
	return errno.OK
}

// orphan changes the number of an inode's group's orphans: those that a mount must look for.
func (f *FS) orphan(t *Task, ip *Inode, d int) errno.Errno {
	g, _ := f.shape.InodeGroup(ip.ino)
	b, e := f.lockGroup(t, g)
	if e != errno.OK {
		return f.stop(e)
	}
	f.journal.JoinLocked(t.base(), b)
	disk.AddOrphans(b.Page, d)
	f.unlock(t, b)
	return errno.OK
}

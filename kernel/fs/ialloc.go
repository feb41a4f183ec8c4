package fs

import (
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
	b, e := f.lockGroup(t, g)
	if e != errno.OK {
		return nil, e
	}
	k := disk.FreeInode(b.Page)
	if k < 0 || k >= int(f.shape.PerGroup) {
		f.unlock(t, b)
		return nil, errno.NoInodes
	}
	ino := f.shape.InodeNumber(g, uint32(k))
	i := f.table.Claim(t.C, uint64(ino)) // before anything is changed
	if i < 0 {
		f.unlock(t, b)
		return nil, errno.NoSlots
	}
	if ip := &f.inodes[i]; f.table.State(i).Load()&loaded != 0 && ip.d.Mode != 0 { // somebody has it open
		f.unlock(t, b)
		f.table.Drop(i)
		return nil, errno.Corrupt
	}
	f.journal.JoinLocked(t.base(), b)
	disk.SetInode(b.Page, uint32(k))
	disk.AddFreeInodes(b.Page, -1)
	n, at := f.shape.InodeAt(ino)
	fresh := uint32(k)/disk.PerBlock >= disk.High(b.Page)
	if fresh {
		disk.SetHigh(b.Page, uint32(k)/disk.PerBlock+1)
	}
	f.unlock(t, b)
	f.groups[g].inodes.Add(^uint32(0))
	f.freeInodes.Add(-1)

	if fresh {
		b, e = f.cache.Fresh(&t.Task.Task, n, disk.Inodes)
	} else {
		b, e = f.cache.Read(&t.Task.Task, n, disk.Inodes)
	}
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
	ip.ino, ip.next, ip.ahead = ino, 0, 0
	ip.d = disk.Inode{Generation: max(t.inode.Generation+1, 1)}
	ip.seq.Store(t.Seq)
	f.table.Set(i, loaded)
	ip.lock.Unlock(t.C)
	return ip, errno.OK
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

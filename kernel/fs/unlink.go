package fs

import (
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// Link gives an inode, which is no directory, one more name. The errors: HasLinks, LinksMany, Stale if it has lost its last
// name, and Create's.
func (f *FS) Link(t *Task, dir *Inode, name []byte, ip *Inode) errno.Errno {
	if e := checkName(name); e != errno.OK {
		return e
	}
	if ip.Type() == disk.TypeDir {
		return errno.HasLinks
	}
	for tries := 0; ; {
		if e := f.begin(t, dir, nameCost+1+dropCost, 0); e != errno.OK {
			return e
		}
		e := f.tryLink(t, dir, name, ip)
		f.end(t, dir)
		if !f.again(t, e, &tries) {
			return e
		}
	}
}

func (f *FS) tryLink(t *Task, dir *Inode, name []byte, ip *Inode) errno.Errno {
	hash := f.shape.Hash(name)
	defer f.leave(t)
	_, e := f.search(t, dir, hash, name) // addName goes the same way
	switch {
	case e == errno.OK:
		return errno.Exists
	case e != errno.NotFound:
		return e
	case dir.d.Links == 0:
		return errno.Stale
	}
	now := f.clock.WallNs()
	ip.lock.Lock(t.C) // counted before it is named: what was alive stays so
	switch {
	case ip.d.Links == 0:
		e = errno.Stale
	case ip.d.Links >= disk.MaxLinks:
		e = errno.LinksMany
	default:
		ip.d.Links++
		e = errno.OK
	}
	ip.lock.Unlock(t.C)
	if e != errno.OK {
		return e
	}
	e = f.name(t, dir, disk.Slot{Hash: hash, Ino: ip.ino, Type: uint8(ip.Type() >> 12)}, name, now)
	ip.lock.Lock(t.C)
	switch {
	case e == errno.OK:
		ip.d.Ctime = now
		e = f.update(t, ip)
	case ip.d.Links > 1:
		ip.d.Links--
	default: // the name that it had has been taken meanwhile
		f.dropLocked(t, ip, now)
	}
	ip.lock.Unlock(t.C)
	return e
}

// name adds a name to a directory and writes its inode.
func (f *FS) name(t *Task, dir *Inode, s disk.Slot, name []byte, now int64) errno.Errno {
	dir.lock.Lock(t.C)
	e := f.addName(t, dir, s, name)
	if e == errno.OK {
		dir.d.Size++
		dir.d.Mtime, dir.d.Ctime = now, now
	}
	if f.update(t, dir) != errno.OK { // in any case: the tree may have been split
		e = errno.Stopped
	}
	dir.lock.Unlock(t.C)
	return e
}

// unname takes out of a directory the name that the way in t leads to, and writes its inode.
func (f *FS) unname(t *Task, dir *Inode, now int64) errno.Errno {
	dir.lock.Lock(t.C)
	e := f.removeName(t, dir)
	if e == errno.OK {
		dir.d.Size--
		dir.d.Mtime, dir.d.Ctime = now, now
		e = f.update(t, dir)
	}
	dir.lock.Unlock(t.C)
	return e
}

// dropCost is what dropping a name reserves: the inode's block and group, and of its extents, if the inode has them all, groups.
const dropCost = 2 + disk.RootExtents

// drop takes a name from an inode. With the last one goes the inode, at once if that is little; else it is an orphan until
// Put.
func (f *FS) drop(t *Task, ip *Inode, now int64) errno.Errno {
	ip.lock.Lock(t.C)
	e := f.dropLocked(t, ip, now)
	ip.lock.Unlock(t.C)
	return e
}

func (f *FS) dropLocked(t *Task, ip *Inode, now int64) errno.Errno {
	d := &ip.d
	if d.Links == 0 {
		return f.stop(errno.Corrupt)
	}
	d.Links--
	d.Ctime = now
	if d.Links > 0 {
		return f.update(t, ip)
	}
	ip.settle()
	f.table.Set(int(ip.index), doomed) // pairs with Put's DropUnless: one of those who use it, perhaps the caller, is the last
	// First who uses it, then who keeps it, as in Put.
	if f.table.Users(int(ip.index)) > 1 || d.Depth > 0 || f.opens.has(t.C, ip.OpenKey()) {
		if !d.Cut {
			if e := f.orphan(t, ip, 1); e != errno.OK {
				return e
			}
		}
		return f.update(t, ip)
	}
	if d.Type() != disk.TypeDir {
		for i := range int(d.Count) {
			if e := f.free(t, uint64(d.Body[i].Block), d.Body[i].Len, false); e != errno.OK {
				return e
			}
		}
	}
	return f.freeInode(t, ip, d.Cut)
}

// Unlink takes a name from what is no directory. The errors: NotDirectory, NotFound, IsDirectory, BadName, NameLong, NoSlots,
// Stopped, ReadOnly, IO, Corrupt.
func (f *FS) Unlink(t *Task, dir *Inode, name []byte) errno.Errno {
	if e := checkName(name); e != errno.OK {
		return e
	}
	hash := f.shape.Hash(name)
	if e := f.begin(t, dir, nameCost+1+dropCost, 0); e != errno.OK {
		return e
	}
	var ip *Inode
	s, e := f.search(t, dir, hash, name)
	if e == errno.OK {
		ip, e = f.child(t, s.Ino)
	} else if e == errno.NameHash {
		e = errno.NotFound
	}
	switch {
	case e != errno.OK:
	case ip.Type() == disk.TypeDir:
		e = errno.IsDirectory
	default:
		now := f.clock.WallNs()
		if e = f.unname(t, dir, now); e == errno.OK {
			e = f.drop(t, ip, now)
		}
	}
	f.leave(t)
	f.end(t, dir)
	if ip != nil {
		f.Put(t, ip)
	}
	return e
}

// Rmdir removes an empty directory. The errors: NotEmpty, NotDirectory, and Unlink's but IsDirectory.
func (f *FS) Rmdir(t *Task, dir *Inode, name []byte) errno.Errno {
	if e := checkName(name); e != errno.OK {
		return e
	}
	if !f.write {
		return errno.ReadOnly
	}
	for {
		ip, e := f.Lookup(t, dir, name)
		if e != errno.OK {
			return e
		}
		if ip.Type() != disk.TypeDir {
			f.Put(t, ip)
			return errno.NotDirectory
		}
		if ip == dir { // a disk that is corrupt
			f.Put(t, ip)
			return errno.Corrupt
		}
		if e := f.journal.Begin(t.base(), nameCost+1+dropCost, 0); e != errno.OK {
			f.Put(t, ip)
			return e
		}
		again, e := f.tryRmdir(t, dir, name, ip)
		f.journal.End(t.base())
		f.Put(t, ip)
		if !again {
			return e
		}
	}
}

// tryRmdir removes a directory, if the name still leads to it; else it says again.
func (f *FS) tryRmdir(t *Task, dir *Inode, name []byte, ip *Inode) (again bool, e errno.Errno) {
	var set dirs
	set.add(dir)
	set.add(ip)
	for _, i := range set.all[:set.n] {
		f.inodes[i].names.Lock(t.C)
	}
	again, e = f.rmdirLocked(t, dir, name, ip)
	for _, i := range set.all[:set.n] {
		f.inodes[i].names.Unlock(t.C)
	}
	return again, e
}

func (f *FS) rmdirLocked(t *Task, dir *Inode, name []byte, ip *Inode) (again bool, e errno.Errno) {
	s, e := f.search(t, dir, f.shape.Hash(name), name)
	switch {
	case e != errno.OK && e != errno.NotFound:
	case e == errno.NotFound || s.Ino != ip.ino:
		again = true
	case ip.d.Size > 0:
		e = errno.NotEmpty
	default:
		now := f.clock.WallNs()
		if e = f.unname(t, dir, now); e == errno.OK {
			e = f.drop(t, ip, now)
		}
	}
	f.leave(t)
	return again, e
}

// dirs are directories whose names are locked at once, in order of address: that of their numbers in FS.inodes.
type dirs struct {
	all [3]int32
	n   int
}

// add adds one, unless it is there.
func (s *dirs) add(ip *Inode) {
	i := s.n
	for i > 0 && s.all[i-1] > ip.index {
		i--
	}
	if i > 0 && s.all[i-1] == ip.index {
		return
	}
	copy(s.all[i+1:], s.all[i:s.n])
	s.all[i] = ip.index
	s.n++
}

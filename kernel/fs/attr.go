package fs

import (
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// Stat is what there is to know about an inode.
type Stat struct {
	Ino, Generation            uint32
	Mode                       uint16 // type and permission
	Links                      uint32
	UID, GID                   uint32
	Size                       uint64 // bytes; of a directory: names
	Blocks                     uint64 // of 4 KiB, on the disk
	Atime, Mtime, Ctime, Btime int64  // ns since 1970
}

// Stat says what there is to know.
func (f *FS) Stat(t *Task, ip *Inode, s *Stat) {
	ip.lock.Lock(t.C)
	d := &ip.d
	*s = Stat{ip.ino, d.Generation, d.Mode, d.Links, d.UID, d.GID, d.Size, uint64(d.Blocks), d.Atime, d.Mtime, d.Ctime, d.Btime}
	ip.lock.Unlock(t.C)
}

// Set says which attributes SetAttr changes.
type Set uint8

// The attributes.
const (
	SetMode  Set = 1 << iota // permission
	SetOwner                 // UID and GID
	SetTimes                 // Atime and Mtime
)

// SetAttr changes attributes to those of s. The errors: ReadOnly, Stopped, Stale, IO.
func (f *FS) SetAttr(t *Task, ip *Inode, what Set, s *Stat) errno.Errno {
	if !f.write {
		return errno.ReadOnly
	}
	if e := f.journal.Begin(t.base(), 1, 0); e != errno.OK {
		return e
	}
	ip.lock.Lock(t.C)
	d := &ip.d
	e := errno.Stale
	if d.Mode != 0 {
		if what&SetMode != 0 {
			d.Mode = d.Type() | s.Mode&disk.ModeBits
		}
		if what&SetOwner != 0 {
			d.UID, d.GID = s.UID, s.GID
		}
		if what&SetTimes != 0 {
			d.Atime, d.Mtime = s.Atime, s.Mtime
		}
		d.Ctime = f.clock.WallNs()
		e = f.update(t, ip)
	}
	ip.lock.Unlock(t.C)
	f.journal.End(t.base())
	return e
}

// Sync returns when all that was done to an inode lasts; SyncAll, when all that was done at all. The errors: IO, Stopped.
func (f *FS) Sync(t *Task, ip *Inode) errno.Errno {
	if !f.write {
		return errno.OK
	}
	return f.journal.Commit(t.base(), ip.seq.Load())
}

func (f *FS) SyncAll(t *Task) errno.Errno {
	if !f.write {
		return errno.OK
	}
	return f.journal.Commit(t.base(), f.journal.Running())
}

// Space is how much there is of everything.
type Space struct {
	Blocks, FreeBlocks uint64 // of 4 KiB, for data and nodes
	Inodes, FreeInodes uint64
	MaxName            uint32
	ID                 [2]uint64 // of this file system
}

// Space says how much there is.
func (f *FS) Space() Space {
	s := &f.shape
	return Space{
		Blocks:     s.Blocks - s.Base - uint64(s.Groups)*uint64(s.FirstData()),
		FreeBlocks: uint64(f.freeBlocks.Load()),
		Inodes:     uint64(s.Groups) * uint64(s.PerGroup),
		FreeInodes: uint64(f.freeInodes.Load()),
		MaxName:    disk.MaxName,
		ID:         s.Key,
	}
}

// Entry is a name in a directory.
type Entry struct {
	Ino  uint32
	Type uint8  // upper four bits of Mode
	Len  uint8  // of Name
	Next uint64 // where ReadDir goes on after this one
	Name [disk.MaxName]byte
}

// ReadDir copies names from a directory, from position from on (0: from the beginning), and says how many; 0: there are no
// more. The order is that of hashes. Names that are there all the while come once, whatever comes and goes between calls. The
// errors: NotDirectory, IO, Corrupt.
func (f *FS) ReadDir(t *Task, dir *Inode, from uint64, into []Entry) (n int, e errno.Errno) {
	if dir.Type() != disk.TypeDir {
		return 0, errno.NotDirectory
	}
	dir.names.Lock(t.C)
	defer dir.names.Unlock(t.C)
	for n < len(into) {
		next, e := f.way(t, dir, from)
		if e != errno.OK {
			return 0, e
		}
		if t.depth == 0 {
			break
		}
		p := t.nodes[t.depth-1].Page
		for i := t.where[t.depth-1]; i < disk.Count(p) && n < len(into); i++ {
			s := disk.GetSlot(p, i)
			o := &into[n]
			o.Ino, o.Type, o.Next = s.Ino, s.Type, s.Hash+1
			o.Len = uint8(copy(o.Name[:], disk.SlotName(p, s)))
			n++
		}
		f.leave(t)
		if next <= from { // the last leaf; or a disk that is corrupt
			break
		}
		from = next
	}
	return n, errno.OK
}

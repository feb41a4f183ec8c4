package fs

import (
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/table"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Inode is a file, a directory or a symbolic link in use.
type Inode struct {
	// names is held by who looks at or changes a directory's names, its nodes, and d.Root and d.Depth.
	names sync.Sleeplock

	// lock is held by who looks at or changes d, and a file's contents. d.Root, d.Depth, d.Size and d.Links of a directory change
	// under both, so one suffices for looking.
	lock  sync.Sleeplock
	d     disk.Inode
	next  uint32 // the block after the last one that was read
	ahead uint32 // up to here was asked for ahead

	ino   uint32
	index int32
	seq   atom.Uint64 // the last transaction that changed it
	going bool        // who has the last use is freeing it; under lock
	life  atom.Uint64 // alive and d.Generation, or 0 if it has no name: for who has no lock. Written under lock (settle)
}

// Flags of an inode's slot.
const (
	loaded = table.Flag << iota // d is what the disk says, or later
	doomed                      // it has lost its last name: who puts it last frees it. Set and cleared under lock
)

const alive = 1 << 32

// settle brings life up to date, by who has the lock. It is called before that is released wherever d.Mode, d.Links or d.Generation
// have changed, but for an inode that is being made.
func (ip *Inode) settle() {
	w := uint64(0)
	if ip.d.Mode != 0 && ip.d.Links != 0 {
		w = alive | uint64(ip.d.Generation)
	}
	ip.life.StoreRelease(w) // order: after d; pairs with Get's load: who finds it alive sees its type
}

func (ip *Inode) init(i int) {
	ip.names.Init(sync.ClassDirectory)
	ip.lock.Init(sync.ClassInode)
	ip.index, ip.ino = int32(i), 0
}

// Number is the inode's number; Generation tells its lives apart; Type is its type (disk.TypeFile, …). They stay.
func (ip *Inode) Number() uint32     { return ip.ino }
func (ip *Inode) Generation() uint32 { return ip.d.Generation }
func (ip *Inode) Type() uint16       { return ip.d.Type() }

// Root returns the root directory, in use.
func (f *FS) Root(t *Task) (*Inode, errno.Errno) { return f.Get(t, disk.Root, 0) }

// Get returns inode ino, in use, if it is alive and of that generation; 0 is any. The errors: Stale, NoSlots, IO, Corrupt.
func (f *FS) Get(t *Task, ino, generation uint32) (*Inode, errno.Errno) {
	if !f.shape.HasInode(ino) {
		return nil, errno.Stale
	}
	ip, e := f.hold(t, ino)
	if e != errno.OK {
		return nil, e
	}
	if w := ip.life.Load(); w == 0 || generation != 0 && uint32(w) != generation {
		f.Put(t, ip)
		return nil, errno.Stale
	}
	return ip, errno.OK
}

// hold returns the slot of an inode, in use and loaded.
func (f *FS) hold(t *Task, ino uint32) (*Inode, errno.Errno) {
	i := f.table.Claim(t.C, uint64(ino))
	if i < 0 {
		return nil, errno.NoSlots
	}
	ip := &f.inodes[i]
	if f.table.State(i).Load()&loaded != 0 { // order: pairs with Set below: d is there
		return ip, errno.OK
	}
	ip.lock.Lock(t.C)
	e := errno.OK
	if f.table.State(i).Load()&loaded == 0 {
		if e = f.load(t, ip, ino); e == errno.OK {
			flags := uint64(loaded)
			if ip.d.Mode != 0 && ip.d.Links == 0 && f.write {
				flags |= doomed
			}
			ip.settle()
			f.table.Set(i, flags)
		}
	}
	ip.lock.Unlock(t.C)
	if e != errno.OK {
		f.table.Drop(i)
		return nil, e
	}
	return ip, errno.OK
}

// load reads an inode. One that is not in use has Mode 0.
func (f *FS) load(t *Task, ip *Inode, ino uint32) errno.Errno {
	ip.ino, ip.next, ip.ahead, ip.going = ino, 0, 0, false
	ip.seq.Store(f.journal.Running()) // in another slot it may have been changed in this transaction, or before
	ip.life.Store(0)
	ip.d = disk.Inode{}
	g, k := f.shape.InodeGroup(ino)
	if g >= f.inUse.Load() {
		return errno.OK
	}
	b, e := f.lockGroup(t, g)
	if e != errno.OK {
		return e
	}
	used := disk.InodeBit(b.Page, k) && k/disk.PerBlock < disk.High(b.Page)
	f.unlock(t, b)
	if !used {
		return errno.OK
	}
	n, i := f.shape.InodeAt(ino)
	if b, e = f.cache.Read(&t.Task.Task, n, disk.Inodes); e != errno.OK {
		return e
	}
	b.Lock.Lock(t.C)
	disk.GetInode(b.Page, i, &ip.d)
	f.unlock(t, b)
	switch {
	case ip.d.Mode == 0: // somebody is making it: it was taken, and is written at the end
		ip.d = disk.Inode{}
	case !f.shape.CheckInode(&ip.d):
		return errno.Corrupt
	}
	return errno.OK
}

// unlock releases a buffer's lock and ends its use.
//
//exo:inline
func (f *FS) unlock(t *Task, b *cache.Buffer) {
	b.Lock.Unlock(t.C)
	f.cache.Drop(b)
}

// update writes an inode, whose lock the caller has, to its block, in the caller's operation.
func (f *FS) update(t *Task, ip *Inode) errno.Errno {
	n, i := f.shape.InodeAt(ip.ino)
	b, e := f.cache.Read(&t.Task.Task, n, disk.Inodes)
	if e != errno.OK {
		return f.stop(e)
	}
	b.Lock.Lock(t.C)
	f.journal.JoinLocked(t.base(), b)
	disk.PutInode(b.Page, i, &ip.d)
	f.unlock(t, b)
	ip.seq.Store(t.Seq)
	ip.settle()
	return errno.OK
}

// Use adds a use of an inode that the caller has in use.
func (f *FS) Use(ip *Inode) { f.table.Use(int(ip.index)) }

// child returns the inode that a name leads to, in use. The caller has the lock of the directory's names, so the inode is alive
// unless the disk is corrupt.
func (f *FS) child(t *Task, ino uint32) (*Inode, errno.Errno) {
	if !f.shape.HasInode(ino) {
		return nil, errno.Corrupt
	}
	ip, e := f.hold(t, ino)
	if e != errno.OK {
		return nil, e
	}
	if ip.life.Load() == 0 {
		f.table.Drop(int(ip.index))
		return nil, errno.Corrupt
	}
	return ip, errno.OK
}

// Put ends a use. The last one of an inode without a name, and of no Open, frees what it had. The caller holds no lock.
func (f *FS) Put(t *Task, ip *Inode) {
	i := int(ip.index)
	for !f.table.DropUnless(i, doomed) { // who takes the last name finds this use, or has set the flag
		ip.lock.Lock(t.C)
		alone := f.table.Users(i) == 1                            // before keep: then who has used it since the name went is counted there, if he wants to be
		kept := ip.d.Mode == 0 || f.opens.keep(t.C, ip.OpenKey()) // with no mode somebody has freed it
		if kept {
			f.table.Drop(i)
		}
		ip.going = !kept && alone
		ip.lock.Unlock(t.C)
		if kept {
			return
		}
		if !alone {
			continue
		}
		if !f.reap(t, ip) { // nobody gets it any more but for a moment, so it is the caller's
			f.table.Drop(i)
			return
		}
	}
}

// Package fs is a small journalled file system: names, files, links and symbolic links on a block device, that are whole
// after a loss of power.
//
//	      operations (create.go, unlink.go, rename.go, read.go, write.go, attr.go)
//	names.go              extents.go, cut.go            inodes.go
//	     └──────── alloc.go, busy.go, ialloc.go ─────────┘
//	kernel/fs/journal     which changes happen together
//	kernel/fs/cache       blocks in memory
//	kernel/fs/disk        what blocks say
//	kernel/fs/block       the device
//
// Inodes are what callers hold: Get and Lookup give one in use, Put ends that. Who wants one to stay, but not to use it, is counted
// in Opens. Walking paths is the library OS's business.
//
//	                   Lookup  Create Link Unlink Rename  Read  Write Truncate  Get Put  Sync      -: may run together
//	all                  -          -                      -        -              -       -
//
// G1. An operation happens at one moment, as far as others see: names of one directory under its lock, one inode's attributes
// and contents under its. A read or write of much happens in pieces of up to 128 KiB.
// G2. After a crash every operation on names, and every piece of a write that makes a file longer or fills a hole, has
// happened or has not; those that have not come after those that have. Bytes that were overwritten in place may be old or
// new, by sector, until a Sync.
// G3. SyncAll returns when all that was done before lasts; Sync when all that was done to the inode does, and what came
// before that.
// G4. A file never shows what another had in its blocks.
// G5. What is refused has changed nothing; a write that runs out of space has written the part that it says.
// G6. Whatever the disk says, no operation panics, hangs, or touches memory that is not its own: it says errno.Corrupt.
//
// Lock order: rename < log < directory < inode < super < buffer (kernel/sync/classes.go); directories by address. One inode is
// locked at a time.
// Progress: blocking. Callers: tasks that hold no lock, each with a Task. Memory: what Mount was given.
// Not promised: times of last access; that a directory's nodes that are half empty are joined.
package fs

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/journal"
	"exo/kernel/fs/table"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Clock says what time it is.
type Clock interface {
	// WallNs is the nanoseconds since 1970.
	WallNs() int64
}

// Memory is what a mount is made of. All of it is the mount's until Unmount has returned.
type Memory struct {
	Cache   cache.Memory
	Journal journal.Memory
	Inodes  []Inode
	Nodes   []table.Node  // as many
	Heads   []atom.Uint32 // a power of two, best twice as many
	Groups  []GroupInfo   // as many as the disk has groups: one for each 96 MiB
	Busy    []Busy        // 16 are plenty
	Label   *block.Page   // a page of no other use
	Opens   *Opens        // who keeps inodes without using them; nil: nobody
}

// FS is a mounted file system.
type FS struct {
	cache   cache.Cache
	journal journal.Journal
	shape   disk.Shape
	clock   Clock
	write   bool

	inodes []Inode
	table  table.Table
	opens  *Opens
	groups []GroupInfo
	busy   busyPool

	rename sync.Sleeplock // ClassRename: a directory's parent changes under it
	super  sync.Sleeplock // ClassSuper: of state
	state  disk.State
	inUse  atom.Uint32 // state.Groups, for who only looks

	freeBlocks, freeInodes atom.Int64
	lastFree               atom.Uint64 // the last transaction in which blocks were freed
}

// Task is what a task needs for calling operations: one at a time. Init it before use.
type Task struct {
	journal.Task
	Scratch *block.Page // a page of no other use

	nodes [disk.MaxNameDepth + 2]*cache.Buffer // the way through a tree, all in use
	where [disk.MaxNameDepth + 2]int           // the entry taken in each
	depth int
	inode disk.Inode
	bytes Bytes
}

// Init makes a task ready, for the context that it will run in and a page of its own.
func (t *Task) Init(c *sync.Context, scratch *block.Page) {
	t.Task.Init(c)
	t.Scratch = scratch
}

// Mount makes f the file system on d. If it was not unmounted, the log is recovered first. With write false nothing is
// written: then a log that is not empty is errno.Dirty. The other errors: IO, NotExo, Version, Corrupt, GroupsMany, TooFew.
func (f *FS) Mount(t *Task, d block.Device, m *Memory, clock Clock, write bool) errno.Errno {
	if len(m.Nodes) != len(m.Inodes) || len(m.Inodes) < 16 {
		return errno.TooFew
	}
	if write && d.Geometry().ReadOnly {
		return errno.ReadOnly
	}
	if e := t.ReadBlock(d, 0, m.Label); e != errno.OK {
		return e
	}
	shape, e := disk.ParseShape(m.Label)
	switch {
	case e != errno.OK:
		return e
	case shape.Blocks > d.Geometry().Blocks:
		return errno.Corrupt
	case uint64(shape.Groups) > uint64(len(m.Groups)):
		return errno.GroupsMany
	}
	f.shape, f.clock, f.write = shape, clock, write
	f.cache.Init(d, &f.shape, &m.Cache)
	if e := f.journal.Init(&f.cache, &f.shape, &m.Journal); e != errno.OK {
		return e
	}
	if _, e := f.journal.Recover(t.base(), write); e != errno.OK {
		return e
	}
	f.inodes, f.groups, f.opens = m.Inodes, m.Groups, m.Opens
	f.table.Init(m.Nodes, m.Heads)
	for i := range f.inodes {
		f.inodes[i].init(i)
	}
	f.busy.init(m.Busy)
	f.rename.Init(sync.ClassRename)
	f.super.Init(sync.ClassSuper)
	f.lastFree.Store(0)
	if e := f.loadState(t); e != errno.OK {
		return e
	}
	if !write {
		return errno.OK
	}
	if e := f.mark(t, false); e != errno.OK {
		return e
	}
	return f.reapAll(t)
}

func (t *Task) base() *journal.Task { return &t.Task }

// loadState reads the state and counts what is free.
func (f *FS) loadState(t *Task) errno.Errno {
	b, e := f.cache.Read(&t.Task.Task, 0, disk.Super)
	if e != errno.OK {
		return e
	}
	_, st, ok := disk.ParseSuper(b.Page)
	f.cache.Drop(b)
	if !ok {
		return errno.Corrupt
	}
	f.state = st
	f.inUse.Store(st.Groups)
	var blocks, inodes int64
	for g := range f.shape.Groups {
		free, nodes := f.shape.GroupLen(g)-f.shape.FirstData(), f.shape.PerGroup
		orphans := uint32(0)
		if g < st.Groups {
			if e := f.group(t, g, func(p *block.Page) {
				free, nodes = uint32(disk.FreeBlocks(p)), uint32(disk.FreeInodes(p))
				orphans = disk.Orphans(p)
			}); e != errno.OK {
				return e
			}
		}
		f.groups[g].init(free, nodes, orphans)
		blocks += int64(free)
		inodes += int64(nodes)
	}
	f.freeBlocks.Store(blocks)
	f.freeInodes.Store(inodes)
	return errno.OK
}

// group calls look with a group block.
func (f *FS) group(t *Task, g uint32, look func(p *block.Page)) errno.Errno {
	b, e := f.cache.Read(&t.Task.Task, f.shape.GroupAt(g), disk.Group)
	if e != errno.OK {
		return e
	}
	look(b.Page)
	f.cache.Drop(b)
	return errno.OK
}

// mark writes into the state whether the file system was unmounted.
func (f *FS) mark(t *Task, clean bool) errno.Errno {
	if e := f.journal.Begin(t.base(), 1, 0); e != errno.OK {
		return e
	}
	f.super.Lock(t.C)
	f.state.Clean = clean
	if !clean {
		f.state.Mounts++
	}
	e := f.putState(t)
	f.super.Unlock(t.C)
	f.journal.End(t.base())
	if e != errno.OK {
		return e
	}
	return f.journal.Commit(t.base(), t.Seq)
}

// putState writes the state, whose lock the caller has, in its operation.
func (f *FS) putState(t *Task) errno.Errno {
	b, e := f.cache.Read(&t.Task.Task, 0, disk.Super)
	if e != errno.OK {
		return e
	}
	b.Lock.Lock(t.C)
	f.journal.JoinLocked(t.base(), b)
	disk.SetState(b.Page, &f.state)
	b.Lock.Unlock(t.C)
	f.cache.Drop(b)
	return errno.OK
}

// Unmount writes everything and says so on the disk. Every inode has been put; nobody else uses f. If it fails, what was
// synced is in the log.
func (f *FS) Unmount(t *Task) errno.Errno {
	if !f.write {
		return errno.OK
	}
	if e := f.journal.Close(t.base()); e != errno.OK {
		return e
	}
	if e := f.mark(t, true); e != errno.OK {
		return e
	}
	return f.journal.Close(t.base())
}

// stop is for what must not happen halfway through an operation: what was changed so far is never committed.
func (f *FS) stop(e errno.Errno) errno.Errno {
	f.journal.Stop()
	return e
}

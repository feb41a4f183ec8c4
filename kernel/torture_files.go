//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/fs"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/load"
	"exo/kernel/ktest"
	"exo/kernel/sched"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/files: tasks make, write, cut, name, remove and sync files of the file system that the kernel has mounted, and know
// what should be in them (kernel/fs/load). On a disk they say after each sync what they were promised by it, for who cuts the
// power: internal/hostload reads these lines. What earlier boots have left is removed meanwhile.

const (
	tortureFilesName = "torture/files"
	tortureFilesMost = 700 // free blocks that all files take at most, and some more
)

var tortureFiles struct {
	t       *ktest.T
	lasting bool // they are on a disk
	seed    uint64
	root    *fs.Inode
	top     [load.TopLen]byte
	old     [load.TopLen]byte
	name    [8]byte
	names   [8]fs.Entry
	sweeper load.Sweeper
	end     uint64 // ns
	ended   atom.Uint64
	syncs   atom.Uint64
	workers [load.Workers]struct {
		load.Worker
		dirs load.Dirs
		done atom.Uint32 // operations, for the others
	}
}

func testTortureFiles(t *ktest.T, _ int) {
	if files.mounted.Load() == 0 {
		t.Skip("there are no files")
		return
	}
	tortureFiles.t = t
	inTask(t, func(uint64) uint64 {
		if prepareTortureFiles() {
			runTortureFiles()
		}
		return 0
	})
}

// filesAre says whether an operation ended as it should.
func filesAre(e, want errno.Errno, what string) bool {
	return tortureFiles.t.Equal(0, uint64(e), uint64(want), what)
}

// prepareTortureFiles makes the directories, for good.
func prepareTortureFiles() bool {
	g, f := &tortureFiles, &files.fs
	if f.Space().FreeBlocks < tortureFilesMost {
		g.t.Skip("there is no room for it")
		return false
	}
	// No two boots that find one disk have the same, unless time is simulated.
	g.seed, g.lasting = g.t.Seed, files.device != &files.ram
	t := enterFiles()
	defer t.leave()
	var e errno.Errno
	if g.root, e = f.Root(&t.task); !filesAre(e, errno.OK, "there is a root") {
		return false
	}
	top, e := f.Mkdir(&t.task, g.root, load.Top(g.seed, &g.top), fs.Attr{Mode: 0o755})
	if !filesAre(e, errno.OK, "a directory is made") {
		return false
	}
	for i := range g.workers {
		w := &g.workers[i]
		w.Init(g.seed, i)
		w.done.Store(0)
		w.dirs.Top = top
		w.dirs.Own, e = f.Mkdir(&t.task, top, load.Own(i, &g.name), fs.Attr{Mode: 0o755})
		if !filesAre(e, errno.OK, "one in it is made") {
			return false
		}
	}
	if filesAre(f.SyncAll(&t.task), errno.OK, "all is synced") {
		promised("begins", g.seed)
	}
	return true
}

// promised says something of a seed, if there is a disk.
func promised(what string, seed uint64) {
	if tortureFiles.lasting {
		var l text.Line
		put(l.Str("# ").Str(tortureFilesName).Str(": ").Str(what).Byte(' ').HexDigits(seed, 16))
	}
}

func runTortureFiles() {
	g := &tortureFiles
	torture.name, torture.start = tortureFilesName, amd64.NowNs()
	torture.next, torture.end = torture.start+wordEvery, torture.start+tortureNs()
	g.end = torture.end
	g.ended.Store(0)
	g.syncs.Store(0)
	for i := range uint64(load.Workers) {
		if _, err := spawn(&sched.Start{Name: "files", Detached: true}, tortureFilesWork, i); !g.t.Check(0, err == nil, "a task can be made") {
			g.t.Check(0, false, "the test ends without its other tasks")
			return
		}
	}
	removeOldFiles()
	for g.ended.Load() < load.Workers {
		going(g.t, 0)
		sleepUntil(amd64.NowNs() + ms)
	}
	t := enterFiles()
	there := 0
	for i := range g.workers {
		w := &g.workers[i]
		there += w.ReadAll(&files.fs, &t.task, &w.dirs)
		g.t.Check(0, w.Wrong == "", w.Wrong)
		files.fs.Put(&t.task, w.dirs.Own)
	}
	files.fs.Put(&t.task, g.workers[0].dirs.Top)
	promised("drops", g.seed)
	filesAre(g.sweeper.Remove(&files.fs, &t.task, g.root, g.top[:]), errno.OK, "all of it is removed")
	files.fs.Put(&t.task, g.root)
	t.leave()
	wroteFiles()
	var l text.Line
	putCounts(l.Str("# ").Str(tortureFilesName).Byte(':'), counted{"ops", g.t.Ops()}, counted{"syncs", g.syncs.Load()}, counted{"files", uint64(there)}, counted{"removed", g.sweeper.Removed})
}

// removeOldFiles removes the directories of seeds of earlier boots.
func removeOldFiles() {
	g, f := &tortureFiles, &files.fs
	for from := uint64(0); ; {
		t := enterFiles()
		n, e := f.ReadDir(&t.task, g.root, from, g.names[:])
		t.leave()
		if !filesAre(e, errno.OK, "the root is read") || n == 0 {
			return
		}
		for i := range n {
			x := &g.names[i]
			from = x.Next
			if seed, ok := load.IsTop(x.Name[:x.Len]); ok && seed != g.seed {
				promised("drops", seed)
				t := enterFiles()
				filesAre(g.sweeper.Remove(f, &t.task, g.root, load.Top(seed, &g.old)), errno.OK, "what an earlier boot left is removed")
				t.leave()
				wroteFiles()
			}
		}
	}
}

// tortureFilesWork is a worker. One operation is under way at least, however slow the machine is.
func tortureFilesWork(i uint64) uint64 {
	g := &tortureFiles
	w := &g.workers[i]
	for {
		op := w.Next()
		lasts, syncs := w.Syncs(op)
		var least [load.Workers]uint32
		if op.Kind == load.SyncAll {
			for k := range least {
				least[k] = g.workers[k].done.Load() // order: pairs with the store below: these are done
			}
		}
		least[i] = lasts
		t := enterFiles()
		e := w.Do(&files.fs, &t.task, &w.dirs, op)
		t.leave()
		wroteFiles()
		w.Apply(op)
		w.done.Store(w.Done)
		g.t.Count(1)
		if syncs && e == errno.OK {
			g.syncs.Add(1)
			saySynced(i, w.Done, &least)
		}
		if !g.t.Check(0, w.Wrong == "", w.Wrong) || amd64.NowNs() >= g.end {
			break
		}
	}
	g.ended.Add(1)
	return 0
}

func saySynced(i uint64, done uint32, least *[load.Workers]uint32) {
	if !tortureFiles.lasting {
		return
	}
	var l text.Line
	l.Str("# ").Str(tortureFilesName).Str(": synced ").Uint(i).Byte(' ').Uint(uint64(done))
	for _, n := range least {
		l.Byte(' ').Uint(uint64(n))
	}
	put(&l)
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/cap"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	layout "exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
	"exo/kernel/mm"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// Files: kernel/fs on this machine, on the first disk that has such a file system, or in memory. A task mounts it at boot, and
// then sees to it that what is written gets to the disk within a few seconds.
//
// Who uses it has one of a few fs.Tasks meanwhile. To unmount is to have all of them.

const (
	fileTaskCount = 8 // closeFiles holds all, and more: see sync.MaxHeld
	writeBackNs   = 2_000 * ms
	checkMost     = 16 // groups in use up to which a disk is checked that was not unmounted: 1.5 GiB
	saidMost      = 5  // findings of a check that are printed
	reservedPart  = 64 // of the frames that are free at boot
)

// files is the file system of ring 3.
var files struct {
	volume
	mounted atom.Uint32 // 1: there is one; changed by who has all tasks
	dirty   atom.Uint32 // 1: something was written
	task    atom.Uint64
	ready   atom.Uint32 // 1: there is one, or there will be none
	hurry   atom.Uint32 // 1: it does not wait before it writes
	rests   atom.Uint32 // 1: the task waits for something to be written
	tasks   [fileTaskCount]fileTask
	end     sync.Sleeplock // held by who writes at a file's end; in order, after the tasks'
	calls   atom.Int64     // that are under way
	told    atom.Uint64    // bit e: a line says that errno e has come up
	opens   fs.Opens       // capabilities for files
}

// fileTask is what a call has meanwhile.
type fileTask struct {
	lock  sync.Sleeplock
	task  fs.Task
	pages [3]*block.Page // scratch, and two for who calls
	user  userBytes
	req   block.Request // for blocks that are no file system's
}

// enterFiles waits for a fs.Task that nobody has, for the caller's context.
func enterFiles() *fileTask {
	c := this()
	g := &files
	for i := range g.tasks {
		if t := &g.tasks[i]; t.lock.TryLock(c) {
			return t.ready(c)
		}
	}
	t := &g.tasks[amd64.NowNs()/1024%fileTaskCount]
	t.lock.Lock(c)
	return t.ready(c)
}

func (t *fileTask) ready(c *sync.Context) *fileTask {
	t.task.Init(c, t.pages[0])
	return t
}

func (t *fileTask) leave() { t.lock.Unlock(t.task.C) }

// wrote has the task write back what was changed, in a while.
func wroteFiles() {
	if files.dirty.Load() == 0 && files.dirty.Swap(1) == 0 {
		callTask(&files.task)
	}
}

// startFiles starts the task, and returns when it has mounted what there is.
func startFiles() {
	ownTask("files", sched.DefaultWeight, fileKeeper)
	for spins := 200; files.ready.Load() == 0; spins++ {
		machine.Relax(spins)
	}
}

// fileKeeper is the task.
func fileKeeper(uint64) uint64 {
	g := &files
	g.task.Store(uint64(currentPart().id))
	for i := range g.tasks {
		g.tasks[i].lock.Init(sync.ClassFileTask)
	}
	g.end.Init(sync.ClassFileTask)
	if amd64.CPUFeatures.SSE42 {
		layout.Words = amd64.CRC32C
	}
	readWall()
	if openFiles() {
		g.mounted.Store(1)
	}
	g.rests.Store(1)
	g.ready.Store(1)
	for {
		freeFiles()
		if g.dirty.Load() == 0 {
			park()
			continue
		}
		g.rests.Store(0)
		for until := amd64.NowNs() + writeBackNs; amd64.NowNs() < until && g.hurry.Load() == 0; {
			parkUntil(until)
			freeFiles()
		}
		g.dirty.Store(0)
		t := enterFiles()
		if g.mounted.Load() != 0 {
			if e := g.fs.SyncAll(&t.task); e != errno.OK && e != errno.Stopped {
				fileTrouble("writing back: ", e)
			}
		}
		t.leave()
		if g.dirty.Load() == 0 {
			g.rests.Store(1)
		}
	}
}

// freeFiles frees what nobody has open any more, and has no name.
func freeFiles() {
	g := &files
	for {
		key, ok := g.opens.Take(this())
		if !ok {
			return
		}
		g.rests.Store(0)
		t := enterFiles()
		if g.mounted.Load() != 0 {
			if e := g.fs.Release(&t.task, key); e != errno.OK {
				fileTrouble("freeing a file: ", e) // the next mount will
			}
			g.dirty.Store(1)
		}
		t.leave()
	}
}

// fileTrouble says what went wrong.
func fileTrouble(doing string, e errno.Errno) {
	var l text.Line
	put(l.Str("files: ").Str(doing).Str(e.Error()))
}

// openFiles finds a disk and mounts it; false: there are no files.
func openFiles() bool {
	g := &files
	free := 0
	for i := range topology.Nodes() {
		free += int(frames.FreeCount(i))
	}
	for i := range g.tasks {
		for k := range g.tasks[i].pages {
			f, ok := kernelFrame(mm.Kernel)
			if !ok {
				say("files: none: out of memory")
				return false
			}
			// SAFETY: the frame is the task's, for good.
			g.tasks[i].pages[k] = (*block.Page)(f.Ptr())
		}
	}
	t := enterFiles()
	defer t.leave()
	for i := range ndisks {
		d := &disks[i]
		if hasFiles(t, d) {
			return g.openDisk(t, d, free)
		}
	}
	return g.openRAM(t, free)
}

// hasFiles says whether a file system is on a disk, or what is left of one.
func hasFiles(t *fileTask, d block.Device) bool {
	for n := range uint64(2) {
		if t.task.ReadBlock(d, n, t.pages[1]) == errno.OK {
			if _, e := layout.ParseShape(t.pages[1]); e != errno.NotExo {
				return true
			}
		}
	}
	return false
}

func (v *volume) openDisk(t *fileTask, d *disk, free int) bool {
	s := fileSizes{buffers: min(max(free/reservedPart, leastBuffers), mostBuffers)}
	s.inodes, s.frozen = s.buffers/2, min(max(s.buffers/8, 64), 1000)
	s.groups = int(min(d.Geometry().Blocks/layout.GroupBlocks+1, 4096))
	if !v.fits(&s, free) {
		return false
	}
	v.device = d
	var l text.Line
	l.Str("files: disk ").HexDigits(uint64(d.f.At.Bus()), 2).Byte(':').HexDigits(uint64(d.f.At.Device()), 2).Byte('.').Uint(uint64(d.f.At.Function()))
	if e := v.mount(t, !d.Geometry().ReadOnly); e != errno.OK {
		put(l.Str(" not mounted: ").Str(e.Error()))
		v.arena.free()
		return false
	}
	if d.Geometry().ReadOnly {
		l.Str(", read-only")
	}
	v.spare = v.beyond(t)
	v.describe(&l)
	return true
}

// openRAM makes a file system in memory.
func (v *volume) openRAM(t *fileTask, free int) bool {
	s := fileSizes{buffers: leastBuffers, inodes: 256, groups: 1, frozen: 64}
	s.disk = min(max(free/reservedPart, leastRAM), mostRAM)
	if !v.fits(&s, free) {
		return false
	}
	v.device = &v.ram
	e := v.format(t, 0)
	if e == errno.OK {
		e = v.mount(t, true)
	}
	if e != errno.OK {
		fileTrouble("none: ", e)
		v.arena.free()
		return false
	}
	var l text.Line
	v.describe(l.Str("files: in memory"))
	return true
}

// fits takes the memory for a mount, if that is a small part of what there is.
func (v *volume) fits(s *fileSizes, free int) bool {
	if s.frames() > free/4 || !v.reserve(s) {
		var l text.Line
		put(l.Str("files: none: they would take ").Int(s.frames() >> 8).Str(" of ").Int(free >> 8).Str(" MiB"))
		return false
	}
	return true
}

// beyond is what the device has beyond the file system, as an extent.
func (v *volume) beyond(t *fileTask) cap.Object {
	if t.task.ReadBlock(v.device, 0, t.pages[1]) != errno.OK {
		return cap.Object{}
	}
	s, e := layout.ParseShape(t.pages[1])
	if e != errno.OK {
		return cap.Object{}
	}
	return cap.Object{First: s.Blocks, Second: v.device.Geometry().Blocks - s.Blocks}
}

func (v *volume) describe(l *text.Line) {
	s := v.fs.Space()
	if v.spare.Second > 0 {
		l.Str(", ").Uint(v.spare.Second).Str(" blocks beside it")
	}
	put(l.Str(", ").Uint(s.FreeBlocks >> 8).Str(" of ").Uint(s.Blocks >> 8).Str(" MiB free, ").Int(len(v.memory.Cache.Buffers) >> 8).Str(" MiB of buffers"))
}

// format makes the disk an empty file system, of so many blocks; 0: of all.
func (v *volume) format(t *fileTask, blocks uint64) errno.Errno {
	now := uint64(wall.WallNs())
	v.label = fs.Options{Blocks: blocks, Key: [2]uint64{scramble(amd64.TSC()), scramble(now)}, Label: "memory", NowNs: int64(now)}
	_, e := fs.Format(&t.task, v.device, &v.label, t.pages[1])
	return e
}

// mount recovers, checks and mends as needed, and mounts.
func (v *volume) mount(t *fileTask, write bool) errno.Errno {
	if write {
		e := v.fs.Mount(&t.task, v.device, &v.memory, &wall, false) // that changes nothing: what the state says may be in the log
		if e == errno.OK {
			e = t.task.ReadBlock(v.device, 0, t.pages[1])
		}
		_, st, ok := layout.ParseSuper(t.pages[1])
		switch {
		case e == errno.Dirty, e == errno.OK && !(ok && st.Clean):
			e = v.recover(t)
		case e == errno.NotExo: // there is a copy
			e = v.repair(t)
		}
		if e != errno.OK && e != errno.Corrupt {
			return e
		}
	}
	e := v.fs.Mount(&t.task, v.device, &v.memory, &wall, write)
	if e == errno.Corrupt && write {
		if e = v.repair(t); e == errno.OK {
			e = v.fs.Mount(&t.task, v.device, &v.memory, &wall, write)
		}
	}
	return e
}

// recover sees to a disk that was not unmounted: it empties the log, and looks whether all of it agrees.
func (v *volume) recover(t *fileTask) errno.Errno {
	e := v.fs.Mount(&t.task, v.device, &v.memory, &wall, true)
	if e == errno.OK {
		e = v.fs.Unmount(&t.task)
	}
	if e == errno.Corrupt {
		return v.repair(t)
	}
	if e != errno.OK {
		return e
	}
	if e = t.task.ReadBlock(v.device, 0, t.pages[1]); e != errno.OK {
		return e
	}
	if _, st, ok := layout.ParseSuper(t.pages[1]); !ok || st.Groups > checkMost {
		say("files: the disk was not unmounted; recovered, not checked")
		return errno.OK
	}
	v.said = 0
	found, e := fsck.Check(&t.task, v.device, &v.check, v)
	if e != errno.OK && e != errno.Corrupt {
		return e
	}
	if found > 0 || e == errno.Corrupt {
		return v.repair(t)
	}
	say("files: the disk was not unmounted; recovered, checked")
	return errno.OK
}

func (v *volume) repair(t *fileTask) errno.Errno {
	v.said = saidMost
	left, e := fsck.Repair(&t.task, v.device, &v.check, v)
	if e == errno.OK && left > 0 {
		e = errno.Corrupt
	}
	if e == errno.OK {
		say("files: the disk was mended")
	}
	return e
}

// Found and Progress are for fsck.
func (v *volume) Found(f fsck.Finding) {
	if v.said++; v.said > saidMost {
		return
	}
	var l text.Line
	l.Str("files: ").Str(f.What)
	if f.Ino != 0 {
		l.Str(", inode ").Uint(uint64(f.Ino))
	}
	if f.Block != 0 {
		l.Str(", block ").Uint(f.Block)
	}
	put(&l)
}

func (*volume) Progress(_, _ uint64) {}

// closeFiles unmounts, when nobody is in a call any more; the next ones find no files.
func closeFiles() errno.Errno {
	g := &files
	c := this()
	for i := range g.tasks {
		g.tasks[i].lock.Lock(c)
	}
	e := errno.OK
	if g.mounted.Load() != 0 {
		g.mounted.Store(0)
		e = g.fs.Unmount(&g.tasks[0].ready(c).task)
		if e != errno.OK {
			fileTrouble("unmounting: ", e)
		}
	}
	for i := range g.tasks {
		g.tasks[i].lock.Unlock(c)
	}
	return e
}

// endFiles is closeFiles at the end of all, by the boot stack.
func endFiles() {
	if files.mounted.Load() == 0 {
		return
	}
	done.Store(0)
	if _, err := spawn(&sched.Start{Name: "unmount", Detached: true}, func(uint64) uint64 {
		closeFiles()
		done.Store(1)
		return 0
	}, 0); err != nil {
		return
	}
	for spins := 200; done.Load() == 0; spins++ {
		machine.Relax(spins)
	}
}

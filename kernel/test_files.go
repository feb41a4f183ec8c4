//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	layout "exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Tests of the file system in the kernel: one of their own, in memory that is given back.

const (
	fileWorkers = 4
	fileNames   = 12  // each worker's files
	fileCells   = 64  // of a file, the unit in which the tests write
	cellBytes   = 500 // so that they lie across blocks
	cellsAtOnce = block.Size / cellBytes
	fileDisk    = 1024
)

// fileTest is what the tests share.
var fileTest struct {
	volume
	disk    failingDisk
	on      block.Device // where the test is made; nil: in memory
	t       *ktest.T
	ended   atom.Uint64
	mine    fileTask
	workers [fileWorkers]fileWorker
}

// fileWorker is a task with a directory of its own, and what should be in it.
type fileWorker struct {
	fileTask
	rand  ktest.Rand
	dir   *fs.Inode
	tag   uint32
	files [fileNames]modelFile
	names [16]fs.Entry
	a, b  [4]byte // a name is not to be on the stack
}

// modelFile is what a file should be.
type modelFile struct {
	there bool
	size  uint64
	cells [fileCells]uint32 // which write each cell holds; 0: zeros
}

// failingDisk fails writes when told to.
type failingDisk struct {
	ramDisk
	fails atom.Uint32
}

func (d *failingDisk) Submit(c *sync.Context, r *block.Request) {
	if d.fails.Load() != 0 && r.Op != block.Read {
		r.Complete(errno.IO)
		return
	}
	d.ramDisk.Submit(c, r)
}

// inFiles runs a test's body in a task, with a file system that is mounted.
func inFiles(t *ktest.T, body func(uint64) uint64) {
	fileTest.t, bodyOfFileTest = t, body
	inTask(t, func(uint64) uint64 {
		g := &fileTest
		t := g.t
		var c census
		c.settle(t)
		before := framesKept()
		s := fileSizes{buffers: leastBuffers, inodes: 64, groups: 1, frozen: 64}
		if g.on == nil {
			s.disk = fileDisk
		}
		free := 0
		for i := range topology.Nodes() {
			free += int(frames.FreeCount(i))
		}
		if s.frames() > free/2 || !g.reserve(&s) {
			t.Skip("there is no memory for it")
			return 0
		}
		g.mine.get(&g.volume)
		for i := range g.workers {
			g.workers[i].get(&g.volume)
		}
		g.mine.ready(this())
		g.disk.pages, g.device = g.ram.pages, &g.disk
		g.disk.fails.Store(0)
		blocks := uint64(0)
		if g.on != nil {
			g.device, blocks = g.on, diskTest.bad
		}
		e := g.format(&g.mine, blocks)
		t.Equal(0, uint64(e), uint64(errno.OK), "a disk is formatted")
		if t.Equal(0, uint64(g.mount(&g.mine, true)), uint64(errno.OK), "and mounted") {
			bodyOfFileTest(0)
		}
		g.arena.free()
		c.same(t)
		t.Equal(0, uint64(framesKept()), uint64(before), "the kernel's frames")
		return 0
	})
}

// framesKept is what the kernel has, but for stacks, which stay with CPUs and slots, and its page tables.
func framesKept() int64 {
	return kernelFrames.Load() - int64(mappedStacks()*amd64.KernelStackSize/mm.FrameSize) - int64(kernelTables.Load())
}

var bodyOfFileTest func(uint64) uint64

// get gives a task of the test pages.
func (t *fileTask) get(v *volume) { copy(t.pages[:], v.arena.pageList(len(t.pages))) }

// testFilesModel: random operations by one task, then by four, each beside a model of its files; then the disk is checked,
// mounted again, and all is there.
func testFilesModel(t *ktest.T, _ int) {
	fileTest.on = nil
	inFiles(t, filesModel)
}

// testFilesOnDisk is the same on a disk that tests may write on. It is the last test there.
func testFilesOnDisk(t *ktest.T, _ int) {
	fileTest.on = diskTest.d
	inFiles(t, filesModel)
	fileTest.on = nil
}

func filesModel(uint64) uint64 {
	g := &fileTest
	t, me := g.t, &g.mine.task
	root, e := g.fs.Root(me)
	t.Equal(0, uint64(e), uint64(errno.OK), "there is a root")
	for i := range g.workers {
		w := &g.workers[i]
		w.rand = ktest.NewRand(t.Rand(0).Uint64())
		w.files = [fileNames]modelFile{}
		w.dir, e = g.fs.Mkdir(me, root, nameOfFile(i, &[4]byte{}), fs.Attr{Mode: 0o755})
		t.Equal(0, uint64(e), uint64(errno.OK), "a directory for each task")
	}
	for _, n := range [...]uint64{1, fileWorkers} {
		g.ended.Store(0)
		for i := range n {
			if _, err := spawn(&sched.Start{Name: "files", Detached: true}, fileWork, i); !t.Check(0, err == nil, "a task can be made") {
				return 0
			}
		}
		for g.ended.Load() < n {
			yield()
		}
	}
	for i := range g.workers {
		g.fs.Put(me, g.workers[i].dir)
	}
	g.fs.Put(me, root)
	g.remounts(t)
	root, e = g.fs.Root(me)
	t.Equal(0, uint64(e), uint64(errno.OK), "there is a root again")
	for i := range g.workers {
		w := &g.workers[i]
		w.fileTask.ready(this())
		w.dir, e = g.fs.Lookup(&w.task, root, nameOfFile(i, &[4]byte{}))
		if t.Equal(0, uint64(e), uint64(errno.OK), "a task's directory") {
			w.compare(t)
			g.fs.Put(me, w.dir)
		}
	}
	g.fs.Put(me, root)
	t.Equal(0, uint64(g.fs.Unmount(me)), uint64(errno.OK), "it is unmounted")
	return 0
}

// remounts unmounts, checks, and mounts again.
func (v *volume) remounts(t *ktest.T) {
	me := &fileTest.mine
	t.Equal(0, uint64(v.fs.InUse()), 0, "inodes that somebody still uses")
	t.Equal(0, uint64(v.fs.Unmount(&me.task)), uint64(errno.OK), "it is unmounted")
	v.said = 0
	found, e := fsck.Check(&me.task, v.device, &v.check, v)
	t.Equal(0, uint64(e), uint64(errno.OK), "it is checked")
	t.Equal(0, found, 0, "what is wrong with it")
	t.Equal(0, uint64(v.mount(me, true)), uint64(errno.OK), "it is mounted")
}

func nameOfFile(i int, b *[4]byte) []byte {
	b[0], b[1], b[2], b[3] = 'f', '0'+byte(i/10), '0'+byte(i%10), '~'
	return b[:]
}

func fileWork(i uint64) uint64 {
	g := &fileTest
	w := &g.workers[i]
	w.fileTask.ready(this())
	for range 400 {
		w.step(g.t)
		g.t.Count(1)
	}
	w.compare(g.t)
	g.ended.Add(1)
	return 0
}

// is says whether an operation ended as it should.
func (w *fileWorker) is(e, want errno.Errno, what string) bool {
	return fileTest.t.Equal(0, uint64(e), uint64(want), what)
}

// step does one thing to the files, and to the model.
func (w *fileWorker) step(t *ktest.T) {
	f := &fileTest.fs
	i, k := int(w.rand.N(fileNames)), int(w.rand.N(fileNames))
	name, other, m := nameOfFile(i, &w.a), nameOfFile(k, &w.b), &w.files[i]
	want := errno.NotFound
	if m.there {
		want = errno.OK
	}
	switch w.rand.N(8) {
	case 0:
		ip, e := f.Create(&w.task, w.dir, name, fs.Attr{Mode: 0o644})
		if m.there {
			w.is(e, errno.Exists, "a file that is there is made")
		} else if w.is(e, errno.OK, "a file is made") {
			f.Put(&w.task, ip)
			*m = modelFile{there: true}
		}
	case 1:
		if w.rand.N(3) == 0 {
			w.is(f.Unlink(&w.task, w.dir, name), want, "a file is removed")
			m.there = false
		}
	case 2:
		w.is(f.Rename(&w.task, w.dir, name, w.dir, other), want, "a file is renamed")
		if m.there && i != k {
			w.files[k] = *m
			m.there = false
		}
	case 3:
		if w.rand.N(8) == 0 {
			w.is(f.SyncAll(&w.task), errno.OK, "all is synced")
		}
	default:
		ip, e := f.Lookup(&w.task, w.dir, name)
		w.is(e, want, "a file is looked up")
		if e != errno.OK {
			return
		}
		switch at := w.rand.N(fileCells); w.rand.N(4) {
		case 0, 1:
			w.write(ip, m, at, min(1+w.rand.N(cellsAtOnce), fileCells-at))
		case 2:
			w.is(f.Truncate(&w.task, ip, at*cellBytes), errno.OK, "a file is cut, or grows")
			for c := at; c < fileCells; c++ {
				m.cells[c] = 0
			}
			m.size = at * cellBytes
		case 3:
			w.read(t, ip, m, at)
		}
		f.Put(&w.task, ip)
	}
}

func (w *fileWorker) write(ip *fs.Inode, m *modelFile, at, n uint64) {
	p := w.pages[1]
	for c := range n {
		w.tag++
		m.cells[at+c] = w.tag
		fillCell(p[c*cellBytes:][:cellBytes], w.tag)
	}
	got, e := fileTest.fs.Write(&w.task, ip, at*cellBytes, p[:n*cellBytes])
	w.is(e, errno.OK, "a file is written")
	fileTest.t.Equal(0, uint64(got), n*cellBytes, "bytes that were written")
	m.size = max(m.size, (at+n)*cellBytes)
}

func (w *fileWorker) read(t *ktest.T, ip *fs.Inode, m *modelFile, at uint64) {
	p := w.pages[2]
	n, e := fileTest.fs.Read(&w.task, ip, at*cellBytes, p[:cellsAtOnce*cellBytes])
	w.is(e, errno.OK, "a file is read")
	most := uint64(0)
	if m.size > at*cellBytes {
		most = min(m.size-at*cellBytes, cellsAtOnce*cellBytes)
	}
	if !t.Equal(0, uint64(n), most, "bytes that were read") {
		return
	}
	for c := uint64(0); c*cellBytes < most; c++ {
		t.Check(0, cellIs(p[c*cellBytes:][:cellBytes], m.cells[at+c]), "a file holds what was written")
	}
}

// compare looks at everything.
func (w *fileWorker) compare(t *ktest.T) {
	f := &fileTest.fs
	there := 0
	for i := range w.files {
		m := &w.files[i]
		var a [4]byte
		ip, e := f.Lookup(&w.task, w.dir, nameOfFile(i, &a))
		if !m.there {
			w.is(e, errno.NotFound, "a file that is not there")
			continue
		}
		there++
		if !w.is(e, errno.OK, "a file that is there") {
			continue
		}
		var st fs.Stat
		f.Stat(&w.task, ip, &st)
		t.Equal(0, st.Size, m.size, "its size")
		for at := uint64(0); at < fileCells; at += cellsAtOnce {
			w.read(t, ip, m, at)
		}
		f.Put(&w.task, ip)
	}
	n, e := f.ReadDir(&w.task, w.dir, 0, w.names[:])
	w.is(e, errno.OK, "a directory is read")
	t.Equal(0, uint64(n), uint64(there), "names in it")
}

func fillCell(b []byte, tag uint32) {
	for i := range b {
		b[i] = byte(tag) + byte(tag>>8)*7 + byte(i)
	}
}

func cellIs(b []byte, tag uint32) bool {
	for i, v := range b {
		if tag == 0 && v != 0 || tag != 0 && v != byte(tag)+byte(tag>>8)*7+byte(i) {
			return false
		}
	}
	return true
}

// testFilesStop: a disk that takes no writes any more stops the file system with an error; what was synced before is there when
// it is mounted again, though it was never unmounted, and nothing is wrong with it.
func testFilesStop(t *ktest.T, _ int) {
	inFiles(t, func(uint64) uint64 {
		g := &fileTest
		t, me, w := g.t, &g.mine.task, &g.workers[0]
		w.fileTask.ready(this())
		for round := range 4 {
			root, e := g.fs.Root(me)
			t.Equal(0, uint64(e), uint64(errno.OK), "there is a root")
			var a, b [4]byte
			ip, e := g.fs.Create(me, root, nameOfFile(round, &a), fs.Attr{Mode: 0o644})
			if !t.Equal(0, uint64(e), uint64(errno.OK), "a file is made") {
				return 0
			}
			m := modelFile{}
			w.write(ip, &m, 3, cellsAtOnce)
			t.Equal(0, uint64(g.fs.Sync(me, ip)), uint64(errno.OK), "it is synced")
			g.disk.fails.Store(1)
			_, e = g.fs.Create(me, root, nameOfFile(50, &b), fs.Attr{Mode: 0o644})
			t.Equal(0, uint64(e), uint64(errno.OK), "another is made, in memory")
			t.Equal(0, uint64(g.fs.SyncAll(me)), uint64(errno.IO), "a sync of what cannot be written")
			t.Equal(0, uint64(g.fs.SyncAll(me)), uint64(errno.Stopped), "and another one")
			_, e = g.fs.Write(me, ip, 0, w.pages[1][:1])
			t.Equal(0, uint64(e), uint64(errno.Stopped), "a write")
			w.read(t, ip, &m, 0)
			g.disk.fails.Store(0)
			t.Check(0, g.fs.Unmount(me) != errno.OK, "it is not unmounted")

			t.Equal(0, uint64(g.mount(&g.mine, true)), uint64(errno.OK), "it is mounted again")
			root, _ = g.fs.Root(me)
			_, e = g.fs.Lookup(me, root, b[:])
			t.Equal(0, uint64(e), uint64(errno.NotFound), "what was never synced")
			ip, e = g.fs.Lookup(me, root, a[:])
			if t.Equal(0, uint64(e), uint64(errno.OK), "what was") {
				w.read(t, ip, &m, 0)
				w.read(t, ip, &m, cellsAtOnce)
				g.fs.Put(me, ip)
			}
			g.fs.Put(me, root)
			g.remounts(t)
			t.Count(1)
		}
		t.Equal(0, uint64(g.fs.Unmount(me)), uint64(errno.OK), "it is unmounted")
		return 0
	})
}

const _ = uint(mm.FrameSize - cellsAtOnce*cellBytes)

// testFileChecksum: what is used for checksums, the CPU's instruction if it has that, beside one bit after the other.
func testFileChecksum(t *ktest.T, _ int) {
	b := userCopies[0][:]
	r := t.Rand(0)
	t.Equal(0, uint64(layout.Checksum(0, []byte("123456789"))), 0xe3069283, "the checksum of nine digits")
	for range 100 {
		for i := range b {
			b[i] = byte(r.N(256))
		}
		from := r.N(64)
		p := b[from : from+r.N(600)]
		seed := uint32(r.Uint64())
		c := ^seed
		for _, x := range p {
			c ^= uint32(x)
			for range 8 {
				c = c>>1 ^ -(c&1)&0x82f63b78
			}
		}
		t.Equal(0, uint64(layout.Checksum(seed, p)), uint64(^c), "a checksum")
		t.Count(1)
	}
	t.Check(0, (layout.Words != nil) == amd64.CPUFeatures.SSE42, "the instruction is used if the CPU has it")
}

//go:build exokernel

package main

import (
	"sync/atomic"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sched"
)

// Tests of disks write on them. So they are for disks that say in their first block that nothing on them is of use, and there
// are no such tests where there is no such disk.

// diskTests is run after tests.
var diskTests = [...]ktest.Test{
	{"disk/blocks: G1 G3 what tasks write is what they read, several requests of each in flight", 1, testDiskBlocks},
	{"disk/errors: what is beyond the end, too much, or not to be read, says so, and nothing else does", 1, testDiskErrors},
	{"disk/files: files on it are as a model of them, by one task and by four, and after a mount; nothing is wrong with it", 1, testFilesOnDisk},
}

const (
	scratchLabel = "Exo scratch disk"
	scratchBad   = 64 // where the label has the number of a block that cannot be read, 0: none

	diskWorkers = 4
	diskDepth   = 4   // requests of each in flight
	diskBlocks  = 256 // of each; the first is diskFirst
	diskFirst   = 64
	diskRun     = 8 // pages of a request at most, if the disk takes so many
)

// diskTest is what their tasks share.
var diskTest struct {
	d     *disk // nil: there is none to write on
	bad   uint64
	t     *ktest.T
	ended atomic.Uint64
	all   [diskWorkers]diskWorker
}

// diskWorker is a task that has some blocks for itself. Its pages are frames.
type diskWorker struct {
	rand    ktest.Rand
	open    [diskDepth]diskRequest
	version [diskBlocks]byte // what each block holds; 0: nobody knows
	busy    [diskBlocks]bool
}

type diskRequest struct {
	block.Request
	pages [diskRun]*block.Page
}

var testsAndDisks [len(tests) + len(diskTests) + len(brokenTests)]ktest.Test

// testsHere is the tests for this machine.
func testsHere() []ktest.Test {
	if ndisks == 0 {
		return tests[:]
	}
	done.Store(0)
	if _, err := spawn(&sched.Start{Name: "test", Detached: true}, findScratch, 0); err != nil {
		return tests[:]
	}
	for spins := 200; done.Load() == 0; spins++ {
		machine.Relax(spins)
	}
	for i := range ndisks { // tests that have the timer for themselves begin when no watcher needs it
		for spins := 200; disks[i].rests.Load() == 0; spins++ {
			machine.Relax(spins)
		}
	}
	n := copy(testsAndDisks[:], tests[:])
	if diskTest.d != nil {
		n += copy(testsAndDisks[n:], diskTests[:])
	}
	if brokenTest.d != nil {
		n += copy(testsAndDisks[n:], brokenTests[:])
	}
	return testsAndDisks[:n]
}

// findScratch looks for a disk to write on, and for one full of broken ones.
func findScratch(uint64) uint64 {
	g := &diskTest
	r := &g.all[0].open[0]
	if diskPages() {
		for i := range ndisks {
			d := &disks[i]
			if has := d.Geometry(); has.ReadOnly || has.Blocks < diskFirst+diskWorkers*diskBlocks || r.do(d, block.Read, 0, 1) != errno.OK {
				continue
			}
			p := r.pages[0]
			if g.d == nil && asString(p[:len(scratchLabel)]) == scratchLabel {
				g.d, g.bad = d, pageWords(p)[scratchBad/8]
			}
			if brokenTest.d == nil {
				d.hasBroken(p)
			}
		}
	}
	r.Pages = nil // as begin expects it
	if g.d == nil {
		freeDiskPages()
	}
	done.Store(1)
	return 0
}

// diskPages gives the workers their pages; false: there are too few.
func diskPages() bool {
	for w := range diskTest.all {
		for i := range diskTest.all[w].open {
			for n := range diskRun {
				f, ok := kernelFrame(mm.Kernel)
				if !ok {
					return false
				}
				// SAFETY: a frame is a page of the direct map, and nobody else's until it is freed.
				diskTest.all[w].open[i].pages[n] = (*block.Page)(f.Ptr())
			}
		}
	}
	return true
}

func freeDiskPages() {
	for w := range diskTest.all {
		for i := range diskTest.all[w].open {
			for n, p := range diskTest.all[w].open[i].pages {
				if p != nil {
					freeFrame(amd64.PhysAddr(uintptr(unsafe.Pointer(p)) - amd64.DirectMap))
				}
				diskTest.all[w].open[i].pages[n] = nil
			}
		}
	}
}

// start asks for n blocks; do also waits.
func (r *diskRequest) start(d *disk, op block.Op, at uint64, n int) {
	r.Op, r.Block, r.Pages = op, at, r.pages[:n]
	block.Start(d, this(), &r.Request)
}

func (r *diskRequest) do(d *disk, op block.Op, at uint64, n int) errno.Errno {
	r.start(d, op, at, n)
	return r.Wait(this())
}

// testDiskBlocks: each worker writes and reads its own blocks at random.
func testDiskBlocks(t *ktest.T, _ int) {
	g := &diskTest
	g.t = t
	g.ended.Store(0)
	before := g.d.interrupts.Load()
	for i := range uint64(diskWorkers) {
		g.all[i].rand = ktest.NewRand(t.Rand(0).Uint64())
		if _, err := spawn(&sched.Start{Name: "disk-worker", Detached: true}, diskWork, i); !t.Check(0, err == nil, "a task can be made") {
			return
		}
	}
	for spins := 200; g.ended.Load() < diskWorkers; spins++ {
		machine.Relax(spins)
	}
	if g.d.polled.Load() == 0 {
		t.Check(0, g.d.interrupts.Load() > before, "a disk that is not polled interrupts")
	}
}

func diskWork(i uint64) uint64 {
	w, t := &diskTest.all[i], diskTest.t
	for range 300 {
		r := &w.open[w.rand.N(diskDepth)]
		w.finish(t, i, r)
		w.begin(i, r)
	}
	for n := range w.open {
		w.finish(t, i, &w.open[n])
	}
	for at := range uint64(diskBlocks) { // all of it once more
		r := &w.open[0]
		r.start(diskTest.d, block.Read, diskAt(i, at), 1)
		w.finish(t, i, r)
	}
	diskTest.ended.Add(1)
	return 0
}

// diskAt is where a worker's block is: the workers' take turns on the disk, by runs.
func diskAt(worker, b uint64) uint64 {
	return diskFirst + (b/diskRun*diskWorkers+worker)*diskRun + b%diskRun
}

// begin starts something with blocks that no other request has.
func (w *diskWorker) begin(i uint64, r *diskRequest) {
	run := w.rand.N(diskBlocks/diskRun) * diskRun
	first := w.rand.N(diskRun)
	n := 1 + w.rand.N(min(diskRun-first, uint64(diskTest.d.Geometry().MaxPages)))
	op := block.Op(w.rand.N(8) & 1)
	if w.rand.N(16) == 0 || w.busy[run] {
		r.start(diskTest.d, block.Flush, 0, 0)
		return
	}
	w.busy[run] = true
	for k := range n {
		p := r.pages[k]
		if op == block.Write {
			w.version[run+first+k] = byte(1 + w.rand.N(255))
			fillPage(p, diskAt(i, run+first+k), w.version[run+first+k])
		} else {
			p[0]++
		}
	}
	r.start(diskTest.d, op, diskAt(i, run+first), int(n))
}

// finish waits for it, and looks at what was read.
func (w *diskWorker) finish(t *ktest.T, i uint64, r *diskRequest) {
	if r.Pages == nil && r.Op != block.Flush {
		return
	}
	t.Equal(0, uint64(r.Wait(this())), uint64(errno.OK), "a request is done")
	t.Count(1)
	if r.Op != block.Flush {
		at := r.Block - diskFirst
		b := at/(diskRun*diskWorkers)*diskRun + at%diskRun
		for k, p := range r.Pages {
			if v := w.version[b+uint64(k)]; r.Op == block.Read && v != 0 {
				t.Check(0, pageIs(p, r.Block+uint64(k), v), "a block holds what was written last")
			}
		}
		w.busy[b/diskRun*diskRun] = false
	}
	r.Pages, r.Op = nil, block.Read
}

// pageWords views a page as 64-bit words.
//
// SAFETY: a frame is aligned for them.
func pageWords(p *block.Page) *[block.Size / 8]uint64 {
	return (*[block.Size / 8]uint64)(unsafe.Pointer(p))
}

func fillPage(p *block.Page, at uint64, version byte) {
	for k := range pageWords(p) {
		pageWords(p)[k] = scramble(at<<20 | uint64(version)<<10 | uint64(k))
	}
}

func pageIs(p *block.Page, at uint64, version byte) bool {
	for k, v := range pageWords(p) {
		if v != scramble(at<<20|uint64(version)<<10|uint64(k)) {
			return false
		}
	}
	return true
}

// testDiskErrors: what cannot be done is refused, and the disk goes on.
func testDiskErrors(t *ktest.T, _ int) {
	inTask(t, func(uint64) uint64 {
		g := &diskTest
		t, d, r := taskTest.t, g.d, &g.all[0].open[0]
		end := d.Geometry().Blocks
		t.Equal(0, uint64(r.do(d, block.Read, end, 1)), uint64(errno.Range), "beyond the end")
		t.Equal(0, uint64(r.do(d, block.Read, end, 0)), uint64(errno.BadArgument), "nothing")
		t.Equal(0, uint64(r.do(d, block.Read, 1<<63, 1)), uint64(errno.Range), "far beyond the end")
		if d.Geometry().MaxPages > 1 {
			t.Equal(0, uint64(r.do(d, block.Read, end-1, 2)), uint64(errno.Range), "across the end")
		}
		t.Equal(0, uint64(r.do(d, block.Read, end-1, 1)), uint64(errno.OK), "the last block")
		if g.bad != 0 {
			for range 3 {
				t.Equal(0, uint64(r.do(d, block.Read, g.bad, 1)), uint64(errno.IO), "a block that cannot be read")
				t.Equal(0, uint64(r.do(d, block.Read, g.bad+1, 1)), uint64(errno.OK), "its neighbour")
				if d.Geometry().MaxPages >= 3 {
					t.Equal(0, uint64(r.do(d, block.Read, g.bad-1, 3)), uint64(errno.IO), "a request with such a block")
				}
			}
		}
		r.Pages = nil
		t.Count(5)
		return 0
	})
}

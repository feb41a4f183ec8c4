//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/frames: everybody allocates and frees frames of all nodes, single ones, runs, 2 MiB and by number, and frees what
// others allocated. A frame that is somebody's is full of a word that tells whose and which; a free one of poison.

const (
	framesHeld   = 96 // by one CPU, at most
	framesPassed = 64 // from CPU to CPU
)

var framesTest struct {
	ring sync.Ring // frames on their way to another CPU
	cpus []framesTortured
	free [mm.MaxNodes]uint64 // before
}

// framesTortured is one CPU's part.
type framesTortured struct {
	held                                  [framesHeld]mm.Frame
	n                                     int
	single, huge, runs, at, passed, empty uint64
	byNode                                [mm.MaxNodes]uint64
}

func prepareFrames(t *ktest.T) {
	framesTest.ring.Init(room[atom.Uint64](sync.RingWords(framesPassed)), 2*t.CPUs)
	framesTest.cpus = room[framesTortured](t.CPUs)
	for n := range topology.Nodes() {
		framesTest.free[n] = frames.FreeCount(n)
	}
}

// words are the first, the last and a middle word of a frame.
func words(f mm.Frame) [3]*uint64 {
	b := amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize)
	return [3]*uint64{word64(b, 0), word64(b, mm.FrameSize/2), word64(b, mm.FrameSize-8)}
}

func fillFrame(f mm.Frame, v uint64) {
	for _, p := range words(f) {
		*p = v
	}
}

func holds(f mm.Frame, v uint64) bool {
	for _, p := range words(f) {
		if *p != v {
			return false
		}
	}
	return true
}

func (w *framesTortured) take(t *ktest.T, cpu int, f mm.Frame, node int) {
	t.Check(cpu, frames.Info(f).Node() == node && int(topology.NodeOfAddr(f.Addr())) == node, "a frame is of the node that was asked for")
	fillFrame(f, scramble(uint64(f)))
	w.held[w.n] = f
	w.n++
	w.byNode[node]++
}

func (w *framesTortured) drop(t *ktest.T, cpu int, f mm.Frame) {
	t.Check(cpu, holds(f, scramble(uint64(f))), "a frame was written by somebody who does not have it")
	fillFrame(f, poison)
	freed, err := frames.Free(cpu, f)
	t.Check(cpu, freed && err == nil, "what is held can be freed")
}

func testTortureFrames(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/frames", prepareFrames, nil) {
		return
	}
	w, r := &framesTest.cpus[cpu], t.Rand(cpu)
	for more := true; more; more = going(t, cpu) { // some, however slow the machine is
		for range 16 {
			c := preemptOff()
			w.step(t, cpu, r)
			c.PreemptEnable()
			jostle(t, r)
		}
	}
	endFrames(t, cpu)
	endTorture(t, cpu)
	if cpu == 0 {
		finishFrames(t)
		for n := range topology.Nodes() {
			t.Equal(0, frames.FreeCount(n), framesTest.free[n], "free frames of a node at the end")
		}
	}
}

// endFrames has each CPU free what it holds, and CPU 0 what is on its way.
func endFrames(t *ktest.T, cpu int) {
	w := &framesTest.cpus[cpu]
	c := preemptOff()
	for ; w.n > 0; w.n-- {
		w.drop(t, cpu, w.held[w.n-1])
	}
	c.PreemptEnable()
	t.Count(w.single + w.huge + w.runs + w.at + w.passed)
	t.Barrier()
	if cpu == 0 {
		for {
			v, ok := framesTest.ring.Dequeue()
			if !ok {
				break
			}
			w.drop(t, cpu, mm.Frame(v))
		}
	}
}

// step does one operation; preemption is off.
func (w *framesTortured) step(t *ktest.T, cpu int, r *ktest.Rand) {
	node := int(r.N(uint64(topology.Nodes())))
	space := framesHeld - w.n
	switch op := r.N(100); {
	case op < 50 && space > 0:
		if f, err := frames.Alloc(cpu, node, mm.User, testOwner); err == nil {
			w.take(t, cpu, f, node)
			w.single++
		} else {
			w.empty++
		}
	case op < 53:
		if f, err := frames.AllocHuge(cpu, node, mm.User, testOwner); err == nil {
			probe := f + mm.Frame(r.N(mm.HugeFrames))
			fillFrame(probe, scramble(uint64(probe)))
			t.Check(cpu, frames.Info(probe).Huge() && frames.Info(probe).Node() == node, "a frame of 2 MiB says so")
			spend(r)
			t.Check(cpu, holds(probe, scramble(uint64(probe))), "2 MiB was written by somebody who does not have it")
			fillFrame(probe, poison)
			_, err := frames.FreeHuge(cpu, f)
			t.Check(cpu, err == nil, "2 MiB can be freed")
			w.huge++
		}
	case op < 58 && space >= 16:
		n := 1 + int(r.N(16))
		if f, err := frames.AllocRun(cpu, node, n, 1<<r.N(4), mm.Device, testOwner); err == nil {
			for i := range mm.Frame(n) {
				w.take(t, cpu, f+i, node)
			}
			w.runs++
		}
	case op < 62 && w.n > 0 && space > 0:
		f := w.held[r.N(uint64(w.n))] + mm.Frame(r.N(64)) // near what is in use, where there is a race for it
		if frames.AllocAt(cpu, f, mm.User, testOwner) == nil {
			w.take(t, cpu, f, frames.Info(f).Node())
			w.at++
		}
	case op < 72 && w.n > 0:
		if framesTest.ring.Enqueue(uint64(w.held[w.n-1])) {
			w.n--
			w.passed++
		}
	case op < 80:
		if v, ok := framesTest.ring.Dequeue(); ok {
			w.drop(t, cpu, mm.Frame(v))
		}
	default:
		for range min(1+int(r.N(6)), w.n) { // as many, on average, as come in
			i := r.N(uint64(w.n))
			w.drop(t, cpu, w.held[i])
			w.n--
			w.held[i] = w.held[w.n]
		}
	}
}

func finishFrames(t *ktest.T) {
	var all framesTortured
	for i := range framesTest.cpus {
		w := &framesTest.cpus[i]
		all.single += w.single
		all.huge += w.huge
		all.runs += w.runs
		all.at += w.at
		all.passed += w.passed
		all.empty += w.empty
		for n := range w.byNode {
			all.byNode[n] += w.byNode[n]
		}
	}
	var l text.Line
	said(&l, "frames").Str("single=").Uint(all.single).Str(" huge=").Uint(all.huge).Str(" runs=").Uint(all.runs).
		Str(" by-number=").Uint(all.at).Str(" passed=").Uint(all.passed).Str(" none-left=").Uint(all.empty).Str(" by node:")
	for n := range topology.Nodes() {
		l.Byte(' ').Uint(all.byNode[n])
	}
	put(&l)
}

// word64 is the word at an offset, a multiple of 8, of a frame.
func word64(b []byte, at int) *uint64 {
	return (*uint64)(unsafe.Pointer(&b[at])) // SAFETY: inside b, and aligned as the frame is
}

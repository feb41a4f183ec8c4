//go:build exokernel

package main

import (
	"unsafe"

	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/slab"
	"exo/kernel/numa"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/slab: everybody allocates objects, mostly of its own node, and frees them or passes them on to another CPU, which
// does; now and then one drains its magazines, or reaps a node. An object that is somebody's is full of a word that is
// the object's own; a free one of poison, but for those of new frames.

const (
	slabHeld   = 80 // by one CPU, at most
	slabPassed = 64 // from CPU to CPU
	slabSize   = 192
)

var slabTorture struct {
	ring sync.Ring // objects on their way to another CPU
	cpus []slabTortured
}

// slabTortured is one CPU's part.
type slabTortured struct {
	held                                         [slabHeld]unsafe.Pointer
	n                                            int
	near, far, passed, empty, drained, wrong, up uint64
	_                                            [64]byte
}

func prepareTortureSlab(t *ktest.T) {
	slabTorture.ring.Init(room[atom.Uint64](sync.RingWords(slabPassed)), 2*t.CPUs)
	slabTorture.cpus = room[slabTortured](t.CPUs)
	few := 1 + (t.CPUs+1)/topology.Nodes()
	testSlab(&slabTest.cache, slab.Config{Size: slabSize, Rounds: 8, Spare: 1, ID: testSlabID}, few)
	for n := range topology.Nodes() {
		slabTest.free[n] = frames.FreeCount(n)
	}
}

// slabWords are the words of an object.
func slabWords(p unsafe.Pointer) *[slabSize / 8]uint64 {
	return (*[slabSize / 8]uint64)(p) // SAFETY: p is an object of this size
}

func (w *slabTortured) take(t *ktest.T, cpu, node int) bool {
	p, err := slabTest.cache.Alloc(cpu, node)
	if err != nil {
		w.empty++
		return false
	}
	t.Check(cpu, slabNode(p) == node, "an object is of the node that was asked for")
	o := slabWords(p)
	for i := range o {
		if !t.Check(cpu, o[i] == poison || o[i] == 0, "an object that was free was written") {
			break
		}
		o[i] = scramble(uint64(uintptr(p)))
	}
	w.held[w.n] = p
	w.n++
	return true
}

func (w *slabTortured) drop(t *ktest.T, cpu int, p unsafe.Pointer) {
	o := slabWords(p)
	for i := range o {
		if !t.Check(cpu, o[i] == scramble(uint64(uintptr(p))), "an object was written by somebody who does not have it") {
			break
		}
		o[i] = poison
	}
	home := slabNode(p) == int(topology.NodeOf(numa.CPU(cpu)))
	t.Check(cpu, slabTest.cache.Free(cpu, p) == nil, "what is held can be freed")
	if home { // it is in this CPU's magazine, and nobody else can have got it
		t.Check(cpu, slabTest.cache.Free(cpu, p) == slab.ErrNotTaken, "an object can be freed twice")
		w.wrong++
	}
}

func testTortureSlab(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/slab", prepareTortureSlab, nil) {
		return
	}
	w, r := &slabTorture.cpus[cpu], t.Rand(cpu)
	for more := true; more; more = going(t, cpu) { // some, however slow the machine is
		for range 16 {
			c := preemptOff()
			w.step(t, cpu, r)
			c.PreemptEnable()
			jostle(t, r)
		}
	}
	endSlab(t, cpu)
	endTorture(t, cpu)
	if cpu == 0 {
		finishTortureSlab(t)
		slabFramesBack(t)
	}
}

// endSlab has each CPU free what it holds, CPU 0 what is on its way, and each empty its magazines.
func endSlab(t *ktest.T, cpu int) {
	w := &slabTorture.cpus[cpu]
	c := preemptOff()
	for ; w.n > 0; w.n-- {
		w.drop(t, cpu, w.held[w.n-1])
	}
	c.PreemptEnable()
	t.Count(w.near + w.far + w.passed)
	t.Barrier()
	if cpu == 0 {
		for {
			v, ok := slabTorture.ring.Dequeue()
			if !ok {
				break
			}
			w.drop(t, cpu, slabPointer(v))
		}
	}
	t.Barrier()
	c = preemptOff()
	slabTest.cache.Drain(cpu)
	c.PreemptEnable()
}

// slabPointer is an object by the number that was in the ring.
func slabPointer(v uint64) unsafe.Pointer { return unsafe.Add(frameBase(), uintptr(v)) } // SAFETY: an object's distance from there

// step does one operation; preemption is off.
func (w *slabTortured) step(t *ktest.T, cpu int, r *ktest.Rand) {
	home := int(topology.NodeOf(numa.CPU(cpu)))
	switch op := r.N(200); {
	case op < 80 && w.n < slabHeld:
		if w.take(t, cpu, home) {
			w.near++
		}
	case op < 100 && w.n < slabHeld:
		if w.take(t, cpu, int(r.N(uint64(topology.Nodes())))) {
			w.far++
		}
	case op < 120 && w.n > 0:
		if slabTorture.ring.Enqueue(uint64(uintptr(w.held[w.n-1]) - uintptr(frameBase()))) {
			w.n--
			w.passed++
		}
	case op < 140:
		if v, ok := slabTorture.ring.Dequeue(); ok {
			w.drop(t, cpu, slabPointer(v))
		}
	case op < 141:
		slabTest.cache.Drain(cpu)
		w.drained++
	case op < 142:
		w.up += uint64(slabTest.cache.Reap(cpu, int(r.N(uint64(topology.Nodes())))))
	case op < 144:
		for ; w.n > 0; w.n-- { // so that slabs become empty
			w.drop(t, cpu, w.held[w.n-1])
		}
	default:
		for range min(1+int(r.N(2)), w.n) { // as many, on average, as come in
			i := r.N(uint64(w.n))
			w.drop(t, cpu, w.held[i])
			w.n--
			w.held[i] = w.held[w.n]
		}
	}
}

func finishTortureSlab(t *ktest.T) {
	var all slabTortured
	for i := range slabTorture.cpus {
		w := &slabTorture.cpus[i]
		all.near += w.near
		all.far += w.far
		all.passed += w.passed
		all.empty += w.empty
		all.drained += w.drained
		all.wrong += w.wrong
		all.up += w.up
	}
	remote := uint64(0)
	for n := range mm.MaxNodes {
		remote += slabTest.cache.Stats(n).Remote
	}
	var l text.Line
	put(said(&l, "slab").Str("near=").Uint(all.near).Str(" any-node=").Uint(all.far).Str(" passed=").Uint(all.passed).
		Str(" remote-frees=").Uint(remote).Str(" none-left=").Uint(all.empty).Str(" drained=").Uint(all.drained).
		Str(" reaped=").Uint(all.up).Str(" freed-twice=").Uint(all.wrong))
	c := preemptOff()
	reapSlab(t, 0)
	c.PreemptEnable()
}

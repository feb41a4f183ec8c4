//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/slab"
	"exo/kernel/numa"
)

const testSlabID = 1 // of the test's cache: there is one at a time

// slabTest is the cache of the test that runs, and the free frames of each node before.
var slabTest struct {
	cache slab.Cache
	free  [mm.MaxNodes]uint64
	given []unsafe.Pointer // objects for another CPU to free
}

func prepareSlab(g slab.Config, slabs int) {
	freshRoom()
	g.ID = testSlabID
	testSlab(&slabTest.cache, g, slabs)
	for n := range topology.Nodes() {
		slabTest.free[n] = frames.FreeCount(n)
	}
}

// slabNode is the node that an object is on, as the allocator and as firmware say; MaxNodes if they differ or the frame is no
// slab's.
func slabNode(p unsafe.Pointer) int {
	pa := mm.PhysAddr(uintptr(p) - uintptr(frameBase()))
	i := frames.Info(pa.Frame())
	if i.Kind() != mm.Slab || int(topology.NodeOfAddr(pa)) != i.Node() {
		return mm.MaxNodes
	}
	return i.Node()
}

// object is the first word of one.
func object(p unsafe.Pointer) *uint64 { return (*uint64)(p) } // SAFETY: p is an object, mapped and aligned for a word

// frameBase is where frame 0 is, or would be.
func frameBase() unsafe.Pointer { return amd64.PhysAddr(0).Ptr() }

// testSlabNodes takes all objects of each node, one CPU for all, sees that they are zeroed, of that node, and as many as there
// must be, and gives them back; then the frames must be back, too.
func testSlabNodes(t *ktest.T, cpu int) {
	const slabs = 24
	c := preemptOff()
	defer c.PreemptEnable()
	s := &slabTest.cache
	prepareSlab(slab.Config{Size: 192, Align: 64}, slabs)
	home := int(topology.NodeOf(numa.CPU(cpu)))
	for n := range topology.Nodes() {
		want, last := uint64(slabs*s.PerFrame()), unsafe.Pointer(nil) // a chain through all objects
		if slabTest.free[n] < slabs {
			want = slabTest.free[n] * uint64(s.PerFrame())
		}
		got := uint64(0)
		for {
			p, err := s.Alloc(cpu, n)
			if err != nil {
				scarce := slabTest.free[n] < slabs
				t.Check(cpu, err == slab.ErrNoSlab || err == slab.ErrNoMemory && scarce, "the error says what is lacking")
				break
			}
			if !t.Equal(cpu, uint64(slabNode(p)), uint64(n), "node of an object") ||
				!t.Check(cpu, *object(p) == 0 && uintptr(p)%64 == 0, "an object of a new frame is zeroed, and aligned") {
				return
			}
			*object(p) = uint64(uintptr(last))
			last = p
			got++
		}
		t.Equal(cpu, got, want, "objects of a node")
		t.Equal(cpu, frames.FreeCount(n), slabTest.free[n]-min(slabTest.free[n], slabs), "free frames when all are taken")
		for last != nil {
			p := last
			last = amd64.Pointer(uintptr(*object(p))) // SAFETY: as it was written above, for nobody else has the object
			t.Check(cpu, s.Free(cpu, unsafe.Add(p, 8)) == slab.ErrForeign, "the middle of an object cannot be freed")
			t.Check(cpu, s.Free(cpu, p) == nil, "an object can be freed")
			if err := s.Free(cpu, p); err != slab.ErrNotTaken && err != slab.ErrForeign {
				t.Check(cpu, false, "and not twice")
			}
			t.Count(1)
		}
		if n == home {
			t.Check(cpu, s.Stats(n).Remote == 0, "what the CPU's own node gets back is not remote")
		} else {
			t.Equal(cpu, s.Stats(n).Remote, got, "objects freed by a CPU of another node")
		}
	}
	t.Check(cpu, s.Free(cpu, nil) == slab.ErrForeign && s.Free(cpu, unsafe.Pointer(s)) == slab.ErrForeign &&
		s.Free(cpu, frameBase()) == slab.ErrForeign, "what is no object cannot be freed")
	s.Drain(cpu)
	finishSlab(t, cpu)
}

// finishSlab sees that all frames are back, when all CPUs have called Drain.
func finishSlab(t *ktest.T, cpu int) {
	reapSlab(t, cpu)
	slabFramesBack(t)
}

func slabFramesBack(t *ktest.T) {
	for n := range topology.Nodes() {
		t.Equal(0, frames.FreeCount(n), slabTest.free[n], "free frames of a node at the end")
	}
}

// reapSlab sees that no slab is left, when all CPUs have called Drain.
func reapSlab(t *ktest.T, cpu int) {
	for n := range topology.Nodes() {
		slabTest.cache.Reap(cpu, n)
		t.Equal(cpu, uint64(slabTest.cache.Stats(n).Slabs), 0, "slabs at the end")
		t.Equal(cpu, slabTest.cache.Stats(n).Twice, 0, "objects that were freed twice at the same moment")
	}
}

// testSlabPassed has each CPU allocate on its own node, and the next CPU free that.
func testSlabPassed(t *ktest.T, cpu int) {
	const each, rounds = 100, 10
	s := &slabTest.cache
	if cpu == 0 {
		prepareSlab(slab.Config{Size: 64}, 64)
		slabTest.given = room[unsafe.Pointer](each * t.CPUs)
	}
	t.Barrier()
	home := int(topology.NodeOf(numa.CPU(cpu)))
	mine, next := slabTest.given[each*cpu:][:each], (cpu+1)%t.CPUs
	theirs := slabTest.given[each*next:][:each]
	for range rounds {
		c := preemptOff()
		for i := range mine {
			p, err := s.Alloc(cpu, home)
			if err != nil {
				mine[i] = nil // a small node, or one without memory
				continue
			}
			t.Equal(cpu, uint64(slabNode(p)), uint64(home), "node of an object")
			*object(p) = scramble(uint64(uintptr(p)))
			mine[i] = p
			t.Count(1)
		}
		c.PreemptEnable()
		t.Barrier()
		c = preemptOff()
		for _, p := range theirs {
			if p != nil {
				t.Check(cpu, *object(p) == scramble(uint64(uintptr(p))), "an object was written by somebody who does not have it")
				t.Check(cpu, s.Free(cpu, p) == nil, "another CPU's object can be freed")
			}
		}
		c.PreemptEnable()
		t.Barrier()
	}
	c := preemptOff()
	s.Drain(cpu)
	t.Barrier()
	if cpu == 0 {
		finishSlab(t, cpu)
	}
	c.PreemptEnable()
}

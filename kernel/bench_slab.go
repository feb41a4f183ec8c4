//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/mm/slab"
)

// Benchmarks of slabs: a pair is one object out and back, in the warm magazine; a burst is 256 of them, as many as eight
// magazines hold, so that they come from the depot and from slabs; of another node, from its slab.

var benchSlabReady bool

// benchSlabCache is the cache, made once; it keeps its few frames.
func benchSlabCache() *slab.Cache {
	if !benchSlabReady {
		benchSlabReady = freshRoom()
		testSlab(&slabTest.cache, slab.Config{Size: 64, Spare: 4, ID: testSlabID}, 16)
	}
	return &slabTest.cache
}

func benchSlab(ops uint64) {
	s := benchSlabCache()
	for range ops {
		c := preemptOff()
		p, _ := s.Alloc(0, 0)
		s.Free(0, p)
		c.PreemptEnable()
	}
}

// benchObjects is what the locked baseline has: a free list, which knows neither nodes nor what is taken.
var benchObjects [8]struct {
	next unsafe.Pointer
	_    [56]byte
}

func benchSlabLocked(ops uint64) {
	for i := range benchObjects {
		benchObjects[i].next = unsafe.Pointer(&benchObjects[(i+1)%len(benchObjects)])
	}
	first := unsafe.Pointer(&benchObjects[0])
	for range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		p := first
		first = *(*unsafe.Pointer)(p) // SAFETY: the list is of these objects
		plainLock.Unlock()
		plainLock.Lock(nil)
		*(*unsafe.Pointer)(p) = first // SAFETY: as above
		first = p
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchSlabBurst(ops uint64) {
	s := benchSlabCache()
	c := preemptOff()
	for range ops / 256 {
		var got [256]unsafe.Pointer
		for i := range got {
			got[i], _ = s.Alloc(0, 0)
		}
		for _, p := range got {
			s.Free(0, p)
		}
	}
	c.PreemptEnable()
}

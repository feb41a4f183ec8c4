//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/mm/slab"
	"exo/kernel/numa"
	"exo/kernel/sync/atom"
)

// slabMemory is where slabs get their frames: from the node that they ask for, and no other.
type slabMemory struct{}

func (slabMemory) Get(cpu, node int, owner mm.Owner) (mm.Frame, bool) {
	f, err := frames.Alloc(cpu, node, mm.Slab, owner)
	if err != nil {
		return 0, false
	}
	clear(amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize))
	return f, true
}

func (slabMemory) Put(cpu int, f mm.Frame) {
	if freed, err := frames.Free(cpu, f); !freed || err != nil {
		panic("slab: a slab's frame was not its own")
	}
}

// fromFrames is slabMemory as the interface, which must not be made at run time.
var fromFrames slab.Memory = slabMemory{}

// testSlab makes s a cache for a test, with up to so many slabs on each node; what it needs is in the test's memory.
func testSlab(s *slab.Cache, g slab.Config, slabs int) {
	g.Memory, g.Frames, g.Base, g.CPUs = fromFrames, &frames, amd64.PhysAddr(0).Ptr(), room[slab.CPU](ncpu)
	s.Init(&g)
	words, objects := g.Words(slabs)
	for n := range topology.Nodes() {
		magazines := 4
		for cpu := range ncpu {
			if int(topology.NodeOf(numa.CPU(cpu))) == n {
				magazines += 3
			}
		}
		s.SetNode(n, slab.NodeMemory{
			Slabs:     room[slab.Slab](slabs),
			Bits:      room[atom.Uint64](words),
			Objects:   room[atom.Uint32](objects),
			Magazines: room[slab.Magazine](magazines),
		})
	}
	for cpu := range ncpu {
		s.SetCPU(cpu, int(topology.NodeOf(numa.CPU(cpu))))
	}
}

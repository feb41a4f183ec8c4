//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// Frames that were page tables come back as zeroes (kernel/mm/paging), and each CPU keeps some of its node: who needs the next
// need not clear it. They are the kernel's meanwhile. Roots keep the kernel's half, which is the same in all of them.
//
// A stock is its CPU's, which puts and takes with preemption off; but any CPU may take all, so the words are atomic.

const (
	keptTables = 32
	keptRoots  = 8
)

// tableStock is a stock of either. The first n may be there, or have been taken by others.
type tableStock struct {
	n    int
	kept [keptTables]atom.Uint64 // frame numbers; 0: none
}

// take returns a frame of the stock; 0: there is none.
func (s *tableStock) take() mm.Frame {
	for s.n > 0 {
		s.n--
		if f := s.kept[s.n%keptTables].Swap(0); f != 0 { // order: pairs with put, of whichever task was here before
			return mm.Frame(f)
		}
	}
	return 0
}

// put keeps a frame, if there is room for one of so many.
func (s *tableStock) put(f mm.Frame, most int) bool {
	if s.n >= most || !s.kept[s.n%keptTables].CompareAndSwap(0, uint64(f)) {
		return false
	}
	s.n++
	return true
}

// drain gives back what the stock has, on any CPU; preemption off.
func (s *tableStock) drain(cpu int) {
	for i := range s.kept {
		if f := s.kept[i].Swap(0); f != 0 {
			frames.Free(cpu, mm.Frame(f))
		}
	}
}

// drainTables gives back what all CPUs keep: where memory is short, or somebody counts.
func drainTables() {
	c := preemptOff()
	for i := range ncpu {
		me := localOf(amd64.CPUByIndex(i))
		me.tables.drain(c.CPU)
		me.roots.drain(c.CPU)
	}
	c.PreemptEnable()
}

//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/numa"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// frames has all memory that was not taken before there was an allocator.
var frames mm.Frames

// memory gives them out by policy.
var memory numa.Allocator

// kernelMemory is the policy of the kernel's own frames, local, and what came of it.
var kernelMemory numa.TaskPolicy

// framesReady says that early has given what it had left to frames, and is no more.
var framesReady bool

// startFrames makes every frame of memory known to the allocator: free, or taken at boot.
func startFrames() {
	if options.Tests != "none" || options.Bench != "" {
		freshRoom() // one piece, while there are such large ones
	}
	top := mm.Frame(0)
	mapRAM(func(lo, hi mm.PhysAddr) { top = max(top, hi.Frame()) })
	frames.Init(pieces[atom.Uint64](int(top), mm.Range{}))
	for n := range topology.Nodes() {
		frames.SetNode(n, nodeMemory(n))
	}
	early, low = mm.Early{}, mm.Early{}
	framesReady = true
	for n := range topology.Nodes() {
		for r := range nodeRanges(n) {
			mapRAM(func(lo, hi mm.PhysAddr) {
				at, hi := max(lo, r.Base), min(hi, r.End()) // up to at all has been added
				for free := range physical.Free {
					start, end := max(at, free.Base), min(hi, free.End())
					if start < end {
						addTaken(n, at, start)
						frames.Add(n, start.Frame(), uint64(end.Frame()-start.Frame()))
						at = end
					}
				}
				addTaken(n, at, hi)
			})
		}
	}
	memory.Init(&topology, &frames)
	printFrames()
}

// addTaken tells the allocator of frames that boot has taken.
func addTaken(n int, lo, hi mm.PhysAddr) {
	if lo < hi {
		frames.AddTaken(n, lo.Frame(), uint64(hi.Frame()-lo.Frame()), mm.Boot)
	}
}

// nodeRanges yields the addresses of a node in whole frames: one that nodes share is where it begins.
func nodeRanges(n int) func(func(mm.Range) bool) {
	return func(yield func(mm.Range) bool) {
		topology.Ranges(numa.Node(n), func(r mm.Range) bool {
			lo, hi := r.Base.Up(), r.End().Up()
			return lo >= hi || yield(mm.Range{Base: lo, Len: uint64(hi - lo)})
		})
	}
}

// nodeMemory takes what the allocator needs for a node, from that node if it can be.
func nodeMemory(n int) mm.NodeMemory {
	first, last := mm.Frame(1)<<52, mm.Frame(0)
	mapRAM(func(lo, hi mm.PhysAddr) {
		for r := range nodeRanges(n) {
			if at, end := max(lo, r.Base).Frame(), min(hi, r.End()).Frame(); at < end {
				first, last = min(first, at), max(last, end)
			}
		}
	})
	if last == 0 {
		first = 0 // a node without memory
	}
	first = first / mm.HugeFrames * mm.HugeFrames
	areas := int((last - first + mm.HugeFrames - 1) / mm.HugeFrames)
	near := mm.Range{Base: first.Addr(), Len: uint64((last - first) << mm.FrameShift)}
	return mm.NodeMemory{
		First:  first,
		Counts: pieces[atom.Uint32](areas, near),
		Bits:   pieces[atom.Uint64](areas*mm.HugeFrames/64, near),
		CPUs:   pieces[mm.FrameCPU](ncpu, near),
	}
}

// pieces takes memory for n elements, whole frames and for good: near a place, if there is room. (Frames that are memory in
// part only are not in the direct map.)
func pieces[T any](n int, near mm.Range) []T {
	if n == 0 {
		return nil
	}
	var one T
	// SAFETY: the piece is nobody else's, is mapped, is aligned for any type, and stays.
	return unsafe.Slice((*T)(piece(uint64(n)*uint64(unsafe.Sizeof(one)), near)), n)
}

// piece is pieces without types, so that there is one of it.
//
//go:noinline
func piece(bytes uint64, near mm.Range) unsafe.Pointer {
	size := (bytes + mm.FrameSize - 1) &^ (mm.FrameSize - 1)
	pa, ok := mm.PhysAddr(0), false
	if near.Len > 0 {
		pa, ok = early.Alloc(size, mm.FrameSize, near)
	}
	if !ok {
		if pa, ok = early.Alloc(size, mm.FrameSize, mm.Range{}); !ok {
			giveUp("out of memory", failure("the frame allocator's own tables do not fit"))
		}
	}
	b := amd64.PhysAddr(pa).Bytes(size)
	clear(b)
	return unsafe.Pointer(&b[0])
}

// printFrames draws each node's memory: # where all of it was taken at boot, + some, . nothing, and a blank
// where there is none.
func printFrames() {
	var l text.Line
	for n := range topology.Nodes() {
		ram, free, span := memoryOf(n, mm.Range{Len: uint64(mm.PhysLimit)})
		l.Reset().Str("frames: node ").Int(n).Str(" [")
		const cells = 32
		for i := range uint64(cells) {
			lo, hi := span.Base+mm.PhysAddr(span.Len/cells*i), span.Base+mm.PhysAddr(span.Len/cells*(i+1))
			switch ram, free, _ := memoryOf(n, mm.Range{Base: lo, Len: uint64(hi - lo)}); {
			case ram == 0:
				l.Byte(' ')
			case free == 0:
				l.Byte('#')
			case free == ram:
				l.Byte('.')
			default:
				l.Byte('+')
			}
		}
		put(l.Str("] free=").Uint(free >> mm.FrameShift).Str(" boot=").Uint((ram - free) >> mm.FrameShift))
	}
}

// memoryOf is how many bytes of a node's whole frames lie in a range, how many of them boot has left, and from where to where.
func memoryOf(n int, in mm.Range) (ram, free uint64, span mm.Range) {
	first, last := mm.PhysLimit, mm.PhysAddr(0)
	for r := range nodeRanges(n) {
		lo, hi := max(r.Base, in.Base), min(r.End(), in.End())
		mapRAM(func(from, to mm.PhysAddr) {
			if from, to = max(from, lo), min(to, hi); from < to {
				ram += uint64(to - from)
				first, last = min(first, from), max(last, to)
			}
		})
		for g := range physical.Free {
			if from, to := max(g.Base, lo), min(g.End(), hi); from < to {
				free += uint64(to - from)
			}
		}
	}
	if last > 0 {
		span = mm.Range{Base: first, Len: uint64(last - first)}
	}
	return ram, free, span
}

// countFrames calls fn for each frame of a node, in order.
func countFrames(n int, fn func(f mm.Frame, i mm.Info)) {
	mapRAM(func(lo, hi mm.PhysAddr) {
		for f := lo.Frame(); f < hi.Frame(); f++ {
			if i := frames.Info(f); i.Node() == n {
				fn(f, i)
			}
		}
	})
}

// kernelFrames is how many it has so.
var kernelFrames atom.Int64

// kernelFrame returns a zeroed frame for the kernel itself, as near to this CPU as there is one.
func kernelFrame(kind mm.FrameKind) (amd64.PhysAddr, bool) {
	c := preemptOff()
	defer c.PreemptEnable()
	f, err := memory.Alloc(numa.CPU(c.CPU), kernelMemory.Default(), kind, 0)
	if err != nil {
		return 0, false
	}
	kernelFrames.Add(1)
	pa := amd64.PhysAddr(f.Addr())
	amd64.ClearFrames(pa, 1)
	return pa, true
}

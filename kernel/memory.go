//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/boot/multiboot"
	"exo/kernel/mm"
	"exo/kernel/text"
)

// physical is the memory map: what the loader said, less what has been taken.
var physical mm.Map

// early hands out memory for good until there is a frame allocator (frames.go); low does so below 4 GiB, where boot.S's
// tables and a 32-bit CR3 reach.
var early, low mm.Early

// trampolinePage is below 1 MiB, for starting CPUs; 0 if there is none.
var trampolinePage mm.PhysAddr

type failure string

func (f failure) Error() string { return string(f) }

// buildMemory makes the memory map and the kernel's own page tables, and moves to them.
func buildMemory() {
	for i := range loader.NRanges {
		r := &loader.Ranges[i]
		if limit := maxPhys(); r.Kind == multiboot.Usable && (r.Base >= limit || r.Len > limit-r.Base) {
			var l text.Line
			put(l.Str("memory: range at ").Hex(r.Base).Str(" cut: this CPU's addresses end at ").Hex(limit))
			if r.Base >= limit {
				continue
			}
			r.Len = limit - r.Base
		}
		kind := mm.Reserved
		if r.Kind == multiboot.Usable {
			kind = mm.Usable
		}
		if err := physical.Add(mm.PhysAddr(r.Base), r.Len, kind); err != nil {
			var l text.Line
			put(l.Str("memory: range at ").Hex(r.Base).Str(" ignored: ").Str(err.Error()))
			if err == mm.ErrMapFull && kind == mm.Reserved {
				giveUp("the memory map has too many pieces", err)
			}
		}
	}
	image := amd64.Boot.Image
	if !physical.Contains(mm.PhysAddr(image.Start), image.Size()) {
		giveUp("out of memory", failure("the kernel's image does not fit into what the loader calls usable: 32 MiB will do"))
	}
	reserve(0, mm.FrameSize) // the BIOS's data, and so that no allocation is ever at 0
	reserve(image.Start, image.Size())
	for i := range loader.NModules {
		m := &loader.Modules[i]
		if !physical.Contains(mm.PhysAddr(m.Base), m.Len) {
			m.Base, m.Len = 0, 0 // the loader put it where there is no memory
			say("memory: a module of the loader's does not fit")
		}
		reserve(m.Base, m.Len)
	}
	low = mm.NewEarly(&physical, 4<<30)
	early = mm.NewEarly(&physical, mm.PhysLimit)
	trampolinePage, _ = low.Alloc(mm.FrameSize, mm.FrameSize, mm.Range{Base: 0, Len: 1 << 20})

	amd64.AllocTable = allocTable
	mapKernel()
	var l text.Line
	put(l.Str("memory: ").Uint(physical.Intersect(0, uint64(mm.PhysLimit)) >> 20).Str(" MiB, W^X page tables, kernel ").
		Uint(image.Size() >> 10).Str(" KiB"))
}

// maxPhys is where physical addresses end: as the CPU says, and as far as the direct map has room.
func maxPhys() uint64 {
	return min(uint64(1)<<amd64.CPUFeatures.PhysBits, amd64.DirectMapSize)
}

func reserve(base, length uint64) {
	if err := physical.Reserve(mm.PhysAddr(base), length); err != nil {
		giveUp("the memory map has too many pieces", err)
	}
}

// allocTable returns a zeroed frame below 4 GiB for page tables.
func allocTable() amd64.PhysAddr {
	kernelTables.Add(1)
	return frameFrom(&low)
}

// kernelTables is how many frames the kernel's page tables have; they are not given back.
var kernelTables atomic.Uint64

// allocFrame returns a zeroed frame.
func allocFrame() amd64.PhysAddr { return frameFrom(&early) }

func frameFrom(e *mm.Early) amd64.PhysAddr {
	if framesReady {
		pa, ok := kernelFrame(mm.Kernel)
		if !ok {
			panic("memory: no frame is left for the kernel")
		}
		return pa
	}
	pa, ok := e.Alloc(mm.FrameSize, mm.FrameSize, mm.Range{})
	if !ok {
		giveUp("out of memory", failure("give the machine more: 32 MiB will do"))
	}
	return claim(pa)
}

// freeFrame gives back what allocFrame returned since there are frames.
func freeFrame(pa amd64.PhysAddr) {
	c := preemptOff()
	defer c.PreemptEnable()
	if freed, _ := frames.Free(c.CPU, mm.PhysAddr(pa).Frame()); !freed {
		panic("memory: a frame was freed that is not allocated, or shared")
	}
	kernelFrames.Add(-1)
}

// claim zeroes a frame that was just allocated, and sees that it is there at all.
func claim(pa mm.PhysAddr) amd64.PhysAddr {
	clear(amd64.PhysAddr(pa).Bytes(mm.FrameSize))
	// Memory that the map promises but the machine does not have would be lost silently: stacks and tables lie here.
	p := (*atomic.Uint64)(amd64.PhysAddr(pa).Ptr())
	p.Store(^uint64(pa))
	if p.Load() != ^uint64(pa) {
		var l text.Line
		put(l.Str("memory: at ").Hex(uint64(pa)).Str(" there is none, though the loader says so"))
		giveUp("the memory map cannot be trusted", failure("check the loader's memory map"))
	}
	p.Store(0)
	return amd64.PhysAddr(pa)
}

// mapKernel builds the address space that arch/amd64/memory.go draws, and activates it. No page in it is both writable
// and executable, and the direct map does not offer a writable view of the kernel's text and constants either.
func mapKernel() {
	t := amd64.NewPageTable()
	amd64.KernelTable = t
	s := amd64.Boot.Segments()
	for _, m := range [...]struct {
		span amd64.Span
		perm amd64.Perm
	}{{s.Text, amd64.PermRX}, {s.ROData, amd64.PermR}, {s.Data, amd64.PermRW}} {
		t.Map(uintptr(m.span.Start), amd64.ImagePhys(uintptr(m.span.Start)), m.span.Size(), m.perm)
	}
	constLo, constHi := mm.PhysAddr(amd64.ImagePhys(uintptr(s.Text.Start))), mm.PhysAddr(amd64.ImagePhys(uintptr(s.ROData.End)))
	mapRAM(func(lo, hi mm.PhysAddr) {
		mapDirect(lo, min(hi, constLo), amd64.PermRW)
		mapDirect(max(lo, constLo), min(hi, constHi), amd64.PermR)
		mapDirect(max(lo, constHi), hi, amd64.PermRW)
	})
	t.Activate()
}

// mapRAM calls fn for every run of whole frames of RAM, taken or not.
func mapRAM(fn func(lo, hi mm.PhysAddr)) {
	var lo, hi mm.PhysAddr
	for i := range physical.Len() {
		r := physical.Region(i)
		if r.Kind == mm.Reserved {
			continue
		}
		if r.Base != hi {
			if lo.Up() < hi.Down() {
				fn(lo.Up(), hi.Down())
			}
			lo = r.Base
		}
		hi = r.End()
	}
	if lo.Up() < hi.Down() {
		fn(lo.Up(), hi.Down())
	}
}

func mapDirect(lo, hi mm.PhysAddr, perm amd64.Perm) {
	if lo < hi {
		pa := amd64.PhysAddr(lo)
		amd64.KernelTable.Map(pa.Virt(), pa, uint64(hi-lo), perm)
	}
}

//go:build exokernel

package amd64

import "unsafe"

// Segment selectors. The order of the ring-3 ones is SYSRET's (APM vol. 2 §6.1.1): data, then 64-bit code.
const (
	selKernelCode = 0x08
	selKernelData = 0x10
	selUserData   = 0x18
	selUserCode   = 0x20
	selTSS        = 0x28

	gdtEntries = 7 // null, four segments, the TSS in two
)

// Interrupt stack table slots: the traps that may come while RSP cannot be trusted (SDM vol. 3A §6.14.5).
const (
	istNMI = 1 + iota
	istDoubleFault
	istMachineCheck
	istDebug
	numIST = 4
)

// taskState is the 64-bit TSS (SDM vol. 3A §7.7): only its stacks matter. 32-bit halves keep Go from padding it.
type taskState struct {
	_        uint32
	rsp      [3][2]uint32
	_        [2]uint32
	ist      [7][2]uint32
	_        [2]uint32
	_        uint16
	ioBitmap uint16
}

const _ = -(unsafe.Sizeof(taskState{}) - 104)

func (t *taskState) setIST(i int, top uintptr) {
	t.ist[i-1] = [2]uint32{uint32(top), uint32(top >> 32)}
}

// gate is one IDT entry (SDM vol. 3A §6.14.1).
type gate struct{ lo, hi uint64 }

func interruptGate(pc uintptr, ist int) gate {
	p := uint64(pc)
	return gate{
		lo: p&0xffff | selKernelCode<<16 | uint64(ist)<<32 | 0x8E00<<32 | p>>16&0xffff<<48,
		hi: p >> 32,
	}
}

// loadDescriptors builds and loads this CPU's GDT, TSS and IDT. The IST stacks must have been set.
func (c *CPU) loadDescriptors() {
	base, limit := uint64(uintptr(unsafe.Pointer(&c.tss))), uint64(unsafe.Sizeof(c.tss)-1)
	c.tss.ioBitmap = uint16(unsafe.Sizeof(c.tss)) // no I/O bitmap: ring 3 has no ports
	c.gdt = [gdtEntries]uint64{
		selKernelCode >> 3: 0x00AF9B000000FFFF,
		selKernelData >> 3: 0x00CF93000000FFFF,
		selUserData >> 3:   0x00CFF3000000FFFF,
		selUserCode >> 3:   0x00AFFB000000FFFF,
		selTSS >> 3:        limit | base&0xffffff<<16 | 0x89<<40 | base>>24&0xff<<56,
		selTSS>>3 + 1:      base >> 32,
	}
	for v := range c.idt {
		c.idt[v] = interruptGate(vectorPC(v), istOf(v))
		if v == VectorBreakpoint || v == VectorOverflow {
			c.idt[v].lo |= 3 << 45 // ring 3 may cause it by an instruction
		}
	}
	lgdt(uintptr(unsafe.Pointer(&c.gdt)), uint16(unsafe.Sizeof(c.gdt)-1))
	reloadSegments(selKernelCode)
	ltr(selTSS)
	lidt(uintptr(unsafe.Pointer(&c.idt)), uint16(unsafe.Sizeof(c.idt)-1))
}

func istOf(vector int) int {
	switch vector {
	case VectorNMI:
		return istNMI
	case VectorDoubleFault:
		return istDoubleFault
	case VectorMachineCheck:
		return istMachineCheck
	case VectorDebug:
		return istDebug
	}
	return 0
}

// Descriptors returns which tables this CPU uses, by its registers, and whether they are its own; for tests.
func Descriptors() (gdt, idt uintptr, own bool) {
	c := ThisCPU()
	gdt, idt = sgdt(), sidt()
	return gdt, idt, gdt == uintptr(unsafe.Pointer(&c.gdt)) && idt == uintptr(unsafe.Pointer(&c.idt)) && readTR() == selTSS
}

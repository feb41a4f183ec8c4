//go:build exokernel

package amd64

import (
	"runtime"
	"unsafe"
)

// Span is a range of addresses [Start, End).
type Span struct{ Start, End uint64 }

// Size is the span's length in bytes.
func (s Span) Size() uint64 { return s.End - s.Start }

// Handoff is what boot/boot.S tells the kernel; the layouts are one. All addresses but those in Segments are physical.
type Handoff struct {
	Magic      uint32 // EAX from the loader
	Info       uint32 // EBX from the loader: the multiboot information block
	TSC        uint64 // at the first instruction
	EFER       uint64 // as boot.S set it: long mode, SYSCALL, and NX if the CPU has it
	Trampoline Span   // where application processors start; to be copied below 1 MiB
	Symbols    Span   // the symbol table that tools/mkimage made, for backtraces
	Image      Span   // everything the loader loaded
	segments   uint64
}

// Segments are the kernel's own load segments, virtual, page-aligned, each with one permission.
type Segments struct{ Text, ROData, Data Span }

// Segments returns the kernel's load segments.
func (h *Handoff) Segments() *Segments { return (*Segments)(Pointer(DirectMap + uintptr(h.segments))) }

// Boot is the loader's handoff.
var Boot *Handoff

// bootStack serves the boot CPU until it has a stack with a guard page.
var bootStack [32 << 10]byte

// start is the first Go function: rt0 calls it on bootStack with bootCPU installed in FS and GS.
func start(physHandoff uint64) {
	Boot = (*Handoff)(Pointer(DirectMap + uintptr(physHandoff)))
	runtime.Main()
	HaltForever()
}

// defaultMXCSR masks all floating-point exceptions, as after power-on (SDM vol. 1 §10.2.3).
var defaultMXCSR uint32 = 0x1F80

// rt0 is the kernel's entry point: see rt0_amd64.s.
func rt0()

// rt0Prepare fills in what compiled Go needs before it may use a stack check: the boot CPU's g.
//
//go:nosplit
func rt0Prepare() {
	lo := uintptr(unsafe.Pointer(&bootStack))
	bootCPU.self = &bootCPU
	bootCPU.g = &bootCPU.bootG
	bootCPU.bootG.CPU = unsafe.Pointer(&bootCPU)
	bootCPU.bootG.SetStack(lo, lo+unsafe.Sizeof(bootStack))
}

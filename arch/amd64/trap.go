//go:build exokernel

package amd64

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Exceptions (SDM vol. 3A table 6-1) that are named somewhere, and this kernel's own vectors.
const (
	VectorDebug        = 1
	VectorDivide       = 0
	VectorNMI          = 2
	VectorBreakpoint   = 3
	VectorOverflow     = 4
	VectorInvalidOp    = 6
	VectorDoubleFault  = 8
	VectorStack        = 12
	VectorProtection   = 13
	VectorPageFault    = 14
	VectorMachineCheck = 18

	VectorIRQ      = 0x20 // first of the I/O interrupts
	VectorTimer    = 0xF0
	VectorCall     = 0xF1
	VectorError    = 0xFE // the local APIC's own
	VectorSpurious = 0xFF
)

// Frame is what trap_amd64.s saves: everything compiled Go may change. From Err down the CPU pushed it, the rest
// the stub.
type Frame struct {
	XMM                          [16][2]uint64
	R15, R14, R13, R12, R11, R10 uint64
	R9, R8, RBP, RDI, RSI        uint64
	RDX, RCX, RBX, RAX           uint64
	Vector                       uint64
	Err                          uint64
	RIP, CS, RFLAGS, RSP, SS     uint64
}

// FaultCode returns the runtime shim's code (runtime.Fault…) if the trap is a run-time error of Go code, else 0.
func (f *Frame) FaultCode() uint8 {
	if f.Vector != VectorInvalidOp || !IsKernelText(uintptr(f.RIP)) || !IsKernelText(uintptr(f.RIP)+3) {
		return 0
	}
	p := (*[4]byte)(Pointer(uintptr(f.RIP)))
	if p[2] != runtime.FaultMark {
		return 0
	}
	return p[3]
}

// CR2 is the address of the latest page fault on this CPU.
func CR2() uint64 { return runtime.ReadCR2() }

// CR3 is this CPU's page-table base.
func CR3() uint64 { return readCR3() }

// handlers[v] serves vector v; set at boot, before the vector can fire.
var handlers [256]func(*Frame)

// Handle makes fn the handler of a vector, or removes it if fn is nil; an exception without a handler is fatal. fn runs
// with interrupts off on the interrupted stack, must be short and must not block. The local APIC is acknowledged after it
// returns.
func Handle(vector int, fn func(*Frame)) { handlers[vector] = fn }

// AroundHandler, if it is set, is called in place of an interrupt's handler, and calls it: the kernel's part of entering and
// leaving an interrupt. Exceptions and NMIs are not interrupts in this sense.
var AroundHandler func(f *Frame, handler func(*Frame))

// AfterInterrupt, if it is set, is called when an interrupt has been served and acknowledged, interrupts off, on the stack of
// what it interrupted: it may switch to another.
var AfterInterrupt func()

// OnFatal reports a trap that nothing handles. It runs on the CPU's panic stack with interrupts off, on one CPU at
// a time, the others stopped; when it returns the machine ends.
var OnFatal func(*Frame)

// trap is called by the stubs in trap_amd64.s. It has no stack check because it may run where the stack just ran out.
//
//go:nosplit
func trap(f *Frame) {
	f.Vector = (f.Vector - vectorBase()) / vectorStride
	if f.RIP == haltEntry()+1 {
		// An NMI (or a debug trap) came between STI and HLT, and STI's shadow is gone: the interrupt that should have
		// ended the halt would be taken on the way back, before the HLT, which then sleeps through it. So there is no
		// way back to the HLT.
		f.RIP++
	}
	if f.Vector == VectorPageFault && userFault(f) {
		return
	}
	if f.Vector == VectorDebug && inEntry(f.RIP) {
		debugInEntry(f)
		return
	}
	if f.Vector >= VectorIRQ || handlers[f.Vector] != nil {
		interrupt(f)
		return
	}
	if f.Vector == VectorNMI {
		if s := stopping.Load(); s == uint32(gsCPU().Index)+1 {
			return // this CPU reports; nothing may keep it from that
		} else if s != 0 {
			stopHere()
		}
	}
	if f.Vector == VectorNMI && gsCPU().expectedNMI(f) {
		return
	}
	fatal(f)
}

// interrupt serves a vector that has, or need not have, a handler.
func interrupt(f *Frame) {
	if h := handlers[f.Vector]; h != nil {
		if f.Vector >= VectorIRQ && AroundHandler != nil {
			AroundHandler(f, h)
		} else {
			h(f)
		}
	} else if f.Vector != VectorSpurious {
		unexpected.Add(1)
	}
	if f.Vector >= VectorIRQ && f.Vector != VectorSpurious { // an exception never was in service, nor a spurious interrupt (SDM vol. 3A §10.9)
		localAPIC.eoi()
		if AfterInterrupt != nil {
			AfterInterrupt()
		}
	}
}

// unexpected counts interrupts that had no handler.
var unexpected atomic.Uint64

// Unexpected returns how many interrupts came for which there is no handler.
func Unexpected() uint64 { return unexpected.Load() }

// stopping is 1 + the index of the CPU that reports a fatal trap, 0 while nobody does.
var stopping atomic.Uint32

// fatal moves to the panic stack. A fatal trap inside the report ends the machine with what can be said without it.
//
//go:nosplit
func fatal(f *Frame) {
	c := gsCPU()
	if c.dying != 0 {
		nested(f)
	}
	c.dying = 1
	dieOn(&c.panicG, f)
}

// dieOn calls die(f) on gp's stack and never returns.
func dieOn(gp *runtime.G, f *Frame)

// die makes this CPU the reporter, or stops if there is one already.
func die(f *Frame) {
	c := ThisCPU()
	if !stopping.CompareAndSwap(0, uint32(c.Index)+1) {
		stopHere()
	}
	stopOthers(c)
	if OnFatal != nil {
		OnFatal(f)
	} else {
		nested(f)
	}
	DebugExit(ExitPanic)
	HaltForever()
}

//go:nosplit
func stopHere() {
	gsCPU().stopped.Store(1)
	HaltForever()
}

// stopOthers sends every other CPU an NMI and gives them a while to halt.
func stopOthers(me *CPU) {
	if !localAPIC.ready {
		return
	}
	for i := range cpus {
		if c := cpus[i]; c != nil && c != me && c.Online() {
			localAPIC.sendNMI(c.APICID)
		}
	}
	for tries := 0; tries < 10_000_000 && running(me) > 0; tries++ {
		runtime.Pause()
	}
}

func running(me *CPU) (n int) {
	for i := range cpus {
		if c := cpus[i]; c != nil && c != me && c.Online() && c.stopped.Load() == 0 {
			n++
		}
	}
	return n
}

// StillRunning says how many CPUs did not halt for this one's fatal trap; for the report.
func StillRunning() int { return running(ThisCPU()) }

// nested says that the report itself failed, with no help from anything that may be broken.
//
//go:nosplit
func nested(f *Frame) {
	putRaw("\r\npanic: a second fault while reporting the first: vector 0x")
	putHexRaw(f.Vector)
	putRaw(" rip 0x")
	putHexRaw(f.RIP)
	putRaw(" addr 0x")
	putHexRaw(readCR2())
	putRaw("\r\n")
	DebugExit(ExitPanic)
	HaltForever()
}

// The stubs: vectorPC(v) is stub v's address.
const vectorStride = 8

func vectorBase() uint64

func vectorPC(v int) uintptr { return uintptr(vectorBase()) + uintptr(v)*vectorStride }

// IsKernelText says whether pc lies in the kernel's text.
//
//go:nosplit
func IsKernelText(pc uintptr) bool {
	if Boot == nil {
		return false
	}
	t := Boot.Segments().Text
	return uint64(pc) >= t.Start && uint64(pc) < t.End
}

const _ = -(unsafe.Sizeof(Frame{}) % 16)

// BreakBeforeHalt has a debug exception raised once, on this CPU, when Idle is about to execute its HLT; for testing
// what a trap there does. UnbreakHalt takes that back.
func BreakBeforeHalt() {
	writeDR0(haltEntry() + 1)
	writeDR7(1)
}

func UnbreakHalt() { writeDR7(0) }

// VectorAddress is where vector v's stub lies, for tests.
func VectorAddress(v int) uintptr { return vectorPC(v) }

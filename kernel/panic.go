//go:build exokernel

package main

import (
	"runtime"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/symtab"
	"exo/kernel/text"
)

// symbols is the image's own symbol table, unpacked.
var (
	symbols    symtab.Table
	symbolRoom [symtab.MaxSize]byte
)

func openSymbols() {
	s := amd64.Boot.Symbols
	table, ok := symtab.Expand(symbolRoom[:], amd64.PhysAddr(s.Start).Bytes(s.Size()))
	t, opened := symtab.Open(table)
	if !ok || !opened {
		say("panic: this image has no symbol table; backtraces will be bare addresses")
	}
	symbols = t
}

// reportFatal prints what there is to know about a fatal trap. One CPU runs it, on its panic stack, interrupts off, the
// others stopped; it takes no lock and trusts as little as it can. The form is for people and for the test harness.
func reportFatal(f *amd64.Frame) {
	c := amd64.ThisCPU()
	var l text.Line
	emit(nil) // whatever line was being printed ends here
	raw(l.Str("=== PANIC ==="))
	l.Reset().Str("panic: cause: ")
	cause(&l, f)
	raw(&l)
	rip := f.RIP
	if f.FaultCode() != 0 {
		rip = callSite(f) // where the error is, not the shim's function that reports it
	}
	raw(l.Reset().Str("panic: cpu=").Int(c.Index).Str(" apic=").Uint(uint64(c.APICID)).Str(" task=").Str(taskName(f, c)).
		Str(" rip=").Addr(rip))
	registers(&l, f)
	backtrace(&l, f)
	printLocks(&l, c)
	code(&l, rip)
	if n := amd64.StillRunning(); n > 0 {
		raw(l.Reset().Str("panic: ").Int(n).Str(" other CPUs did not stop"))
	}
	raw(l.Reset().Str("=== END PANIC ==="))
}

func raw(l *text.Line) { emit(l.Bytes()) }

var exceptions = [...]string{
	"#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound", "#UD invalid opcode",
	"#NM no FPU", "#DF double fault", "vector 9", "#TS invalid TSS", "#NP segment not present", "#SS stack segment",
	"#GP general protection", "#PF page fault", "vector 15", "#MF x87", "#AC alignment", "#MC machine check",
	"#XM SIMD", "#VE virtualisation", "#CP control protection",
}

// faults are the run-time errors of Go code, by the shim's code.
var faults = [...]string{
	runtime.FaultBounds:      "index or slice out of range",
	runtime.FaultDivide:      "integer divide by zero",
	runtime.FaultShift:       "negative shift count",
	runtime.FaultOverflow:    "kernel stack overflow in ",
	runtime.FaultPanic:       "panic: ",
	runtime.FaultInterface:   "interface conversion or comparison failed",
	runtime.FaultNil:         "nil dereference: method called through a nil pointer",
	runtime.FaultUnreachable: "call of a method or runtime function that is not in the kernel",
}

// cause says in words what went wrong.
func cause(l *text.Line, f *amd64.Frame) {
	if c := int(f.FaultCode()); c > 0 && c < len(faults) {
		l.Str(faults[c])
		switch c {
		case runtime.FaultOverflow:
			s, _ := symbols.Lookup(callSite(f))
			l.Str(s.Func)
		case runtime.FaultPanic:
			s, ok := runtime.PanicText(uintptr(f.RAX), uintptr(f.RBX))
			if !ok {
				s = "with a value that is not a string"
			}
			l.Printable(s)
		}
		return
	}
	switch f.Vector {
	case amd64.VectorPageFault:
		pageFault(l, amd64.CR2(), f.Err)
	case amd64.VectorDoubleFault:
		l.Str("double fault")
		if amd64.IsStackGuard(uintptr(amd64.CR2())) {
			l.Str(": ran off a kernel stack into its guard page at ").Addr(amd64.CR2())
		}
	default:
		if f.Vector < uint64(len(exceptions)) {
			l.Str(exceptions[f.Vector])
		} else {
			l.Str("trap ").Uint(f.Vector)
		}
		if f.Err != 0 {
			l.Str(", error ").Hex(f.Err)
		}
	}
}

// pageFault explains a page fault from its address and error code (SDM vol. 3A §4.7).
func pageFault(l *text.Line, addr, err uint64) {
	if addr < amd64.PageSize {
		l.Str("nil dereference: ")
	}
	l.Str("#PF ")
	switch {
	case err&(1<<4) != 0:
		l.Str("executing ")
	case err&(1<<1) != 0:
		l.Str("writing ")
	default:
		l.Str("reading ")
	}
	l.Addr(addr)
	if err&1 != 0 {
		l.Str(", which is mapped but protected")
	} else {
		l.Str(", which is not mapped")
	}
}

func taskName(f *amd64.Frame, c *amd64.CPU) string {
	switch {
	case f.CS&3 != 0:
		return "ring3"
	case c.Local != nil && c.Context() == unsafe.Pointer(&localOf(c).interrupt):
		return "interrupt"
	}
	return "boot"
}

func registers(l *text.Line, f *amd64.Frame) {
	for _, row := range [...][4]struct {
		name string
		v    uint64
	}{
		{{"rax", f.RAX}, {"rbx", f.RBX}, {"rcx", f.RCX}, {"rdx", f.RDX}},
		{{"rsi", f.RSI}, {"rdi", f.RDI}, {"rbp", f.RBP}, {"rsp", f.RSP}},
		{{"r8", f.R8}, {"r9", f.R9}, {"r10", f.R10}, {"r11", f.R11}},
		{{"r12", f.R12}, {"r13", f.R13}, {"r14", f.R14}, {"r15", f.R15}},
		{{"rflags", f.RFLAGS}, {"cr2", amd64.CR2()}, {"cr3", amd64.CR3()}, {"err", f.Err}},
	} {
		l.Reset().Str("panic:")
		for _, r := range row {
			l.Byte(' ').Str(r.name).Byte('=').Addr(r.v)
		}
		raw(l)
	}
}

const maxFrames = 32

// backtrace follows the frame pointers from where the trap came.
func backtrace(l *text.Line, f *amd64.Frame) {
	pc, bp := f.RIP, f.RBP
	n := 0
	if f.FaultCode() != 0 {
		// The shim's own function: it has no frame, the word at RSP is where it was called.
		pc = callSite(f)
	} else {
		s, ok := symbols.Lookup(pc)
		if !ok || !s.HasFrame {
			// Without a frame of its own, the return address is on top of the stack; the caller's frame is in RBP.
			frame(l, n, pc)
			n++
			pc = returnAddress(f) - 1
			if !amd64.IsKernelText(uintptr(pc)) {
				pc = 0
			}
		}
	}
	for n < maxFrames && pc != 0 {
		frame(l, n, pc)
		n++
		ret, ok := word(bp + 8)
		next, ok2 := word(bp)
		if !ok || !ok2 || next != 0 && next <= bp || !amd64.IsKernelText(uintptr(ret)) {
			return
		}
		pc, bp = ret-1, next
	}
}

// frame prints one line of the backtrace.
func frame(l *text.Line, n int, pc uint64) {
	l.Reset().Str("panic: bt ").Int(n).Byte(' ')
	place(l, pc)
	raw(l)
}

// place appends an address in the code and what is there.
func place(l *text.Line, pc uint64) {
	l.Addr(pc)
	if s, ok := symbols.Lookup(pc); ok {
		l.Byte(' ').Str(s.Func).Byte(' ').Str(s.File).Byte(':').Int(s.Line)
	} else {
		l.Str(" ? ?:0")
	}
}

// callSite is the CALL that led to the shim's function: the compiler makes such calls in five bytes. If the stack cannot
// be read it is the function itself.
func callSite(f *amd64.Frame) uint64 {
	if ret := returnAddress(f); ret != 0 {
		return ret - 5
	}
	return f.RIP
}

func returnAddress(f *amd64.Frame) uint64 {
	v, _ := word(f.RSP)
	return v
}

// word reads a word of the stack if it can be read.
func word(va uint64) (uint64, bool) {
	if va%8 != 0 || !readable(va) {
		return 0, false
	}
	return *(*uint64)(amd64.Pointer(uintptr(va))), true
}

func readable(va uint64) bool {
	if amd64.CR3() != uint64(amd64.KernelTable.Root()) { // on boot.S's tables still
		return va >= amd64.KernelBase
	}
	_, ok := amd64.KernelTable.Lookup(uintptr(va))
	return ok
}

// code prints the bytes around rip, the one at rip in brackets; the harness disassembles them.
func code(l *text.Line, rip uint64) {
	const before, after = 24, 24
	l.Reset().Str("panic: code ").Addr(rip - before)
	for va := rip - before; va < rip+after; va++ {
		if !readable(va) {
			l.Str(" ??")
			continue
		}
		b := *(*byte)(amd64.Pointer(uintptr(va)))
		l.Byte(' ')
		if va == rip {
			l.Byte('[').HexDigits(uint64(b), 2).Byte(']')
		} else {
			l.HexDigits(uint64(b), 2)
		}
	}
	raw(l)
}

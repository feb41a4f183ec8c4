//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/upcall"
)

const (
	kernelText = 0xFFFF_FFFF_8010_0000 // where the kernel is linked
	directMap  = 0xFFFF_8000_0000_0000 // the lowest of its addresses
	noAddress  = 0x8000_0000_0000      // the lowest that is no address at all
)

// Exceptions come to the program that made them, with what the CPU says.

func exceptions(t *T) {
	for _, c := range []struct {
		what   string
		vector uint64
		code   []byte
	}{
		{"a division by zero", divideError, []byte{0x31, 0xC9, 0xF7, 0xF1}},           // XOR ECX, ECX; DIV ECX
		{"INT3", breakpoint, []byte{0xCC}},                                            //
		{"UD2", invalid, []byte{0x0F, 0x0B}},                                          //
		{"a bad address", protection, append(loadRAX(noAddress), 0x48, 0x8B, 0x00)},   // MOV RAX, [RAX]
		{"a jump to nowhere", protection, append(loadRAX(noAddress), 0xFF, 0xE0)},     // JMP RAX
		{"a misaligned MOVAPS", protection, []byte{0x0F, 0x28, 0x44, 0x24, 0x04}},     // MOVAPS XMM0, [RSP+4]
		{"a step", debugTrap, []byte{0x9C, 0x80, 0x4C, 0x24, 1, 1, 0x9D, 0x90, 0x90}}, // PUSHF; OR [RSP+1], 1; POPF; NOP
	} {
		t.Faults(c.vector, c.what, c.code...)
	}
	got := t.Run(append(loadRSP(noAddress), 0x58)...) // POP RAX; QEMU says protection
	t.That(got.taken && (got.vector == stackFault || got.vector == protection), "a bad stack is not refused")
}

func readKernel(t *T) {
	for _, at := range []uint64{kernelText, directMap, directMap + 1<<30, ^uint64(0) - 7} {
		t.Reads(at, "reading the kernel's memory")
		t.Writes(at, "writing it")
		t.Fetches(at, "executing it")
	}
}

func writeInfo(t *T) {
	t.Touched(abi.InfoPage, "the page of kernel state")
	t.Writes(abi.InfoPage, "writing the page of kernel state")
	t.Fetches(abi.InfoPage, "executing it")
}

func executeData(t *T) {
	t.Fetches(addressOf(&dataPage), "executing a variable")
	var local [16]byte
	local[0] = ret
	t.Fetches(addressOf(&local), "executing the stack")
	heap := make([]byte, 64)
	heap[0] = ret
	t.Fetches(addressOf(&heap[0]), "executing the heap")
}

var dataPage = [16]byte{ret}

func writeText(t *T) {
	low, high := upcall.OwnText()
	t.Writes(low, "writing the program's code")
	t.Writes((high-1)&^7, "writing its end")
	t.Writes(t.Code(), "writing a page that was made code")
}

// codeChanges: a program may write code, but not while it can be executed.
func codeChanges(t *T) {
	at := t.Code(loadRAX(1)...)
	t.Count(int64(t.At(at).rax), 1, "the code's result")
	t.OK(mem.Protect(at, 4096, readWrite), "Protect")
	copy(bytesAt(at, 4096), loadRAX(2))
	t.Fetches(at, "executing what can be written")
	t.OK(mem.Protect(at, 4096, abi.PermRead|abi.PermExecute), "Protect back")
	t.Count(int64(t.At(at).rax), 2, "the new code's result")
}

// nested: a fault in a handler is another upcall, further down on the same stack.
func nested(t *T) {
	at, err := mem.Map(64<<10, readWrite)
	t.OK(err, "Map")
	t.Later(func() { mem.Unmap(at, 64<<10); mem.Other = nil })
	nestAt, nestSum = at, 0
	mem.Other = func(f *abi.UpcallFrame, regs *upcall.Regs) bool {
		for i := range uint64(16) { // pages that nobody has touched yet
			w := &words(nestAt+i*4096, 8)[0]
			nestSum += *w + 1
			*w = i
		}
		f.RIP += 2 // behind UD2
		return true
	}
	probe(uintptr(t.Code(0x0F, 0x0B)))
	probing = 0
	t.Count(int64(nestSum), 16, "pages that the handler brought")
}

var nestAt, nestSum uint64

// faultLoop: a handler that always faults runs out of stack, which it notices itself. (Who does not, see upcallToNowhere.)
func faultLoop(t *T) {
	status := t.Forked(func() int {
		mem.Other = func(*abi.UpcallFrame, *upcall.Regs) bool { return crash() }
		probe(uintptr(t.Code(0x0F, 0x0B)))
		return 0
	})
	t.Count(status, 2, "status")
}

//go:noinline
func crash() bool { return probe(uintptr(addressOf(&dataPage))) == 0 }

// An environment without an upcall for faults ends with its first one, and so does one whose upcall stack is not there.

func noUpcall(t *T) {
	p := t.Puppet(0x0F, 0x0B)
	p.start(t)
	t.Count(p.end(t), abi.StatusFault, "status")
}

func noUpcallStack(t *T) {
	p := t.Puppet(0x0F, 0x0B)
	t.OK(sys.EnvUpcalls(p.env, &abi.Upcalls{Fault: puppetCode}), "EnvUpcalls")
	p.thread.UpcallLow, p.thread.UpcallHigh = 0x10000, 0x20000 // nothing is mapped there
	p.start(t)
	t.Count(p.end(t), abi.StatusFault, "status")
}

// upcallToNowhere: an entry where nothing is faults again and again, down the upcall stack.
func upcallToNowhere(t *T) {
	for _, entry := range []uint64{1, 0x7777_0000, abi.InfoPage, puppetStack} {
		p := t.Puppet(0x0F, 0x0B)
		t.OK(sys.EnvUpcalls(p.env, &abi.Upcalls{Fault: entry}), "EnvUpcalls")
		p.thread.UpcallLow, p.thread.UpcallHigh = puppetStack, puppetStack+4096
		p.start(t)
		t.Count(p.end(t), abi.StatusFault, "status")
	}
	for _, entry := range []uint64{abi.UserTop, noAddress, kernelText} {
		t.Is(sys.EnvUpcalls(0, &abi.Upcalls{Fault: entry}), abi.BadArgument, "an upcall into the kernel")
	}
}

func panicStatus(t *T) { t.Status(2, "panic") }

func stackOverflow(t *T) { t.Status(2, "recurse") }

// nilFault: a fault that Go code causes is a panic, which it can recover from.
func nilFault(t *T) {
	for range 3 {
		t.That(panics(func() { *(*int)(nil) = 1 }), "a write through nil does nothing")
	}
	t.That(panics(func() { words(kernelText, 8)[0] = 1 }), "a write to the kernel does nothing")
}

func panics(fn func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	fn()
	return false
}

func faultsAreCounted(t *T) {
	count := func() uint64 {
		var info abi.EnvInfo
		t.OK(sys.EnvInspect(0, &info), "EnvInspect")
		return info.Faults
	}
	before := count()
	ud2 := t.Code(0x0F, 0x0B)
	for range 5 {
		t.At(ud2)
	}
	t.That(count() >= before+5, "five faults are fewer")
	_ = proc.Self()
}

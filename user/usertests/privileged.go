//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// What only the kernel may do the CPU refuses, and says so to the program.

func privileged(t *T) {
	for _, c := range []struct {
		what string
		code []byte
	}{
		{"HLT", []byte{0xF4}},
		{"CLI", []byte{0xFA}},
		{"STI", []byte{0xFB}},
		{"CLTS", []byte{0x0F, 0x06}},
		{"INVD", []byte{0x0F, 0x08}},
		{"WBINVD", []byte{0x0F, 0x09}},
		{"RDMSR", []byte{0x0F, 0x32}},
		{"WRMSR", []byte{0x0F, 0x30}},
		{"SYSRET", []byte{0x48, 0x0F, 0x07}},
		{"SWAPGS", []byte{0x0F, 0x01, 0xF8}},
		{"INVLPG", []byte{0x0F, 0x01, 0x38}},           // of [RAX]
		{"LGDT", []byte{0x0F, 0x01, 0x14, 0x24}},       // of [RSP]
		{"LIDT", []byte{0x0F, 0x01, 0x1C, 0x24}},       // of [RSP]
		{"LLDT", []byte{0x31, 0xC0, 0x0F, 0x00, 0xD0}}, // AX, 0
		{"LTR", []byte{0x0F, 0x00, 0xD8}},              // AX
		{"LMSW", []byte{0x0F, 0x01, 0xF0}},             // AX
		{"MOV from CR0", []byte{0x0F, 0x20, 0xC0}},
		{"MOV from CR3", []byte{0x0F, 0x20, 0xD8}},
		{"MOV to CR3", []byte{0x0F, 0x22, 0xD8}},
		{"MOV to CR4", []byte{0x0F, 0x22, 0xE0}},
		{"MOV to CR8", []byte{0x44, 0x0F, 0x22, 0xC0}},
		{"MOV from DR7", []byte{0x0F, 0x21, 0xF8}},
		{"MOV to DR0", []byte{0x0F, 0x23, 0xC0}},
		{"XSETBV", []byte{0x31, 0xC9, 0x0F, 0x01, 0xD1}},
	} {
		got := t.Run(c.code...)
		t.That(got.taken, c.what+" is not refused")
		t.That(got.vector == protection || got.vector == invalid, c.what+" ends with vector "+number(int64(got.vector)))
	}
}

// ioPorts: IN and OUT are the kernel's; by a capability it does them for a program.
func ioPorts(t *T) {
	t.Faults(protection, "IN", 0x66, 0xBA, 0x21, 0, 0xEC)             // MOV DX, 0x21; IN AL, DX
	t.Faults(protection, "OUT", 0x66, 0xBA, 0x80, 0, 0xEE)            // MOV DX, 0x80; OUT DX, AL
	t.Faults(protection, "INSB", 0x66, 0xBA, 0x21, 0, 0x6C)           //
	t.Faults(protection, "OUT to the end of the machine", 0xE7, 0xF4) // OUT 0xF4, EAX
	t.Count(int64(sys.StartCap(startpage.RolePorts, 0)), 0, "the capability for ports")
	for _, name := range t.Held() {
		if _, err := sys.PortIn(name, 0x21, 1); err != abi.BadKind {
			t.Fail("a port can be read by another capability: " + err.Error())
		}
		t.Is(sys.PortOut(name, 0xF4, 4, 0), abi.BadKind, "PortOut by another capability")
	}
	_, err := sys.PortIn(0, 0x21, 1)
	t.Is(err, abi.BadCap, "PortIn by no capability")
}

// gates: only the kernel comes to where interrupts lead.
func gates(t *T) {
	for _, vector := range []byte{0, 2, 6, 8, 13, 14, 18, 32, 0x80, 0xEF, 0xFF} {
		got := t.Faults(protection, "INT "+number(int64(vector)), 0xCD, vector)
		t.Hex(got.err&7, 2, "the error code's table, of INT "+number(int64(vector)))
	}
}

// selectors: there is no way to the kernel's segments.
func selectors(t *T) {
	for _, s := range []byte{0x08, 0x10, 0x18} {
		t.Faults(protection, "loading SS", 0xB8, s, 0, 0, 0, 0x8E, 0xD0)                                           // MOV EAX, s; MOV SS, AX
		t.Faults(protection, "IRETQ", code(push(0x10), push(0), push(2), push(s), push(0), []byte{0x48, 0xCF})...) // to CS s
		got := t.Run(code(push(s), loadRAX(kernelText), []byte{0x50, 0x48, 0xCB})...)                              // PUSH RAX; RETFQ
		t.That(got.taken && (got.vector == protection || got.vector == pageFault), "a far return to the kernel's segment is not refused")
	}
	t.Faults(protection, "SS 0", 0x31, 0xC0, 0x8E, 0xD0)
}

func push(b byte) []byte { return []byte{0x6A, b} }

// flags: what a program may not change stays as it is, whatever it puts there.
func flags(t *T) {
	const pop = 1<<9 | 3<<12 | 1<<17 | 1<<19 | 1<<20
	// PUSHF; AND [RSP], ~IF; OR [RSP], IOPL; POPF; PUSHF; POP RAX
	got := t.Run(0x9C, 0x48, 0x81, 0x24, 0x24, 0xFF, 0xFD, 0xFF, 0xFF, 0x48, 0x81, 0x0C, 0x24, 0x00, 0x30, 0x00, 0x00, 0x9D, 0x9C, 0x58)
	t.That(!got.taken, "POPF is refused")
	t.Hex(got.rax&pop, 1<<9, "RFLAGS after POPF")
}

// oddFlags: with the direction, alignment and nested-task flags set the kernel works as always, and so they come back.
func oddFlags(t *T) {
	const odd = 1<<10 | 1<<14 | 1<<18
	set := []byte{0x9C, 0x48, 0x81, 0x0C, 0x24, 0x00, 0x44, 0x04, 0x00, 0x9D}       // PUSHF; OR [RSP], odd; POPF
	get := []byte{0x9C, 0x58}                                                       // PUSHF; POP RAX
	off := []byte{0x9C, 0x48, 0x81, 0x24, 0x24, 0xFF, 0xBB, 0xFB, 0xFF, 0x9D, 0x90} // PUSHF; AND [RSP], ~odd; POPF
	got := t.Run(code(set, nullCall, get, []byte{0x49, 0x89, 0xC4}, off, []byte{0x4C, 0x89, 0xE0})...)
	t.That(!got.taken, "a call with odd flags is refused: vector "+number(int64(got.vector)))
	t.Hex(got.rax&(1<<10|1<<18), 1<<10|1<<18, "the flags after a call")
	got = t.Run(code(set, []byte{0x0F, 0x0B})...)
	t.Hex(got.flags&(1<<10|1<<18), 1<<10|1<<18, "the flags of a fault")
	_ = odd
}

// stepCall: a step over SYSCALL is not a step in the kernel.
func stepCall(t *T) {
	got := t.Run(code([]byte{0x31, 0xC0, 0x9C, 0x80, 0x4C, 0x24, 1, 1, 0x9D}, []byte{0x0F, 0x05}, []byte{0x90, 0x90})...)
	t.That(got.taken && got.vector == debugTrap, "a step over SYSCALL does not end with the debug vector")
	t.That(got.rip < abi.UserTop && got.rsp < abi.UserTop, "it ends in the kernel")
}

// stackPointers: the kernel does not care where RSP points, in a call and in a fault.
func stackPointers(t *T) {
	for _, sp := range []uint64{0, 8, abi.InfoPage, abi.InfoPage + 4096, abi.UserTop, noAddress, noAddress + 8, directMap, kernelText, kernelText + 4096, ^uint64(0)} {
		got := t.Run(code(loadRSP(sp), nullCall, restoreRSP)...)
		t.That(!got.taken, "a call with a bad stack is refused")
		t.Count(int64(got.rax), 0, "its result")
		got = t.Faults(invalid, "UD2 with a bad stack", code(loadRSP(sp), []byte{0x0F, 0x0B})...)
		t.Hex(got.rsp, sp, "the stack pointer that the upcall tells")
		t.That(got.rip < abi.UserTop, "the address that it tells")
	}
}

// stackInUpcalls: a stack pointer that is in the upcall stack already is one of a handler: the frame goes below.
func stackInUpcalls(t *T) {
	u := sys.Start().Upcall
	for _, sp := range []uint64{u.High, u.High - 8, u.High - 512} {
		got := t.Faults(invalid, "UD2 on the upcall stack", code(loadRSP(sp), []byte{0x0F, 0x0B})...)
		t.Hex(got.rsp, sp, "the stack pointer")
	}
	status := t.Forked(func() int {
		t.Run(code(loadRSP(sys.Start().Upcall.Low+64), []byte{0x0F, 0x0B})...)
		return 0
	})
	t.Count(status, abi.StatusFault, "status of who has no room there")
}

// segmentBases: FS and GS may point anywhere; the kernel has its own.
func segmentBases(t *T) {
	if sys.Info().Features&abi.FeatureFSGSBASE == 0 {
		t.Faults(invalid, "WRGSBASE", 0xF3, 0x48, 0x0F, 0xAE, 0xD8)
		return
	}
	for _, base := range []uint64{0, kernelText, directMap, ^uint64(0), noAddress - 8} {
		// RDGSBASE R13; MOV RAX, base; WRGSBASE RAX; call; RDGSBASE RAX; WRGSBASE R13
		got := t.Run(code([]byte{0xF3, 0x49, 0x0F, 0xAE, 0xCD}, loadRAX(base), []byte{0xF3, 0x48, 0x0F, 0xAE, 0xD8}, nullCall,
			[]byte{0xF3, 0x48, 0x0F, 0xAE, 0xC8, 0xF3, 0x49, 0x0F, 0xAE, 0xDD})...)
		t.That(!got.taken, "a call with another GS base is refused")
		t.Hex(got.rax, base, "GS base after it")
		// The same with FS.
		got = t.Run(code([]byte{0xF3, 0x49, 0x0F, 0xAE, 0xC5}, loadRAX(base), []byte{0xF3, 0x48, 0x0F, 0xAE, 0xD0}, nullCall,
			[]byte{0xF3, 0x48, 0x0F, 0xAE, 0xC0, 0xF3, 0x49, 0x0F, 0xAE, 0xD5})...)
		t.That(!got.taken, "a call with another FS base is refused")
		t.Hex(got.rax, base, "FS base after it")
	}
	t.Is(sys.ThreadBases(noAddress, 0), abi.BadArgument, "ThreadBases of no address")
	t.Is(sys.ThreadBases(0, kernelText), abi.BadArgument, "ThreadBases of the kernel's")
}

func registers(t *T) {
	for range 100 {
		t.Hex(registersKept(), 0, "registers that a call has changed")
	}
}

// registersKept is in probe_amd64.s.
func registersKept() (wrong uint64)

func badCalls(t *T) {
	for _, n := range []uint64{uint64(abi.Calls), uint64(abi.Calls) + 1, 255, 256, 1 << 31, 1 << 32, 1 << 63, ^uint64(0)} {
		r, _, _, _, _ := sys.Call6(abi.Call(n), 1, 2, 3, 4, 5, 6)
		t.Is(abi.Errno(r), abi.BadCall, "call "+number(int64(n)))
	}
	t.OK(sys.Null(), "Null")
}

//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// Tests of what goes wrong in ring 3, or is done there to have it go wrong in the kernel: test_ring3.go has the threads.

// toReport has a thread that trapped go to its end, with a stack pointer that is good.
func toReport(th *ringThread, f *amd64.Frame) {
	f.RIP, f.RSP = ring3.at[amd64.SampleReport], th.at()
	f.RFLAGS &^= 1 << 8
}

// testRingFaults: what ring 3 may not do, and what it does wrong, is a trap of its own, and the kernel goes on.
func testRingFaults(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 1) {
		return
	}
	ring3.trap = toReport
	th := ring3.threads[0]
	for i := range amd64.Slots {
		s := &amd64.Slots[i]
		d := th.fill(t.Rand(cpu))
		at := ring3.at[amd64.SampleSlots] + uint64(i)*16
		executes := s.Name == "a jump to its data" && !amd64.CPUFeatures.NX
		if executes {
			d.GPR[0] = 0x0B0F // UD2, at the data's address
		}
		if !runRing(t, cpu, 0, at) {
			break
		}
		want := s.Vector
		switch {
		case executes: // for nothing keeps it from that
			want, at = amd64.VectorInvalidOp, th.at()
		case th.vector == s.Or:
			want = s.Or
		}
		ok := t.Equal(cpu, th.traps, 1, s.Name) && t.Equal(cpu, th.vector, want, s.Name)
		t.Check(cpu, !ok || th.rip-at < 16 || th.rip == th.address || th.rip == 1<<47, "the trap is where the instruction is")
		t.Count(1)
	}
	closeRing(t, cpu)
}

// testRingTrace: with TF set ring 3 traps after each instruction, the kernel after none; registers stay.
func testRingTrace(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 1) {
		return
	}
	th := ring3.threads[0]
	before := amd64.DebugsInEntry()
	ring3.call = func(*ringThread, *amd64.SysFrame) int64 { return 5 }
	ring3.trap = func(th *ringThread, f *amd64.Frame) {
		amd64.IRQRestore(flagsIF)
		clobberAll()
		if amd64.CPUFeatures.SMAP && amd64.UserAccessOpen() {
			ring3.t.Check(0, false, "AC is ring 3's own affair")
		}
		if f.Vector != amd64.VectorDebug || f.RIP-ringCode >= 2*mm.FrameSize {
			ring3.t.Check(0, false, "a step in ring 3 is a debug trap there")
		}
	}
	for range 5 {
		d := th.fill(t.Rand(cpu))
		d.RFLAGS |= 1 << 8
		runRing(t, cpu, 0, ring3.at[amd64.SampleCall])
		th.same(t, cpu, true)
		th.kernelFlags(t, cpu)
		t.Equal(cpu, d.Out.GPR[0], 5, "RAX")
		t.Equal(cpu, d.Out.RFLAGS, d.RFLAGS|1<<9, "RFLAGS")
		t.Check(cpu, th.traps > 40, "each instruction is a step")
		t.Count(th.traps)
	}
	t.Equal(cpu, amd64.DebugsInEntry(), before, "steps of the kernel's entry")
	closeRing(t, cpu)
}

// testRingShadow has a debug trap put off by a MOV to SS until after the instruction that goes to the kernel.
func testRingShadow(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 1) {
		return
	}
	th := ring3.threads[0]
	code := ringPage(t, cpu, ringTop, paging.Read|paging.Exec)
	ring3.trap = func(th *ringThread, f *amd64.Frame) {
		amd64.IRQRestore(flagsIF)
		clobberAll()
		if f.Vector != amd64.VectorDebug {
			toReport(th, f)
		}
	}
	ring3.call = func(th *ringThread, f *amd64.SysFrame) int64 {
		if th.user.Calls == 1 {
			amd64.WatchUser(th.at())
		}
		return 0x1B
	}
	for _, into := range [...][2]byte{{0x0F, 0x05}, {0xCC, 0xCC}, {0xCD, 0x80}, {0x0F, 0x0B}} { // SYSCALL, INT3, INT 0x80, UD2
		// MOVL $0x1B, EAX; PUSHFQ; ORL $TF, (RSP); POPFQ; MOVL EAX, SS; …; INT3
		n := copy(code, []byte{0xB8, 0x1B, 0, 0, 0, 0x9C, 0x81, 0x0C, 0x24, 0, 1, 0, 0, 0x9D, 0x8E, 0xD0})
		n += copy(code[n:], into[:])
		code[n] = 0xCC
		th.fill(t.Rand(cpu))
		runRing(t, cpu, 0, ringTop)
		t.Check(cpu, th.traps > 0 && th.vector != amd64.VectorDebug && th.rip-ringTop <= uint64(n)+1, "it ends where it should")
		// MOVL $2, EAX; SYSCALL; MOVL (RDI), SS, which is watched; …; INT3
		n = copy(code, []byte{0xB8, 2, 0, 0, 0, 0x0F, 0x05, 0x8E, 0x17})
		n += copy(code[n:], into[:])
		code[n] = 0xCC
		th.fill(t.Rand(cpu)).GPR[0] = 0x1B
		runRing(t, cpu, 0, ringTop)
		amd64.UnbreakHalt()
		t.Check(cpu, th.traps > 0 && th.vector != amd64.VectorDebug && th.rip-ringTop <= uint64(n)+1, "it ends where it should")
		t.Count(2)
	}
	closeRing(t, cpu)
}

// testRingEntryBreak has a debug trap come at each of the first instructions of the entry, where GS and RSP are ring 3's.
func testRingEntryBreak(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 1) {
		return
	}
	th := ring3.threads[0]
	ring3.call = func(th *ringThread, f *amd64.SysFrame) int64 {
		if d := th.data(); d.Rounds < entryBreaks {
			amd64.BreakInEntry(d.Rounds)
		} else {
			d.Stop = 1
		}
		return 0
	}
	before := amd64.DebugsInEntry()
	d := th.fill(t.Rand(cpu))
	d.GPR[0] = 2
	runRing(t, cpu, 0, ring3.at[amd64.SampleCalls])
	n := amd64.DebugsInEntry() - before
	t.Check(cpu, n >= 30 && n < entryBreaks, "debug traps came at instructions of the entry")
	t.Equal(cpu, d.Leaked[0]|d.Leaked[1], 0, "what there was in XMM after a call")
	d.GPR[0] = d.Out.GPR[0]
	th.same(t, cpu, true)
	t.Count(n)
	amd64.UnbreakHalt()
	closeRing(t, cpu)
}

// entryBreaks is how many bytes of the entry get a breakpoint: up to the call of Go, and from there to ring 3 again.
const entryBreaks = 376

// testRingNMI has NMIs come while a thread does nothing but enter and leave the kernel, by calls and then by exceptions: from
// another CPU, or if there is none from itself.
func testRingNMI(t *ktest.T, cpu int) {
	if cpu == 0 && openRing(t, cpu, 1) {
		ring3.call = func(th *ringThread, _ *amd64.SysFrame) int64 {
			th.pingMyself(th.user.Calls)
			return 0
		}
		ring3.trap = func(th *ringThread, f *amd64.Frame) {
			if th.pingMyself(th.traps); th.data().Stop != 0 {
				toReport(th, f)
			}
		}
	}
	t.Barrier()
	if t.Skipped() || t.Failed() {
		return
	}
	th, target := ring3.threads[0], amd64.CPUByIndex(0)
	for _, sample := range [...]amd64.Sample{amd64.SampleCalls, amd64.SampleTrapRounds} {
		before := target.SeenNMIs()
		switch cpu {
		case 0:
			d := th.fill(t.Rand(cpu))
			d.GPR[0] = 2
			started.Store(1)
			runRing(t, cpu, 0, ring3.at[sample])
			if sample == amd64.SampleCalls {
				t.Equal(cpu, d.Leaked[0]|d.Leaked[1], 0, "what there was in XMM after a call")
				th.same(t, cpu, true)
				th.kernelFlags(t, cpu)
			}
			t.Check(cpu, d.Rounds+th.traps > 0 && target.SeenNMIs()-before >= ringNMIs, "NMIs came while it made calls, or trapped")
			t.Count(uint64(target.SeenNMIs() - before))
		case 1:
			t.Until(cpu, func() bool { return started.Load() != 0 }, "the thread is about to start")
			for range ringNMIs {
				seen := target.SeenNMIs()
				target.PingNMI()
				if !t.Until(cpu, func() bool { return target.SeenNMIs() != seen }, "the NMI arrived") {
					break
				}
			}
			th.data().Stop = 1
		}
		t.Barrier()
		started.Store(0)
		t.Barrier()
	}
	if cpu == 0 {
		t.Check(cpu, amd64.Consistent(), "g, FS, GS and the stack agree")
		closeRing(t, cpu)
	}
}

const ringNMIs = 2000

// pingMyself is the n-th NMI that the thread sends to its CPU, the only one.
func (th *ringThread) pingMyself(n uint64) {
	if ncpu > 1 {
		return
	}
	if n == ringNMIs {
		th.data().Stop = 1
	}
	amd64.ThisCPU().PingNMI()
}

// testRingResume: what was interrupted goes on in ring 3 without a system call, and misses nothing.
func testRingResume(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 1) {
		return
	}
	th := ring3.threads[0]
	const at = 0xE00 // in the page of data
	ring3.trap = func(th *ringThread, f *amd64.Frame) {
		if f.Vector != amd64.VectorBreakpoint {
			ring3.t.Check(0, false, "no trap but its own")
			toReport(th, f)
			return
		}
		for i, v := range [...]uint64{f.RIP, f.CS, f.RFLAGS, f.RSP, f.SS} {
			*word64(th.page, at+32+8*i) = v
		}
		f.RIP, f.RSP = ring3.at[amd64.SampleResume], th.base+at
		f.RFLAGS &^= amd64.FlagAC | 1<<10
	}
	for range 20 {
		d := th.fill(t.Rand(cpu))
		d.GPR[3] = 50
		*word64(th.page, ringAt-128), *word64(th.page, ringAt-16) = 1, 2
		runRing(t, cpu, 0, ring3.at[amd64.SampleTrapRounds])
		t.Equal(cpu, th.traps, 50, "traps")
		d.GPR[3] = 0
		th.same(t, cpu, false)
		const kept = 1<<10 | 1<<14 | 1<<18 | 1<<21
		t.Equal(cpu, d.Out.RFLAGS&kept, d.RFLAGS&kept, "RFLAGS")
		t.Check(cpu, *word64(th.page, ringAt-128) == 1 && *word64(th.page, ringAt-16) == 2, "what is below RSP")
		t.Count(50)
	}
	closeRing(t, cpu)
}

// started says that testRingNMI's thread is about to run.
var started atomic.Uint32

// testRingReturn has the IRETQ to ring 3 fault: that is the thread's, not the kernel's.
func testRingReturn(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 1) {
		return
	}
	th := ring3.threads[0]
	ring3.trap = toReport
	for i, spoil := range [...]func(*amd64.Frame){
		func(f *amd64.Frame) { f.CS = 0x0B },
		func(f *amd64.Frame) { f.SS = 0x13 },
		func(f *amd64.Frame) { f.CS = 0 },
		func(f *amd64.Frame) { f.SS = 0x33 },
		func(f *amd64.Frame) { f.RIP = 1 << 47 },
		func(f *amd64.Frame) { f.RIP = 1 << 63 },
	} {
		spoiler = spoil
		amd64.SpoilReturn = func(f *amd64.Frame) {
			if amd64.CurrentUser() == &ring3.threads[0].user && spoiler != nil {
				spoiler(f)
				spoiler = nil
			}
		}
		d := th.fill(t.Rand(cpu))
		runRing(t, cpu, 0, ring3.at[amd64.SampleCall])
		amd64.SpoilReturn = nil
		t.Equal(cpu, th.traps, 1, "traps of the thread")
		t.Check(cpu, th.vector == amd64.VectorProtection || th.vector == 10 || th.vector == 12, "what the IRETQ faults with")
		t.Check(cpu, d.Out.GPR[15] == 0, "it did not get into ring 3")
		t.Check(cpu, i < 4 || th.rip>>47 != 0, "where it was to go")
		t.Count(1)
	}
	// And by who serves a trap.
	ring3.trap = func(th *ringThread, f *amd64.Frame) {
		if th.traps < 4 {
			f.RIP = 1 << 62
		} else {
			toReport(th, f)
		}
	}
	th.fill(t.Rand(cpu))
	runRing(t, cpu, 0, ring3.at[amd64.SampleSlots])
	t.Check(cpu, th.traps >= 4 && th.traps < 10, "a return to no address of ring 3's is a trap")
	closeRing(t, cpu)
}

// spoiler is what SpoilReturn is to do, once.
var spoiler func(*amd64.Frame)

// testRingEdge: SYSCALL in the last bytes that ring 3 can have, and stack pointers that are none.
func testRingEdge(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 1) {
		return
	}
	th := ring3.threads[0]
	ring3.trap = toReport
	code := ringPage(t, cpu, ringTop, paging.Read|paging.Exec)
	end := len(code) - 2
	code[end], code[end+1] = 0x0F, 0x05
	t.Check(cpu, ring3Env.space.mapPage(ringTop+mm.FrameSize, 1<<9, paging.Small, paging.Read) != nil, "nothing can be mapped above")
	ring3.foreign = func(th *ringThread, f *amd64.Frame) { th.before++ }
	ring3.trap = func(th *ringThread, f *amd64.Frame) {
		th.user.SetText(0, 0) // for the report
		toReport(th, f)
	}
	const middle = ringTop + 100
	copy(code[100:], []byte{0x0F, 0x05, 0x0F, 0x0B}) // SYSCALL; UD2
	last := ringTop + uint64(end)
	for _, c := range [...]struct {
		at, low, high uint64
		foreign       uint64
	}{
		{last, 0, 0, 0}, {last, last, last + 2, 0}, {last, ringTop, last, 1}, {last, ringCode, ringCode + 64, 1},
		{middle, middle, middle + 2, 0}, {middle, middle - 50, middle + 1, 1}, {middle, middle + 2, middle + 50, 1},
		{middle, middle - 1, middle + 50, 0}, {middle, middle + 50, middle, 1}, {middle, middle - 50, 1 << 63, 1},
	} {
		th.fill(t.Rand(cpu))
		th.user.SetText(c.low, c.high)
		runRing(t, cpu, 0, c.at)
		t.Equal(cpu, th.rip, c.at+2, "what comes behind the call is a trap")
		t.Check(cpu, th.traps == 1 && (c.at != last || th.vector == amd64.VectorPageFault && th.address == th.rip), "of its kind")
		t.Equal(cpu, th.before, c.foreign, "calls that were foreign")
		t.Equal(cpu, th.user.Calls, 2-c.foreign, "and that were not, with the report")
		t.Count(1)
	}
	ring3.trap = toReport
	// Rubbish in RSP, through a call and an interrupt.
	for _, rsp := range [...]uint64{0, 1, 1<<47 - 1, 1 << 47, 1<<63 + 7, ^uint64(0), amd64.KernelBase + 0x200008} {
		th.fill(t.Rand(cpu))
		code[0], code[1] = 0x48, 0xBC // MOVQ $rsp, RSP
		for i := range 8 {
			code[2+i] = byte(rsp >> (8 * i))
		}
		copy(code[10:], []byte{0xB8, 2, 0, 0, 0, 0x0F, 0x05, 0xCC}) // MOVL $2, EAX; SYSCALL; INT3
		ring3.call = func(th *ringThread, f *amd64.SysFrame) int64 {
			amd64.SendIPI(amd64.APICID(), vectorKick) // comes on the way back, or in ring 3
			th.before = f.RSP()
			return 0
		}
		runRing(t, cpu, 0, ringTop)
		t.Check(cpu, th.before == rsp && th.traps == 1 && th.vector == amd64.VectorBreakpoint && th.rip == ringTop+18,
			"RSP may be anything")
		t.Count(1)
	}
	closeRing(t, cpu)
}

// testRingX87: an x87 exception that is pending stays ring 3's, and comes in the thread that has it.
func testRingX87(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 2) {
		return
	}
	ring3.trap = toReport
	ring3.call = func(*ringThread, *amd64.SysFrame) int64 {
		for range 10 {
			yield()
		}
		return 0
	}
	a, b := ring3.threads[0], ring3.threads[1]
	for range 20 {
		a.fill(t.Rand(cpu)).FCW = 0x37B // division by zero is not masked
		b.fill(t.Rand(cpu)).FCW = 0x37F
		b.data().GPR[0] = 2
		startRing(t, cpu, 0, ring3.at[amd64.SampleDivide], 1<<cpu)
		startRing(t, cpu, 1, ring3.at[amd64.SampleCall], 1<<cpu)
		t.Until(cpu, func() bool { return a.ended.Load()&b.ended.Load() != 0 }, "the threads came to their end")
		t.Check(cpu, a.traps == 1 && a.vector == 16, "who divided by zero gets #MF")
		t.Equal(cpu, b.traps, 0, "traps of who did not")
		b.same(t, cpu, true)
		t.Count(1)
	}
	closeRing(t, cpu)
}

// testRingSegments: selectors that a thread loads into segment registers are its own for as long as it runs, and do the kernel
// no harm.
func testRingSegments(t *ktest.T, cpu int) {
	if !openRing(t, cpu, 2) {
		return
	}
	ring3.trap = toReport
	ring3.call = func(*ringThread, *amd64.SysFrame) int64 { yield(); return 0 }
	code := ringPage(t, cpu, ringTop, paging.Read|paging.Exec)
	a, b := ring3.threads[0], ring3.threads[1]
	// MOVL $selector, EAX; MOVL EAX, DS; ES; FS; GS; MOVL $2, EAX; SYSCALL; SYSCALL; INT3
	copy(code, []byte{0xB8, 0, 0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xE0, 0x8E, 0xE8, 0xB8, 2, 0, 0, 0, 0x0F, 0x05, 0x0F, 0x05, 0xCC})
	for _, selector := range [...]byte{0, 1, 3, 0x1B} {
		code[1] = selector
		a.fill(t.Rand(cpu))
		b.fill(t.Rand(cpu))
		b.data().GPR[0] = 2
		startRing(t, cpu, 0, ringTop, 1<<cpu)
		startRing(t, cpu, 1, ring3.at[amd64.SampleCall], 1<<cpu)
		t.Until(cpu, func() bool { return a.ended.Load()&b.ended.Load() != 0 }, "the threads came to their end")
		t.Check(cpu, a.traps == 1 && a.vector == amd64.VectorBreakpoint, "it loads selectors of ring 3's")
		b.same(t, cpu, true)
		t.Check(cpu, amd64.Consistent(), "the kernel's bases")
		t.Count(1)
	}
	for _, selector := range [...]byte{0x08, 0x10, 0x13, 0x28, 0x33, 0x04, 0x44, 0x07} {
		code[1] = selector
		a.fill(t.Rand(cpu))
		runRing(t, cpu, 0, ringTop)
		t.Check(cpu, a.traps == 1 && a.vector == amd64.VectorProtection && a.rip == ringTop+5, "and no others")
		t.Count(1)
	}
	closeRing(t, cpu)
}

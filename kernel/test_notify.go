//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/bpf"
	"exo/kernel/cap"
	"exo/kernel/ktest"
)

// Tests of notifications and predicates, by puppets.

// Variables: the notification, and others' capabilities for it.
const (
	vNote = vFree + iota
	vQNote
	vLater
)

const note, qnote = variable + vNote, variable + vQNote

var notifySteps = [...]step{
	{0, gets, abi.NotifyCreate, 0, vNote, [6]value{variable + vMem}},
	{0, does, 0, 0, 0, [6]value{0}},
	{1, gets, abi.Wait, int16(abi.BadRights), 0, [6]value{qnote, 1}},
	{0, gets, abi.IPCReceive, int16(abi.BadKind), 0, [6]value{note}},
	{0, gets, abi.Wait, int16(abi.BadArgument), 0, [6]value{note}},
	{0, gets, abi.Wait, int16(abi.Again), 0, [6]value{note, minus + 1}},
	{1, gets, abi.Notify, 0, 0, [6]value{qnote, 0x8005}},
	{1, gets, abi.Notify, 0, 0, [6]value{qnote, 0x10}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 0x14}},
	{0, is, 0, 0, 0, [6]value{pupRDX, 0x14}},
	{0, gets, abi.Wait, int16(abi.Again), 0, [6]value{note, 0x14}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, minus + 1, forever}},
	{0, is, 0, 0, 0, [6]value{pupRDX, 0x8001}},
	{0, does, 0, 0, 0, [6]value{1}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 8}},
	{0, gets, abi.Wait, int16(abi.TimedOut), 0, [6]value{note, 1, soon + 1}},
	// Timers: not early; with all their bits; as they were set last; of several in any order; gone with the notification.
	{0, does, 0, 0, 0, [6]value{2}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 1}},
	{0, gets, abi.TimerSet, 0, 0, [6]value{note, 1, big + 60}},
	{0, gets, abi.TimerSet, 0, 0, [6]value{note, 2, 1}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 3, forever}},
	{0, is, 0, 0, 0, [6]value{pupRDX, 2}},
	{0, gets, abi.TimerSet, 0, 0, [6]value{note, 4, soon + 4}},
	{1, gets, abi.NotifyCreate, 0, vLater, [6]value{variable + vMem + 1}},
	{1, gets, abi.NotifyCreate, 0, vLater + 1, [6]value{variable + vMem + 1}},
	{1, gets, abi.NotifyCreate, 0, vLater + 2, [6]value{variable + vMem + 1}},
	{1, gets, abi.TimerSet, 0, 0, [6]value{variable + vLater, 1, soon + 6}},
	{1, gets, abi.TimerSet, 0, 0, [6]value{variable + vLater + 1, 1, soon + 2}},
	{1, gets, abi.TimerSet, 0, 0, [6]value{variable + vLater + 2, 1, soon + 1}},
	{1, gets, abi.CapDelete, 0, 0, [6]value{variable + vLater + 1}},
	{1, gets, abi.Wait, 0, 0, [6]value{variable + vLater, 1, forever}},
	{1, gets, abi.Wait, 0, 0, [6]value{variable + vLater + 2, 1, forever}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 4, forever}},
	{0, does, 0, 0, 0, [6]value{3}},
	{0, does, 0, 0, 0, [6]value{4}},
	{0, does, 0, 0, 0, [6]value{5}},
	// The notification goes.
	{0, begins, abi.Wait, 0, 0, [6]value{note, big + 40, forever}},
	{0, takes, 0, 0, 0, [6]value{note}},
	{0, comes, 0, int16(abi.Revoked), 0, [6]value{}},
	{0, does, 0, 0, 0, [6]value{6}},
}

func lendNotification(s *script) {
	s.v[vQNote] = s.p[0].lends(&s.p[1], s.v[vNote], abi.RightWrite)
}

// manyBits: those of no interest have the waiter wait on, one of interest has it go on.
func manyBits(s *script) {
	for i := range value(40) {
		bit := 2 + 2*(i&1)
		for _, a := range [...]step{
			{0, begins, abi.Wait, 0, 0, [6]value{note, 6, forever}},
			{1, gets, abi.Notify, 0, 0, [6]value{qnote, 8}},
			{1, gets, abi.Notify, 0, 0, [6]value{qnote, bit}},
			{0, comes, 0, 0, 0, [6]value{}},
			{0, is, 0, 0, 0, [6]value{pupRDX, bit}},
		} {
			s.take(&a)
		}
	}
}

// notEarly sets a timer, and looks at the clock when it has come.
func notEarly(s *script) {
	p, when := &s.p[0], amd64.NowNs()+2_000_000
	p.do(abi.TimerSet, s.v[vNote], 3, when)
	p.do(abi.Wait, s.v[vNote], 2, abi.Forever)
	s.t.Check(0, amd64.NowNs() >= when, "a timer does not come early")
}

// takenBack sets a timer and takes it back in time.
func takenBack(s *script) {
	p, n := &s.p[0], s.v[vNote]
	for late := uint64(3_000_000); ; late *= 4 {
		when := amd64.NowNs() + late
		p.do(abi.TimerSet, n, 4, when)
		p.do(abi.TimerSet, n, 4, 0)
		if amd64.NowNs() < when {
			s.same(uint64(p.do(abi.Wait, n, 4, when+5_000_000)), errnoWord(abi.TimedOut))
			break
		}
		p.do(abi.Wait, n, 4, 0)
	}
	flags := amd64.IRQDisable()
	s.same(uint64(timers.n), 0)
	amd64.IRQRestore(flags)
}

var notifyFns = [...]func(*script){lendNotification, manyBits, notEarly, takenBack, endsAreTold, linesAreTold, unbound}

func testNotify(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		theScript.run(taskTest.t, 2, 20, 14, notifySteps[:], notifyFns[:])
		return 0
	})
}

// endsAreTold: of environments and threads, to so many as may watch.
func endsAreTold(s *script) {
	p, n := &s.p[0], s.v[vNote]
	s.v[vLater] = p.given(abi.KindEnv, cap.Object{First: uint64(s.p[1].h)})
	x, _ := makePuppet(s.t, 4, 2)
	s.v[vLater+2] = p.given(abi.KindEnv, cap.Object{First: uint64(x.h)})
	x.end()
	for i := range int(unsafe.Sizeof(abi.ThreadStart{}) / 8) {
		p.data[pupFree+i].Store(0)
	}
	p.data[pupFree+9].Store(n)
	p.data[pupFree+10].Store(0x400)
	p.data[pupFree+11].Store(abi.ThreadSuspended)
	for i := range toldSteps {
		s.step = 1000 + i
		s.take(&toldSteps[i])
	}
}

var toldSteps = [...]step{
	{0, gets, abi.EnvCreate, 0, vLater + 1, [6]value{variable + vMem, 6, 2}},
	{0, gets, abi.EnvWatch, int16(abi.BadCap), 0, [6]value{variable + vLater + 1, 5, 1}},
	{0, gets, abi.EnvWatch, 0, 0, [6]value{variable + vLater + 1, note, 0x100}},
	{0, gets, abi.EnvDestroy, 0, 0, [6]value{variable + vLater + 1}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 0x100, forever}},
	{0, gets, abi.EnvWatch, 0, 0, [6]value{variable + vLater, note, 1}},
	{0, gets, abi.EnvWatch, 0, 0, [6]value{variable + vLater, note, 1}},
	{0, gets, abi.EnvWatch, 0, 0, [6]value{variable + vLater, note, 1}},
	{0, gets, abi.EnvWatch, 0, 0, [6]value{variable + vLater, note, 1}},
	{0, gets, abi.EnvWatch, int16(abi.NoSlots), 0, [6]value{variable + vLater, note, 1}},
	{0, gets, abi.EnvWatch, 0, 0, [6]value{variable + vLater + 2, note, 0x200}}, // has ended
	{0, gets, abi.Wait, 0, 0, [6]value{note, 0x200}},
	{0, gets, abi.ThreadCreate, 0, vLater + 1, [6]value{0, at + pupFree}},
	{0, gets, abi.Wait, int16(abi.Again), 0, [6]value{note, 0x400}},
	{0, gets, abi.ThreadDestroy, 0, 0, [6]value{variable + vLater + 1}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 0x400, forever}},
}

var lineSteps = [...]step{
	{0, gets, abi.ConsoleBind, int16(abi.BadArgument), 0, [6]value{variable + vLater, note}},
	{0, gets, abi.ConsoleBind, 0, 0, [6]value{variable + vLater, note, 0x800}},
	{0, does, 0, 0, 0, [6]value{6}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 0x800, forever}},
	{0, gets, abi.InterruptBind, int16(abi.Busy), 0, [6]value{variable + vLater + 1, note, 1}},
	{0, gets, abi.InterruptAck, int16(abi.Again), 0, [6]value{variable + vLater + 2}},
	{0, gets, abi.InterruptBind, 0, 0, [6]value{variable + vLater + 2, note, 0x1000}},
	{0, does, 0, 0, 0, [6]value{6}},
	{0, gets, abi.Wait, 0, 0, [6]value{note, 0x1000, forever}},
	{0, gets, abi.InterruptAck, 0, 0, [6]value{variable + vLater + 2}},
	{0, takes, 0, 0, 0, [6]value{variable + vLater + 2}}, // then nobody is told
	{0, does, 0, 0, 0, [6]value{6}},
	{0, gets, abi.Wait, int16(abi.Again), 0, [6]value{note, 0x1000}},
}

// lineBound is the step that needs an I/O APIC, and so do those that follow.
const lineBound = 6

// testLine is a line that nothing is on.
const testLine = 5

// linesAreTold: the console, and a line.
func linesAreTold(s *script) {
	p := &s.p[0]
	s.v[vLater] = p.given(abi.KindConsole, cap.Object{})
	s.v[vLater+1] = p.given(abi.KindInterrupt, cap.Object{First: amd64.COM1IRQ})
	s.v[vLater+2] = p.given(abi.KindInterrupt, cap.Object{First: testLine})
	for i := range lineSteps {
		s.step = 2000 + i
		if i == lineBound && len(amd64.IOAPICs()) == 0 {
			break
		}
		s.take(&lineSteps[i])
	}
	lines.bound[testLine] = told{}
	s.v[vLater+2] = p.given(abi.KindInterrupt, cap.Object{First: testLine})
	gsi := isa[testLine].gsi
	amd64.MaskGSI(gsi)
	isa[testLine].gsi = 1 << 30 // a line that leads nowhere
	refused := lineSteps[lineBound]
	refused.want = int16(abi.Unsupported)
	s.take(&refused)
	s.take(&step{0, gets, abi.InterruptAck, int16(abi.Again), 0, [6]value{variable + vLater + 2}}) // nothing has been bound
	isa[testLine].gsi = gsi
}

// unbound is as if something had come in, on the console and on a line; then, nobody is told of the console any more.
func unbound(*script) {
	flags := amd64.IRQDisable()
	tellConsole()
	consoleTold = told{}
	if lines.bound[testLine].bits != 0 {
		amd64.SendIPI(amd64.ThisCPU().APICID, amd64.VectorIRQ+testLine)
	}
	amd64.IRQRestore(flags)
}

// The program is that the word at 8 is 77.
var predicateSteps = [...]step{
	{0, gets, abi.FrameAlloc, 0, vF, [6]value{variable + vMem, 0, 0, 1}},
	{0, does, 0, 0, 0, [6]value{0}},
	{0, gets, abi.WaitUntil, int16(abi.BadArgument), 0, [6]value{at + pupFree, 0, variable + vF}},
	{0, gets, abi.WaitUntil, int16(abi.BadArgument), 0, [6]value{at + pupFree, predicateMost + 1, variable + vF}},
	{0, gets, abi.WaitUntil, int16(abi.BadAddress), 0, [6]value{big + 33, 4, variable + vF}},
	{0, gets, abi.WaitUntil, int16(abi.BadKind), 0, [6]value{at + pupFree, 4, variable + vMem}},
	{0, gets, abi.WaitUntil, int16(abi.BadCap), 0, [6]value{at + pupFree, 4, minus + 1}},
	{0, gets, abi.WaitUntil, int16(abi.BadPredicate), 0, [6]value{at + pupFree, 3, variable + vF}},
	{0, gets, abi.WaitUntil, int16(abi.Again), 0, [6]value{at + pupFree, 4, variable + vF}},
	{0, gets, abi.WaitUntil, int16(abi.TimedOut), 0, [6]value{at + pupFree, 4, variable + vF, soon + 2}},
	{0, begins, abi.WaitUntil, 0, 0, [6]value{at + pupFree, 4, variable + vF, forever}},
	{0, does, 0, 0, 0, [6]value{1}},
	{0, comes, 0, 1, 0, [6]value{}},
	{0, gets, abi.WaitUntil, 1, 0, [6]value{at + pupFree, 4, variable + vF}},
	{0, does, 0, 0, 0, [6]value{1}},
	{0, asks, abi.WaitUntil, 0, 0, [6]value{at + pupFree, 4, variable + vF, forever}},
	{0, takes, 0, 0, 0, [6]value{variable + vF}},
	{0, does, 0, 0, 0, [6]value{2}},
}

func writeProgram(s *script) {
	for i, in := range bpf.Equal32(8, 77) {
		s.p[0].data[pupFree+i].Store(uint64(in.Op) | uint64(in.Jt)<<16 | uint64(in.Jf)<<24 | uint64(in.K)<<32)
	}
	s.v[vN] = s.p[0].env.firstFrame(s.v[vF])
}

// toggle has the program say the other thing.
func toggle(s *script) { amd64.PhysAddr(s.v[vN] << 12).Bytes(4096)[8] ^= 77 }

// goneFrame: who looked at it gets to know, in the first look or in a later one.
func goneFrame(s *script) {
	s.p[0].wait()
	if got := s.p[0].data[pupRAX].Load(); got != errnoWord(abi.BadCap) {
		s.same(got, errnoWord(abi.Revoked))
	}
}

var predicateFns = [...]func(*script){writeProgram, toggle, goneFrame}

func testPredicate(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		theScript.run(taskTest.t, 1, 8, 8, predicateSteps[:], predicateFns[:])
		return 0
	})
}

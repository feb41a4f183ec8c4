//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
)

func testConsistent(t *ktest.T, cpu int) {
	t.Check(cpu, amd64.Consistent(), "g, FS, GS and the stack agree")
	t.Equal(cpu, uint64(amd64.ThisCPU().Index), uint64(cpu), "a CPU knows its number")
	t.Count(1)
}

// testProtections compares the control registers with CPUID itself (SDM vol. 2A, CPUID; vol. 3A §2.5).
func testProtections(t *ktest.T, cpu int) {
	cr0, cr4, efer := amd64.ControlRegisters()
	on := func(have bool, register uint64, bit uint, what string) {
		t.Check(cpu, !have || register>>bit&1 != 0, what)
		t.Count(1)
	}
	top, _, _, _ := amd64.CPUID(0, 0)
	_, _, _, ext := amd64.CPUID(0x80000001, 0)
	on(true, cr0, 16, "CR0.WP is off")
	on(true, cr4, 6, "CR4.MCE is off")
	on(ext>>20&1 != 0, efer, 11, "EFER.NXE is off")
	if top >= 7 {
		_, b, c, _ := amd64.CPUID(7, 0)
		on(b>>0&1 != 0, cr4, 16, "CR4.FSGSBASE is off")
		on(b>>7&1 != 0, cr4, 20, "CR4.SMEP is off")
		on(b>>20&1 != 0, cr4, 21, "CR4.SMAP is off")
		on(c>>2&1 != 0, cr4, 11, "CR4.UMIP is off")
	}
}

// seenTables[cpu] is what testDescriptors found on cpu.
var seenTables [amd64.MaxCPUs][2]uintptr

func testDescriptors(t *ktest.T, cpu int) {
	gdt, idt, own := amd64.Descriptors()
	seenTables[cpu] = [2]uintptr{gdt, idt}
	t.Check(cpu, own, "GDTR, IDTR and TR are those of this CPU's block")
	t.Barrier()
	for other := range cpu {
		t.Check(cpu, seenTables[cpu][0] != seenTables[other][0] && seenTables[cpu][1] != seenTables[other][1],
			"two CPUs share a descriptor table")
	}
	t.Count(1)
}

func testAPICIDs(t *ktest.T, cpu int) {
	id := amd64.APICID()
	t.Equal(cpu, uint64(id), uint64(amd64.ThisCPU().APICID), "the local APIC has the id that firmware says")
	t.Check(cpu, amd64.LVTsAsSet(), "LINT0 is masked, LINT1 is NMI, errors are not masked")
	for other := range ncpu {
		t.Check(cpu, other == cpu || amd64.CPUByIndex(other).APICID != id, "two CPUs have one APIC id")
	}
	t.Count(1)
}

const vectorTest = 0xE0

// ipis[i] counts test interrupts on CPU i.
var ipis [amd64.MaxCPUs]struct {
	atomic.Uint64
	_ [56]byte
}

func countIPI(*amd64.Frame) { ipis[amd64.ThisCPU().Index].Add(1) }

func testIPI(t *ktest.T, cpu int) {
	if cpu == 0 {
		amd64.Handle(vectorTest, countIPI)
	}
	t.Barrier()
	// One sender at a time per target: all to the next one, then further on.
	for step := 1; step <= ncpu; step += 1 + ncpu/8 {
		to := (cpu + step) % ncpu
		before := ipis[to].Load()
		t.Barrier()
		amd64.SendIPI(amd64.CPUByIndex(to).APICID, vectorTest)
		t.Until(cpu, func() bool { return ipis[to].Load() == before+1 }, "the interrupt arrived, once")
		t.Barrier()
		t.Count(1)
	}
}

func testNMI(t *ktest.T, cpu int) {
	c := amd64.ThisCPU()
	next := amd64.CPUByIndex((cpu + 1) % ncpu)
	for range 20 {
		before := next.SeenNMIs()
		next.PingNMI()
		t.Check(cpu, amd64.HoldRegisters(t.Rand(cpu).Uint64(), 50), "a register changed")
		t.Until(cpu, func() bool { return next.SeenNMIs() != before }, "the NMI arrived")
		t.Check(cpu, amd64.Consistent() && amd64.ThisCPU() == c, "FS or GS changed")
		t.Count(1)
	}
	t.Barrier() // nobody sends to a CPU that has left, nor while it sends to itself
	for range 3 {
		t.Check(cpu, amd64.NMIWithForeignBases(), "an NMI found FS and GS not the kernel's, and left them different")
		t.Check(cpu, amd64.Consistent(), "FS or GS changed")
		t.Count(1)
	}
	t.Barrier()
}

// testHaltWindow has a trap come between Idle's STI and its HLT, and the wake-up arrive in that trap: it must not be
// taken on the way back to the HLT and then slept through until the timer rescues the CPU.
func testHaltWindow(t *ktest.T, cpu int) {
	if cpu == 0 {
		amd64.Handle(vectorTest, countIPI)
		amd64.Handle(amd64.VectorDebug, func(*amd64.Frame) {
			amd64.UnbreakHalt()
			amd64.SendIPI(amd64.APICID(), vectorTest)
			for range 1000 { // let it become pending
				amd64.Pause()
			}
			trapsAtHalt[amd64.ThisCPU().Index].Add(1)
		})
	}
	t.Barrier()
	for range 3 {
		flags := amd64.IRQDisable()
		traps, hits, woken := trapsAtHalt[cpu].Load(), timerHits[cpu].Load(), ipis[cpu].Load()
		amd64.StartTimer(5_000_000_000)
		amd64.BreakBeforeHalt()
		amd64.Idle()
		stopTimer()
		amd64.IRQRestore(flags)
		t.Equal(cpu, trapsAtHalt[cpu].Load(), traps+1, "the trap came at the HLT")
		t.Until(cpu, func() bool { return ipis[cpu].Load() == woken+1 }, "the wake-up was delivered")
		t.Equal(cpu, timerHits[cpu].Load(), hits, "the wake-up was slept through")
		t.Count(1)
	}
	t.Barrier()
	if cpu == 0 {
		amd64.Handle(amd64.VectorDebug, nil)
	}
}

// trapsAtHalt counts debug traps at Idle's HLT.
var trapsAtHalt [amd64.MaxCPUs]atomic.Uint64

// clobber makes the timer's handler use every register, and move memory by string instructions, on the CPUs whose bit is set.
var clobber atomic.Uint64

// Above 2 KiB memmove uses string instructions.
var clobberSource [272]uint64

func clobberAll() {
	var target [len(clobberSource)]uint64
	to, from := &target, &clobberSource
	copy(to[:], from[:]) // with the direction flag set it would go down from here
	if *to != *from {
		panic("trap: a copy inside an interrupt handler went wrong")
	}
	amd64.ClobberRegisters()
}

func testRegisters(t *ktest.T, cpu int) {
	if cpu == 0 {
		for i := range clobberSource {
			clobberSource[i] = t.Rand(cpu).Uint64()
		}
	}
	t.Barrier()
	before := timerHits[cpu].Load()
	rounds := 0
	clobber.Or(1 << cpu)
	amd64.StartTicks(manyTimers(500_000))
	for timerHits[cpu].Load() < before+20 && rounds < 2_000_000 {
		if !t.Check(cpu, amd64.HoldRegisters(t.Rand(cpu).Uint64(), 200), "a register changed") {
			break
		}
		rounds++
	}
	stopTimer()
	clobber.And(^uint64(1 << cpu))
	t.Check(cpu, timerHits[cpu].Load() >= before+20, "interrupts came while registers were held")
	t.Count(timerHits[cpu].Load() - before)
}

func testIRQFlag(t *ktest.T, cpu int) {
	outer := amd64.IRQDisable()
	before := timerHits[cpu].Load()
	amd64.StartTimer(100_000)
	amd64.DelayUs(2000)
	t.Equal(cpu, timerHits[cpu].Load(), before, "an interrupt came while interrupts were off")
	inner := amd64.IRQDisable()
	amd64.IRQRestore(inner)
	amd64.Pause()
	t.Equal(cpu, timerHits[cpu].Load(), before, "restoring inside another pair turned interrupts on")
	amd64.IRQRestore(outer)
	// Not exactly one more: a host that is late with this interrupt has Until's own timers come in between.
	t.Until(cpu, func() bool { return timerHits[cpu].Load() > before }, "the interrupt came once interrupts were on")
	t.Count(1)
}

// guessed skips a test where there was no timer to measure the clock by.
func guessed(t *ktest.T) bool {
	if amd64.Clock.Source != "guess" {
		return false
	}
	t.Skip("the clock's rate is a guess")
	return true
}

func testTimer(t *ktest.T, cpu int) {
	if guessed(t) {
		return
	}
	for _, us := range [...]uint64{100, 500, 2000} {
		flags := amd64.IRQDisable()
		before, start := timerHits[cpu].Load(), amd64.NowNs()
		amd64.StartTimer(us * 1000)
		for timerHits[cpu].Load() == before {
			amd64.Idle()
			amd64.IRQDisable()
		}
		took := amd64.NowNs() - start
		amd64.IRQRestore(flags)
		t.Check(cpu, took*100 >= us*1000*95, "the timer fired more than 5 % early")
		amd64.DelayUs(3 * us)
		t.Equal(cpu, timerHits[cpu].Load(), before+1, "a one-shot timer fires once")
		t.Count(1)
	}
}

// testTimerRate compares the timer's count with the clock: how late an interrupt comes on a busy host tells nothing.
func testTimerRate(t *ktest.T, cpu int) {
	if guessed(t) {
		return
	}
	if amd64.Clock.Deadline {
		t.Skip("the deadline timer has no count")
		return
	}
	const second = 1_000_000_000
	flags := amd64.IRQDisable()
	defer amd64.IRQRestore(flags)
	for range 5 {
		// A virtual CPU can be stopped between any two lines here. So the truth is bracketed: what the timer counted lies
		// between the shortest and the longest time that it can have run.
		before := amd64.NowNs()
		amd64.StartTimer(10 * second)
		started := amd64.NowNs()
		amd64.DelayUs(2000)
		shortest := amd64.NowNs() - started
		left := uint64(amd64.TimerCount()) * 1_000_000 / amd64.Clock.TimerKHz
		longest := amd64.NowNs() - before
		stopTimer()
		gone := 10*second - min(left, 10*second)
		slack := 100_000 + longest/20 // the rates were measured, on a host that may have been busy
		t.Check(cpu, gone+slack >= shortest, "the timer counted less than the clock")
		t.Check(cpu, gone <= longest+slack, "the timer counted more than the clock")
		t.Count(1)
	}
}

func testCalibration(t *ktest.T, cpu int) {
	if guessed(t) {
		return
	}
	best, bestTimer := ^uint64(0), ^uint64(0)
	for range 3 {
		tsc, timer, ok := amd64.Recalibrate(10_000_000)
		t.Check(cpu, ok, "the reference timer counts")
		best, bestTimer = min(best, tsc), min(bestTimer, timer)
		t.Count(1)
	}
	near := func(a, b uint64) bool { return a*100 < b*105 && b*100 < a*105 }
	t.Check(cpu, near(best, amd64.Clock.TSCKHz), "the clock is 5 % off the timer that it was measured by")
	t.Check(cpu, near(bestTimer, amd64.Clock.TimerKHz), "the APIC timer's rate is 5 % off")
}

func testTicks(t *ktest.T, cpu int) {
	before := timerHits[cpu].Load()
	flags := amd64.IRQDisable()
	period := manyTimers(500_000)
	amd64.StartTicks(period)
	for timerHits[cpu].Load() < before+3 {
		amd64.Idle()
		amd64.IRQDisable()
	}
	stopTimer()
	amd64.IRQRestore(flags)
	amd64.DelayUs(10) // one that was on its way
	stopped := timerHits[cpu].Load()
	amd64.DelayUs(3 * period / 1000)
	t.Equal(cpu, timerHits[cpu].Load(), stopped, "a stopped timer is quiet")
	t.Count(stopped - before)
}

// latest is the largest clock value that any CPU has published.
var latest atomic.Uint64

func testClock(t *ktest.T, cpu int) {
	if cpu == 0 {
		latest.Store(0)
	}
	t.Barrier()
	last := uint64(0)
	for range 2_000 {
		seen := latest.Load()
		now := amd64.NowNs()
		t.Check(cpu, now >= last, "a CPU's clock went back")
		// Counters of different sockets, or of a virtual machine's CPUs, may differ a little.
		t.Check(cpu, now+1_000_000 >= seen, "a CPU's clock is more than 1 ms behind another's")
		if now > seen {
			latest.CompareAndSwap(seen, now)
		}
		last = now
		t.Count(1)
	}
}

// deviceHits[i] counts UART interrupts on CPU i.
var deviceHits [amd64.MaxCPUs]atomic.Uint64

func testIOAPIC(t *ktest.T, cpu int) {
	if len(amd64.IOAPICs()) == 0 {
		t.Skip("firmware names no I/O APIC")
		return
	}
	const vector = amd64.VectorIRQ + amd64.COM1IRQ
	amd64.Handle(vector, func(*amd64.Frame) {
		amd64.UARTTransmitIRQ(false)
		deviceHits[amd64.ThisCPU().Index].Add(1)
	})
	line := isa[amd64.COM1IRQ]
	for to := range ncpu {
		before := deviceHits[to].Load()
		if !t.Check(cpu, amd64.RouteGSI(line.gsi, vector, line.trigger, amd64.CPUByIndex(to).APICID), "the line can be routed") {
			return
		}
		// Not while a line is being printed, and with what is left in the FIFO gone: then the transmitter is empty.
		amd64.DelayUs(100)
		amd64.UARTTransmitIRQ(true)
		t.Until(cpu, func() bool { return deviceHits[to].Load() != before }, "the device's interrupt reached the CPU")
		t.Count(1)
	}
	amd64.MaskGSI(line.gsi)
	before := uint64(0)
	for i := range ncpu {
		before += deviceHits[i].Load()
	}
	amd64.UARTTransmitIRQ(true)
	amd64.DelayUs(1000)
	amd64.UARTTransmitIRQ(false)
	for i := range ncpu {
		before -= deviceHits[i].Load()
	}
	t.Equal(cpu, before, 0, "a masked line is quiet")
}

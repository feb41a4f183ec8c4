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

func testProtections(t *ktest.T, cpu int) {
	wp, nx, cr4 := amd64.Protections()
	t.Check(cpu, wp, "CR0.WP is set")
	t.Check(cpu, nx, "EFER.NXE is as CPUID says")
	t.Check(cpu, cr4, "CR4 has every protection that CPUID offers")
	t.Count(3)
}

// seenTables[cpu] is what testDescriptors found on cpu.
var seenTables [amd64.MaxCPUs][3]uintptr

func testDescriptors(t *ktest.T, cpu int) {
	gdt, tss, idt, tr := amd64.ThisCPU().Descriptors()
	seenTables[cpu] = [3]uintptr{gdt, tss, idt}
	t.Check(cpu, tr != 0, "a task register is loaded")
	t.Barrier()
	for other := range cpu {
		for i := range 3 {
			t.Check(cpu, seenTables[cpu][i] != seenTables[other][i], "two CPUs share a descriptor table")
		}
	}
	t.Count(1)
}

func testAPICIDs(t *ktest.T, cpu int) {
	id := amd64.APICID()
	t.Equal(cpu, uint64(id), uint64(amd64.ThisCPU().APICID), "the local APIC has the id that firmware says")
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

func testIPI(t *ktest.T, cpu int) {
	if cpu == 0 {
		amd64.Handle(vectorTest, func(*amd64.Frame) { ipis[amd64.ThisCPU().Index].Add(1) })
	}
	t.Barrier()
	// One sender at a time per target: to the next, the one after it, …, itself last.
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
	t.Barrier() // nobody sends to a CPU that has left
}

// testHaltWindow has a trap come between Idle's STI and its HLT, and the wake-up arrive in that trap: it must not be
// taken on the way back to the HLT and then slept through until the timer rescues the CPU.
func testHaltWindow(t *ktest.T, cpu int) {
	if cpu == 0 {
		amd64.Handle(vectorTest, func(*amd64.Frame) { ipis[amd64.ThisCPU().Index].Add(1) })
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
		amd64.StopTimer()
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

func testRegisters(t *ktest.T, cpu int) {
	before := timerHits[cpu].Load()
	rounds := 0
	amd64.StartTicks(50_000)
	for timerHits[cpu].Load() < before+20 && rounds < 200_000 {
		if !t.Check(cpu, amd64.HoldRegisters(t.Rand(cpu).Uint64(), 200), "a register changed") {
			break
		}
		rounds++
	}
	amd64.StopTimer()
	t.Check(cpu, timerHits[cpu].Load() >= before+20, "interrupts came while registers were held")
	t.Count(timerHits[cpu].Load() - before)
}

func testTimer(t *ktest.T, cpu int) {
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
		t.Equal(cpu, timerHits[cpu].Load(), before+1, "a one-shot timer fires once")
		t.Count(1)
	}
}

func testTicks(t *ktest.T, cpu int) {
	before := timerHits[cpu].Load()
	flags := amd64.IRQDisable()
	amd64.StartTicks(1_000_000)
	for timerHits[cpu].Load() < before+3 {
		amd64.Idle()
		amd64.IRQDisable()
	}
	amd64.StopTimer()
	amd64.IRQRestore(flags)
	amd64.DelayUs(10) // one that was on its way
	stopped := timerHits[cpu].Load()
	amd64.DelayUs(3000)
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
}

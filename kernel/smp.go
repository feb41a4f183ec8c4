//go:build exokernel

package main

import (
	"sync/atomic"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/text"
)

// ncpu is how many CPUs run, numbered from 0.
var ncpu = 1

// patienceUs is how long a CPU may take to answer. It is long because the CPUs of a virtual machine share those of a
// busy host, and costs nothing where all answer.
const patienceUs = 5_000_000

// pending[i] is 1 while CPU i owes a call of parallel.fn; each in a cache line of its own.
var pending [amd64.MaxCPUs]struct {
	atomic.Uint32
	_ [60]byte
}

// parallel is the one call that is under way.
var parallel struct {
	fn   func(cpu int)
	left atomic.Int64
}

// startCPUs wakes every CPU that firmware named. One that does not answer is reported and left out.
func startCPUs() {
	amd64.OnCPUStart = serve
	amd64.Handle(amd64.VectorCall, func(*amd64.Frame) {}) // ends a halt; the idle loop then looks for work
	amd64.Handle(amd64.VectorTimer, onTimer)
	startRCU(min(found.n, amd64.MaxCPUs))
	ids := found.apicID[1:found.n]
	if len(ids) > 0 && trampolinePage == 0 {
		say("smp: no free page below 1 MiB to start other CPUs from; going on with one")
		ids = nil
	}
	var l text.Line
	if len(ids) > 0 {
		s := amd64.NewStarter(amd64.PhysAddr(trampolinePage))
		s.Mute, s.HasMute = options.Mute, options.HasMute
		s.InitAll(ids)
		for _, id := range ids {
			if !startCPU(s, id) {
				put(l.Reset().Str("smp: CPU with APIC id ").Uint(uint64(id)).Str(" does not answer; left out"))
			}
		}
		s.Close()
	}
	mode := "xapic"
	if amd64.X2APIC() {
		mode = "x2apic"
	}
	put(l.Reset().Str("smp: ").Int(ncpu).Str(" of ").Int(found.n).Str(" CPUs up, ").Str(mode))
}

// cpuBlock is what a CPU has on its node, besides stacks.
type cpuBlock struct {
	cpu   amd64.CPU
	local local
}

// cpuBytes is what that takes, in whole frames.
const cpuBytes = (unsafe.Sizeof(cpuBlock{}) + mm.FrameSize - 1) &^ (mm.FrameSize - 1)

// startCPU gives the next CPU number to the processor with that APIC id and wakes it.
func startCPU(s amd64.Starter, id uint32) bool {
	home = near(id)
	pa, ok := early.Alloc(uint64(cpuBytes), mm.FrameSize, home)
	if !ok {
		pa, ok = early.Alloc(uint64(cpuBytes), mm.FrameSize, mm.Range{})
	}
	if !ok {
		return false
	}
	for at := pa; at < pa+mm.PhysAddr(cpuBytes); at += mm.FrameSize {
		claim(at)
	}
	block := (*cpuBlock)(amd64.PhysAddr(pa).Ptr())
	c := &block.cpu
	c.Prepare(ncpu, id, allocAtHome)
	prepareContexts(c, &block.local)
	if !s.Start(c, patienceUs) {
		return false
	}
	ncpu++
	return true
}

// home is where the memory of the CPU being started should be.
var home mm.Range

func allocAtHome() amd64.PhysAddr {
	if pa, ok := early.Alloc(mm.FrameSize, mm.FrameSize, home); ok {
		return claim(pa)
	}
	return allocFrame()
}

// serve is an idle CPU's life: wait for a call, make it, report.
func serve(c *amd64.CPU) {
	me := localOf(c)
	for {
		amd64.IRQDisable()
		if pending[c.Index].Load() == 0 {
			if kernelRCU.Pending(c.Index) { // somebody must run its callbacks
				me.wakeWithin(tickNs())
			}
			me.halt()
			continue
		}
		amd64.IRQRestore(flagsIF)
		doShare(c.Index)
	}
}

const flagsIF = 1<<9 | 2

// doShare makes this CPU's share of the call. The last one to finish wakes CPU 0.
func doShare(cpu int) {
	parallel.fn(cpu)
	pending[cpu].Store(0)
	if parallel.left.Add(-1) == 0 && cpu != 0 {
		amd64.SendIPI(amd64.CPUByIndex(0).APICID, amd64.VectorCall)
	}
}

// theMachine is what the test runner runs on; CPU 0 only.
type theMachine struct{}

var machine = &theMachine{}

func (*theMachine) CPUs() int { return ncpu }

// Parallel calls fn on CPUs 0 … n-1 and returns when all are done.
func (*theMachine) Parallel(n int, fn func(cpu int)) {
	parallel.fn = fn
	parallel.left.Store(int64(n))
	for i := 1; i < n; i++ {
		pending[i].Store(1)
		amd64.SendIPI(amd64.CPUByIndex(i).APICID, amd64.VectorCall)
	}
	amd64.IRQRestore(flagsIF)
	doShare(0)
	for {
		amd64.IRQDisable()
		if parallel.left.Load() == 0 {
			return
		}
		here().halt()
	}
}

// manyTimers stretches a timer's period with the number of CPUs: the timers of virtual CPUs are all served by one thread of
// the host. QEMU makes up for every period that it missed, so one that cannot keep up (4 CPUs at 50 µs on a host with other
// work, say) never does anything else again.
func manyTimers(ns uint64) uint64 { return ns * uint64(1+ncpu/4) }

// Relax pauses, and after a while halts for some milliseconds: where CPUs are virtual and more than the host has,
// spinning keeps the very CPU that one waits for from running.
func (*theMachine) Relax(spins int) {
	if spins < 200 {
		amd64.Pause()
		return
	}
	flags := amd64.IRQDisable()
	me := here()
	me.wakeWithin(manyTimers(500_000))
	me.halt()
	if !here().ticking {
		stopTimer()
	}
	amd64.IRQRestore(flags)
}

func (*theMachine) Now() uint64        { return amd64.TSC() }
func (*theMachine) Print(l *text.Line) { put(l) }

// timerHits counts timer interrupts per CPU; each written by its CPU alone.
var timerHits [amd64.MaxCPUs]struct {
	atomic.Uint64
	_ [56]byte
}

// onTick, if it is set, is a test's part of each tick: not of Relax's timer, which goes on after the last CPU has stopped
// its ticks.
var onTick func(me *local)

func onTimer(*amd64.Frame) {
	me := here()
	cpu := me.cpu
	timerHits[cpu].Add(1)
	me.armed = never
	me.rcuTick()
	if tasksReady {
		me.taskTick()
		tickInfo(amd64.NowNs())
	}
	if me.ticking && onTick != nil {
		onTick(me)
	}
	if clobber.Load()>>cpu&1 != 0 {
		clobberAll()
	}
}

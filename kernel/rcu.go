//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/cmdline"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// kernelRCU is the one domain of read-copy-update.
//
// Callbacks run in Advance: from rcuPoll, or from the timer's handler where that has interrupted nothing that has
// preemption off. So who has it off, as everybody must for Call, a Pool or a Deque, is not interrupted by callbacks.
var kernelRCU sync.RCU

var rcuCPUs [amd64.MaxCPUs]sync.RCUCPU

const (
	vectorRCU = 0xF2 // Interrupt's

	// A tick runs so many callbacks, and a part of what has piled up beyond, so that it cannot pile up for good.
	callbacksPerTick = 16
	backlogPart      = 8

	stallNs      = 10_000_000_000
	shortStallNs = 300_000_000 // for crash=rcustall
)

// startRCU makes all CPUs idle but this one; before others run, and before any timer.
func startRCU(cpus int) {
	limit := uint64(stallNs)
	if options.Crash == cmdline.RCUStall {
		limit = shortStallNs
	}
	kernelRCU.Init(rcuCPUs[:cpus], &theRCUMachine, limit)
	kernelRCU.IdleExit(amd64.ThisCPU().Index)
	amd64.Handle(vectorRCU, func(*amd64.Frame) { here().rcuTick() })
}

func callbackLimit(cpu int) int { return callbacksPerTick + kernelRCU.Backlog(cpu)/backlogPart }

// rcuTick is RCU's part of an interrupt.
func (me *local) rcuTick() {
	kernelRCU.Tick(me.cpu, me.interrupted)
	if me.interrupted.Preemptible() {
		kernelRCU.Advance(me.cpu, callbackLimit(me.cpu))
	}
}

// rcuPoll is a quiescent state of the caller, a task in no section; it runs callbacks that are due.
func rcuPoll() {
	c := this()
	c.PreemptDisable() // keeps rcuTick out; there is no section
	kernelRCU.Quiescent(c.CPU)
	kernelRCU.Advance(c.CPU, callbackLimit(c.CPU))
	c.PreemptEnable()
}

// rcuWait is what Synchronize and Barrier do while they wait.
func rcuWait(rounds int) {
	rcuPoll()
	machine.Relax(rounds)
}

// tickNs is the period of the timer while it ticks.
func tickNs() uint64 { return manyTimers(1_000_000) }

// startTicks has this CPU interrupted again and again, until stopTimer.
func startTicks() {
	flags := amd64.IRQDisable()
	here().ticking = true
	amd64.StartTicks(tickNs())
	amd64.IRQRestore(flags)
}

// rcuMachine is the machine as RCU sees it.
type rcuMachine struct {
	reporting atomic.Uint32 // 1: somebody reports a stall
	stalls    atomic.Uint32 // how many were reported
	where     amd64.Snapshot
}

var theRCUMachine rcuMachine

func (*rcuMachine) Interrupt(cpu int) {
	if c := amd64.CPUByIndex(cpu); c != nil {
		amd64.SendIPI(c.APICID, vectorRCU)
	}
}

func (*rcuMachine) NowNs() uint64 { return amd64.NowNs() }

// Stalled prints where cpu is. It looks by NMI, for that CPU may have interrupts off; the printing is done here, for that
// CPU may hold the console's lock. If another CPU reports a stall, that will do.
func (m *rcuMachine) Stalled(cpu int, g, ns uint64) {
	if !m.reporting.CompareAndSwap(0, 1) {
		return
	}
	var l text.Line
	put(l.Str("rcu: stall: cpu ").Int(cpu).Str(" has kept grace period ").Uint(g).Str(" from ending for ").
		Uint(ns / 1_000_000).Str(" ms"))
	if c := amd64.CPUByIndex(cpu); c != nil && c.Look(&m.where, 1_000_000) {
		m.printWhere(&l)
	} else {
		put(l.Reset().Str("rcu: stall: it does not answer an NMI"))
	}
	m.stalls.Add(1)
	m.reporting.Store(0)
}

func (m *rcuMachine) printWhere(l *text.Line) {
	w := &m.where
	n := 0
	one := func(pc uint64) {
		l.Reset().Str("rcu: stall: bt ").Int(n).Byte(' ')
		place(l, pc)
		put(l)
		n++
	}
	one(w.RIP)
	if s, ok := symbols.Lookup(w.RIP); ok && !s.HasFrame && amd64.IsKernelText(uintptr(w.Top)) {
		one(w.Top - 1)
	}
	for _, ret := range w.Callers[:w.N] {
		one(ret - 1)
	}
}

//go:build exokernel

package main

import (
	"runtime"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// local is what the kernel keeps for each CPU, on its node. The CPU alone touches it, but for the permit.
type local struct {
	task      sync.Context // the CPU's own thread of control: it boots, idles, and runs the tests
	interrupt sync.Context // its interrupt handlers
	cpu       int

	interrupted *sync.Context // whom the handler that runs has interrupted
	idle        bool          // it halts, or is about to, and counts as idle for RCU
	ticking     bool          // the timer ticks
	idleStack   amd64.Thread  // its boot stack
	left        uint64        // when reschedule has left a task, ns
	sched       *sched.CPU
	resched     bool         // something more urgent may be ready
	armed       uint64       // when the timer comes, as far as the scheduler knows, ns
	mover       pageMover    // of the migration that its task makes
	thread      *thread      // of ring 3, that runs; nil: none
	tlb         *paging.CPU  // its part in shootdowns
	batch       paging.Batch // of who has a binding locked, or destroys a space; preemption is off
	shot        uint64       // interrupts that it sent to others to have them forget translations
	node        int
	kernelFrame mm.Info    // of a frame of that node that is the kernel's
	tables      tableStock // frames for tables
	roots       tableStock // for the uppermost
	caps        int64      // that were made here for environments, less those that were torn down here
	opening     bool       // a capability is derived by FileOpen just now
	nspares     int
	spares      [sparesKept][2]uintptr // stacks of tasks that have ended: from, to

	_      [64]byte
	permit atom.Uint32 // task's, to go on after Park
	_      [60]byte
}

// bootLocal is the boot CPU's.
var bootLocal local

// here returns this CPU's block. Interrupts are off, or the caller stays on its CPU.
//
// SAFETY: as localOf's. (The load is in here by itself, so that the compiler needs no instruction to mark where the call was.)
func here() *local { return (*local)(amd64.ThisCPU().Local) }

// localOf returns a CPU's block.
//
// SAFETY: prepareContexts has set Local to one.
func localOf(c *amd64.CPU) *local { return (*local)(c.Local) }

// this returns who runs: two loads.
//
// SAFETY: g's Context is set by prepareContexts and aroundHandler, to Contexts.
func this() *sync.Context { return (*sync.Context)(runtime.Getg().Context) }

// startContexts gives the boot CPU its contexts, and kernel/sync what it needs of the machine. No lock is taken before.
func startContexts() {
	sync.CloseOrder()
	sync.Relax = relax
	sync.InterruptsOff = amd64.InterruptsOff
	sync.CallerPC = runtime.CallerPC
	sync.Report = keepReport
	prepareContexts(amd64.ThisCPU(), &bootLocal)
	amd64.AroundHandler = aroundHandler
}

// prepareContexts makes me the block of c, and gives c its contexts, before it runs.
func prepareContexts(c *amd64.CPU, me *local) {
	c.Local = unsafe.Pointer(me)
	me.cpu = c.Index
	me.task.CPU, me.interrupt.CPU = c.Index, c.Index
	me.task.Sleeper = me
	me.armed = never
	me.interrupt.SetInterrupt()
	c.SetContext(unsafe.Pointer(&me.task))
}

// aroundHandler runs an interrupt's handler in the CPU's interrupt context. Handlers may open read sections, so a CPU that
// was idle is not while they run. Interrupts are off; an NMI that comes anywhere in here looks at nothing of this.
func aroundHandler(f *amd64.Frame, handler func(*amd64.Frame)) {
	me, g := here(), runtime.Getg()
	interrupted := g.Context
	me.interrupted = (*sync.Context)(interrupted)
	g.Context = unsafe.Pointer(&me.interrupt)
	if me.idle {
		kernelRCU.IdleExit(me.cpu)
	}
	handler(f)
	if me.idle {
		kernelRCU.IdleEnter(me.cpu)
	}
	g.Context = interrupted
}

// halt lets others run, or if there is nobody waits for an interrupt. Interrupts are off before and after, and on between.
// Who calls it waits for something, looks again afterwards, and may be on another CPU then.
func (me *local) halt() {
	switch c := this(); {
	case !c.Preemptible():
		amd64.Idle()
		amd64.IRQDisable()
	case c != &me.task:
		me.rest()
	case !tasksReady || !me.runTasks():
		me.idle = true
		kernelRCU.IdleEnter(me.cpu)
		amd64.Idle()
		amd64.IRQDisable()
		kernelRCU.IdleExit(me.cpu)
		me.idle = false
		if tasksReady {
			me.sched.LeaveIdle()
		}
	}
}

// Park halts the CPU until Unpark has been called. It is the task's Sleeper as long as the CPU has no other task to run.
func (me *local) Park() {
	for me.permit.Swap(0) == 0 {
		flags := amd64.IRQDisable()
		if me.permit.Load() == 0 {
			me.halt()
		}
		amd64.IRQRestore(flags)
	}
}

// Unpark wakes the CPU if it halts in Park.
func (me *local) Unpark() {
	if me.permit.Swap(1) == 0 && me != here() {
		amd64.SendIPI(amd64.CPUByIndex(me.cpu).APICID, amd64.VectorCall)
	}
}

// relax is for who waits for a lock: as the test runner's, but with interrupts off there is no halting.
func relax(spins int) {
	if amd64.InterruptsOff() {
		serveShootdowns() // the lock's holder may wait for this CPU
		amd64.Pause()
		return
	}
	machine.Relax(spins)
}

// orderReport is what kernel/sync said about lock order before it panicked: it becomes part of the panic report, for only
// there nobody prints in between. Reports take turns in kernel/sync.
var orderReport struct {
	lines [24]text.Line
	n     int
}

func keepReport(l *text.Line) {
	if r := &orderReport; r.n < len(r.lines) {
		r.lines[r.n] = *l
		r.n++
	}
}

// printLocks is the panic report's part about locks: what the CPU's contexts hold, where they took it, and what was wrong
// with the order, if that is why.
func printLocks(l *text.Line, c *amd64.CPU) {
	me := localOf(c)
	if me == nil { // it is that early
		me = &bootLocal
	}
	l.Reset().Str("panic: locks ")
	if len(me.interrupt.Held()) > 0 {
		me.interrupt.PrintLocks(l)
	}
	if len(me.task.Held()) > 0 || len(me.interrupt.Held()) == 0 {
		if len(me.interrupt.Held()) > 0 {
			l.Byte(' ')
		}
		me.task.PrintLocks(l)
	}
	raw(l)
	for _, c := range [...]*sync.Context{&me.interrupt, &me.task} {
		for i := range c.Held() {
			h := &c.Held()[i]
			l.Reset().Str("panic: lock ").Str(h.Class().Name()).Str(" taken at ")
			place(l, uint64(h.Site())-1)
			raw(l)
		}
	}
	for i := range orderReport.n {
		l.Reset().Str("panic: ").Text(orderReport.lines[i].Bytes())
		raw(l)
	}
}

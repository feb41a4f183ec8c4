// Package sync … rcu.go: read-copy-update with a quiescent state per CPU (McKenney & Slingwine, PDCS 1998; the numbering
// of grace periods is that of Desnoyers et al., IEEE TPDS 2012, §3.1, with one period per question asked).
//
//	newest = 7     CPU 0: seen 7      CPU 1: seen 5, in a section      CPU 2: idle
//	               grace period 5 is over; 6 and 7 wait for CPU 1
//
//	            ReadLock  Quiescent  Idle…  Call  Advance  Synchronize  Barrier
//	ReadLock        -         own     own     -      -          -          -
//	Quiescent      own        own     own    own    own         -          -
//	Call            -         own     own    own    own         -          -
//	Synchronize     -          -       -      -      -          -          -
//
//	own: not twice on one CPU, different CPUs may; -: may run together. A context that is in a section is not in Synchronize.
//
// G1. Synchronize does not return while a section is open that was open when it was called.
// G2. A callback does not run while a section is open that was open when Call was called.
// G3. A section that opens after the grace period of a Synchronize or a Call began sees what the caller wrote before.
// G4. Callbacks run once, in the order of their Calls, on the CPU that made the call.
// G5. Barrier returns after every callback has run whose Call came before it.
// G6. Idle CPUs, and those in ring 3, are waited for by nobody.
//
// Progress: ReadLock, ReadUnlock, Quiescent, Call wait-free; Synchronize and Barrier wait for every CPU that is neither
// idle nor quiescent, however long that takes: nothing but quiescent states ends a grace period. A CPU that takes long
// is reported.
// Callers: sections anywhere but on an idle CPU: an interrupt handler there calls IdleExit first and IdleEnter last.
// Quiescent, Idle…, Call and Advance on their CPU, preemption off; so an interrupt handler calls Advance only if what it
// interrupted is preemptible. Synchronize and Barrier by what may wait, in no section.
// Memory: none but the per-CPU blocks given at Init; the callback's head is in the object.
//
// Proof sketch. begin takes a number by an atomic add: a full fence, so that all that its caller wrote is visible before
// the number is. A CPU reports g by writing "I have seen g" at a moment when it has no section open, after reading g. On
// x86-TSO that write comes after all the loads of its earlier sections (G1, G2), and all the loads of its later
// sections come after the read of g, which comes after the add, which comes after the caller's writes (G3): no fence is
// needed there. A CPU that comes out of idle has nothing to read g for it, so it needs the fence: its first section's
// loads wait until its "not idle" can be seen; a scan that still saw "idle" came before. Numbers grow and have 64 bits, so
// "seen at least g" stays true. Periods may overlap, and each begin makes one: nobody waits for a period to end before
// the next can begin, and no callback can be tagged with one that had begun before it was queued.
package sync

import "exo/kernel/sync/atom"

// RCU is one domain of readers and updaters; the kernel has one. Init it before use.
type RCU struct {
	cpus    []RCUCPU
	machine Machine
	stallNs uint64
	_       [16]byte

	newest atom.Uint64 // number of the newest grace period
	_      [56]byte
	over   atom.Uint64 // number of the newest one that is known to be over
	_      [56]byte
}

// Machine is what RCU needs to know about time and other CPUs.
type Machine interface {
	// Interrupt has cpu call Tick and Advance soon.
	Interrupt(cpu int)
	// NowNs is a clock.
	NowNs() uint64
	// Stalled reports that cpu keeps grace period g from ending, for ns nanoseconds now; the kernel prints its stack.
	Stalled(cpu int, g, ns uint64)
}

// RCUCPU is one CPU's part. All but seen, queued and ran is touched by the CPU alone.
type RCUCPU struct {
	seen    atom.Uint64 // the newest grace period that began before this CPU was last quiescent; or idle
	queued  atom.Uint64 // callbacks queued in all
	ran     atom.Uint64 // callbacks run in all
	next    callbacks   // queued, waiting for a grace period to be begun for them
	wait    callbacks   // waiting for grace period waitFor to end
	ready   callbacks   // it has ended
	waitFor uint64      // the grace period that wait waits for
	watch   watch       // how long
	_       [32]byte
}

// idle as seen: later than any grace period.
const idle = ^uint64(0)

// Head is a callback's place in a list; part of the object that is to be freed.
type Head struct {
	next *Head
	fn   func(cpu int, h *Head)
}

type callbacks struct{ first, last *Head }

func (l *callbacks) add(h *Head) {
	if l.first == nil {
		l.first = h
	} else {
		l.last.next = h
	}
	l.last = h
}

// join moves all of m to the end of l.
func (l *callbacks) join(m *callbacks) {
	if m.first == nil {
		return
	}
	if l.first == nil {
		l.first = m.first
	} else {
		l.last.next = m.first
	}
	l.last = m.last
	*m = callbacks{}
}

// Init makes r ready for len(cpus) CPUs, all idle. Who waits longer than stallNs for a CPU has that reported; 0: never.
func (r *RCU) Init(cpus []RCUCPU, machine Machine, stallNs uint64) {
	r.cpus, r.machine, r.stallNs = cpus, machine, stallNs
	r.newest.Store(0)
	r.over.Store(0)
	clear(cpus)
	for i := range cpus {
		cpus[i].seen.Store(idle)
	}
}

// ReadLock opens a section: what is found in it stays until ReadUnlock. Sections nest.
func (c *Context) ReadLock() { c.preempt++ }

// ReadUnlock closes the section that was opened last.
func (c *Context) ReadUnlock() { c.preempt-- }

// Quiescent reports that no section is open on this CPU.
func (r *RCU) Quiescent(cpu int) { r.QuiescentOn(&r.cpus[cpu]) }

// CPU is a CPU's part, for QuiescentOn.
func (r *RCU) CPU(cpu int) *RCUCPU { return &r.cpus[cpu] }

// QuiescentOn is Quiescent for who has the CPU's part at hand.
func (r *RCU) QuiescentOn(c *RCUCPU) {
	// order: newest is read before the loads of the sections to come; pairs with begin (G3)
	if g := r.newest.Load(); c.seen.Load() != g {
		c.seen.StoreRelease(g) // order: after the loads of the sections before; pairs with scan (G1)
	}
}

// Tick is what a CPU's timer interrupt does: if what it interrupted was in no section, that is a quiescent state. Handlers
// do not interrupt each other, so that there is nothing below interrupted.
func (r *RCU) Tick(cpu int, interrupted *Context) {
	if interrupted.preempt == 0 && r.cpus[cpu].seen.Load() != idle {
		r.Quiescent(cpu)
	}
}

// IdleEnter is for a CPU that will open no section until IdleExit: it halts, or runs ring 3.
func (r *RCU) IdleEnter(cpu int) { r.cpus[cpu].seen.StoreRelease(idle) }

// IdleExit is for a CPU that may open sections again.
func (r *RCU) IdleExit(cpu int) {
	r.cpus[cpu].seen.Store(r.newest.Load()) // order: a fence, before the loads of the sections to come; pairs with scan (G3)
}

// begin begins a grace period, after all that the caller wrote.
func (r *RCU) begin() uint64 { return r.newest.Add(1) }

// isOver says whether grace period g has ended.
func (r *RCU) isOver(g uint64) bool {
	if r.over.Load() >= g {
		return true
	}
	done := r.newest.Load() // before the scan: an idle CPU counts for what had begun when it was seen idle
	for i := range r.cpus {
		done = min(done, r.cpus[i].seen.Load()) // order: pairs with Quiescent, IdleEnter (G1) and IdleExit (G3)
	}
	for {
		known := r.over.Load()
		if known >= done || r.over.CompareAndSwap(known, done) {
			return max(known, done) >= g
		}
	}
}

// Synchronize returns when every section that is open now has been closed. It calls wait over and over meanwhile, with a
// count from 0: wait lets the CPU that it runs on be quiescent, and time pass.
func (r *RCU) Synchronize(c *Context, wait func(rounds int)) { r.synchronize(c, wait, false) }

// SynchronizeExpedited is Synchronize that interrupts the CPUs it waits for, instead of waiting for their ticks.
func (r *RCU) SynchronizeExpedited(c *Context, wait func(rounds int)) { r.synchronize(c, wait, true) }

func (r *RCU) synchronize(c *Context, wait func(rounds int), expedite bool) {
	if c.preempt != 0 {
		panic("sync: waiting for readers from inside a read section or with a spinlock")
	}
	g := r.begin()
	var w watch
	for rounds := 0; !r.isOver(g); rounds++ {
		if expedite && rounds%expediteEvery == 0 {
			r.interrupt(g)
		}
		w.look(r, g)
		wait(rounds)
	}
}

// expediteEvery is after how many rounds a CPU that is still in a section is interrupted again.
const expediteEvery = 64

// interrupt has the CPUs that g waits for look whether they are quiescent.
func (r *RCU) interrupt(g uint64) {
	for i := range r.cpus {
		if r.cpus[i].seen.Load() < g {
			r.machine.Interrupt(i)
		}
	}
}

// Call has fn(cpu, h) run when every section that is open now has been closed. fn runs on this CPU, in Advance.
func (r *RCU) Call(cpu int, h *Head, fn func(cpu int, h *Head)) {
	c := &r.cpus[cpu]
	h.next, h.fn = nil, fn
	c.next.add(h)
	c.queued.StoreRelease(c.queued.Load() + 1) // order: after the callback is queued; pairs with Barrier (G5)
}

// Advance runs up to limit callbacks whose grace period has ended, and begins one for those that have none. It is called on
// each tick and when the CPU has time; a CPU for which Pending is true should not sleep without a timer.
func (r *RCU) Advance(cpu, limit int) (ran int) {
	c := &r.cpus[cpu]
	if c.wait.first != nil {
		if r.isOver(c.waitFor) {
			c.ready.join(&c.wait)
		} else {
			c.watch.look(r, c.waitFor)
		}
	}
	if c.wait.first == nil && c.next.first != nil {
		c.wait, c.next = c.next, callbacks{}
		c.waitFor = r.begin() // after they were queued (G2)
		c.watch = watch{}
		c.watch.look(r, c.waitFor)
	}
	for ; ran < limit && c.ready.first != nil; ran++ {
		h := c.ready.first
		c.ready.first = h.next
		h.fn(cpu, h)
		c.ran.StoreRelease(c.ran.Load() + 1) // order: after the callback; pairs with Barrier (G5)
	}
	return ran
}

// Backlog is how many callbacks of the CPU have not run.
func (r *RCU) Backlog(cpu int) int {
	c := &r.cpus[cpu]
	return int(c.queued.Load() - c.ran.Load())
}

// Ended is how many grace periods are over, of all CPUs; a newer one may be, unnoticed.
func (r *RCU) Ended() uint64 { return r.over.Load() }

// Pending says whether the CPU has callbacks that have not run.
func (r *RCU) Pending(cpu int) bool {
	c := &r.cpus[cpu]
	return c.queued.Load() != c.ran.Load()
}

// Barrier returns when all callbacks have run that were queued before, on any CPU. It calls wait meanwhile as Synchronize
// does; wait must Advance the CPU it runs on.
func (r *RCU) Barrier(c *Context, wait func(rounds int)) {
	if c.preempt != 0 {
		panic("sync: waiting for callbacks from inside a read section or with a spinlock")
	}
	rounds := 0
	for i := range r.cpus {
		cpu := &r.cpus[i]
		queued := cpu.queued.Load()
		for ; cpu.ran.Load() < queued; rounds++ {
			if rounds%expediteEvery == 0 {
				r.machine.Interrupt(i) // it may be asleep
			}
			wait(rounds)
		}
	}
}

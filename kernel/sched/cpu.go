// Package sched … cpu.go: what a CPU runs next.
//
//	        Pick  Finish  Tick  EnterIdle  LeaveIdle        own: not twice on one CPU, different CPUs may; Tick may
//	Pick    own    own     -       own        own           interrupt the others
//	Finish  own    own     -       own        own
//
// G1. A task runs on one CPU at a time: who picks it has won the change from Ready to Running, and it becomes ready, or
// blocked, or done only in Finish, when its CPU has left its stack.
// G2. A task that is ready runs, or is in a ring, an inbox, the real-time heap, or in the hands of one CPU: none is lost.
// G3. Pick returns the most urgent task that is on this CPU: real time by deadline, then fair by shares, then batch, but for the turn
// that each of these gets (turn.go). Only if there is none it looks at other CPUs; and none only if it found nothing anywhere.
// G4. A CPU does not go idle while a task is ready that it was to run: EnterIdle says so after the CPU is in the idle set, and
// who makes a task ready looks at that set afterwards.
//
// Progress: Pick takes a bounded number of steps for each task that it files, and lock-free steps to take one; Finish is
// lock-free. Callers: the CPU, interrupts off (Tick: its timer's handler). Memory: that of Init.
//
// Proof sketch of G4. Both sides write and then read, with a full fence between: the CPU adds itself to the idle set and
// then looks at its inbox and at the rings; the waker puts the task into an inbox and then looks at the set.
// So at least one sees the other. The waker takes the CPU out of the set before it kicks it, so there is one kick.
// A CPU that puts a task into its own ring will run it, if nobody else does. There is no fence then: while that store is on
// its way, a CPU that goes idle may not see that it could steal, nor be seen. So each Tick of a CPU that runs looks again.
package sched

import (
	"math/bits"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// MaxCPUs is how many CPUs there can be: a set of them is one word.
const MaxCPUs = 64

// Leaving says why a CPU leaves a task.
type Leaving uint8

// The reasons.
const (
	Preempted Leaving = iota // others may be more urgent, or its time is over
	Yields                   // it lets others go first; a real-time task's job is done
	Parks                    // it waits, unless it has a permit
	Exits                    // it has ended
	Moves                    // it becomes another kind of task, and goes where that may run (change.go)
)

// CPU is one CPU's part. What is not an atomic or a ring or an inbox is touched by the CPU alone, interrupts off.
type CPU struct {
	shared ring // fair tasks that others may steal
	pinned ring // fair tasks that stay
	batch  ring // those of the class Batch; may be stolen

	inbox  inbox
	urgent atom.Uint32 // 1: the priority of a task here has changed while it was ready
	busy   atom.Uint32 // 1: it runs a task
	_      [56]byte

	sched   *Sched
	id      int
	number  uint32 // id, as a Task has it
	current *Task  // nil: none
	since   uint64 // current's time is accounted for up to here
	until   uint64 // current's quantum, or budget, ends
	event   uint64 // the next timer, budget, or turn
	rt      realTime
	fair    fairPick
	timers  timers
	turn    *Task    // the batch task whose turn it is
	turnAt  uint64   // when the next one's is
	passed  *Task    // fair tasks that were not accepted, to be queued behind the one that is being left
	victims []victim // nearest first

	// RCU is this CPU's part of it, for the machine, which sets it.
	RCU *sync.RCUCPU

	loot    [stealMost]*Task
	becomes Change

	tuner    tuner
	Counters Counters
}

// Ran is how long the current task has run in all, ns.
func (c *CPU) Ran(now uint64) uint64 { return c.current.ran + now - c.since }

// Current is the task that runs, nil if none.
func (c *CPU) Current() *Task { return c.current }

// Pick makes the task that is to run the current one, and returns it; nil: none. why says what the current one, if there is
// any, is up to: one that yields or is preempted may be the next, too.
func (c *CPU) Pick(now uint64, why Leaving) *Task {
	prev := c.current
	spent := prev != nil && c.account(prev, now)
	if c.event <= now || !c.inbox.empty() || c.urgent.Load() != 0 {
		c.attend(now)
	}
	if prev != nil {
		switch {
		case why >= Parks:
			c.jobDone(prev, now)
			prev = nil
		case prev.class == Fair:
			if why == Preempted && now < c.until && c.rt.ready.n == 0 {
				return prev // its quantum is not over
			}
			if why == Yields {
				c.fair.gaveUp(prev)
			} else {
				c.fair.ran(prev, prev.used)
				if prev.home.Load()&homeBits != 0 && c.sendsHome(prev) {
					prev = nil
				}
			}
		case prev.class == RealTime && (spent || why == Yields && prev.reservation.lent == 0):
			prev = nil // until its next budget
		case prev == c.turn:
			if why == Preempted && now < c.until && c.rt.ready.n == 0 {
				return prev // its turn is not over
			}
			c.turn = nil
		}
	}
	var t *Task
	if c.rt.ready.n != 0 || prev != nil && prev.urgent() {
		t = c.chooseUrgent(prev)
	}
	if t == nil {
		if t = c.chooseFair(prev); t == nil {
			t = c.chooseRest(prev, now)
		}
	}
	if t == c.current && t != nil { // it goes on
		t.used = 0
		t.quanta++
		c.until = now + c.allowance(t)
	} else {
		c.turnTo(t, now)
	}
	return t
}

// jobDone books that t, which has been accounted for, blocks or ends.
func (c *CPU) jobDone(t *Task, now uint64) {
	if t.class == RealTime {
		c.rt.done(t, now)
	} else if c.fair.ran(t, t.used); t == c.turn {
		c.turn = nil
	}
}

// attend does what has come up meanwhile.
func (c *CPU) attend(now uint64) {
	for t := c.inbox.takeAll(); t != nil; {
		c.Counters.Came++
		next := t.next
		c.come(t, now)
		t = next
	}
	c.expire(now)
	c.rt.replenish(now)
	if c.turnAt <= now {
		c.giveTurn(now)
	}
	if c.urgent.Load() != 0 {
		c.refile(now)
	}
	c.noteEvent()
	c.share()
}

// noteEvent is called when timers, budgets or turns have changed.
func (c *CPU) noteEvent() { c.event = min(c.timers.next(), c.rt.next(), c.turnAt) }

// chooseUrgent takes the most urgent real-time task. prev, unless it is nil, competes.
func (c *CPU) chooseUrgent(prev *Task) *Task {
	t := c.rt.top()
	if prev != nil && prev.urgent() {
		if prev.reservation.lent = prev.lent(); t == nil || !c.rt.before(t, prev) {
			return prev
		}
	}
	if t != nil {
		c.rt.pop()
		t.claim()
	}
	return t
}

// chooseFair lets the fair tasks compete in the order in which they wait, prev as the last of them.
func (c *CPU) chooseFair(prev *Task) *Task {
	others := 0 // that compete besides the one that is asked
	if prev != nil {
		if prev.class != Fair {
			prev = nil
		} else {
			others = 1
		}
	}
	for {
		n := c.shared.len() + c.pinned.len()
		if n == 0 {
			return prev
		}
		for i := n; i > 0; i-- {
			t := c.oldest()
			if t == nil {
				break // others have stolen them
			}
			if c.fair.accept(t, n-1+others) {
				t.claim()
				return t
			}
			if prev == nil {
				c.queue(t)
			} else {
				t.next, c.passed = c.passed, t
			}
		}
		c.queuePassed() // the round is over: prev is behind them
		if prev != nil && c.fair.accept(prev, n) {
			return prev
		}
	}
}

// queuePassed queues those that were passed over, in the order in which they stood.
func (c *CPU) queuePassed() {
	var first *Task
	for t := c.passed; t != nil; {
		t, t.next, first = t.next, first, t
	}
	c.passed = nil
	for t := first; t != nil; {
		next := t.next
		c.queue(t)
		t = next
	}
}

// oldest takes the fair task that has waited longest; nil: there is none.
func (c *CPU) oldest() *Task {
	if p := c.pinned.peek(); p != nil {
		if t := c.shared.peek(); t == nil || p.turn.Load() < t.turn.Load() {
			return c.pinned.take()
		}
	}
	return c.shared.take()
}

// chooseRest takes what runs if nothing else does here: a batch task, another CPU's.
func (c *CPU) chooseRest(prev *Task, now uint64) *Task {
	if t := c.batch.take(); t != nil {
		t.claim()
		return t
	}
	if prev != nil {
		return prev
	}
	return c.steal(now)
}

// claim makes a task that the caller has taken, and so nobody else can, a running one.
//
//exo:inline
func (t *Task) claim() {
	ready := t.word.Load()&^15 + uint64(Ready)
	if !t.word.CompareAndSwap(ready, ready+uint64(Running-Ready)) {
		t.claimSlowly()
	}
}

func (t *Task) claimSlowly() {
	for {
		w := t.word.Load()
		if word(w).state() != Ready {
			panic("sched: a task that waits for a CPU is not ready")
		}
		if t.word.CompareAndSwap(w, uint64(word(w).in(Running))) { // it fails only for a permit that comes
			return
		}
	}
}

// turnTo makes t, or nobody, the current one.
func (c *CPU) turnTo(t *Task, now uint64) {
	old := c.current
	c.current = t
	if old == nil && c.since != 0 {
		c.Counters.IdleNs += now - c.since
	}
	if t == nil {
		c.busy.StoreRelease(0)
		c.since = now
		return
	}
	if old == nil {
		c.busy.StoreRelease(1)
	}
	c.since = now
	c.until = now + c.allowance(t)
	t.quanta++
	c.arrive(t, now)
}

// arrive notes that t runs here from now on.
//
//exo:inline
func (c *CPU) arrive(t *Task, now uint64) {
	t.used = 0
	t.switches++
	c.Counters.Switches++
	if t.woken != 0 {
		c.noteLatency(t, now)
	}
}

//go:noinline
func (c *CPU) noteLatency(t *Task, now uint64) {
	c.Counters.Latency.Add(max(now, t.woken) - t.woken) // now was read before, and t may have become ready since
	t.woken = 0
}

// account books the time that t has run since it was last booked, and says whether its budget is used up.
func (c *CPU) account(t *Task, now uint64) bool {
	ran := now - c.since
	c.since = now
	t.ran += ran
	t.used += ran
	if t.class != RealTime {
		return false
	}
	t.reservation.lent = t.lent()
	return c.rt.charge(t, ran)
}

// allowance is for how long t may run before it is looked at again.
func (c *CPU) allowance(t *Task) uint64 {
	if t.class == RealTime {
		return min(c.rt.allowance(t), longest)
	}
	return c.fair.quantum
}

// longest is for how long anything runs that is not looked at, ns.
const longest = 1 << 40

// NextEvent is when the CPU's timer has to come at the latest, in ns; never: ^uint64(0).
func (c *CPU) NextEvent() uint64 {
	if c.current != nil {
		return min(c.event, c.until)
	}
	return c.event
}

// Tick says whether the CPU should call Pick: a handler may ask. It calls an idle CPU to where too much waits.
func (c *CPU) Tick(now uint64) bool {
	if now >= c.tuner.next {
		c.look(now)
	}
	if c.sched.idle.Load() != 0 {
		c.share()
	}
	return !c.inbox.empty() || c.NextEvent() <= now || c.urgent.Load() != 0
}

// Finish is called when the CPU has left prev's stack. It does to it what it was left for.
func (c *CPU) Finish(prev *Task, why Leaving, now uint64) {
	switch why {
	case Preempted, Yields:
		if why == Preempted {
			c.Counters.Preemptions++
		}
		prev.becomeReady()
		if prev.class != Fair || prev.urgent() {
			c.goOn(prev, why, now)
			return
		}
		if prev.home.Load()&homeBits != 0 && c.sendHome(prev) {
			return
		}
		c.queue(prev)
		if c.passed != nil {
			c.queuePassed()
		}
		if c.sched.idle.Load() != 0 {
			c.share()
		}
	case Parks:
		if !prev.block() { // it was woken before it slept
			prev.becomeReady()
			c.come(prev, now)
		}
	case Exits:
		c.sched.end(c, prev)
	case Moves:
		c.change(prev)
	}
}

// goOn files a task that could have gone on, and is no usual one.
func (c *CPU) goOn(t *Task, why Leaving, now uint64) {
	c.queuePassed()
	if t.class != RealTime {
		if c.file(t, now); t.urgent() { // it may have yielded to one that is less so
			c.kick(c.id)
		}
		return
	}
	t.reservation.lent = t.lent()
	if why == Yields {
		c.rt.rest(t, now)
	} else {
		c.rt.put(t)
		c.rt.replenish(now)
	}
	c.noteEvent()
}

// becomeReady makes a running task a ready one; a permit stays.
func (t *Task) becomeReady() {
	if w := t.word.Load(); !t.word.CompareAndSwap(w, w-uint64(Running-Ready)+uint64(counted)) {
		t.becomeReadySlowly()
	}
}

func (t *Task) becomeReadySlowly() {
	for {
		w := t.word.Load()
		if t.word.CompareAndSwap(w, uint64(word(w).in(Ready)+counted)) {
			return
		}
	}
}

// block makes a running task a blocked one; false: it has been given a permit, which is taken.
func (t *Task) block() bool {
	for {
		w := word(t.word.Load())
		if w&permit != 0 {
			if t.word.CompareAndSwap(uint64(w), uint64(w&^permit)) {
				return false
			}
			continue
		}
		if t.word.CompareAndSwap(uint64(w), uint64(w.in(Blocked))) { // order: its stack is left; pairs with Wake (G1)
			return true
		}
	}
}

// settle says that a task that nobody runs is this CPU's from now on.
//
// order: a fence, before its priority is read; pairs with Reprioritize. None is needed if it is this CPU's already: whoever made it
// ready, or put it into the inbox, did so by a locked instruction.
//
//exo:inline
func (c *CPU) settle(t *Task) {
	if t.cpu.Load() != c.number || t.Context.CPU != c.id {
		t.Context.CPU = c.id
		t.cpu.Store(c.number)
	}
}

// file puts a task that has become ready where it waits on this CPU.
func (c *CPU) file(t *Task, now uint64) {
	c.settle(t)
	switch {
	case t.urgent():
		t.reservation.lent = t.lent()
		if c.rt.release(t, now) {
			c.noteEvent()
			return
		}
	case t.class == Batch:
		c.fileBatch(t, now)
		return
	}
	c.queue(t)
}

// come files a task that has not competed here just now: it is new, or was blocked, or stolen.
func (c *CPU) come(t *Task, now uint64) {
	c.enter(t)
	c.file(t, now)
}

// enter has its share count from now on.
func (c *CPU) enter(t *Task) {
	if t.fresh {
		t.fresh = false
		c.fair.join(t)
	} else {
		c.fair.enter(t)
	}
}

// queue puts a fair task at the end. Its turn is how many have been put into either ring before.
//
//exo:inline
func (c *CPU) queue(t *Task) {
	if at := c.shared.tail.Load(); !t.pinned {
		t.turn.StoreRelease(at + c.pinned.tail.Load())
		c.shared.put(at, t)
	} else {
		t.turn.StoreRelease(at + c.pinned.tail.Load())
		c.pinned.push(t)
	}
}

// refile takes all that waits here and files it again, for somebody's priority has changed.
func (c *CPU) refile(now uint64) {
	c.urgent.Store(0) // order: before priorities are read again
	for _, r := range [...]*ring{&c.shared, &c.pinned, &c.batch} {
		for n := r.len(); n > 0; n-- {
			t := r.take()
			if t == nil {
				break
			}
			c.file(t, now)
		}
	}
	c.relend(&c.rt.ready, now)
	c.relend(&c.rt.throttled, now)
}

// relend files those in a heap again that have been lent urgency, or given it back, while they stood there.
func (c *CPU) relend(h *taskHeap, now uint64) {
	for i := 0; i < h.n; {
		t := h.tasks[i]
		lent := t.lent()
		if lent == t.reservation.lent {
			i++
			continue
		}
		if i = 0; !c.rt.lend(t, lent) { // the heap is another
			c.file(t, now)
		}
	}
}

// EnterIdle puts the CPU into the idle set; false: there is something to do, and it is not in it.
func (c *CPU) EnterIdle() bool {
	c.sched.idle.Or(1 << c.id) // order: before looking for work; pairs with send (G4)
	if !c.hasWork() && !c.worthStealing() {
		return true
	}
	c.LeaveIdle()
	return false
}

// hasWork says whether there is anything for Pick on this CPU.
func (c *CPU) hasWork() bool {
	return !c.inbox.empty() || c.urgent.Load() != 0 || c.rt.ready.n+c.shared.len()+c.pinned.len()+c.batch.len() != 0
}

// LeaveIdle takes it out, if it still is in it.
func (c *CPU) LeaveIdle() { c.sched.leaveIdle(c.id) }

// leaveIdle takes a CPU out of the idle set; false: it is not in it.
func (s *Sched) leaveIdle(cpu int) bool {
	for old := s.idle.Load(); old>>cpu&1 != 0; old = s.idle.Load() {
		if s.idle.CompareAndSwap(old, old&^(1<<cpu)) {
			return true
		}
	}
	return false
}

// share has the nearest idle CPU come and steal, if more waits here than is good.
func (c *CPU) share() {
	s := c.sched
	for {
		_, by := c.spare()
		idle := s.idle.Load() & by
		if idle == 0 {
			return
		}
		if to := s.nearest(c.id, idle); s.leaveIdle(to) {
			c.kick(to)
			return
		}
	}
}

// kick has another CPU call Pick.
func (c *CPU) kick(to int) {
	c.Counters.Kicks++
	c.sched.machine.Kick(to)
}

// nearest is the CPU of a set, which is not empty, that is nearest to one.
func (s *Sched) nearest(cpu int, set uint64) int {
	if set>>cpu&1 != 0 {
		return cpu
	}
	for _, v := range s.cpus[cpu].victims {
		if set&v.bit() != 0 {
			return v.id
		}
	}
	return bits.TrailingZeros64(set)
}

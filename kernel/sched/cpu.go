// Package sched … cpu.go: what a CPU runs next. The rest of what a CPU does is in leave.go, file.go, idle.go and account.go.
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

// Package sched … leave.go: what becomes of a task whose stack a CPU has left. cpu.go has the guarantees: here a task becomes ready,
// or blocked, or done, and not before (G1).
package sched

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

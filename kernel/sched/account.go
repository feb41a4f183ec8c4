// Package sched … account.go: what a task's time on its CPU is, when that ends, and when the CPU's timer has to come. All of it is the
// CPU's own, interrupts off.
package sched

// Ran is how long the current task has run in all, ns.
func (c *CPU) Ran(now uint64) uint64 { return c.current.ran + now - c.since }

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

// Package sched … turn.go: turns: no batch task starves, however busy fair tasks keep its CPU.
//
// A batch task runs when no other does. But what it does may be what others wait for: its own end, or that of a teardown in
// whose midst it has been preempted. So while any wait on a CPU, each turnEvery quanta the one that has waited longest runs for
// a quantum, before fair tasks.
//
//	          come              giveTurn                   Pick
//	blocks ─────────▶ c.batch ────────────▶ c.rt.ready ───────────▶ runs ──▶ c.batch, or wherever it goes
//	                     └──────────── chooseRest ───────────────▶
//
// G1. A batch task that waits on a CPU, as the n-th of these, and stays there, runs within n turns of turnEvery quanta each, but
// for what real-time tasks take.
// G2. Its turn is a whole quantum, unless it stops before or a real-time task comes.
// G3. Of turnEvery quanta fair tasks lose at most one; and none, and no time either, while no batch task waits.
//
// In the heap of real-time tasks it has no urgency of its own: so it stands behind all that have, and only before those that are
// in no heap.
//
// Callers: the CPU itself, interrupts off. Memory: none.
// Not promised: that turns come at even distances while the quantum changes; that one is made up for which a real-time task ends.
package sched

// turnEvery is how many quanta there are from one turn to the next.
const turnEvery = 32

// fileBatch puts a ready batch task behind the others. now may be 0: not known.
func (c *CPU) fileBatch(t *Task, now uint64) {
	if t == c.turn {
		c.turn = nil // it has been lent urgency, and given that back, before it ran
	}
	c.batch.push(t)
	if c.turnAt == never {
		c.nextTurn(max(now, c.sched.machine.NowNs()))
		c.noteEvent()
	}
}

func (c *CPU) nextTurn(now uint64) { c.turnAt = now + turnEvery*c.fair.quantum }

// giveTurn has the batch task that has waited longest run next, if one waits. The caller calls noteEvent.
func (c *CPU) giveTurn(now uint64) {
	c.turnAt = never
	if c.batch.len() == 0 {
		return
	}
	c.nextTurn(now)
	if c.turn != nil {
		return // it waits still, for real-time tasks to leave it a moment
	}
	if t := c.batch.take(); t != nil {
		if c.turn = t; !c.rt.stand(t) {
			c.fileBatch(t, now) // there is no room
		}
	}
}

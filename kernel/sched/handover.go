package sched

// HandOver has another task, which is blocked, run next in place of the current one, which parks: what is left of the quantum is the
// other's, but what each runs for is its own. It is Pass and Wake in one, with no queue between, for who waits for an answer of the other.
// ok is false, and nothing has happened, if the other has not blocked yet or does no more, or may not run on this CPU, or has a home
// elsewhere, or either is not a fair task; or if something else comes first: a real-time task, a message from another CPU, a timer, the
// quantum's end. The caller wakes it then, and parks. The other one is to be somebody's who cannot end meanwhile. Return follows, with
// Parks, when the stack is left; a Wake of the current task that comes before has it go on.
//
//	HandOver: the current task  Running ───────────────► Blocked (Return)
//	          the other one     Blocked ──► Running
//
// G1. As of cpu.go: the other one's stack has been left, for it was Blocked; who changes that to Running has won it.
// G2. As of wake.go, G1 and G2: of a HandOver and Wakes at once one makes it run, or ready, and the others leave a permit.
func (c *CPU) HandOver(next *Task, now uint64) (prev *Task, ok bool) {
	prev = c.current
	if prev == nil || prev.class != Fair || next.class != Fair || now >= c.event || now >= c.until || c.rt.ready.n != 0 {
		return prev, false
	}
	if c.urgent.Load() != 0 {
		return prev, false
	}
	if c.inbox.newest.Load() != nil {
		return prev, false
	}
	if next.cpu.Load() != c.number && !c.mayTake(next) {
		return prev, false
	}
	w := next.word.Load()
	if word(w).state() != Blocked || next.urgent() {
		return prev, false
	}
	if !next.word.CompareAndSwap(w, w-uint64(Blocked-Running)+uint64(counted)) { // order: its stack is left; pairs with Return, and block (G1)
		return prev, false
	}
	ran := now - c.since
	prev.ran += ran
	c.fair.ran(prev, prev.used+ran)
	c.since = now
	c.current = next
	next.fair.since = c.fair.clock // it enters
	next.used = 0
	next.switches++
	c.Counters.Switches++
	if next.cpu.Load() != c.number {
		c.settle(next)
	}
	return prev, true
}

// mayTake says whether a task that ran elsewhere may run here.
func (c *CPU) mayTake(t *Task) bool {
	return t.affinity.Load()>>c.id&1 != 0 && t.home.Load()&homeBits == 0 && !t.pinned
}

package sched

import "unsafe"

// Pass and Return are Pick and Finish in the usual case: of two fair tasks the one goes on where the other leaves. They do nothing that those
// do not, and all that they promise (cpu.go) is promised here. Each is put into its caller as a whole: that is most of their speed.

// Pass is Pick for a task that yields or parks, in the usual case: it is a fair one, and there is nothing but fair tasks to think of,
// of one weight, or only one. What has waited longest comes next. If not ok, the current task goes on: it is alone; or if next is nil,
// it is another case.
//
//exo:inline
func (c *CPU) Pass(now uint64, why Leaving) (prev, next *Task, ok bool) {
	if prev = c.current; prev == nil || prev.class != Fair || now >= c.event {
		return prev, nil, false
	}
	if uint64(c.rt.ready.n)|uint64(c.urgent.Load())|uint64(uintptr(unsafe.Pointer(c.inbox.newest.Load()))) != 0 {
		return prev, nil, false
	}
	r := &c.shared
	if c.pinned.head.Load() != c.pinned.tail.Load() {
		if r.len() != 0 {
			return prev, nil, false
		}
		r = &c.pinned
	}
	h, end := r.head.Load(), r.tail.Load()
	if h == end {
		if why == Parks {
			return prev, nil, false
		}
		c.since, prev.ran = now, prev.ran+now-c.since
		c.until = now + c.fair.quantum
		return prev, prev, false
	}
	if next = r.at(h & r.mask).Load(); c.fair.even(next) { // if nobody else takes it meanwhile
		if !r.head.CompareAndSwap(h, h+1) { // order: as ring.take's
			return prev, nil, false
		}
		c.until = now + c.fair.passes(next) // it writes to next, which is this CPU's only now
	} else {
		if why != Parks || h+1 != end || !r.head.CompareAndSwap(h, h+1) { // order: as ring.take's
			return prev, nil, false
		}
		c.until = now + c.fair.quantum
	}
	ran := now - c.since
	prev.ran += ran
	if why == Parks {
		c.fair.ran(prev, prev.used+ran)
	}
	c.since = now
	c.current = next
	next.used = 0
	next.switches++
	c.Counters.Switches++
	if next.claim(); next.woken != 0 {
		c.noteLatency(next, now)
	}
	return prev, next, true
}

// PassToJoiner is Pass for a task that ends: who waits for that goes on at once, if it would be the next here anyway, for nothing else is
// ready. It is woken thereby, though the task has not ended before Return; who joins looks again.
func (c *CPU) PassToJoiner(now uint64) (prev, next *Task, ok bool) {
	if prev = c.current; prev.class != Fair || now >= c.event || c.rt.ready.n+c.shared.len()+c.pinned.len() != 0 || c.urgent.Load() != 0 ||
		!c.inbox.empty() {
		return prev, nil, false
	}
	id := prev.joiner.Load()
	if next = c.sched.find(ID(id)); next == nil {
		return prev, nil, false
	}
	w := next.word.Load()
	if next.id.Load() != id || word(w).state() != Blocked || next.class != Fair || next.cpu.Load() != c.number { // order: as in (*Sched).Wake
		return prev, nil, false
	}
	if !next.word.CompareAndSwap(w, w-uint64(Blocked-Running)+uint64(counted)) { // order: its stack is left; pairs with Return, and block
		return prev, nil, false
	}
	c.Counters.WakesHere++
	c.fair.enter(next)
	c.until = now + c.fair.quantum
	c.goTo(prev, next, now)
	return prev, next, true
}

// goTo makes next, which runs, the current task, after prev.
func (c *CPU) goTo(prev, next *Task, now uint64) {
	prev.ran += now - c.since
	c.since = now
	c.current = next
	c.arrive(next, now)
}

// YieldTo has the current task give what is left of its quantum to another, which runs next; the current one goes to the end of the queue.
// What the other runs for counts as its own. ok is false, and nothing happens, if it is not ready on this CPU, is not among the first
// directedMost that wait here, or either is not a fair task; or if something else comes first: a real-time task, a message from another CPU,
// a timer, the quantum's end. The caller may yield then. So a task is never made to run that waits for something, nor moved from where
// its affinity or its CPU's load have put it.
func (c *CPU) YieldTo(id ID, now uint64) (prev, next *Task, ok bool) {
	prev, next = c.current, c.sched.find(id)
	if prev == nil || next == nil || prev.class != Fair || now >= c.NextEvent() || c.rt.ready.n != 0 || c.urgent.Load() != 0 || !c.inbox.empty() {
		return prev, nil, false
	}
	// order: what is found here may be old; whether it still is so shows when the entry is taken
	if next.id.Load() != uint64(id) || word(next.word.Load()).state() != Ready || next.cpu.Load() != c.number || next.class != Fair {
		return prev, nil, false
	}
	r := &c.shared
	if next.pinned {
		r = &c.pinned
	}
	if !r.pull(next) {
		return prev, nil, false
	}
	c.fair.gaveUp(prev)
	next.claim()
	c.goTo(prev, next, now)
	return prev, next, true
}

// directedMost is how many that wait YieldTo looks through.
const directedMost = 64

// Return is Finish for a task for which Pass, or what is like it here, found another.
//
//exo:inline
func (c *CPU) Return(prev *Task, why Leaving) {
	if why == Parks {
		if w := prev.word.Load(); w&uint64(permit) != 0 || !prev.word.CompareAndSwap(w, w+uint64(Blocked-Running)) { // order: as block's
			c.Finish(prev, why, c.since)
		}
		return
	}
	if why == Exits { // who joins it runs
		prev.become(Done) // order: before its record is looked at by who joins it; which is who runs here
		return
	}
	if prev.becomeReady(); prev.urgent() {
		c.goOn(prev, why, c.since)
		return
	}
	c.queue(prev)
	if c.sched.idle.Load() != 0 {
		c.share()
	}
}

// Wake is (*Sched).Wake for who runs on this CPU. The usual case is a fair task that ran here before, and no CPU is idle. (The conditions
// are nested for the compiler's sake: it makes jumps of them, and words of those that are joined.)
//
//exo:inline
func (c *CPU) Wake(id ID, handler bool) bool {
	s := c.sched
	t := s.find(id)
	if t == nil || handler {
		return s.Wake(c.id, id, handler)
	}
	w := t.word.Load()
	if t.id.Load() != uint64(id) || word(w).state() != Blocked || w&(latencyEvery-1)<<indexBits == 0 {
		return s.Wake(c.id, id, false) // order: as there
	}
	if !t.word.CompareAndSwap(w, w-uint64(Blocked-Ready)+uint64(counted)) {
		return s.Wake(c.id, id, false)
	}
	if t.cpu.Load() == c.number && t.class == Fair && t.home.Load()&homeBits == 0 {
		if s.idle.Load() == 0 {
			if !t.urgent() {
				c.Counters.WakesHere++
				t.fair.since = c.fair.clock // it enters
				if c.queue(t); s.idle.Load() != 0 {
					c.share()
				}
				return true
			}
		}
	}
	s.enqueue(c.id, t, false)
	return true
}

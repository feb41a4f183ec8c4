// Package sched … edf.go: one CPU's tasks with reservations: earliest deadline first (Liu & Layland, JACM 1973), each held
// to its budget by a constant-bandwidth server (Abeni & Buttazzo, RTSS 1998).
//
//	          release                   pop
//	blocks ─────────────▶ ready ─────────────────▶ runs ── done ──▶ blocks
//	   │                   ▲ ▲ ◀─────── put ───────┘ │
//	   │    replenish, at  │ │                       │
//	   │    its deadline   │ │ lend                  │
//	   └─ release ─▶ throttled ◀──── put, rest ──────┘
//	   no budget is left         its budget is used up
//
// G1. In no interval are tasks that became ready in it, with deadlines in it, owed more than the interval times what is
// reserved. So if that is at most the CPU, and replenish is called when next says, a task whose jobs stay within Budget
// and come at least a Period apart ends each before its deadline, whatever the others do: run on, come early, wake late.
// G2. A task that runs on gets Budget in each Period, no less and, but for what G3 says, no more.
// G3. What it ran beyond its budget, because a timer was late or while it was lent urgency, it is given less afterwards.
//
// How. A budget has a deadline. A task that wakes goes on with what is left of both, if that is no more than its share of
// the time until then: left/(deadline-now) ≤ Budget/Period. Else it begins anew: Budget, due a Period from now (release).
// When the budget is used up the task waits for its deadline, where it gets a new budget and a deadline a Period later: so
// it cannot take time that others have reserved for before (put, replenish). All in ns, in integers.
//
// The other order, by rate (monotonic): the shorter period first, always. There, a task that blocks gives up the rest of
// its budget until its deadline, as its jobs must come at least a Period apart for the bound that admitted it (admit.go).
//
// Callers: the CPU itself, interrupts off; also for lend. Nothing here is locked. Memory: the heaps hold pointers to
// Tasks, whose slots stay Tasks; who frees one removes it first.
// Not promised: an order among equals; anything for a task that holds no reservation and was lent urgency, but that.
package sched

// Reservation is what a RealTime task was promised: Budget ns of a CPU in each Period ns.
type Reservation struct {
	Budget, Period uint64

	// Touched by the CPU that the task is on.
	deadline uint64 // of the budget in use, in ns; 0: it never had one
	left     int64  // of that budget, in ns; negative: it ran beyond it (G3)
	due      uint64 // when its job must be done, in ns: a Period after it came; 0: it has none
	lent     uint64 // the urgency of who waits for it, 0: nobody does
	key      uint64 // what orders it in the heap that it is in
	at       uint32 // where it is there
	place    place  // which

	overruns uint64 // how often it used up its budget and wanted to run on
	misses   uint64 // how many jobs ended late
}

// place says in which heap a task is.
type place uint8

const (
	nowhere place = iota // it blocks, runs, or has no place here
	ready
	throttled
)

// MaxRealTime is how many tasks with reservations a CPU can have, and how many others that were lent urgency.
const MaxRealTime = 64

// notUrgent is the urgency of who has none: behind all others.
const notUrgent = ^uint64(0)

// realTime is what one CPU knows of its tasks with reservations; the zero realTime has none.
type realTime struct {
	monotonic bool // the shorter period first, instead of the earlier deadline
	lenders   int  // tasks in ready that have no reservation
	ready     taskHeap
	throttled taskHeap // ordered by deadline: by when they are ready again
}

// urgency is what t is ordered by, and lends to whom it waits for: its deadline, or its period, or, if that is less, what
// it was lent itself. Less is more urgent.
func (e *realTime) urgency(t *Task) uint64 {
	r := &t.reservation
	u := notUrgent
	switch {
	case r.Budget == 0 || r.left <= 0: // not in its own right
	case e.monotonic:
		u = r.Period
	default:
		u = r.deadline
	}
	if r.lent != 0 {
		u = min(u, r.lent)
	}
	return u
}

// release puts t where it belongs when it becomes ready, having blocked or being new: a job of it begins. Also a task
// without a reservation that was lent urgency; then false says that there is no room, and it is ready as what it is.
func (e *realTime) release(t *Task, now uint64) bool {
	r := &t.reservation
	if r.Budget != 0 {
		r.due = now + r.Period
		switch {
		case now >= r.deadline:
			r.left = min(r.left, 0) + int64(r.Budget)
			r.deadline = now + r.Period
		case e.monotonic:
			r.left = min(r.left, 0) // until its deadline
		case r.left > 0 && uint64(r.left)*r.Period > (r.deadline-now)*r.Budget: // none is above 2^32: maxPeriod
			r.left = int64(r.Budget)
			r.deadline = now + r.Period
		}
	}
	return e.stand(t)
}

// put puts t back when it stops running and is still ready: it was preempted, or its budget is used up. The caller then
// calls replenish, as its deadline may have come meanwhile. Result as of release.
func (e *realTime) put(t *Task) bool {
	r := &t.reservation
	if r.exhausted() {
		r.overruns++
	}
	return e.stand(t)
}

// stand puts t into one of the heaps.
func (e *realTime) stand(t *Task) bool {
	r := &t.reservation
	if r.exhausted() {
		r.key, r.place = r.deadline, throttled
		e.throttled.push(t)
		return true
	}
	if r.Budget == 0 {
		if e.lenders == MaxRealTime {
			return false
		}
		e.lenders++
	}
	r.key, r.place = e.urgency(t), ready
	e.ready.push(t)
	return true
}

// exhausted says whether the task must wait for its next budget. Not while others wait for it.
func (r *Reservation) exhausted() bool { return r.Budget != 0 && r.left <= 0 && r.lent == 0 }

// top is the most urgent task that is ready, or nil.
func (e *realTime) top() *Task {
	if e.ready.n == 0 {
		return nil
	}
	return e.ready.tasks[0]
}

// pop takes it out, to run.
func (e *realTime) pop() *Task {
	t := e.top()
	if t != nil {
		e.remove(t)
	}
	return t
}

// before says whether t goes before u. Either may be of any class, and run or wait.
func (e *realTime) before(t, u *Task) bool { return e.urgency(t) < e.urgency(u) }

// remove takes t out of where it stands, if it does.
func (e *realTime) remove(t *Task) bool {
	r := &t.reservation
	switch r.place {
	case nowhere:
		return false
	case ready:
		e.ready.remove(t)
		if r.Budget == 0 {
			e.lenders--
		}
	case throttled:
		e.throttled.remove(t)
	}
	r.place = nowhere
	return true
}

// charge notes that t, which runs, ran for so many ns, and says whether it must stop: its budget is used up.
func (e *realTime) charge(t *Task, ran uint64) bool {
	r := &t.reservation
	if r.Budget == 0 {
		return false
	}
	r.left -= int64(ran)
	return r.exhausted()
}

// allowance is for how many ns t may run from now on, or never: its CPU's timer must call then.
func (e *realTime) allowance(t *Task) uint64 {
	r := &t.reservation
	if r.Budget == 0 || r.lent != 0 {
		return never
	}
	return uint64(max(r.left, 0))
}

// done notes that t, which runs and was charged, blocks or ends: its job is done. false: too late.
func (e *realTime) done(t *Task, now uint64) bool {
	r := &t.reservation
	late := r.due != 0 && now > r.due
	if late {
		r.misses++
	}
	r.due = 0
	return !late
}

// rest is done, of a task that does not block: its next job begins at its deadline.
func (e *realTime) rest(t *Task, now uint64) bool {
	inTime := e.done(t, now)
	t.reservation.left = min(t.reservation.left, 0)
	e.stand(t)
	return inTime
}

// replenish gives the throttled tasks whose deadline has come their next budget, and says how many are ready by it.
func (e *realTime) replenish(now uint64) int {
	n := 0
	for e.throttled.n > 0 && e.throttled.tasks[0].reservation.deadline <= now {
		t := e.throttled.tasks[0]
		r := &t.reservation
		e.remove(t)
		begins := r.deadline
		if begins+r.Period <= now { // nobody called for so long: what is past is not made up for
			begins = now
		}
		r.left += int64(r.Budget)
		r.deadline = begins + r.Period
		if r.due == 0 {
			r.due = r.deadline
		}
		e.stand(t)
		if r.place == ready {
			n++
		}
	}
	return n
}

// next is when replenish must be called, in ns, or never.
func (e *realTime) next() uint64 {
	if e.throttled.n == 0 {
		return never
	}
	return e.throttled.tasks[0].reservation.deadline
}

// lend gives t, wherever it is, the urgency of the most urgent task that waits for it; 0: none waits any more. It says
// whether t stands here. A task without a reservation that was ready elsewhere comes here by release, and is taken out by
// lend(t, 0), to be ready elsewhere again. One that runs keeps running; its caller asks before.
func (e *realTime) lend(t *Task, urgency uint64) bool {
	r := &t.reservation
	r.lent = urgency
	if !e.remove(t) {
		return false
	}
	if r.Budget == 0 && urgency == 0 {
		return false
	}
	return e.stand(t)
}

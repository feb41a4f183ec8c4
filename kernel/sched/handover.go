package sched

import "unsafe"

// HandOver has another task, which is blocked, run next in place of the current one, which parks: what is left of the quantum is the
// other's, but what each runs for is its own. It is Pass and Wake in one, with no queue between, for who waits for an answer of the other.
// It returns the task that was current; or nil, and nothing has happened, if the other has not blocked yet or does no more, or may not run
// on this CPU, or has a home elsewhere, or either is not a fair task; or if something else comes first: a real-time task, a message from
// another CPU, a timer, the quantum's end. The caller wakes it then, and parks. The other one is to be somebody's who cannot end
// meanwhile. Return follows, with Parks, when the stack is left; a Wake of the current task that comes before has it go on.
//
// w is the other one's Word, which the caller has read before it looked what that waits for: so that is still so if it is not nil.
//
//	HandOver: the current task  Running ───────────────► Blocked (Return)
//	          the other one     Blocked ──► Running
//
// G1. As of cpu.go: the other one's stack has been left, for it was Blocked; who changes that to Running has won it.
// G2. As of wake.go, G1 and G2: of a HandOver and Wakes at once one makes it run, or ready, and the others leave a permit.
//
//go:noinline
func (c *CPU) HandOver(next *Task, w, now uint64) (prev *Task) {
	here := c.RanHere(next)
	if c.current == nil || !here && !c.mayTake(next) || !c.MayHandOver(next, now) || !next.TakeOver(w) {
		return nil
	}
	if prev = c.HandedOver(next, now); !here {
		c.settle(next)
	}
	return prev
}

// RanHere, MayHandOver, TakeOver and HandedOver are HandOver step by step, each for who has been told so by the one before, to a task that
// ran on this CPU last; and one runs now.
func (c *CPU) RanHere(t *Task) bool { return t.cpu.Load() == c.number }

// MayHandOver says whether nothing comes first. (The conditions stand one by one for the compiler's sake: it makes jumps of them, and words
// of those that are joined.)
//
//exo:inline
func (c *CPU) MayHandOver(next *Task, now uint64) bool {
	if c.current.class|next.class != Fair {
		return false
	}
	if now >= c.event {
		return false
	}
	if now >= c.until {
		return false
	}
	if uint64(c.rt.ready.n)|uint64(c.urgent.Load())|uint64(uintptr(unsafe.Pointer(c.inbox.newest.Load()))) != 0 {
		return false
	}
	return next.Context.Below(Urgent)
}

// TakeOver makes t, which is blocked, run.
//
//exo:inline
func (t *Task) TakeOver(w uint64) bool {
	if w&15 != uint64(Blocked) {
		return false
	}
	return t.word.CompareAndSwap(w, w-uint64(Blocked-Running)+uint64(counted)) // order: its stack is left; pairs with Return, and block (G1)
}

// HandedOver makes it the current task, and returns the one that was.
//
//exo:inline
func (c *CPU) HandedOver(next *Task, now uint64) (prev *Task) {
	prev = c.current
	ran := now - c.since
	prev.ran += ran
	c.fair.ran(prev, prev.used+ran)
	c.since = now
	c.current = next
	next.fair.since = c.fair.clock // it enters
	next.used = 0
	next.switches++
	c.Counters.Switches++
	return prev
}

// Word is a task's state with its count, which grows each time it becomes ready or runs: for HandOver.
func (t *Task) Word() uint64 { return t.word.Load() }

// Parking is what Return, with Parks, adds to the word of a task that has no permit.
const Parking = uint64(Blocked - Running)

// ParkWord is where that word is, and what it is without a permit: for who does what Return does by an instruction of its own, on
// another stack. If it is not that any more, Return is to be called.
func (t *Task) ParkWord() (at unsafe.Pointer, old uint64) {
	return unsafe.Pointer(&t.word), t.word.Load() &^ uint64(permit)
}

// OfWord is the task that a word is of.
func OfWord(at unsafe.Pointer) *Task {
	// SAFETY: ParkWord returned at.
	return (*Task)(unsafe.Add(at, -int(unsafe.Offsetof(Task{}.word))))
}

// mayTake says whether a task that ran elsewhere may run here.
func (c *CPU) mayTake(t *Task) bool {
	return t.affinity.Load()>>c.id&1 != 0 && t.home.Load()&homeBits == 0 && !t.pinned
}

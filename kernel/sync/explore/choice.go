//go:build explore

package explore

import (
	"slices"
	"unsafe"
)

// An alternative is what may happen next: a thread does its next operation, or stores reach memory, or both in turn.
type alternative struct {
	run   *thread // who runs; nil: that is still to be chosen
	flush *thread // whose stores are flushed before
	upTo  int     // how far, as an index of its buffer
	cost  int
}

// decide lets the scheduler choose until it chooses a thread to run; nil: the execution is over, or has failed.
func (x *Run) decide() *thread {
	for {
		alts := x.alternatives()
		if x.failure != "" || len(alts) == 0 {
			return nil
		}
		a, ok := x.pick(alts)
		if !ok || x.failure != "" {
			return nil
		}
		if a.run == nil {
			continue
		}
		if a.run != x.cur {
			if x.tracing && x.cur != nil {
				x.events = append(x.events, event{kind: eventSwitch, thread: a.run.id, what: x.leaving()})
			}
			x.turn++
		}
		return a.run
	}
}

// pick has one alternative chosen, and does its flushes.
func (x *Run) pick(alts []alternative) (alternative, bool) {
	i := x.choose(alts)
	if i < 0 {
		return alternative{}, false // it has failed
	}
	a := alts[i]
	x.choices = append(x.choices, uint8(i))
	x.budget -= a.cost
	x.spent += a.cost
	if a.flush != nil {
		x.flushTo(a.flush, a.upTo)
	}
	return a, true
}

// alternatives lists what may happen between two operations, what costs nothing first. The list does not depend on the
// budget, so that a schedule means the same under every bound.
func (x *Run) alternatives() []alternative {
	alts := x.alts[:0]
	goesOn := x.cur != nil && x.enabled(x.cur)
	switch {
	case x.all:
		if goesOn {
			alts = append(alts, alternative{run: x.cur})
		}
		alts = x.oldest(x.others(alts, 0), 0)
	case goesOn:
		cost := 1
		if x.cur.paused() {
			cost = 0 // it gave way
		}
		alts = append(alts, alternative{run: x.cur})
		alts = x.others(alts, cost)
		alts = x.wakeUps(alts, cost)
	default:
		alts = x.others(alts, 0)
		alts = x.wakeUps(alts, 0)
		if len(alts) > 0 && alts[0].cost > 0 {
			for i := range alts { // nothing else can happen
				alts[i].cost = 0
			}
		}
	}
	if len(alts) == 0 {
		alts = x.oldest(alts, 0)
	}
	if len(alts) == 0 {
		alts = x.stuck(alts)
	}
	x.alts = alts
	return alts
}

// others lists the threads that could run instead of the current one, beginning with the one after it.
func (x *Run) others(alts []alternative, cost int) []alternative {
	first := 0
	if x.cur != nil {
		first = x.cur.id + 1
	}
	for i := range x.threads {
		th := x.threads[(first+i)%len(x.threads)]
		if th != x.cur && x.enabled(th) {
			alts = append(alts, alternative{run: th, cost: cost})
		}
	}
	return alts
}

// oldest lists the buffers whose oldest store could be flushed. Of two stores by different threads to different words,
// flushed one after the other, the order is of no matter: it is enough to try the one in which the lower thread comes
// first, if it can; every order is equivalent to one without such a pair.
func (x *Run) oldest(alts []alternative, cost int) []alternative {
	n := len(alts)
	for _, last := range []flush{x.flushed, {}} {
		for _, th := range x.threads {
			if th.head == len(th.buffer) {
				continue
			}
			if last.thread != nil && !x.all && th.id < last.thread.id && th.buffer[th.head].addr != last.addr {
				continue
			}
			alts = append(alts, alternative{flush: th, upTo: th.head, cost: cost})
		}
		if len(alts) > n || x.all {
			break // else this was a detour: take any
		}
	}
	return alts
}

// wakeUps lists the stores on their way that somebody waits for, each with a switch to whoever that is. That the one that
// begins to wait just now goes on at once costs 1.
func (x *Run) wakeUps(alts []alternative, cost int) []alternative {
	for _, th := range x.threads {
		if th.yielded && th.idle && th != x.cur && x.ready(th) {
			alts = x.wakeUp(alts, th, cost)
		}
	}
	if th := x.cur; th != nil && th.yielded && th.idle && x.ready(th) {
		alts = x.wakeUp(alts, th, 1)
	}
	for _, th := range x.threads {
		if !th.done && th.cond != nil && !x.ready(th) {
			return x.oldest(alts, 1) // no telling what it looks at
		}
	}
	return alts
}

func (x *Run) wakeUp(alts []alternative, th *thread, cost int) []alternative {
	for _, u := range x.threads {
		for i := u.head; i < len(u.buffer) && u != th; i++ {
			if th.lookedAt(u.buffer[i].addr) {
				alts = append(alts, alternative{run: th, flush: u, upTo: i, cost: cost})
			}
		}
	}
	return alts
}

// arrivals is called when the running thread is about to touch a word in memory, by an operation that looks at it or by a
// store that arrives: other threads' stores to it may have arrived before, or not. That is decided only now, for until now
// it made no difference.
//
// It costs nothing if the store can have arrived when this thread's turn began, and 1 if not: if the thread has already
// looked since then, and missed it.
//
// The thread's own store to the word matters too, if others are on their way: once it has arrived, theirs can overwrite it
// before the thread looks.
func (x *Run) arrivals(th *thread, addr unsafe.Pointer, looks bool) {
	for !x.all {
		alts := append(x.alts[:0], alternative{run: th})
		for _, u := range x.threads {
			if i := u.find(addr); u != th && i >= 0 && !u.arriving {
				a := alternative{run: th, flush: u, upTo: i}
				if u.missedTurn == x.turn && i >= u.missed {
					a.cost = 1
				}
				alts = append(alts, a)
			}
		}
		x.alts = alts
		if len(alts) == 1 {
			return
		}
		if i := th.find(addr); i >= 0 && looks {
			alts = append(alts, alternative{run: th, flush: th, upTo: i})
			x.alts = alts
		}
		sort(alts)
		a, ok := x.pick(alts)
		if !ok {
			return
		}
		if a.flush == nil {
			if !looks {
				return
			}
			if own := th.newest(addr); own >= 0 { // it sees its own, which has not arrived either
				th.buffer[own].missedAt = x.clock + 1
			} else {
				x.missed(th, addr)
			}
			return
		}
	}
}

// missed notes that a thread looks at a word, and the others' stores to it have not arrived.
func (x *Run) missed(th *thread, addr unsafe.Pointer) {
	for _, u := range x.threads {
		if i := u.find(addr); u != th && i >= 0 {
			u.buffer[i].missedAt = x.clock + 1
			if u.missedTurn != x.turn || i < u.missed {
				u.missedTurn, u.missed = x.turn, i
			}
		}
	}
}

// sort puts what costs nothing first.
func sort(alts []alternative) {
	slices.SortStableFunc(alts, func(a, b alternative) int { return a.cost - b.cost })
}

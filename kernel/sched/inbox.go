// Package sched … inbox.go: what other CPUs, and interrupt handlers, have made ready for a CPU: a list of tasks linked by their
// own words, which the CPU takes as a whole.
//
//	        put  takeAll        X: callers exclude each other; -: may run together
//	put      -      -
//	takeAll  -      -
//
// G1. A task that was put once is taken once.
// G2. Tasks come out in the order in which they were put.
// G3. put says whether the inbox was empty: somebody then has to tell the CPU.
//
// Progress: put lock-free, takeAll wait-free but for turning the list round. Callers: put, any CPU, handlers too: whoever made
// the task ready. takeAll: the CPU. Memory: a word of each task.
//
// There is no ABA here: nothing is taken but all, and what a compare-and-swap expects is only linked to, never looked at.
package sched

import "exo/kernel/sync/atom"

// inbox is a list of tasks, newest first; each task's next is the one that was put before it.
type inbox struct {
	newest atom.Pointer[Task] // nil: none
	_      [56]byte
}

// put adds t.
func (b *inbox) put(t *Task) (wasEmpty bool) {
	for {
		old := b.newest.Load()
		t.next = old
		if b.newest.CompareAndSwap(old, t) { // order: publishes next and what the waker wrote; pairs with takeAll
			return old == nil
		}
	}
}

// empty says whether there is nothing.
func (b *inbox) empty() bool { return b.newest.Load() == nil }

// takeAll takes all and returns the oldest; each task's next is then the one that was put after it.
func (b *inbox) takeAll() (oldest *Task) {
	if b.newest.Load() == nil {
		return nil
	}
	for t := b.newest.Swap(nil); t != nil; {
		t, t.next, oldest = t.next, oldest, t
	}
	return oldest
}

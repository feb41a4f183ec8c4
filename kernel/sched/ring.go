// Package sched … ring.go: one CPU's ready tasks, first in, first out.
//
//	          head                tail
//	           ▼                   ▼
//	   – – – – ● ● ● ● ● ● ● ● ● ● – – – –      a circular array with room for every task there is
//	   takers ─┘                   └── the owner
//
//	        push  take  grab  len        X: callers exclude each other; -: may run together
//	push      X     -     -     -        push: the owner alone
//	take      -     -     -     -
//	grab      -     -     -     -
//
// G1. An entry that was pushed once is taken once, by take or by grab, and not before.
// G2. Entries are taken in the order in which they were pushed.
// G3. Who takes an entry sees all that the owner wrote before it pushed it.
// G4. take fails only if the ring was empty at some moment of the call.
//
// Progress: push wait-free, one store; take and grab lock-free, one compare-and-swap if nobody else takes.
// Callers: push, the owning CPU, preemption off and not in a handler. The others: any CPU, preemption off.
// Memory: the array given at init, for good. It cannot overflow: see push.
//
// Proof sketch. Positions only grow, and have 64 bits. Whoever moves head from h to h+1 has the entry at h: it read that
// before, and the owner writes at h again only when tail has come round, which takes as many pushes as the ring is long; by
// then head is past h and the compare-and-swap fails. The store of tail comes after that of the entry, on x86 and in Go (G3).
package sched

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// ring is a circular array. Init it before use.
type ring struct {
	head atom.Uint64 // the oldest entry; moved by whoever takes it
	_    [56]byte

	tail atom.Uint64    // after the newest entry; written by the owner
	base unsafe.Pointer // of a circular array of atom.Pointer[Task]
	mask uint64         // its length, less one
	_    [40]byte
}

// at is the place of a position, which the caller has masked. No bounds are checked: that would be a good part of what push and take cost.
//
// SAFETY: the mask keeps it inside the array.
func (r *ring) at(masked uint64) *atom.Pointer[Task] {
	return (*atom.Pointer[Task])(unsafe.Add(r.base, masked*8))
}

// init makes the ring empty, in memory for a power of two of tasks.
func (r *ring) init(memory []atom.Pointer[Task]) {
	if n := len(memory); n == 0 || n&(n-1) != 0 {
		panic("sched: a ring's length is a power of two")
	}
	r.base, r.mask = unsafe.Pointer(&memory[0]), uint64(len(memory)-1)
	r.head.Store(0)
	r.tail.Store(0)
}

// push puts t at the end. There is room: the ring is at least as long as there are tasks, and each is in one place.
func (r *ring) push(t *Task) { r.put(r.tail.Load(), t) }

// put is push, for who has read where the end is.
func (r *ring) put(at uint64, t *Task) {
	r.at(at & r.mask).StoreRelease(t)
	r.tail.StoreRelease(at + 1) // order: publishes the entry, and what the task's last CPU wrote; pairs with take (G3)
}

// take takes the oldest; nil: there is none.
func (r *ring) take() *Task {
	for {
		h := r.head.Load()
		if h == r.tail.Load() { // head first: it may only have grown since
			return nil
		}
		t := r.at(h & r.mask).Load()
		if r.head.CompareAndSwap(h, h+1) { // order: t is what was there; nobody writes there before head has passed (G1)
			return t
		}
	}
}

// peek is the oldest, which stays, if nobody takes it; nil: there is none.
func (r *ring) peek() *Task {
	h := r.head.Load()
	if h == r.tail.Load() {
		return nil
	}
	return r.at(h & r.mask).Load()
}

// grab takes the older half of the entries, at most len(to), and none from the first on whose affinity has not
// the CPU's bit, and says how many; 0: there is none such, or somebody was faster.
//
//exo:inline
func (r *ring) grab(to []*Task, bit uint64) int {
	h := r.head.Load()
	n := r.tail.Load() - h
	if n > r.mask+1 {
		return 0 // head has moved on
	}
	n = min(n-n/2, uint64(len(to)))
	for i := range n {
		if to[i] = r.at((h + i) & r.mask).Load(); to[i].affinity.Load()&bit == 0 {
			n = i
			break
		}
	}
	if n == 0 || !r.head.CompareAndSwap(h, h+n) { // order: as take's
		return 0
	}
	return int(n)
}

// pull takes t out of the midst, if it is among the first directedMost; the order of the others stays. The owner alone: they go round once,
// each taken and pushed again, but for those that others take meanwhile.
func (r *ring) pull(t *Task) (found bool) {
	h, end := r.head.Load(), r.tail.Load()
	if end-h > directedMost {
		return false
	}
	at := h
	for ; at != end && r.at(at&r.mask).Load() != t; at++ {
	}
	if at == end {
		return false
	}
	for ; h < end; h = r.head.Load() {
		u := r.at(h & r.mask).Load()
		if !r.head.CompareAndSwap(h, h+1) { // order: as take's
			continue
		}
		if u == t {
			found = true
		} else {
			r.push(u)
		}
	}
	return found
}

// len is how many there are; never below 0.
func (r *ring) len() int {
	h := r.head.Load()
	return int(r.tail.Load() - h) // tail is read later, and never behind
}

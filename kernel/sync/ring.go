// Package sync … ring.go: a bounded queue that interrupt handlers may use: SCQ (Nikolaev, DISC 2019).
//
//	free ──► [ 2 · 0 · – – – ]  numbers of data words that hold nothing
//	data:    [ ● ○ ○ ● ]
//	full ──► [ 3 · 1 – – – – ]  numbers of data words with elements, oldest first
//
//	          Enqueue  Dequeue        X: callers exclude each other; -: may run together
//	Enqueue      -        -
//	Dequeue      -        -
//
// G1. An element that was enqueued once is dequeued at most once, and not before.
// G2. Dequeue sees all that Enqueue's caller wrote before it enqueued.
// G3. Elements come out in the order in which their Enqueues took effect.
// G4. Dequeue fails only if the ring was empty at some moment of the call.
// G5. Enqueue fails only if each data word held an element, or an operation under way held it, at some moment.
//
// Progress: lock-free; an operation that was interrupted anywhere keeps no other from finishing. Callers: any CPU, task
// or interrupt handler, also one that interrupts an operation on the same ring. Memory: the words given at Init, for
// ever; there is nothing to reclaim.
//
// Proof sketch. Each of the two index rings has twice as many entries as numbers, so Enqueue always finds room in it.
// head and tail are drawn by fetch-and-add: a position has one enqueuer and one dequeuer. The entry's cycle says whose
// turn it is. A dequeuer that is there first moves the cycle on (or marks the entry unsafe if it holds a number), so
// the enqueuer of that position goes to another one: none waits for the other. threshold bounds how many positions
// dequeuers spoil before they may say "empty": each enqueuer resets it after its entry is in. From then on the entry
// is met within 2n positions, and each of the other operations under way, users - 1 at most, may have taken one of
// threshold late, for a position before (Nikolaev, §4, with n for users; G4).
package sync

import "exo/kernel/sync/atom"

// Ring is a bounded first-in-first-out queue of words. Init it before use.
type Ring struct {
	data       []atom.Uint64
	free, full indexRing
}

// RingWords is how many words of memory a ring for n elements takes.
func RingWords(n int) int { return 5 * n }

// Init makes the ring empty, for len(memory)/5 elements, which must be a power of two. users is how many operations can be
// under way at the same time, those that are interrupted included: CPUs × levels of interruption.
func (r *Ring) Init(memory []atom.Uint64, users int) {
	n := len(memory) / 5
	if n == 0 || n&(n-1) != 0 || len(memory) != RingWords(n) || users < 1 {
		panic("sync: a ring needs 5 words for each element, a power of two of them, and a user")
	}
	r.data = memory[:n]
	r.free.init(memory[n:3*n], users)
	r.full.init(memory[3*n:], users)
	for i := range n {
		r.free.put(uint64(i))
	}
}

// Enqueue adds v at the end; false: full.
func (r *Ring) Enqueue(v uint64) bool {
	i, ok := r.free.take()
	if !ok {
		return false
	}
	r.data[i].StoreRelease(v)
	r.full.put(i) // order: publishes data[i]; pairs with take in Dequeue (G2)
	return true
}

// Dequeue takes the oldest element; false: empty.
func (r *Ring) Dequeue() (v uint64, ok bool) {
	i, ok := r.full.take()
	if !ok {
		return 0, false
	}
	v = r.data[i].Load()
	r.free.put(i) // order: data[i] was read before; pairs with take in Enqueue
	return v, true
}

// indexRing is a queue of numbers below n in 2n entries. An entry is, from the top: the cycle (how often its position has
// come round, in the place where positions have it, one further up), a bit "safe", and a number or, all ones, none.
type indexRing struct {
	entries   []atom.Uint64
	mask      uint64 // 2n-1: the entry of a position, and the number that is none
	patience  int64  // what threshold is after each put
	_         [24]byte
	head      atom.Uint64 // next position to take
	_         [56]byte
	tail      atom.Uint64 // next position to put
	_         [56]byte
	threshold atom.Int64 // below 0: empty
	_         [56]byte
}

func (r *indexRing) init(entries []atom.Uint64, users int) {
	r.entries, r.mask = entries, uint64(len(entries)-1)
	r.patience = int64(len(entries) + users - 1)
	for i := range entries {
		entries[i].StoreRelease(r.safe() | r.mask)
	}
	r.head.StoreRelease(r.mask + 1)
	r.tail.StoreRelease(r.mask + 1)
	r.threshold.Store(-1)
}

// safe is the bit that says that the entry's next enqueuer need not look at head.
func (r *indexRing) safe() uint64 { return r.mask + 1 }

// cycle is the cycle of a position, in the place where entries have it.
func (r *indexRing) cycle(position uint64) uint64 { return position &^ r.mask << 1 }

// cycleOf is the cycle of an entry.
func (r *indexRing) cycleOf(e uint64) uint64 { return e &^ (r.mask<<1 | 1) }

// put adds number i; there is always room.
func (r *indexRing) put(i uint64) {
	for {
		t := r.tail.Add(1) - 1
		e := &r.entries[t&r.mask]
		for {
			x := e.Load()
			if r.cycleOf(x) >= r.cycle(t) || x&r.mask != r.mask || x&r.safe() == 0 && r.head.Load() > t {
				break // a dequeuer was here first, or may come and not know
			}
			if e.CompareAndSwap(x, r.cycle(t)|r.safe()|i) {
				if r.threshold.Load() != r.patience {
					r.threshold.Store(r.patience) // order: after the entry; pairs with take's (G4)
				}
				return
			}
		}
	}
}

// take removes the oldest number.
func (r *indexRing) take() (i uint64, ok bool) {
	if r.threshold.Load() < 0 {
		return 0, false
	}
	for {
		h := r.head.Add(1) - 1
		e := &r.entries[h&r.mask]
		for {
			x := e.Load()
			if r.cycleOf(x) == r.cycle(h) {
				e.Or(r.mask) // none; the cycle stays
				return x & r.mask, true
			}
			if r.cycleOf(x) > r.cycle(h) {
				break
			}
			spoilt := x &^ r.safe() // its number is still to be taken by somebody slow; whoever puts here next must look
			if x&r.mask == r.mask {
				spoilt = r.cycle(h) | x&r.safe() | r.mask // nobody puts at h any more
			}
			if e.CompareAndSwap(x, spoilt) {
				break
			}
		}
		if t := r.tail.Load(); t <= h+1 {
			r.catchUp(t, h+1)
			r.threshold.Add(-1)
			return 0, false
		}
		if r.threshold.Add(-1) < 0 {
			return 0, false
		}
	}
}

// catchUp moves tail to where head has got, so that enqueuers need not try each spoilt position.
func (r *indexRing) catchUp(tail, head uint64) {
	for tail < head && !r.tail.CompareAndSwap(tail, head) {
		head, tail = r.head.Load(), r.tail.Load()
	}
}

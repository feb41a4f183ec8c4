// Package sync … queue.go: Michael & Scott's queue (PODC 1996), over type-stable slots.
//
//	head ──► ○ ──► ● ──► ● ──► ●        ○ the dummy: its element is gone
//	                           ▲        tail may be one behind; whoever notices moves it
//	tail ──────────────────────┘
//
//	         Enqueue  Dequeue  Empty    X: callers exclude each other; -: may run together
//	Enqueue     -        -       -
//	Dequeue     -        -       -
//
// G1. An element that was enqueued once is dequeued at most once, and not before.
// G2. Dequeue sees all that Enqueue's caller wrote before it enqueued.
// G3. Elements come out in the order in which their Enqueues took effect; so those of one producer, in its order.
// G4. Dequeue fails only if the queue was empty at some moment of the call. Enqueue fails only if the pool had no slot.
//
// Progress: lock-free. Callers: a task on its CPU, preemption off; not interrupt handlers (the pool is the CPU's).
// Memory: a slot leaves with the Dequeue that makes it no longer the dummy, and goes to that CPU's pool at once: its
// memory stays a slot, and what late readers still hold is a Ref of an earlier life.
// Not promised: fairness between producers.
//
// Proof sketch. All words are Refs, so none comes back to a value that it had. The slot's own next tells which life it is
// in as long as it has no successor. Enqueue takes effect when it links its slot behind the last one: that compare-and-swap
// expects "this life of yours, and nobody", which is so only while the slot that tail named is in the queue and is its end
// (G3). Dequeue takes effect when it moves head from the Ref that it read: so the slot was the dummy all the time, and
// the successor that was read is its successor, for that never changes once set (G1). If next was nobody, of the life that
// head named, the slot was the dummy and the queue was empty when next was read (G4). head never passes tail: Dequeue
// moves head from h only if tail, read later, is not h, or if h's successor has one itself, for tail was at it when that was
// linked; and tail never goes back. So a slot that leaves is behind both, and its life can end.
package sync

import "exo/kernel/sync/atom"

// Queue is a first-in-first-out queue of words. Init it before use.
type Queue struct {
	slots []Slot
	pool  *Pool
	_     [32]byte

	head atom.Uint64 // Ref of the dummy
	_    [56]byte
	tail atom.Uint64 // Ref of the last slot or of one before it
	_    [56]byte
}

// Slot is a node of queues and stacks.
type Slot struct {
	next  atom.Uint64 // Ref of the slot that follows; or this one's life, and no slot, as while it is free
	value atom.Uint64
}

// Init makes q empty, over slots that pool hands out; queues and stacks may share them. It takes one slot for the dummy,
// as a call from cpu, and fails if there is none.
func (q *Queue) Init(cpu int, slots []Slot, pool *Pool) bool {
	if len(slots) != len(pool.links) {
		panic("sync: a pool hands out as many slots as there are")
	}
	q.slots, q.pool = slots, pool
	i := pool.Get(cpu)
	if i == 0 {
		return false
	}
	dummy := uint64(slots[i].ref(i))
	q.head.Store(dummy)
	q.tail.Store(dummy)
	return true
}

// ref names slot i, which has come from the pool and is nobody else's.
func (s *Slot) ref(i uint32) Ref { return Ref(s.next.Load()) + Ref(i) }

// endLife ends the life of the slot that r names. It goes to the pool now.
func (s *Slot) endLife(r Ref) { s.next.StoreRelease(uint64(r.later(0))) }

// Enqueue adds v at the end; false: no slot.
func (q *Queue) Enqueue(cpu int, v uint64) bool {
	i := q.pool.Get(cpu)
	if i == 0 {
		return false
	}
	s := &q.slots[i]
	s.value.StoreRelease(v)
	me := s.ref(i)
	for {
		t := Ref(q.tail.Load())
		last := &q.slots[t.index()]
		if last.next.CompareAndSwap(uint64(t.nobody()), uint64(me)) { // order: publishes the slot; pairs with Dequeue's load of next (G2)
			q.tail.CompareAndSwap(uint64(t), uint64(me)) // or somebody helped
			return true
		}
		if n := Ref(last.next.Load()); n.index() != 0 {
			q.tail.CompareAndSwap(uint64(t), uint64(n)) // help the one who linked it; if it is of another life, tail has moved
		}
	}
}

// Dequeue takes the oldest element; false: there is none.
func (q *Queue) Dequeue(cpu int) (v uint64, ok bool) {
	for {
		h := Ref(q.head.Load())
		dummy := &q.slots[h.index()]
		n := Ref(dummy.next.Load()) // order: pairs with Enqueue's compare-and-swap (G2)
		if n.index() == 0 {
			if n == h.nobody() {
				return 0, false
			}
			continue // another life: head has moved
		}
		first := &q.slots[n.index()]
		if Ref(first.next.Load()).index() == 0 && Ref(q.tail.Load()) == h {
			q.tail.CompareAndSwap(uint64(h), uint64(n)) // head must not pass tail
			continue
		}
		v = first.value.Load() // before it can leave; of another life if head has moved
		if q.head.CompareAndSwap(uint64(h), uint64(n)) {
			dummy.endLife(h)
			q.pool.Put(cpu, h.index())
			return v, true
		}
	}
}

// Empty says whether there was no element at some moment of the call.
func (q *Queue) Empty() bool {
	for {
		h := Ref(q.head.Load())
		n := Ref(q.slots[h.index()].next.Load())
		if n == h.nobody() {
			return true
		}
		if Ref(q.head.Load()) == h {
			return false
		}
	}
}

// Close gives the dummy back, as a call from cpu. The queue must be empty, and nobody may use it any more.
func (q *Queue) Close(cpu int) {
	if !q.Empty() {
		panic("sync: a queue with elements was closed")
	}
	h := Ref(q.head.Load())
	q.slots[h.index()].endLife(h)
	q.pool.Put(cpu, h.index())
}

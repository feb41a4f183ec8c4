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
// memory stays a slot, and what late readers still hold is a Ref of an older generation.
// Not promised: fairness between producers.
//
// Proof sketch. tail, head and every next are Refs, each write a new generation; so a load that finds the same word again
// knows that it did not change in between. Enqueue takes effect when it links its slot behind the last one: tail, read
// again after next, was that slot all the time, so its next, being nobody, was the queue's end (G3). Dequeue takes effect
// when it moves head; head, read again after next, was the dummy all the time, so next was its successor, and a
// successor never changes once set (G1). If next was nobody, the queue was empty when it was read (G4). head never
// passes tail: Dequeue moves head from h only when tail, read after h was head, is not h, and tail never goes back. So a
// slot that leaves is behind both.
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
	next  atom.Uint64 // Ref
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
	q.slots[i].reset()
	q.head.Store(Ref(q.head.Load()).next(i))
	q.tail.Store(Ref(q.tail.Load()).next(i))
	return true
}

// reset makes the slot the last of whatever it will be linked into.
func (s *Slot) reset() { s.next.StoreRelease(Ref(s.next.Load()).next(0)) }

// Enqueue adds v at the end; false: no slot.
func (q *Queue) Enqueue(cpu int, v uint64) bool {
	i := q.pool.Get(cpu)
	if i == 0 {
		return false
	}
	s := &q.slots[i]
	s.value.StoreRelease(v)
	s.reset()
	for {
		t := Ref(q.tail.Load())
		last := &q.slots[t.index()]
		n := Ref(last.next.Load())
		if Ref(q.tail.Load()) != t {
			continue // last may have left, and next may be another life's
		}
		if j := n.index(); j != 0 {
			q.tail.CompareAndSwap(uint64(t), t.next(j)) // help the one who linked j
			continue
		}
		if last.next.CompareAndSwap(uint64(n), n.next(i)) { // order: publishes the slot; pairs with Dequeue's load of next (G2)
			q.tail.CompareAndSwap(uint64(t), t.next(i)) // or somebody helped
			return true
		}
	}
}

// Dequeue takes the oldest element; false: there is none.
func (q *Queue) Dequeue(cpu int) (v uint64, ok bool) {
	for {
		h := Ref(q.head.Load())
		t := Ref(q.tail.Load())
		n := Ref(q.slots[h.index()].next.Load()) // order: pairs with Enqueue's compare-and-swap (G2)
		if Ref(q.head.Load()) != h {
			continue // the slot may have left, and next may be another life's
		}
		j := n.index()
		if j == 0 {
			return 0, false
		}
		if h.index() == t.index() {
			q.tail.CompareAndSwap(uint64(t), t.next(j)) // head must not pass tail
			continue
		}
		v = q.slots[j].value.Load() // before j can leave; of another life if head has moved
		if q.head.CompareAndSwap(uint64(h), h.next(j)) {
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
		if Ref(q.head.Load()) == h {
			return n.index() == 0
		}
	}
}

// Close gives the dummy back, as a call from cpu. The queue must be empty, and nobody may use it any more.
func (q *Queue) Close(cpu int) {
	if !q.Empty() {
		panic("sync: a queue with elements was closed")
	}
	q.pool.Put(cpu, Ref(q.head.Load()).index())
}

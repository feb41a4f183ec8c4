// Package sync … stack.go: Treiber's stack (IBM RJ 5118, 1986), over type-stable slots.
//
//	top ──► ● ──► ● ──► ●
//
//	       Push  Pop  Empty        X: callers exclude each other; -: may run together
//	Push     -    -     -
//	Pop      -    -     -
//
// G1. An element that was pushed once is popped at most once, and not before.
// G2. Pop sees all that Push's caller wrote before it pushed.
// G3. The last one pushed comes out first.
// G4. Pop fails only if the stack was empty at that moment. Push fails only if the pool had no slot.
//
// Progress: lock-free. Callers: a task on its CPU, preemption off; not interrupt handlers (the pool is the CPU's).
// Memory: as in queue.go.
//
// Proof sketch. All happens at the compare-and-swap of top. It succeeds only if top names the same life of the same slot
// that was read. So that slot was in this stack all the time, with others on it for a while perhaps, and its value and its
// next, written before it got there, have not changed: what was below it is below it still.
package sync

import "exo/kernel/sync/atom"

// Stack is a last-in-first-out stack of words. Init it before use.
type Stack struct {
	slots []Slot
	pool  *Pool
	_     [32]byte

	top atom.Uint64 // Ref, or 0: there is nothing
	_   [56]byte
}

// Init makes s empty, over slots that pool hands out; queues and stacks may share them.
func (s *Stack) Init(slots []Slot, pool *Pool) {
	if len(slots) != len(pool.links) {
		panic("sync: a pool hands out as many slots as there are")
	}
	s.slots, s.pool = slots, pool
	s.top.Store(0)
}

// Push puts v on top; false: no slot.
func (s *Stack) Push(cpu int, v uint64) bool {
	i := s.pool.Get(cpu)
	if i == 0 {
		return false
	}
	n := &s.slots[i]
	n.value.StoreRelease(v)
	me := n.ref(i)
	for {
		t := Ref(s.top.Load())
		if t == 0 {
			n.next.StoreRelease(uint64(me.nobody()))
		} else {
			n.next.StoreRelease(uint64(t))
		}
		if s.top.CompareAndSwap(uint64(t), uint64(me)) { // order: publishes the slot; pairs with Pop's load of top (G2)
			return true
		}
	}
}

// Pop takes what is on top; false: there is nothing.
func (s *Stack) Pop(cpu int) (v uint64, ok bool) {
	for {
		t := Ref(s.top.Load()) // order: pairs with Push's compare-and-swap (G2)
		if t == 0 {
			return 0, false
		}
		n := &s.slots[t.index()]
		// Both of another life if top has moved.
		v = n.value.Load()
		below := Ref(n.next.Load())
		if below.index() == 0 {
			below = 0
		}
		if s.top.CompareAndSwap(uint64(t), uint64(below)) {
			n.endLife(t)
			s.pool.Put(cpu, t.index())
			return v, true
		}
	}
}

// Empty says whether there is nothing.
func (s *Stack) Empty() bool { return s.top.Load() == 0 }

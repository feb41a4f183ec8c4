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
// Proof sketch. All happens at the compare-and-swap of top. It succeeds only on the generation that was read, so no Push
// or Pop came between: the slot read is still on top, and its next, written before it got there, is the one below.
package sync

import "exo/kernel/sync/atom"

// Stack is a last-in-first-out stack of words. Init it before use.
type Stack struct {
	slots []Slot
	pool  *Pool
	_     [32]byte

	top atom.Uint64 // Ref
	_   [56]byte
}

// Init makes s empty, over slots that pool hands out; queues and stacks may share them.
func (s *Stack) Init(slots []Slot, pool *Pool) {
	if len(slots) != len(pool.links) {
		panic("sync: a pool hands out as many slots as there are")
	}
	s.slots, s.pool = slots, pool
	s.top.Store(Ref(s.top.Load()).next(0))
}

// Push puts v on top; false: no slot.
func (s *Stack) Push(cpu int, v uint64) bool {
	i := s.pool.Get(cpu)
	if i == 0 {
		return false
	}
	n := &s.slots[i]
	n.value.StoreRelease(v)
	for {
		t := Ref(s.top.Load())
		n.next.StoreRelease(Ref(n.next.Load()).next(t.index()))
		if s.top.CompareAndSwap(uint64(t), t.next(i)) { // order: publishes the slot; pairs with Pop's load of top (G2)
			return true
		}
	}
}

// Pop takes what is on top; false: there is nothing.
func (s *Stack) Pop(cpu int) (v uint64, ok bool) {
	for {
		t := Ref(s.top.Load()) // order: pairs with Push's compare-and-swap (G2)
		i := t.index()
		if i == 0 {
			return 0, false
		}
		n := &s.slots[i]
		// Both of another life if top has moved.
		below := Ref(n.next.Load()).index()
		v = n.value.Load()
		if s.top.CompareAndSwap(uint64(t), t.next(below)) {
			s.pool.Put(cpu, i)
			return v, true
		}
	}
}

// Empty says whether there is nothing.
func (s *Stack) Empty() bool { return Ref(s.top.Load()).index() == 0 }

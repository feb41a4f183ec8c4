// Package sched … baseline.go: ready queues with locks, as an oracle for those without and to measure them against.
//
//	       Push  Pop        X: callers exclude each other (they wait), on the same queue; -: may run together
//	Push    X     X
//	Pop     X     X
//
// G1. What was pushed is popped once.
// G2. LockedQueue: in the order in which it was pushed. LockedQueues: so on each CPU.
// G3. LockedQueue.Pop fails only if the queue was empty at some moment of the call; LockedQueues.Pop if each was at some
// moment, not all at the same.
//
// Progress: blocking. Callers: preemption off, and no interrupt handler unless interrupts are off everywhere. Memory: what
// Init is given.
// Not promised: that anybody but tests and benchmarks would want it.
package sched

import "exo/kernel/sync"

// LockedQueue is one queue of task indices for all CPUs, under a ticket lock. Init it before use.
type LockedQueue struct {
	Relax func() // called while waiting for the lock; may be nil

	lock  sync.Ticket
	items []uint32 // a ring: n from first
	first int
	n     int
	_     [64]byte
}

// Init makes the queue empty, with room for len(memory).
func (q *LockedQueue) Init(memory []uint32) { q.items, q.first, q.n = memory, 0, 0 }

// Push adds a task's index at the end; false: full. cpu is the caller's.
func (q *LockedQueue) Push(cpu int, index uint32) bool {
	q.lock.Lock(q.Relax)
	ok := q.n < len(q.items)
	if ok {
		q.push(index)
	}
	q.lock.Unlock()
	return ok
}

// push is Push for who has the lock; there is room.
func (q *LockedQueue) push(index uint32) {
	end := q.first + q.n
	if end >= len(q.items) {
		end -= len(q.items)
	}
	q.items[end] = index
	q.n++
}

// Pop takes the first; false: empty. cpu is the caller's.
func (q *LockedQueue) Pop(cpu int) (index uint32, ok bool) {
	q.lock.Lock(q.Relax)
	if ok = q.n > 0; ok {
		index = q.pop()
	}
	q.lock.Unlock()
	return index, ok
}

// pop is Pop for who has the lock; there is something.
func (q *LockedQueue) pop() (index uint32) {
	index = q.items[q.first]
	q.n--
	if q.first++; q.first == len(q.items) {
		q.first = 0
	}
	return index
}

// LockedQueues is a LockedQueue for each CPU. Init each.
type LockedQueues []LockedQueue

// Push adds to cpu's queue.
func (q LockedQueues) Push(cpu int, index uint32) bool { return q[cpu].Push(cpu, index) }

// Pop takes the first of cpu's queue, or, if that is empty, of the next CPU that has one.
func (q LockedQueues) Pop(cpu int) (index uint32, ok bool) {
	for i := range q {
		from := cpu + i
		if from >= len(q) {
			from -= len(q)
		}
		if index, ok = q[from].Pop(cpu); ok {
			return index, true
		}
	}
	return 0, false
}

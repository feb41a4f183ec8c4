// Package sync … mcs.go: a queued spinlock: Mellor-Crummey & Scott's queue (TOCS 1991, §2.4) before a one-word lock, as
// Linux has it (Corbet, "MCS locks and qspinlocks", LWN 2014).
//
//	locked: 1      tail ──► CPU 2 ◄── CPU 0 ◄── CPU 5        each waiter looks at its own cache line;
//	                                              ▲          the first in line looks at locked
//
//	        Lock  TryLock  Unlock        X: callers exclude each other; -: may run together
//	Lock     X       X       -
//	Unlock   -       -       X
//
// G1. Between Lock and Unlock the caller is alone.
// G2. It sees all that earlier holders wrote before they unlocked.
// G3. Those who wait enter in the order in which they came; one that finds nobody waiting may pass one who is just coming.
// G4. Locks may be released in any order: a CPU's place in a queue is free again as soon as it has the lock.
//
// Progress: blocking. Callers: with whatever else could take the lock on the same CPU kept away (interrupts off where
// handlers take it), preemption off. Memory: a node for each CPU and each level of interruption, for the CPU can wait for
// one lock at each: it is static.
// Not promised: that waiting for a CPU that does not run (a virtual one) takes a bounded time.
package sync

import "exo/kernel/sync/atom"

// MCS is a queued spinlock; the zero MCS is free.
type MCS struct {
	locked atom.Uint32
	tail   atom.Uint32 // the last in line, as place says; 0: nobody waits
}

const (
	mcsCPUs   = 64
	mcsLevels = 4 // task, interrupt, NMI, and one to spare
)

// mcsCPU is where one CPU waits.
type mcsCPU struct {
	nodes [mcsLevels]mcsNode
	depth uint32 // how many of its nodes are in use; touched by the CPU alone, and by handlers as by a stack
	_     [28]byte
}

type mcsNode struct {
	next  atom.Uint32 // place of the next in line
	first atom.Uint32 // 1: nobody is before this one
}

var mcsWaiters [mcsCPUs]mcsCPU

func mcsPlace(cpu int, level uint32) uint32 { return uint32(cpu)*mcsLevels + level + 1 }
func mcsAt(place uint32) *mcsNode {
	place--
	return &mcsWaiters[place/mcsLevels%mcsCPUs].nodes[place%mcsLevels]
}

// TryLock takes the lock if it is free.
func (l *MCS) TryLock() bool {
	return l.tail.Load() == 0 && l.locked.CompareAndSwap(0, 1)
}

// Lock waits for the lock, on CPU cpu (0 … 63). relax, which may be nil, is called in each round of waiting with a count
// from 0.
func (l *MCS) Lock(cpu int, relax func(rounds int)) {
	if !l.TryLock() { // order: pairs with the store in Unlock (G2)
		l.wait(cpu, relax)
	}
}

// Unlock lets the next one in. Only the holder may call it; while the lock is held nobody else writes locked.
func (l *MCS) Unlock() { l.locked.StoreRelease(0) }

func (l *MCS) wait(cpu int, relax func(rounds int)) {
	c := &mcsWaiters[cpu]
	if c.depth == mcsLevels {
		panic("sync: spinlocks waited for at more than four levels of interruption")
	}
	level := c.depth
	c.depth++
	n, me := &c.nodes[level], mcsPlace(cpu, level)
	n.next.StoreRelease(0)
	n.first.StoreRelease(0)

	rounds := 0
	pause := func() {
		if relax != nil {
			relax(rounds)
		}
		rounds++
	}
	if before := l.tail.Swap(me); before != 0 { // order: publishes n
		mcsAt(before).next.StoreRelease(me)
		for n.first.Load() == 0 {
			pause()
		}
	}
	for l.locked.Load() != 0 || !l.locked.CompareAndSwap(0, 1) { // order: pairs with Unlock (G2)
		pause()
	}
	if !l.tail.CompareAndSwap(me, 0) { // somebody is behind, or about to say so
		for n.next.Load() == 0 {
			pause()
		}
		mcsAt(n.next.Load()).first.StoreRelease(1)
	}
	c.depth--
}

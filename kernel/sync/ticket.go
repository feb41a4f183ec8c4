// Package sync … ticket.go: a ticket spinlock (Mellor-Crummey & Scott, TOCS 1991, §2.2): first come, first served.
//
//	        Lock  Unlock        X: callers exclude each other; -: may run together
//	Lock     X      -
//	Unlock   -      X
//
// G1. Between Lock and Unlock the caller is alone.
// G2. It sees all that earlier holders wrote before they unlocked.
// G3. CPUs enter in the order in which they drew their tickets.
//
// Progress: blocking. Callers: with whatever else could take the lock on the same CPU kept away (interrupts off where
// handlers take it). Memory: none.
// Not promised: that waiting for a CPU that does not run (a virtual one) takes a bounded time; that many CPUs can wait
// cheaply, for all look at one word (mcs.go).
package sync

import "exo/kernel/sync/atom"

// Ticket is a ticket spinlock; the zero Ticket is free.
type Ticket struct {
	next  atom.Uint32
	owner atom.Uint32
}

// Lock waits for its turn. relax, which may be nil, is called each time round.
func (l *Ticket) Lock(relax func()) {
	my := l.next.Add(1) - 1
	for l.owner.Load() != my { // order: pairs with the store in Unlock (G2)
		if relax != nil {
			relax()
		}
	}
}

// TryLock takes the lock if it is free.
func (l *Ticket) TryLock() bool {
	if o := l.owner.Load(); l.next.CompareAndSwap(o, o+1) { // in one line: the compiler marks each with an instruction
		return true
	}
	return false
}

// Unlock lets the next one in. Only the holder may call it; nobody else writes owner.
func (l *Ticket) Unlock() { l.owner.StoreRelease(l.owner.Load() + 1) }

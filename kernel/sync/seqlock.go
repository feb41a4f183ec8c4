// Package sync … seqlock.go: a sequence lock: readers never write, and read again if a writer came between (Lameter, 2005;
// the ordering after Boehm, MSPC 2012).
//
//	        Read…Retry  Write…Done        X: callers exclude each other; -: may run together
//	Read         -           -
//	Write        -           X
//
// G1. What was read between Read and a Retry that says false was all there at one moment, with no writer at it.
// G2. A writer sees all that earlier writers wrote.
//
// Progress: readers are lock-free with respect to each other, and wait for writers; a writer never waits for readers.
// Callers: one writer at a time (under a spinlock, say), preemption off. Readers anywhere but in a handler that
// interrupts the writer. The data is words of package atom: readers Load them, the writer uses StoreRelease.
// Memory: none.
package sync

import "exo/kernel/sync/atom"

// Seqlock guards words that are read far more often than written; the zero Seqlock is ready.
type Seqlock struct {
	n atom.Uint64 // odd while a writer is at it
}

// Read begins a reading, and returns what Retry wants to know. relax, which may be nil, is called while a writer is at it.
func (l *Seqlock) Read(relax func()) uint64 {
	for {
		if n := l.n.Load(); n&1 == 0 { // order: before the loads of the data; pairs with Done
			return n
		}
		if relax != nil {
			relax()
		}
	}
}

// Retry says whether what was read since Read returned n may be torn, and must be read again.
func (l *Seqlock) Retry(n uint64) bool {
	return l.n.Load() != n // order: after the loads of the data; pairs with Write
}

// Write begins a change.
func (l *Seqlock) Write() {
	l.n.StoreRelease(l.n.Load() + 1) // order: before the stores of the data, as every store on x86; pairs with Retry
}

// Done ends it.
func (l *Seqlock) Done() {
	l.n.StoreRelease(l.n.Load() + 1) // order: after the stores of the data; pairs with Read
}

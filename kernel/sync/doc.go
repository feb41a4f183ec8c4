// Package sync is how CPUs agree: lock-free structures, reclamation, locks.
//
//	Queue  HazardQueue  Stack  Deque  Ring      elements are 64-bit words, every value legal
//	  │         │         │      │     (no memory to reclaim)
//	  │      Hazards      │     RCU             when is a node nobody's?
//	  └─────────┴── Pool ─┘                     where do nodes come from?
//
//	Spinlock ─ MCS, Ticket    Sleeplock    Seqlock      and their order: classes.go
//
// All of it is portable Go without a heap: memory is handed in as slices at Init, and so is what a machine has (the
// number of the CPU, a way to wait). The code that boots is the code that the host's race detector, the linearizability
// checker and the interleaving explorer run.
//
// Which to take: a per-CPU run queue is a Queue (any CPU may add) or a Deque (its CPU adds, others steal). What an
// interrupt handler fills or empties is a Ring, for the others' pools belong to a CPU's tasks. Objects that may
// be held for long by whoever found them are protected by Hazards; data that is read far more often than written, by RCU.
//
// A parameter cpu is the number of the CPU that makes the call. The caller stays on it until the call returns, and no
// other call with that number runs meanwhile: preemption off, and not from an interrupt handler unless the header of
// the file allows it.
//
// Start reading: ref.go and pool.go (names of slots, and where they come from), then queue.go.
package sync

// Package env … binding.go: where the frames of a capability are mapped, and the handshake with its teardown.
//
//	who binds                                   who tears down
//	  Lock                                        (no lookup succeeds any more)
//	  look the capability up: alive?              Lock
//	  map, write down where                       unmap what is written down
//	  Unlock                                      Unlock; the frames may be somebody else's from here on
//
// G1. What was mapped by a lookup that succeeded is written down when the teardown looks. For that lookup was made with the
// lock held, and the teardown, which begins later, takes it afterwards.
//
// Progress: blocking; who holds it has preemption off and interrupts on. Before the lock of a space, and never two at once. Callers:
// tasks, preemption off. Memory: three words.
package env

import (
	"exo/kernel/cap"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Binding is where a capability's frames are mapped. The fields are touched by who has locked it.
type Binding struct {
	lock atom.Uint32
	Env  cap.Holder // whose address space; Nobody: nowhere
	VA   uint64     // of the first frame

	Born atom.Uint64 // when the capability was made; not guarded
}

// Lock waits until the binding is the caller's.
func (b *Binding) Lock() {
	for spins := 0; !b.lock.CompareAndSwap(0, 1); spins++ { // order: pairs with Unlock (G1)
		if sync.Relax != nil {
			sync.Relax(spins)
		}
	}
}

// TryLock is Lock if nobody has it.
func (b *Binding) TryLock() bool { return b.lock.CompareAndSwap(0, 1) }

// Unlock ends that.
func (b *Binding) Unlock() { b.lock.StoreRelease(0) } // order: what was written down comes before

// Unbind writes down that nothing is mapped.
func (b *Binding) Unbind() { b.Env, b.VA = cap.Nobody, 0 }

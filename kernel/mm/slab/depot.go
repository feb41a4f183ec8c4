package slab

import "exo/kernel/sync/atom"

// Magazine is a piece of memory for the numbers of objects. It belongs to its node for good; whose it is in turn, a CPU's or
// the depot's, is known to them alone.
type Magazine struct {
	objects [Rounds]uint32
	mark    uint32      // what the words of its objects say
	next    atom.Uint32 // below it in the depot
	_       [56]byte
}

// stack is Treiber's (kernel/sync/stack.go), of magazines: in each word the generation, which every change raises, in the
// upper 48 bits, and in the lower 16 the number of the topmost magazine, from 1 on, or 0. Who sleeps between its load and
// its compare-and-swap for 2^48 changes is fooled.
type stack struct {
	top atom.Uint64
	_   [56]byte
}

const (
	topBits = 16
	topMask = 1<<topBits - 1
)

// push gives m to the depot.
func (k *stack) push(m *Magazine) {
	for {
		t := k.top.Load()
		m.next.StoreRelease(uint32(t & topMask))
		// order: publishes the magazine; pairs with pop's (G2)
		if k.top.CompareAndSwap(t, (t|topMask)+1+uint64(m.mark-firstMark+1)) {
			return
		}
	}
}

// pop takes a magazine; nil: there is none.
func (k *stack) pop(all []Magazine) *Magazine {
	for {
		t := k.top.Load()
		if t&topMask == 0 {
			return nil
		}
		m := &all[t&topMask-1]
		below := m.next.Load() // of another time, if it has left: then t is old
		if k.top.CompareAndSwap(t, (t|topMask)+1+uint64(below)) {
			return m
		}
	}
}

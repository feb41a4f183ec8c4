package virtio

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// queue is a split virtqueue (§2.7), as the driver sees it. Each slot has a chain of descriptors of its own, always the same
// ones; so none is ever searched for, and what a device says it has used is one of few numbers.
//
//	descriptors  | chain of slot 0 | chain of slot 1 | …           16 bytes each
//	available    | flags, index | head | head | …                  the driver writes
//	used         | flags, index | head, length | head, length | …  the device writes
//
// G1. The device finds an entry of the available ring, and the chain that it names, whole before the index counts it.
// G2. Who takes an entry of the used ring sees what the device wrote before it counted it.
// G3. A device that has stopped looking at the available ring is notified.
// G4. Whatever the device writes into the used ring, take returns the head of a chain of which it does not know whether it is
// in use; or says what is wrong. It reads nothing outside.
//
// Callers: one at a time.
type queue struct {
	size  uint16 // a power of two
	chain uint16 // descriptors of a slot
	slots uint16

	desc  []descriptor
	avail *atom.Uint32 // flags, and the index in the upper half
	heads []uint16
	used  *atom.Uint32 // likewise
	done  []usedEntry

	added uint16 // the available index
	taken uint16 // how many of the used ring's were seen
}

// descriptor is a piece of memory for the device (§2.7.5).
type descriptor struct {
	addr  uint64
	len   uint32
	flags uint16
	next  uint16
}

const (
	descNext  = 1
	descWrite = 2 // the device writes
)

// usedEntry is a chain that the device has done with, and how many bytes it has written (§2.7.8).
type usedEntry struct{ id, len uint32 }

const usedNoNotify = 1 // flag of the used ring: the device looks without being notified

// ringAlign is the alignment of a queue, and of a legacy one's used ring.
const ringAlign = 4096

// maxLegacy is the longest queue that is driven; a modern device's is made shorter.
const (
	maxModern = 256
	maxLegacy = 1024
)

// usedAt is where the used ring lies in a queue's memory: for modern devices too, for which it might lie anywhere.
func usedAt(size uint16) uintptr {
	n := uintptr(size)
	return (16*n + 4 + 2*n + 2 + ringAlign - 1) &^ (ringAlign - 1)
}

// ringBytes is how long it is.
func ringBytes(size uint16) uintptr { return usedAt(size) + 4 + 8*uintptr(size) + 2 }

// init makes an empty queue in memory, which is zero, aligned to ringAlign, and ringBytes long or more.
func (q *queue) init(size, chain, slots uint16, memory []byte) {
	n := uintptr(size)
	if uintptr(len(memory)) < ringBytes(size) {
		panic("virtio: a queue does not fit its memory")
	}
	base := unsafe.Pointer(&memory[0])
	*q = queue{
		size: size, chain: chain, slots: slots,
		// SAFETY: memory is as long as ringBytes, aligned for all of these, shared with the device only, and stays.
		desc:  unsafe.Slice((*descriptor)(base), n),
		avail: (*atom.Uint32)(unsafe.Add(base, 16*n)),
		heads: unsafe.Slice((*uint16)(unsafe.Add(base, 16*n+4)), n),
		used:  (*atom.Uint32)(unsafe.Add(base, usedAt(size))),
		done:  unsafe.Slice((*usedEntry)(unsafe.Add(base, usedAt(size)+4)), n),
	}
}

// chainOf is a slot's descriptors, and the number of the first.
func (q *queue) chainOf(slot uint16) ([]descriptor, uint16) {
	head := slot * q.chain
	return q.desc[head : head+q.chain], head
}

// add gives the device a slot's chain, and says whether it must be notified.
func (q *queue) add(slot uint16) bool {
	q.heads[q.added&(q.size-1)] = slot * q.chain
	q.added++
	// order: publishes the chain and the entry (G1; §2.7.13.2). A full fence, so that the flags are read after the device
	// can see the index: either it does, or we see that it wants to be notified (G3; §2.7.13.4.1).
	q.avail.Store(uint32(q.added) << 16)
	return q.used.Load()&usedNoNotify == 0
}

// take returns the next slot that the device has done with, and how many bytes it says that it wrote; false: there is none
// now. At most busy can be.
func (q *queue) take(busy uint16) (slot uint16, wrote uint32, ok bool, err error) {
	n := uint16(q.used.Load()>>16) - q.taken // order: pairs with the device's store of the index, after entry and data (G2)
	switch {
	case n == 0:
		return 0, 0, false, nil
	case n > busy:
		return 0, 0, false, ErrUsedIndex
	}
	e := q.done[q.taken&(q.size-1)]
	if e.id >= uint32(q.slots)*uint32(q.chain) || e.id%uint32(q.chain) != 0 {
		return 0, 0, false, ErrUsedEntry
	}
	q.taken++
	return uint16(e.id / uint32(q.chain)), e.len, true, nil
}

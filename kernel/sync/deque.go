// Package sync … deque.go: Chase & Lev's work-stealing deque (SPAA 2005; the ordering after Lê et al., PPoPP 2013).
//
//	            top            bottom
//	             ▼               ▼
//	   – – – – – ● ● ● ● ● ● ● ● – – – –        a circular buffer; when full, one of twice the size takes over
//	   thieves ──┘             └── the owner
//
//	        Push  Pop  Steal  Len    X: callers exclude each other; -: may run together
//	Push      X    X     -     -
//	Pop       X    X     -     -     Push and Pop: the owner alone
//	Steal     -    -     -     -
//
// G1. An element that was pushed once is taken at most once, by Pop or by Steal, and not before.
// G2. Who takes it sees all that the owner wrote before it pushed.
// G3. Pop takes the newest element, Steal the oldest.
// G4. Pop fails only if the deque was empty. Steal says Empty only if it was empty at some moment of the call, and Lost only if
// somebody else took the element.
// G5. A buffer goes back to its source when no thief can look at it any more.
//
// Progress: Push and Pop wait-free (growth copies the elements; a Pop of the last one is one compare-and-swap, won or lost);
// Steal is one attempt, and lock-free when it is repeated.
// Callers: Push and Pop, the owner: one at a time, preemption off. Steal: any CPU, in an RCU read section.
// Memory: outgrown buffers are RCU callbacks on the owner's CPU.
// Not promised: that a thief gets anything while others are faster.
//
// Proof sketch. top only grows; both indices are 64 bits wide and have a sign, and Pop on an empty deque leaves them as they
// are. An element at index i is taken by whoever moves top from i to i+1, or by Pop alone if it can be sure that no thief is
// there: it writes bottom, fence, and then reads top; a thief reads top, then bottom, and then moves top. If Pop finds
// top < bottom after the fence, a thief that is to take the element at bottom must read top again, later than the fence,
// and so sees the new bottom. Without the fence both take it. A thief that reads an element that is overwritten meanwhile
// loses: its slot is reused only after top has passed.
package sync

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// Deque is a double-ended queue of words with an owner. Init it before use.
type Deque struct {
	top atom.Int64 // index of the oldest element; moved by thieves, and by Pop for the last element
	_   [56]byte

	bottom atom.Int64           // index after the newest element; written by the owner
	buffer atom.Pointer[Buffer] // written by the owner
	end    int64                // the owner's copy of bottom, for a load of that would wait for Pop's fence
	limit  int64                // the owner's: while bottom is below it there is room, whatever thieves do
	source Buffers
	rcu    *RCU
	_      [8]byte
}

// Buffer is a circular array of a deque.
type Buffer struct {
	Head // first: an RCU callback's head is the buffer's
	// Elements is the array, a power of two of words.
	Elements []atom.Uint64
	source   Buffers
}

// Buffers is where buffers come from.
type Buffers interface {
	// Get returns a buffer of so many elements, or nil.
	Get(elements int) *Buffer
	// Put takes one back; called by RCU on the owner's CPU.
	Put(*Buffer)
}

// Stolen says how a Steal went.
type Stolen int

const (
	Empty Stolen = iota // there was nothing
	Lost                // somebody else took it; try again
	Taken
)

// Init makes d empty, with a buffer of so many elements (a power of two); false: the source has none.
func (d *Deque) Init(elements int, source Buffers, rcu *RCU) bool {
	d.source, d.rcu = source, rcu
	b := d.newBuffer(elements)
	if b == nil {
		return false
	}
	d.top.Store(0)
	d.bottom.Store(0)
	d.end = 0
	d.limit = int64(elements)
	d.buffer.Store(b)
	return true
}

func (d *Deque) newBuffer(elements int) *Buffer {
	b := d.source.Get(elements)
	if b == nil {
		return nil
	}
	if len(b.Elements) != elements || elements&(elements-1) != 0 || elements == 0 {
		panic("sync: a deque's buffer is not of the size that was asked for, or no power of two")
	}
	b.source = d.source
	return b
}

func (b *Buffer) at(i int64) *atom.Uint64 {
	return &b.Elements[uint64(i)&uint64(len(b.Elements)-1)]
}

// putBuffer is the RCU callback of a buffer that was outgrown or closed.
func putBuffer(_ int, h *Head) {
	b := (*Buffer)(unsafe.Pointer(h)) // SAFETY: Call was given the first field of a Buffer
	b.source.Put(b)
}

// Push adds v as the newest element, as a call from the owner's CPU; false: full, and no larger buffer is to be had.
func (d *Deque) Push(cpu int, v uint64) bool {
	i := d.end
	b := d.buffer.Load()
	if i >= d.limit {
		if b = d.makeRoom(cpu, i, b); b == nil {
			return false
		}
	}
	b.at(i).StoreRelease(v)
	d.end = i + 1
	d.bottom.StoreRelease(i + 1) // order: publishes the element and the buffer; pairs with Steal's load (G2)
	return true
}

// makeRoom is for when the buffer is full as far as the owner knows: it looks at what thieves took, or grows.
func (d *Deque) makeRoom(cpu int, i int64, b *Buffer) *Buffer {
	size := int64(len(b.Elements))
	top := d.top.Load()
	if i-top < size {
		d.limit = top + size
		return b
	}
	n := d.newBuffer(int(2 * size))
	if n == nil {
		return nil
	}
	for j := top; j < i; j++ {
		n.at(j).StoreRelease(b.at(j).Load())
	}
	d.limit = top + 2*size
	d.buffer.StoreRelease(n) // order: publishes the copies; pairs with Steal's load
	d.rcu.Call(cpu, &b.Head, putBuffer)
	return n
}

// Pop takes the newest element, as a call from the owner; false: there is none.
func (d *Deque) Pop() (v uint64, ok bool) {
	i := d.end - 1
	if d.top.Load() > i { // before the decrement: an empty deque stays as it is
		return 0, false
	}
	d.end = i
	d.bottom.Store(i) // order: a fence, between this store and the load of top; pairs with Steal's compare-and-swap (G1)
	t := d.top.Load()
	if t < i {
		return d.buffer.Load().at(i).Load(), true
	}
	// The last element, if that: thieves may be at it.
	if t == i {
		v = d.buffer.Load().at(i).Load()
		ok = d.top.CompareAndSwap(t, t+1)
	}
	d.end = i + 1
	d.bottom.StoreRelease(i + 1)
	if !ok {
		return 0, false
	}
	return v, true
}

// Steal takes the oldest element. The caller is in an RCU read section.
func (d *Deque) Steal() (v uint64, how Stolen) {
	t := d.top.Load()
	i := d.bottom.Load() // order: after top; pairs with Pop's fence (G1), and with Push's store (G2)
	if t >= i {
		return 0, Empty
	}
	v = d.buffer.Load().at(t).Load() // of another time if top has moved
	if !d.top.CompareAndSwap(t, t+1) {
		return 0, Lost
	}
	return v, Taken
}

// Len is how many elements there were at about this time, never below 0.
func (d *Deque) Len() int {
	t := d.top.Load()
	return int(max(d.bottom.Load()-t, 0))
}

// Close gives the buffer back, as a call from the owner's CPU. Nobody may use the deque any more.
func (d *Deque) Close(cpu int) {
	d.rcu.Call(cpu, &d.buffer.Load().Head, putBuffer)
	d.buffer.Store(nil)
}

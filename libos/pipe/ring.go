// Package pipe is a pipe's memory: a ring of bytes in frames that all who have an end of it share, and who these are.
//
//	                Write  Read  Attach Gone     X: one waits for the other; -: may run together
//	Write             X     -      -
//	Read              -     X      -
//	Attach, Gone      -     -      X
//
// G1. Bytes come out once each, in the order in which they went in; what one Write call put in one piece comes out unbroken.
// G2. Read sees the bytes that Write's caller wrote before.
// G3. When Writers is 0 and then the ring is empty, nothing comes any more.
//
// G4. A process that has ended has no ends: Gone takes them from it and from all that descend from it, who end with it. So who has
// none but has children with some stays in the table.
//
// Progress: a holder that dies with a lock gives it up by Gone, which its parent calls, or that one's parent.
// Callers: threads of any environment that has the frames; none that may be interrupted by a handler that comes here.
// Memory: the frames live as long as somebody owns them.
// Not promised: fairness. The users of a pipe trust each other with what is in it.
package pipe

import (
	"sync/atomic"
	"unsafe"
)

// Size is how much a ring takes at most before somebody reads, in bytes.
const Size = 8192

// Bytes is how much memory a Ring takes: whole pages.
const Bytes = (unsafe.Sizeof(Ring{}) + 4095) &^ 4095

// maxHolders is how many processes may have ends of one pipe.
const maxHolders = 40

// Ring is a pipe. Zeroed memory is an empty one that nobody has an end of.
type Ring struct {
	written atomic.Uint64 // bytes, ever; stored by who has writing
	_       [56]byte
	read    atomic.Uint64 // likewise
	_       [56]byte
	// Not 0: somebody sleeps until there is something to read, or room. Set before it is looked, taken by who changes that.
	readWaits, writeWaits atomic.Uint32

	writing  atomic.Uint32 // process that has it
	reading  atomic.Uint32
	mode     atomic.Uint32 // bits of Mode
	changing atomic.Uint32 // process that changes holders
	holders  [maxHolders]holder
	ends     atomic.Uint64 // of all of them: readers in the upper half, writers in the lower
	data     [Size]byte
}

// holder is a process that has ends, or children that have some.
type holder struct {
	process, parent  atomic.Uint32 // process 0: nobody
	readers, writers int32         // guarded by changing
}

func lock(l *atomic.Uint32, process uint32, relax func()) {
	for !l.CompareAndSwap(0, process) {
		relax()
	}
}

// Write puts in as much of p as there is room for, and returns how much that was. process is who asks; not 0.
func (r *Ring) Write(p []byte, process uint32, relax func()) (n int) {
	lock(&r.writing, process, relax)
	at := r.written.Load()
	n = min(len(p), int(Size-(at-r.read.Load()))) // order: read's bytes are out before; pairs with Read (G1)
	begin := at % Size
	k := copy(r.data[begin:], p[:n])
	copy(r.data[:], p[k:n])
	r.written.Store(at + uint64(n)) // order: publishes the bytes; pairs with Read (G2)
	r.writing.Store(0)
	return n
}

// Read takes out as much as there is, at most len(p).
func (r *Ring) Read(p []byte, process uint32, relax func()) (n int) {
	lock(&r.reading, process, relax)
	at := r.read.Load()
	n = min(len(p), int(r.written.Load()-at))
	begin := at % Size
	k := copy(p[:n], r.data[begin:])
	copy(p[k:n], r.data[:])
	r.read.Store(at + uint64(n)) // order: after the bytes are out; pairs with Write (G1)
	r.reading.Store(0)
	return n
}

// Len is how many bytes are in it.
func (r *Ring) Len() int { return int(r.written.Load() - r.read.Load()) }

// Room is how many more would fit.
func (r *Ring) Room() int { return Size - r.Len() }

// Attach notes that a process, a child of parent, has so many more ends; negative: fewer. by is who asks. false: too many processes
// have.
func (r *Ring) Attach(process, parent uint32, readers, writers int, by uint32, relax func()) bool {
	lock(&r.changing, by, relax)
	h := r.holder(process)
	if h == nil {
		if h = r.holder(0); h == nil {
			r.changing.Store(0)
			return false
		}
		h.readers, h.writers = 0, 0
		h.parent.Store(parent)
		h.process.Store(process)
	}
	h.readers += int32(readers)
	h.writers += int32(writers)
	r.count()
	r.changing.Store(0)
	return true
}

func (r *Ring) holder(process uint32) *holder {
	for i := range r.holders {
		if h := &r.holders[i]; h.process.Load() == process {
			return h
		}
	}
	return nil
}

// count counts the ends, and forgets who has none and no children. The caller has changing.
func (r *Ring) count() {
	sum := uint64(0)
	for again := true; again; {
		again = false
		sum = 0
		for i := range r.holders {
			h := &r.holders[i]
			p := h.process.Load()
			switch {
			case p == 0:
			case h.readers != 0 || h.writers != 0:
				sum += uint64(h.readers)<<32 + uint64(h.writers)
			case !r.isParent(p):
				h.process.Store(0)
				again = true // perhaps its parent is next
			}
		}
	}
	r.ends.Store(sum)
}

func (r *Ring) isParent(process uint32) bool {
	for i := range r.holders {
		if p := r.holders[i].process.Load(); p != 0 && p != process && r.holders[i].parent.Load() == process {
			return true
		}
	}
	return false
}

// descends says whether a process is another, or has that among its ancestors in the table.
func (r *Ring) descends(process, from uint32) bool {
	for range maxHolders {
		if process == from {
			return true
		}
		h := r.holder(process)
		if process == 0 || h == nil {
			return false
		}
		process = h.parent.Load()
	}
	return false
}

// Gone notes that a process is no more, nor those that descend from it. by is who asks.
func (r *Ring) Gone(process, by uint32, relax func()) {
	for !r.changing.CompareAndSwap(0, by) {
		if has := r.changing.Load(); has != 0 && r.descends(has, process) && r.changing.CompareAndSwap(has, by) {
			break
		}
		relax()
	}
	dead := uint64(0)
	for i := range r.holders {
		if p := r.holders[i].process.Load(); p != 0 && r.descends(p, process) {
			dead |= 1 << i
		}
	}
	r.unlock(process)
	for i := range r.holders {
		if h := &r.holders[i]; dead>>i&1 != 0 {
			r.unlock(h.process.Load())
			h.readers, h.writers = 0, 0
			h.process.Store(0)
		}
	}
	r.count()
	r.changing.Store(0)
}

// Left notes that a process goes on when its parent is no more. If it does not end by itself, nobody will say that it has.
func (r *Ring) Left(process, by uint32, relax func()) {
	lock(&r.changing, by, relax)
	if h := r.holder(process); h != nil {
		h.parent.Store(0)
	}
	r.count()
	r.changing.Store(0)
}

const _ = uint(64 - maxHolders)

// unlock gives up what a process had that is no more.
func (r *Ring) unlock(process uint32) {
	r.writing.CompareAndSwap(process, 0)
	r.reading.CompareAndSwap(process, 0)
}

// Mode is what a ring is used for, beside being a pipe; its users agree on the bits.
func (r *Ring) Mode() uint32 { return r.mode.Load() }

// SetMode sets and clears bits of it.
func (r *Ring) SetMode(set, clear uint32) {
	r.mode.Or(set)
	r.mode.And(^clear)
}

// SomeoneReads says whether somebody sleeps until there is something to read, or is about to.
func (r *Ring) SomeoneReads() bool { return r.readWaits.Load() != 0 }

// Readers and Writers are how many ends of each kind there are.
func (r *Ring) Readers() int { return int(r.ends.Load() >> 32) }

// Writers is documented at Readers.
func (r *Ring) Writers() int { return int(uint32(r.ends.Load())) }

// Bits of a pipe's bell: something can be read, there is room.
const (
	BellRead  = 1
	BellWrite = 2
)

// ReadWaits says that somebody is about to sleep until there is something to read. Then he looks again.
func (r *Ring) ReadWaits() { r.readWaits.Store(1) }

// WriteWaits says the same of room.
func (r *Ring) WriteWaits() { r.writeWaits.Store(1) }

// Wrote is called after writing, or the end of a writer: it returns which bits of the bell to ring, 0: nobody sleeps.
func (r *Ring) Wrote() uint64 { return take(&r.readWaits, BellRead) }

// DidRead is the same after reading.
func (r *Ring) DidRead() uint64 { return take(&r.writeWaits, BellWrite) }

func take(w *atomic.Uint32, bit uint64) uint64 {
	if w.Load() == 0 || w.Swap(0) == 0 { // order: after what was changed; pairs with who sets it and then looks
		return 0
	}
	return bit
}

// Package pipe is a pipe's memory: a ring of bytes in frames that all who have an end of it share, and who these are.
//
//	          Write  Read  Attach…     X: one waits for the other; -: may run together
//	Write       X     -      -
//	Read        -     X      -
//
// G1. Bytes come out once each, in the order in which they went in; what one Write call put in one piece comes out unbroken.
// G2. Read sees the bytes that Write's caller wrote before.
// G3. When Writers is 0 and then the ring is empty, nothing comes any more.
//
// Progress: a holder that dies with a lock gives it up by Gone, which its parent calls.
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

	writing atomic.Uint32 // process that has it
	reading atomic.Uint32
	mode    atomic.Uint32 // bits of Mode
	// Who has ends: process in the upper half, then how many to read, how many to write.
	holders [maxHolders]atomic.Uint64
	ends    atomic.Uint64 // of all of them: readers in the upper half, writers in the lower
	data    [Size]byte
}

const (
	oneReader = 1 << 16
	oneWriter = 1
)

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

// Attach notes that a process has so many more ends; negative: fewer. false: too many processes have.
func (r *Ring) Attach(process uint32, readers, writers int) bool {
	more := uint64(readers*oneReader + writers*oneWriter)
	all := uint64(readers)<<32 + uint64(writers)
	for {
		free := (*atomic.Uint64)(nil)
		for i := range r.holders {
			h := &r.holders[i]
			v := h.Load()
			if uint32(v>>32) == process && v != 0 {
				free = h
				break
			}
			if v == 0 && free == nil {
				free = h
			}
		}
		if free == nil {
			return false
		}
		v := free.Load()
		next := v + more
		if v == 0 {
			next = uint64(process)<<32 + more
		} else if uint32(v>>32) != process {
			continue
		}
		if uint32(next) == 0 {
			next = 0
		}
		if free.CompareAndSwap(v, next) {
			r.ends.Add(all)
			return true
		}
	}
}

// Gone notes that a process is no more.
func (r *Ring) Gone(process uint32) {
	for i := range r.holders {
		if v := r.holders[i].Load(); v != 0 && uint32(v>>32) == process {
			if r.holders[i].CompareAndSwap(v, 0) {
				r.ends.Add(-(v>>16&0xffff<<32 + v&0xffff))
			}
		}
	}
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

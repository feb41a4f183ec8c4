//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/atomic"
	"internal/runtime/math"
	"unsafe"
)

// The heap: memory is cut from chunks, one value after the other, and nothing frees a single value. A program that lives
// long throws away what one round of it allocated: Mark before, Release after (libos/heap).
//
//	used:  newest chunk → … → oldest       free: chunks that Release took back
//	cur:   the chunk that small values are cut from; a value of more than half a chunk gets its own
//
// Values are aligned to 8 bytes, from 16 bytes on to 16. Memory of a new chunk is zero; what Release took back is zero from
// dirty on, and cleared below that when it is used again.
//
// Callers: any thread, never an upcall handler (its g says NoHeap): the thread under it may hold the lock.
const (
	chunkSize = 256 << 10
	pageSize  = 4096
	maxAlloc  = 1 << 46
	// An append rounds what it asks for up to a power of two below this, to an eighth of a power of two above.
	fineClasses = 1 << 10
)

// Grow gives the heap so many bytes of zeroed memory, a multiple of 4096, at an address that is one too. It does not return
// without: it ends the program.
var Grow func(bytes uintptr) (lo uintptr)

type chunk struct { // at the beginning of its own memory
	older           *chunk
	next, dirty, hi uintptr
}

const chunkHead = (unsafe.Sizeof(chunk{}) + 15) &^ 15

var heap struct {
	lock            uint32
	cur, used, free *chunk
	allocated       uintptr // bytes, since the program began
	grown           uintptr // bytes that Grow gave
}

func lock(l *uint32) {
	for atomic.Xchg(l, 1) != 0 {
		for atomic.Load(l) != 0 {
			Pause()
		}
	}
}

func unlock(l *uint32) { atomic.Store(l, 0) }

// Pause tells the CPU that this is a spin loop.
func Pause()

// mallocgc returns size bytes; zeroed, if zero says so.
func mallocgc(size uintptr, typ *abi.Type, zero bool) unsafe.Pointer {
	if size == 0 {
		return unsafe.Pointer(&zerobase)
	}
	if getg().NoHeap {
		throw("allocation in an upcall handler")
	}
	if size > maxAlloc {
		throw("out of memory: one value of more than 64 TiB")
	}
	size = (size + 7) &^ 7
	if size > 8 {
		size = (size + 15) &^ 15
	}
	lock(&heap.lock)
	heap.allocated += size
	c := heap.cur
	if c == nil || size > c.hi-c.next || size > 8 && c.next&15 != 0 && size+8 > c.hi-c.next {
		c = room(size)
	}
	p := c.next
	if size > 8 {
		p = (p + 15) &^ 15
	}
	c.next = p + size
	dirty := c.dirty
	unlock(&heap.lock)
	if zero && p < dirty {
		memclrNoHeapPointers(unsafe.Pointer(p), min(size, dirty-p))
	}
	return unsafe.Pointer(p)
}

// room returns a chunk with room for size bytes, the first of them on a 16-byte boundary. The lock is held.
func room(size uintptr) *chunk {
	large := size > chunkSize/2
	c := (*chunk)(nil)
	for at := &heap.free; *at != nil; at = &(*at).older {
		if f := *at; f.hi-f.next >= size {
			*at, c = f.older, f
			break
		}
	}
	if c == nil {
		bytes := uintptr(chunkSize)
		if large {
			bytes = (size + chunkHead + pageSize - 1) &^ (pageSize - 1)
		}
		lo := Grow(bytes)
		heap.grown += bytes
		c = (*chunk)(unsafe.Pointer(lo))
		c.next, c.dirty, c.hi = lo+chunkHead, 0, lo+bytes
	}
	c.older, heap.used = heap.used, c
	if !large {
		heap.cur = c
	}
	return c
}

// Mark is a state of the heap.
type Mark struct {
	cur, used *chunk
	next      uintptr
}

// HeapMark returns the state of the heap.
func HeapMark() Mark {
	lock(&heap.lock)
	m := Mark{cur: heap.cur, used: heap.used}
	if m.cur != nil {
		m.next = m.cur.next
	}
	unlock(&heap.lock)
	return m
}

// HeapRelease takes back everything that was allocated since m, by whichever thread. Nothing of that may be used again, nor
// a Mark that was made since; a map that was older than m and grew since has parts there.
func HeapRelease(m Mark) {
	lock(&heap.lock)
	for heap.used != m.used {
		c := heap.used
		heap.used = c.older
		c.dirty = max(c.dirty, c.next)
		c.next = uintptr(unsafe.Pointer(c)) + chunkHead
		c.older, heap.free = heap.free, c
	}
	if heap.cur = m.cur; m.cur != nil {
		m.cur.dirty = max(m.cur.dirty, m.cur.next)
		m.cur.next = m.next
	}
	unlock(&heap.lock)
}

// HeapStats returns bytes allocated since the program began, and bytes that Grow gave.
func HeapStats() (allocated, grown uintptr) {
	lock(&heap.lock)
	allocated, grown = heap.allocated, heap.grown
	unlock(&heap.lock)
	return allocated, grown
}

// lasting holds what no Release may take: itabs, records of defers.
var lasting struct {
	lock     uint32
	next, hi uintptr
	first    [512]byte
	begun    bool
}

// persistent returns zeroed memory that stays.
func persistent(size uintptr) unsafe.Pointer {
	size = (size + 15) &^ 15
	lock(&lasting.lock)
	if !lasting.begun {
		lasting.begun = true
		lasting.next = (uintptr(unsafe.Pointer(&lasting.first)) + 15) &^ 15
		lasting.hi = uintptr(unsafe.Pointer(&lasting.first)) + unsafe.Sizeof(lasting.first)
	}
	if size > lasting.hi-lasting.next {
		bytes := (max(size, 4*pageSize) + pageSize - 1) &^ (pageSize - 1)
		lasting.next = Grow(bytes)
		lasting.hi = lasting.next + bytes
	}
	p := lasting.next
	lasting.next += size
	unlock(&lasting.lock)
	return unsafe.Pointer(p)
}

func newobject(typ *abi.Type) unsafe.Pointer { return mallocgc(typ.Size_, typ, true) }

func newarray(typ *abi.Type, n int) unsafe.Pointer {
	bytes, overflow := math.MulUintptr(typ.Size_, uintptr(n))
	if overflow || bytes > maxAlloc || n < 0 {
		panic(plainError("runtime: allocation size out of range"))
	}
	return mallocgc(bytes, typ, true)
}

//go:linkname maps_newobject internal/runtime/maps.newobject
func maps_newobject(typ *abi.Type) unsafe.Pointer { return newobject(typ) }

//go:linkname maps_newarray internal/runtime/maps.newarray
func maps_newarray(typ *abi.Type, n int) unsafe.Pointer { return newarray(typ, n) }

// roundupsize is how many bytes an append asks for instead of size.
func roundupsize(size uintptr, noscan bool) uintptr {
	if size <= 8 {
		return 8
	}
	step := uintptr(16)
	for step*8 < size && size > fineClasses/8 {
		step *= 2
	}
	return (size + step - 1) &^ (step - 1)
}

//go:build exouser

// Package heap gives programs' Go code its memory, and lets a program that lives long throw away what it no longer uses:
//
//	m := heap.Mark()
//	… one round of work …
//	m.Release()
//
// libos/runtime/heap.go has the allocator. Memory comes here in pieces, each with frames of its own, mapped one behind the
// other from the beginning of the start page's Heap on.
package heap

import (
	"runtime"
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
)

const pageSize = 4096

var (
	memory    uint64 // the environment's account
	next, end uint64 // addresses for the next pieces
)

// Init makes the heap grow by frames of the environment's own account. Once, before anything allocates.
func Init(page *startpage.Page) {
	memory = sys.StartCap(startpage.RoleMemory, 0)
	next, end = page.Heap.Low, page.Heap.High
	runtime.Grow = grow
}

// Use makes it grow by another function from now on: zeroed memory, at a page, so many bytes; 0 if there is none.
// grow is a function of a package, not a closure: nothing is allocated before it is in use.
func Use(grow func(bytes uintptr) (lo uintptr)) {
	other = grow
	runtime.Grow = useOther
}

var other func(bytes uintptr) (lo uintptr)

func useOther(bytes uintptr) uintptr {
	lo := other(bytes)
	if lo == 0 {
		out(abi.NoMemory)
	}
	return lo
}

// grow is called with the heap's lock held.
func grow(bytes uintptr) uintptr {
	if uint64(bytes) > end-next {
		out(abi.NoMemory)
	}
	frames, _, err := sys.FrameAlloc(memory, abi.HowNear, 0, uint64(bytes)/pageSize, 0)
	if err == abi.OK {
		err = sys.PageMap(frames, 0, next, abi.PermRead|abi.PermWrite)
	}
	if err != abi.OK {
		out(err)
	}
	lo := next
	next += uint64(bytes)
	return uintptr(lo)
}

func out(why abi.Errno) { runtime.Die("out of memory: ", why.Error()) }

// Position is a state of the heap.
type Position struct {
	mark runtime.Mark
	kept uint64
}

// Mark returns the state of the heap.
func Mark() Position { return Position{runtime.HeapMark(), atomic.LoadUint64(&kept)} }

// Release takes back all memory that was allocated since, by any thread, to be used again. Nothing that lies there may be
// used any more, nor a Position of later; and what is older must not have grown into it: no map or slice that was added to
// since, unless that is thrown away, too.
//
// It does nothing if Keep was called since.
func (p Position) Release() {
	if p.kept == atomic.LoadUint64(&kept) {
		runtime.HeapRelease(p.mark)
	}
}

// kept counts calls of Keep.
var kept uint64

// Keep says that something has been allocated, or is about to be, that is to stay: packages of the library OS say so of what they
// keep from call to call, for who calls them may be between Mark and Release.
func Keep() { atomic.AddUint64(&kept, 1) }

// Stats returns how many bytes were allocated since the program began, and how many the heap took from the environment.
func Stats() (allocated, grown uint64) {
	a, g := runtime.HeapStats()
	return uint64(a), uint64(g)
}

//go:build explore

package paging

import (
	"math/rand/v2"
	"runtime"
	"unsafe"

	"exo/kernel/sync/atom"
)

// yielder has goroutines yield before atomic operations, at random: so a walk is stopped between two levels for as long as
// another CPU takes for several operations.
type yielder struct{}

func (yielder) Before(atom.Op, unsafe.Pointer) {
	for rand.Uint32()%8 == 0 {
		runtime.Gosched()
	}
}

func (yielder) Newest(unsafe.Pointer) (v atom.Value, ok bool) { return v, false }

func (yielder) Delay(addr unsafe.Pointer, size atom.Size, v atom.Value) { atom.Write(addr, size, v) }

func (yielder) After(atom.Op, unsafe.Pointer, atom.Value, atom.Value, atom.Value) {}

// yieldInside makes every operation on an atomic word a point where others may get between.
func yieldInside() (stop func()) {
	atom.Hook = yielder{}
	return func() { atom.Hook = nil }
}

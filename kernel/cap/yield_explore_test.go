//go:build explore

package cap

import (
	"math/rand/v2"
	"runtime"
	"unsafe"

	"exo/kernel/sync/atom"
)

// yielder has goroutines yield before atomic operations, at random.
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

// counter counts operations on atomic words.
type counter struct {
	yielder
	n int
}

func (c *counter) Before(atom.Op, unsafe.Pointer) { c.n++ }

func countLoads(f func()) int {
	c := new(counter)
	atom.Hook = c
	defer func() { atom.Hook = nil }()
	f()
	return c.n
}

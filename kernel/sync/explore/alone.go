//go:build explore

package explore

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// alone is the Explorer of what runs by itself: the program that builds the instance, and the final check. Stores are not
// delayed. It only sees to it that a broken structure does not keep them for ever.
type alone struct{ left int }

func (a *alone) Before(atom.Op, unsafe.Pointer) {
	if a.left--; a.left < 0 {
		panic("no end: operations on what the threads left behind go round in a circle")
	}
}

func (a *alone) Newest(unsafe.Pointer) (atom.Value, bool) { return atom.Value{}, false }

func (a *alone) Delay(addr unsafe.Pointer, size atom.Size, v atom.Value) { atom.Write(addr, size, v) }

func (a *alone) After(atom.Op, unsafe.Pointer, atom.Value, atom.Value, atom.Value) {}

const aloneLimit = 1_000_000

//go:build !exokernel && !explore

package atom

import (
	"sync/atomic"
	"unsafe"
)

// casPointer is a call: see pointer_ring0.go.
func casPointer(p *unsafe.Pointer, old, new unsafe.Pointer) bool {
	return atomic.CompareAndSwapPointer(p, old, new)
}

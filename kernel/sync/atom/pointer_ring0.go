//go:build exokernel && !explore

package atom

import (
	"runtime"
	"unsafe"
)

// casPointer is one instruction: in ring 0 there are no write barriers.
func casPointer(p *unsafe.Pointer, old, new unsafe.Pointer) bool {
	return runtime.CompareAndSwapPointer(p, old, new)
}

//go:build exokernel || exouser

package runtime

import (
	"internal/runtime/atomic"
	"unsafe"
)

// sync/atomic's pointer operations are compiler intrinsics where the call is direct; these are the bodies behind
// the names, for calls that are not. The integer operations have their own assembly in sync/atomic.

// CompareAndSwapPointer is that, for who is compiled with this runtime: unlike sync/atomic's it is the instruction, not a call. What
// it stores escapes, as there.
func CompareAndSwapPointer(ptr *unsafe.Pointer, old, new unsafe.Pointer) bool {
	return atomic.Casp1(ptr, old, new)
}

//go:linkname atomicStorePointer sync/atomic.StorePointer
//go:nosplit
func atomicStorePointer(ptr *unsafe.Pointer, new unsafe.Pointer) { swapPointer(ptr, new) }

//go:linkname atomicSwapPointer sync/atomic.SwapPointer
//go:nosplit
func atomicSwapPointer(ptr *unsafe.Pointer, new unsafe.Pointer) unsafe.Pointer {
	return swapPointer(ptr, new)
}

//go:linkname atomicCompareAndSwapPointer sync/atomic.CompareAndSwapPointer
//go:nosplit
func atomicCompareAndSwapPointer(ptr *unsafe.Pointer, old, new unsafe.Pointer) bool {
	return casPointer(ptr, old, new)
}

//go:noescape
func swapPointer(ptr *unsafe.Pointer, new unsafe.Pointer) unsafe.Pointer

//go:noescape
func casPointer(ptr *unsafe.Pointer, old, new unsafe.Pointer) bool

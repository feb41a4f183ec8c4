//go:build exokernel || exouser

package runtime

import "unsafe"

// sync/atomic's pointer operations are compiler intrinsics where the call is direct; these are the bodies behind
// the names, for calls that are not. The integer operations have their own assembly in sync/atomic.

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

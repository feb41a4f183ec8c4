//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/math"
	"unsafe"
)

func add(p unsafe.Pointer, n uintptr) unsafe.Pointer { return unsafe.Pointer(uintptr(p) + n) }

func makeslice(et *abi.Type, len, cap int) unsafe.Pointer {
	bytes, overflow := math.MulUintptr(et.Size_, uintptr(cap))
	if overflow || bytes > maxAlloc || len < 0 || len > cap {
		bytes, overflow = math.MulUintptr(et.Size_, uintptr(len))
		if overflow || bytes > maxAlloc || len < 0 {
			panicmakeslicelen()
		}
		panicmakeslicecap()
	}
	return mallocgc(bytes, et, true)
}

func makeslice64(et *abi.Type, len, cap int64) unsafe.Pointer {
	return makeslice(et, int(len), int(cap))
}

func makeslicecopy(et *abi.Type, toLen, fromLen int, from unsafe.Pointer) unsafe.Pointer {
	p := makeslice(et, toLen, toLen)
	memmove(p, from, et.Size_*uintptr(min(fromLen, toLen)))
	return p
}

// growslice returns a copy of a slice with room for newLen elements and more; the compiler has counted the num new ones.
func growslice(old unsafe.Pointer, newLen, oldCap, num int, et *abi.Type) slice {
	if newLen < 0 {
		panic(errorString("growslice: len out of range"))
	}
	if et.Size_ == 0 {
		return slice{unsafe.Pointer(&zerobase), newLen, newLen}
	}
	newCap := newLen
	if oldCap < 256 {
		newCap = max(newCap, 2*oldCap)
	} else {
		newCap = max(newCap, oldCap+(oldCap+3*256)>>2)
	}
	bytes, overflow := math.MulUintptr(et.Size_, uintptr(newCap))
	if overflow || bytes > maxAlloc {
		panic(errorString("growslice: len out of range"))
	}
	bytes = roundupsize(bytes, true)
	p := mallocgc(bytes, et, true)
	memmove(p, old, uintptr(newLen-num)*et.Size_)
	return slice{p, newLen, int(bytes / et.Size_)}
}

func growsliceNoAlias(old unsafe.Pointer, newLen, oldCap, num int, et *abi.Type) slice {
	return growslice(old, newLen, oldCap, num, et)
}

// growsliceBuf may use a buffer of the caller's stack.
func growsliceBuf(old unsafe.Pointer, newLen, oldCap, num int, et *abi.Type, buf unsafe.Pointer, bufLen int) slice {
	if newLen > bufLen {
		return growslice(old, newLen, oldCap, num, et)
	}
	oldLen := newLen - num
	if old != buf && oldLen != 0 {
		memmove(buf, old, uintptr(oldLen)*et.Size_)
	}
	memclrNoHeapPointers(add(buf, uintptr(newLen)*et.Size_), uintptr(bufLen-newLen)*et.Size_)
	return slice{buf, newLen, bufLen}
}

func growsliceBufNoAlias(old unsafe.Pointer, newLen, oldCap, num int, et *abi.Type, buf unsafe.Pointer, bufLen int) slice {
	return growsliceBuf(old, newLen, oldCap, num, et, buf, bufLen)
}

// The four below move a slice from the stack to the heap.

func moveSlice(et *abi.Type, old unsafe.Pointer, len, cap int) (unsafe.Pointer, int, int) {
	return moveSliceNoScan(et.Size_, old, len, cap)
}

func moveSliceNoScan(size uintptr, old unsafe.Pointer, len, cap int) (unsafe.Pointer, int, int) {
	if cap == 0 {
		if old != nil {
			old = unsafe.Pointer(&zerobase)
		}
		return old, 0, 0
	}
	p := mallocgc(uintptr(cap)*size, nil, false)
	memmove(p, old, uintptr(cap)*size)
	return p, len, cap
}

func moveSliceNoCap(et *abi.Type, old unsafe.Pointer, len int) (unsafe.Pointer, int, int) {
	return moveSliceNoScan(et.Size_, old, len, len)
}

func moveSliceNoCapNoScan(size uintptr, old unsafe.Pointer, len int) (unsafe.Pointer, int, int) {
	return moveSliceNoScan(size, old, len, len)
}

func slicecopy(to unsafe.Pointer, toLen int, from unsafe.Pointer, fromLen int, size uintptr) int {
	n := min(toLen, fromLen)
	if n > 0 {
		memmove(to, from, uintptr(n)*size)
	}
	return n
}

func typedmemmove(t *abi.Type, dst, src unsafe.Pointer) { memmove(dst, src, t.Size_) }
func typedmemclr(t *abi.Type, p unsafe.Pointer)         { memclrNoHeapPointers(p, t.Size_) }

//go:linkname maps_typedmemmove internal/runtime/maps.typedmemmove
func maps_typedmemmove(t *abi.Type, dst, src unsafe.Pointer) { typedmemmove(t, dst, src) }

//go:linkname maps_typedmemclr internal/runtime/maps.typedmemclr
func maps_typedmemclr(t *abi.Type, p unsafe.Pointer) { typedmemclr(t, p) }

func panicmakeslicelen() { panic(errorString("makeslice: len out of range")) }
func panicmakeslicecap() { panic(errorString("makeslice: cap out of range")) }

//go:build exokernel || exouser

package runtime

import (
	"internal/abi"
	"unsafe"
)

// Equality, as compiled code and type descriptors call it. memequal itself and string comparison come from the
// stock internal/bytealg.

func memequal0(p, q unsafe.Pointer) bool  { return true }
func memequal8(p, q unsafe.Pointer) bool  { return *(*int8)(p) == *(*int8)(q) }
func memequal16(p, q unsafe.Pointer) bool { return *(*int16)(p) == *(*int16)(q) }
func memequal32(p, q unsafe.Pointer) bool { return *(*int32)(p) == *(*int32)(q) }
func memequal64(p, q unsafe.Pointer) bool { return *(*int64)(p) == *(*int64)(q) }
func memequal128(p, q unsafe.Pointer) bool {
	return *(*[2]int64)(p) == *(*[2]int64)(q)
}
func f32equal(p, q unsafe.Pointer) bool      { return *(*float32)(p) == *(*float32)(q) }
func f64equal(p, q unsafe.Pointer) bool      { return *(*float64)(p) == *(*float64)(q) }
func c64equal(p, q unsafe.Pointer) bool      { return *(*complex64)(p) == *(*complex64)(q) }
func c128equal(p, q unsafe.Pointer) bool     { return *(*complex128)(p) == *(*complex128)(q) }
func strequal(p, q unsafe.Pointer) bool      { return *(*string)(p) == *(*string)(q) }
func interequal(p, q unsafe.Pointer) bool    { return *(*interface{ m() })(p) == *(*interface{ m() })(q) }
func nilinterequal(p, q unsafe.Pointer) bool { return *(*any)(p) == *(*any)(q) }

// efaceeq compares the data words of two interface values of the same type t.
func efaceeq(t *abi.Type, x, y unsafe.Pointer) bool {
	if t == nil {
		return true
	}
	if t.Equal == nil {
		faultInterface()
	}
	if t.IsDirectIface() {
		return x == y
	}
	return t.Equal(x, y)
}

// ifaceeq is efaceeq for interfaces with methods.
func ifaceeq(tab *abi.ITab, x, y unsafe.Pointer) bool {
	if tab == nil {
		return true
	}
	return efaceeq(tab.Type, x, y)
}

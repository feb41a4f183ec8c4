//go:build exokernel

package runtime

import (
	"internal/abi"
	"unsafe"
)

// Every run-time error of compiled Go ends in one UD2 that is followed by the mark 0xE0 and a code. The trap
// handler in arch/amd64 knows it by those bytes, so an error arrives there with every register as it was, and the
// shim needs neither a stack nor a lock nor a way to call upwards. fault_amd64.s has the bodies.
//
// FaultMark and the codes are read by the trap handler at RIP+2 and RIP+3.
const (
	FaultMark = 0xE0

	FaultBounds      = 1 // index or slice out of range
	FaultDivide      = 2 // integer division by zero
	FaultShift       = 3 // shift by a negative count
	FaultOverflow    = 4 // the stack check of a function failed; the return address is in that function
	FaultPanic       = 5 // panic(v): the eface v is in AX, BX
	FaultInterface   = 6 // a type assertion failed, or two interface values of an incomparable type were compared
	FaultNil         = 7 // a method was called through a nil pointer wrapper
	FaultUnreachable = 8 // a method that the linker removed was called, or a part of the runtime that ring 0 lacks
)

// Called by compiled code; the signatures are the compiler's.

func gopanic(e any)
func panicBounds()
func panicunsafeslicelen()
func panicunsafeslicenilptr()
func panicunsafestringlen()
func panicunsafestringnilptr()
func panicdivide()
func panicshift()
func panicwrap()
func panicnil()
func panicdottypeE(have, want, iface uintptr)
func panicdottypeI(have, want, iface uintptr)
func panicnildottype(want uintptr)
func panicrangestate(state int)
func faultInterface()

// PanicText returns the text of a panic's value, given as the two words of its eface, if it is a string or of a string
// type (an Error, say).
func PanicText(typ, data uintptr) (string, bool) {
	if typ == 0 || data == 0 || (*abi.Type)(unsafe.Pointer(typ)).Kind() != abi.String {
		return "", false
	}
	return *(*string)(unsafe.Pointer(data)), true
}

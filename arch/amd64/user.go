//go:build exokernel

package amd64

import (
	"runtime"
	"unsafe"
)

// Ring 3's memory, from the kernel: through the tables of the space that is loaded, with its rights; what is not mapped, or
// not for that, ends the copy instead of the kernel.

// userTop is where the addresses of ring 3 end; what lies above is refused before it is touched.
const userTop = 1<<47 - PageSize

// smap is 1 if the CPU keeps the kernel from ring 3's memory where it does not say that it means it.
var smap uint8

func userAccess()
func copyUser(dst, src, n uintptr) (left uintptr)
func readUser(at, last, _ uintptr) (left uintptr)
func copyUserString(dst, src, n uintptr) (left uintptr)
func userAccessPCs() (start, fault uintptr)
func pushPCs() (start, fault uintptr)

// isUser says whether [va, va+n) are addresses of ring 3.
func isUser(va uint64, n int) bool { return va <= userTop && uint64(n) <= userTop-va }

// CopyIn fills to from ring 3's memory at from. False: not all of it may be read, and what is in to is undefined.
func CopyIn(to []byte, from uint64) bool {
	return isUser(from, len(to)) &&
		copyUser(uintptr(unsafe.Pointer(unsafe.SliceData(to))), uintptr(from), uintptr(len(to))) == 0
}

// CanRead says whether all of ring 3's memory at from may be read just now.
func CanRead(from, n uint64) bool {
	return n == 0 || from <= userTop && n <= userTop-from && readUser(uintptr(from), uintptr(from+n-1), 0) == 0
}

// CopyOut writes from to ring 3's memory at to. False: not all of it may be written, and some of it may have been.
func CopyOut(to uint64, from []byte) bool {
	return isUser(to, len(from)) &&
		copyUser(uintptr(to), uintptr(unsafe.Pointer(unsafe.SliceData(from))), uintptr(len(from))) == 0
}

// PushFrame writes what an upcall begins with, an abi.UpcallFrame of 80 bytes, to ring 3's memory at to. False: it may not be written.
//
//exo:inline
func PushFrame(to uint64, f *Frame, address uint64) bool {
	if to > userTop-80 {
		return false
	}
	return runtime.Call(pushPC, uintptr(to), unsafe.Pointer(f), address) == 0
}

// pushPC is where pushFrame is.
var pushPC uintptr

// CopyInString copies ring 3's bytes at from, up to the first 0, into to, and says how many there were before that. end is
// false if to was full before the 0 came, ok if it ran into what may not be read.
func CopyInString(to []byte, from uint64) (n int, end, ok bool) {
	if from > userTop {
		return 0, false, false
	}
	room := min(uint64(len(to)), userTop-from)
	left := copyUserString(uintptr(unsafe.Pointer(unsafe.SliceData(to))), uintptr(from), uintptr(room))
	switch {
	case left == ^uintptr(0):
		return 0, false, false
	case left == 0: // the string goes on, or addresses end
		return int(room), false, room == uint64(len(to))
	}
	return int(room) - int(left), true, true
}

// userFault has a page fault of such a copy end it. The fault is at any address: those of the kernel's that a copy
// touches are mapped, or it is a bug of the caller's that must show.
//
//go:nosplit
func userFault(f *Frame) bool {
	start, fault := userAccessPCs()
	if f.RIP-uint64(start) >= uint64(fault-start) {
		start, fault = pushPCs()
	}
	if f.RIP-uint64(start) >= uint64(fault-start) || readCR2() >= userTop {
		return false
	}
	f.RIP = uint64(fault)
	return true
}

// UserAccessOpen says whether this CPU may touch ring 3's memory without saying so; for tests.
func UserAccessOpen() bool { return smap == 0 || runtime.Flags()&FlagAC != 0 }

// FlagAC is the bit of RFLAGS that says so.
const FlagAC = 1 << 18

//go:build exouser

// Package sys has a Go function for each system call: its arguments in registers, as kernel/abi/calls.go says. What comes
// back is the result and an Errno, abi.OK if the call did what it says. They do nothing else, allocate nothing, and may be
// called by any thread, and by upcall handlers.
//
// A function here costs a call, the moves from Go's registers to the kernel's, and SYSCALL (libos/runtime/syscall_amd64.s).
package sys

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"exo/kernel/abi"
)

// Cap is a capability's name; 0 stands for the caller's own environment or thread where one is wanted.
type Cap = uint64

func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// The kernel does not bring pages that are not there yet: it refuses what a call points at with BadAddress. So that is touched
// before: read what the kernel reads, written what it writes, without changing it.

const pageSize = 4096

// in is the address of what the kernel reads.
func in[T any](p *T) uint64 {
	if p != nil {
		read(address(p), uint64(unsafe.Sizeof(*p)))
	}
	return address(p)
}

// out is the address of what it writes.
func out[T any](p *T) uint64 {
	write(address(p), uint64(unsafe.Sizeof(*p)))
	return address(p)
}

func inAll[T any](s []T) (at, n uint64) {
	at, n = address(unsafe.SliceData(s)), uint64(len(s))
	read(at, n*uint64(unsafe.Sizeof(*new(T))))
	return at, n
}

func outAll[T any](s []T) (at, n uint64) {
	at, n = address(unsafe.SliceData(s)), uint64(len(s))
	write(at, n*uint64(unsafe.Sizeof(*new(T))))
	return at, n
}

func read(at, bytes uint64) {
	for end := at + bytes; at < end; at = at&^(pageSize-1) + pageSize {
		use(*(*byte)(unsafe.Pointer(uintptr(at))))
	}
}

//go:noinline
func use(byte) {}

func write(at, bytes uint64) {
	for end := at + bytes; at < end; at = at&^(pageSize-1) + pageSize {
		atomic.OrUint32((*uint32)(unsafe.Pointer(uintptr(at&^3))), 0)
	}
}

func call3(c abi.Call, a0, a1, a2 uint64) (uint64, abi.Errno) {
	r, _ := runtime.Syscall3(uint64(c), a0, a1, a2)
	return value(r)
}

func call6(c abi.Call, a0, a1, a2, a3, a4, a5 uint64) (uint64, abi.Errno) {
	r, _, _, _, _ := runtime.Syscall(uint64(c), a0, a1, a2, a3, a4, a5)
	return value(r)
}

func only3(c abi.Call, a0, a1, a2 uint64) abi.Errno {
	r, _ := runtime.Syscall3(uint64(c), a0, a1, a2)
	return failed(r)
}

// value and failed tell an Errno, which is negative, from a result.

func value(r uint64) (uint64, abi.Errno) {
	if int64(r) < 0 {
		return 0, abi.Errno(r)
	}
	return r, abi.OK
}

func failed(r uint64) abi.Errno {
	if int64(r) < 0 {
		return abi.Errno(r)
	}
	return abi.OK
}

// particular notes that the calling thread has, or may have, something in the kernel that a new one has not (libos/thread, rest.go).
func particular() { runtime.Getg().Particular = true }

// Call6 makes any system call, with results as they are.
func Call6(c abi.Call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx, r8, r9, r10 uint64) {
	particular()
	return runtime.Syscall(uint64(c), a0, a1, a2, a3, a4, a5)
}

// Null does nothing.
func Null() abi.Errno { return only3(abi.Null, 0, 0, 0) }

// Info is the kernel's page of what anybody may know.
func Info() *abi.Info { return (*abi.Info)(unsafe.Pointer(uintptr(abi.InfoPage))) }

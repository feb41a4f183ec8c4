//go:build exouser && !hosted

package runtime

// System calls, here because only this package may define assembly with the register ABI. libos/sys has a function for each
// call. See kernel/abi for the registers.

// Syscall makes a system call: up to six arguments, RAX, RDX, R8, R9 and R10 as results.
func Syscall(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx, r8, r9, r10 uint64)

// SyscallFrom is Syscall with RSI as another result: who calls, where that is received.
func SyscallFrom(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx, r8, r9, r10, rsi uint64)

// Syscall3 makes one with three arguments, and RAX and RDX as results.
func Syscall3(call, a0, a1, a2 uint64) (rax, rdx uint64)

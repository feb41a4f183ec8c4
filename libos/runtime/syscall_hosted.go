//go:build exouser && hosted

package runtime

// A hosted program runs on Linux, to test this shim: its system calls go to a function that knows both sides.

// HostSyscall makes a system call of kernel/abi.
var HostSyscall func(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx uint64)

// Syscall, SyscallFrom and Syscall3 are as in syscall.go.

func Syscall(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx, r8, r9, r10 uint64) {
	rax, rdx = HostSyscall(call, a0, a1, a2, a3, a4, a5)
	return rax, rdx, a4, a5, a3
}

func SyscallFrom(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx, r8, r9, r10, rsi uint64) {
	rax, rdx = HostSyscall(call, a0, a1, a2, a3, a4, a5)
	return rax, rdx, a4, a5, a3, a1
}

func Syscall3(call, a0, a1, a2 uint64) (rax, rdx uint64) {
	return HostSyscall(call, a0, a1, a2, 0, 0, 0)
}

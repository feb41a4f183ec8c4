//go:build exouser && !hosted

#include "textflag.h"

// func Syscall(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx, r8, r9, r10 uint64)
// Go passes integers in AX, BX, CX, DI, SI, R8, R9, R10, R11, and results in the same; the kernel leaves X15 zero, and R14.
TEXT runtime·Syscall<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-96
	MOVQ DI, DX
	MOVQ SI, R10
	MOVQ BX, DI
	MOVQ CX, SI
	SYSCALL
	MOVQ DX, BX
	MOVQ R8, CX
	MOVQ R9, DI
	MOVQ R10, SI
	RET

// func SyscallFrom(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx, r8, r9, r10, rsi uint64)
TEXT runtime·SyscallFrom<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-104
	MOVQ DI, DX
	MOVQ SI, R10
	MOVQ BX, DI
	MOVQ CX, SI
	SYSCALL
	MOVQ DX, BX
	MOVQ R8, CX
	MOVQ R9, DI
	MOVQ SI, R8
	MOVQ R10, SI
	RET

// func Syscall3(call, a0, a1, a2 uint64) (rax, rdx uint64)
TEXT runtime·Syscall3<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ DI, DX
	MOVQ BX, DI
	MOVQ CX, SI
	SYSCALL
	MOVQ DX, BX
	RET

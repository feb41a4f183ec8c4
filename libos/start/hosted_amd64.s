//go:build exouser && hosted

#include "go_asm.h"
#include "textflag.h"

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002

// rt0: Linux enters with RSP at argc.
TEXT ·rt0(SB), NOSPLIT|NOFRAME, $0
	MOVQ  SP, R12
	XORL  BP, BP
	MOVL  $158, AX                 // arch_prctl
	MOVL  $ARCH_SET_FS, DI
	LEAQ  ·first+const_threadTLS(SB), SI
	SYSCALL
	MOVL  $158, AX
	MOVL  $ARCH_SET_GS, DI
	LEAQ  ·first+const_threadTLS(SB), SI
	SYSCALL
	XORPS X15, X15
	LEAQ  ·first(SB), R14
	MOVQ  R14, -8(FS)
	ANDQ  $~15, SP
	SUBQ  $16, SP
	MOVQ  R12, 0(SP)
	CALL  ·host(SB)
	UD2

// func linux(call, a0, a1, a2, a3, a4, a5 uint64) uint64
TEXT ·linux(SB), NOSPLIT|NOFRAME, $0-64
	MOVQ call+0(FP), AX
	MOVQ a0+8(FP), DI
	MOVQ a1+16(FP), SI
	MOVQ a2+24(FP), DX
	MOVQ a3+32(FP), R10
	MOVQ a4+40(FP), R8
	MOVQ a5+48(FP), R9
	SYSCALL
	MOVQ AX, ret+56(FP)
	RET

// onFault is Linux's signal handler: RSI = siginfo, RDX = ucontext. It changes where the thread goes on.
TEXT ·onFault(SB), NOSPLIT|NOFRAME, $0
	PUSHQ BX
	PUSHQ BP
	PUSHQ R12
	PUSHQ R13
	PUSHQ R14
	PUSHQ R15
	SUBQ  $32, SP
	XORPS X15, X15
	MOVQ  -8(FS), R14
	LEAQ  168(DX), AX              // RIP in it
	MOVQ  AX, 0(SP)
	LEAQ  160(DX), AX              // RSP
	MOVQ  AX, 8(SP)
	MOVQ  16(SI), AX               // the address
	MOVQ  AX, 16(SP)
	CALL  ·hostFault(SB)
	ADDQ  $32, SP
	POPQ  R15
	POPQ  R14
	POPQ  R13
	POPQ  R12
	POPQ  BP
	POPQ  BX
	RET

TEXT ·restore(SB), NOSPLIT|NOFRAME, $0
	MOVL $15, AX                   // rt_sigreturn
	SYSCALL
	UD2

// func handlers() (onFault, restore uint64)
TEXT ·handlers(SB), NOSPLIT|NOFRAME, $0-16
	LEAQ ·onFault(SB), AX
	MOVQ AX, onFault+0(FP)
	LEAQ ·restore(SB), AX
	MOVQ AX, restore+8(FP)
	RET

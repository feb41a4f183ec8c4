//go:build exouser

#include "go_asm.h"
#include "textflag.h"

// func Pause()
TEXT runtime·Pause<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-0
	PAUSE
	RET

// func framePointer() uintptr
TEXT runtime·framePointer<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ BP, AX
	RET

// func resume(sp, fp, pc uintptr)
TEXT runtime·resume<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ AX, SP
	MOVQ BX, BP
	JMP  CX

// The stack check of a prologue calls one of these: the word at SP is the address in the function whose stack is too small.
// They go to a stack of their own and do not return.
TEXT runtime·morestack_noctxt(SB), NOSPLIT|NOFRAME, $0-0
	JMP runtime·morestack(SB)

TEXT runtime·morestack(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ 0(SP), AX
	MOVQ R14, BX
	MOVL $1, CX
again:
	XCHGL CX, runtime·overflowLock(SB)
	TESTL CX, CX
	JEQ  mine
	PAUSE
	JMP  again
mine:
	LEAQ runtime·overflowStack(SB), DX
	LEAQ runtime·overflowG(SB), R14
	LEAQ 928(DX), CX
	MOVQ DX, g_StackLo(R14)
	MOVQ CX, g_stackguard0(R14)
	MOVQ CX, g_stackguard1(R14)
	ADDQ $(4<<10), DX
	MOVQ DX, g_StackHi(R14)
	MOVQ g_Upcall(BX), CX
	MOVQ CX, g_Upcall(R14)
	MOVQ R14, -8(FS)
	LEAQ -16(DX), SP               // overflowed may keep its arguments there
	XORL BP, BP
	XORPS X15, X15
	CALL runtime·overflowed<ABIInternal>(SB)
	UD2

// func FaultEntry() uintptr
TEXT runtime·FaultEntry<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	LEAQ runtime·faultEntry<ABIInternal>(SB), AX
	RET

// faultEntry is where InjectFault makes a thread go on: as if the instruction that faulted had called it.
TEXT runtime·faultEntry<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ BP
	MOVQ SP, BP
	CLD
	MOVQ -8(FS), R14
	XORPS X15, X15
	MOVQ 8(SP), AX
	SUBQ $8, SP
	CALL runtime·faulted<ABIInternal>(SB)
	UD2

// Names that the linker wants: where stock Go starts; a program starts at libos/start's entry.
TEXT _rt0_amd64_linux(SB), NOSPLIT|NOFRAME, $0-0
	UD2
TEXT runtime·rt0_go(SB), NOSPLIT|NOFRAME, $0-0
	UD2

// A package whose initialised maps the linker removed calls this instead of building them.
TEXT runtime·mapinitnoop<ABIInternal>(SB), NOSPLIT, $0-0
	RET

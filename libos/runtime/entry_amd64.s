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
// They go to the stack for upcalls, of whatever that was used for before, and do not return.
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
	MOVQ g_Upcall(BX), R14
	TESTQ R14, R14
	JNE  2(PC)
	MOVQ BX, R14                   // it has none: then its own
	MOVQ R14, -8(FS)
	MOVQ g_StackHi(R14), SP
	SUBQ $16, SP                   // overflowed may keep its arguments there
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

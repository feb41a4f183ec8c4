//go:build exokernel

#include "textflag.h"

// taskEntry is where a new stack begins, with what Switch was given in the registers of its results.
TEXT ·taskEntry(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ CX
	PUSHQ BX
	PUSHQ AX
	CALL ·startTask(SB)
	CALL ·HaltForever(SB)
	POPQ AX
	POPQ BX
	POPQ CX
	RET

// func taskEntryPC() uintptr
TEXT ·taskEntryPC(SB), NOSPLIT, $0-8
	LEAQ ·taskEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET

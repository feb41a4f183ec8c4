//go:build exokernel

#include "textflag.h"

// func switchStack(from *uintptr, to uintptr, gp *runtime.G)
//
// A function of Go keeps nothing in registers across a call but g, so a stack at rest is its address: the frame pointer
// lies on top, and below it where to go on.
TEXT ·switchStack(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ from+0(FP), AX
	MOVQ to+8(FP), BX
	MOVQ gp+16(FP), R14
	PUSHQ BP
	MOVQ SP, (AX)
	MOVQ BX, SP
	MOVQ R14, -8(FS)
	POPQ BP
	RET

// taskEntry is where a new stack begins.
TEXT ·taskEntry(SB), NOSPLIT|NOFRAME, $0-0
	CALL ·startTask(SB)
	CALL ·HaltForever(SB)
	RET

// func taskEntryPC() uintptr
TEXT ·taskEntryPC(SB), NOSPLIT, $0-8
	LEAQ ·taskEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET

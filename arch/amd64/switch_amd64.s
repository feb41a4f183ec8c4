//go:build exokernel

#include "textflag.h"

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

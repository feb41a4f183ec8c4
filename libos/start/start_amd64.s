//go:build exouser && !hosted

#include "go_asm.h"
#include "textflag.h"

// rt0: a program's entry point. In: RDI = the start page, RSP = the stack that it names.
TEXT ·rt0(SB), NOSPLIT|NOFRAME, $0
	MOVQ  DI, R12
	CLD
	XORPS X15, X15
	XORL  BP, BP
	LEAQ  ·first(SB), R14          // a Thread begins with its g
	LEAQ  const_threadTLS(R14), DI
	MOVQ  $const_infoFeatures, AX
	TESTQ $const_featureFSBase, 0(AX)
	JEQ   call
	WRFSBASEQ DI
	JMP   set
call:
	XORL  SI, SI
	MOVL  $const_callBases, AX
	SYSCALL
set:
	MOVQ  R14, -8(FS)
	ANDQ  $~15, SP
	SUBQ  $16, SP
	MOVQ  R12, 0(SP)
	CALL  ·begin(SB)
	UD2

//go:build exouser

#include "textflag.h"

// func probe(code uintptr) (rax uint64)
TEXT ·probe(SB), NOSPLIT, $16-16
	MOVQ code+0(FP), AX
	MOVQ SP, DX
	SUBQ $8, DX // where the return address will be
	MOVQ DX, ·probing(SB)
	CALL AX
	CLD
	MOVQ AX, rax+8(FP)
	RET

// func registersKept() (wrong uint64)
// It fills all registers with patterns, makes a null call, and says which one is another than it should be: RBX 1, RSI, RDI, RBP,
// R8, R9, R10, R12 to R15 the next bits. Bit 16: there is something in an XMM register.
TEXT ·registersKept(SB), NOSPLIT, $16-8
	MOVQ BP, 8(SP)
	MOVQ $0x1111, BX
	MOVQ $0x2222, SI
	MOVQ $0x3333, DI
	MOVQ $0x5555, R8
	MOVQ $0x6666, R9
	MOVQ $0x7777, R10
	MOVQ $0x8888, R12
	MOVQ $0x9999, R13
	MOVQ $0xAAAA, R14
	MOVQ $0xBBBB, R15
	MOVQ BX, X0
	MOVQ BX, X1
	MOVQ BX, X7
	MOVQ BX, X8
	MOVQ BX, X15
	MOVQ $0x4444, BP
	XORL AX, AX // Null
	SYSCALL
	XORL CX, CX
	MOVL $1, DX
#define SAME(r, v) \
	CMPQ r, $v \
	JEQ 2(PC) \
	ORQ DX, CX \
	SHLQ $1, DX
	SAME(BX, 0x1111)
	SAME(SI, 0x2222)
	SAME(DI, 0x3333)
	SAME(BP, 0x4444)
	SAME(R8, 0x5555)
	SAME(R9, 0x6666)
	SAME(R10, 0x7777)
	SAME(R12, 0x8888)
	SAME(R13, 0x9999)
	SAME(R14, 0xAAAA)
	SAME(R15, 0xBBBB)
	ORPS X1, X0
	ORPS X7, X0
	ORPS X8, X0
	ORPS X15, X0
	MOVQ X0, AX
	TESTQ AX, AX
	JEQ  2(PC)
	ORQ  $(1<<16), CX
	MOVQ 8(SP), BP
	MOVQ CX, wrong+0(FP)
	RET

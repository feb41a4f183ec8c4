//go:build exouser

#include "go_asm.h"
#include "textflag.h"

// func enter(entry, top uint64)
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ entry+0(FP), AX
	MOVQ top+8(FP), CX
	PUSHQ BP
	PUSHQ R14
	PUSHQ AX                       // where to, at 0(SP)
	MOVQ SP, DX
	LEAQ -(80+16)(CX), CX          // the frame
	ANDQ $~15, CX
	MOVQ ·frame+0(SB), AX
	MOVQ AX, 0(CX)
	MOVQ ·frame+8(SB), AX
	MOVQ AX, 8(CX)
	MOVQ ·frame+16(SB), AX
	MOVQ AX, 16(CX)
	LEAQ back<>(SB), AX
	MOVQ AX, 32(CX)
	MOVW CS, AX
	MOVWQZX AX, AX
	MOVQ AX, 40(CX)
	PUSHFQ
	POPQ AX
	ANDQ $~1, AX
	MOVQ AX, 48(CX)
	MOVQ DX, 56(CX)
	MOVW SS, AX
	MOVWQZX AX, AX
	MOVQ AX, 64(CX)
	MOVQ 0(DX), AX                 // the entry, where the kernel would set RIP: kept below the frame
	MOVQ AX, -8(CX)
	MOVQ CX, SP
	MOVUPS ·before+(state_xmm+0)(SB), X0
	MOVUPS ·before+(state_xmm+16)(SB), X1
	MOVUPS ·before+(state_xmm+32)(SB), X2
	MOVUPS ·before+(state_xmm+48)(SB), X3
	MOVUPS ·before+(state_xmm+64)(SB), X4
	MOVUPS ·before+(state_xmm+80)(SB), X5
	MOVUPS ·before+(state_xmm+96)(SB), X6
	MOVUPS ·before+(state_xmm+112)(SB), X7
	MOVUPS ·before+(state_xmm+128)(SB), X8
	MOVUPS ·before+(state_xmm+144)(SB), X9
	MOVUPS ·before+(state_xmm+160)(SB), X10
	MOVUPS ·before+(state_xmm+176)(SB), X11
	MOVUPS ·before+(state_xmm+192)(SB), X12
	MOVUPS ·before+(state_xmm+208)(SB), X13
	MOVUPS ·before+(state_xmm+224)(SB), X14
	MOVUPS ·before+(state_xmm+240)(SB), X15
	MOVQ ·before+0(SB), AX
	MOVQ ·before+8(SB), BX
	MOVQ ·before+16(SB), CX
	MOVQ ·before+24(SB), DX
	MOVQ ·before+32(SB), SI
	MOVQ ·before+40(SB), DI
	MOVQ ·before+48(SB), BP
	MOVQ ·before+56(SB), R8
	MOVQ ·before+64(SB), R9
	MOVQ ·before+72(SB), R10
	MOVQ ·before+80(SB), R11
	MOVQ ·before+88(SB), R12
	MOVQ ·before+96(SB), R13
	MOVQ ·before+104(SB), R14
	MOVQ ·before+112(SB), R15
	JMP  -8(SP)

// back: where IRETQ leads, on the stack that enter left.
TEXT back<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ AX, ·after+0(SB)
	MOVQ BX, ·after+8(SB)
	MOVQ CX, ·after+16(SB)
	MOVQ DX, ·after+24(SB)
	MOVQ SI, ·after+32(SB)
	MOVQ DI, ·after+40(SB)
	MOVQ BP, ·after+48(SB)
	MOVQ R8, ·after+56(SB)
	MOVQ R9, ·after+64(SB)
	MOVQ R10, ·after+72(SB)
	MOVQ R11, ·after+80(SB)
	MOVQ R12, ·after+88(SB)
	MOVQ R13, ·after+96(SB)
	MOVQ R14, ·after+104(SB)
	MOVQ R15, ·after+112(SB)
	PUSHFQ
	POPQ AX
	MOVQ AX, ·after+(state_flags)(SB)
	MOVUPS X0, ·after+(state_xmm+0)(SB)
	MOVUPS X1, ·after+(state_xmm+16)(SB)
	MOVUPS X2, ·after+(state_xmm+32)(SB)
	MOVUPS X3, ·after+(state_xmm+48)(SB)
	MOVUPS X4, ·after+(state_xmm+64)(SB)
	MOVUPS X5, ·after+(state_xmm+80)(SB)
	MOVUPS X6, ·after+(state_xmm+96)(SB)
	MOVUPS X7, ·after+(state_xmm+112)(SB)
	MOVUPS X8, ·after+(state_xmm+128)(SB)
	MOVUPS X9, ·after+(state_xmm+144)(SB)
	MOVUPS X10, ·after+(state_xmm+160)(SB)
	MOVUPS X11, ·after+(state_xmm+176)(SB)
	MOVUPS X12, ·after+(state_xmm+192)(SB)
	MOVUPS X13, ·after+(state_xmm+208)(SB)
	MOVUPS X14, ·after+(state_xmm+224)(SB)
	MOVUPS X15, ·after+(state_xmm+240)(SB)
	MOVQ 8(SP), R14
	MOVQ 16(SP), BP
	LEAQ 24(SP), SP
	XORPS X15, X15
	RET

// Saving and restoring a Frame: for trap_amd64.s and syscall_amd64.s.

#define MSR_FS_BASE 0xC0000100
#define MSR_GS_BASE 0xC0000101

// SAVE pushes the rest of a Frame. Compiled Go uses XMM at will, so all of it belongs to the interrupted code.
#define SAVE \
	CLD \
	SUBQ $(15*8+16*16), SP \
	MOVUPS X0, Frame_XMM+0(SP); MOVUPS X1, Frame_XMM+16(SP) \
	MOVUPS X2, Frame_XMM+32(SP); MOVUPS X3, Frame_XMM+48(SP) \
	MOVUPS X4, Frame_XMM+64(SP); MOVUPS X5, Frame_XMM+80(SP) \
	MOVUPS X6, Frame_XMM+96(SP); MOVUPS X7, Frame_XMM+112(SP) \
	MOVUPS X8, Frame_XMM+128(SP); MOVUPS X9, Frame_XMM+144(SP) \
	MOVUPS X10, Frame_XMM+160(SP); MOVUPS X11, Frame_XMM+176(SP) \
	MOVUPS X12, Frame_XMM+192(SP); MOVUPS X13, Frame_XMM+208(SP) \
	MOVUPS X14, Frame_XMM+224(SP); MOVUPS X15, Frame_XMM+240(SP) \
	MOVQ R15, Frame_R15(SP); MOVQ R14, Frame_R14(SP) \
	MOVQ R13, Frame_R13(SP); MOVQ R12, Frame_R12(SP) \
	MOVQ R11, Frame_R11(SP); MOVQ R10, Frame_R10(SP) \
	MOVQ R9, Frame_R9(SP); MOVQ R8, Frame_R8(SP) \
	MOVQ BP, Frame_RBP(SP); MOVQ DI, Frame_RDI(SP) \
	MOVQ SI, Frame_RSI(SP); MOVQ DX, Frame_RDX(SP) \
	MOVQ CX, Frame_RCX(SP); MOVQ BX, Frame_RBX(SP) \
	MOVQ AX, Frame_RAX(SP)

// SHUT ends what a copy from or to ring 3 was allowed (user_amd64.s); IRETQ puts it back.
#define SHUT CMPB ·smap(SB), $0; JEQ 2(PC); CLAC

#define RESTORE \
	MOVUPS Frame_XMM+0(SP), X0; MOVUPS Frame_XMM+16(SP), X1 \
	MOVUPS Frame_XMM+32(SP), X2; MOVUPS Frame_XMM+48(SP), X3 \
	MOVUPS Frame_XMM+64(SP), X4; MOVUPS Frame_XMM+80(SP), X5 \
	MOVUPS Frame_XMM+96(SP), X6; MOVUPS Frame_XMM+112(SP), X7 \
	MOVUPS Frame_XMM+128(SP), X8; MOVUPS Frame_XMM+144(SP), X9 \
	MOVUPS Frame_XMM+160(SP), X10; MOVUPS Frame_XMM+176(SP), X11 \
	MOVUPS Frame_XMM+192(SP), X12; MOVUPS Frame_XMM+208(SP), X13 \
	MOVUPS Frame_XMM+224(SP), X14; MOVUPS Frame_XMM+240(SP), X15 \
	MOVQ Frame_R15(SP), R15; MOVQ Frame_R14(SP), R14 \
	MOVQ Frame_R13(SP), R13; MOVQ Frame_R12(SP), R12 \
	MOVQ Frame_R11(SP), R11; MOVQ Frame_R10(SP), R10 \
	MOVQ Frame_R9(SP), R9; MOVQ Frame_R8(SP), R8 \
	MOVQ Frame_RBP(SP), BP; MOVQ Frame_RDI(SP), DI \
	MOVQ Frame_RSI(SP), SI; MOVQ Frame_RDX(SP), DX \
	MOVQ Frame_RCX(SP), CX; MOVQ Frame_RBX(SP), BX \
	MOVQ Frame_RAX(SP), AX \
	ADDQ $(15*8+16*16+16), SP

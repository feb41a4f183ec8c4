//go:build exokernel

#include "go_asm.h"
#include "textflag.h"

#define MSR_FS_BASE 0xC0000100
#define MSR_GS_BASE 0xC0000101

// 256 stubs of 8 bytes each: two bytes that push a zero where the CPU pushes no error code (or a two-byte NOP where it
// does), a CALL whose return address tells the vector, one byte of padding.
#define STUB(to)  BYTE $0x6A; BYTE $0x00; CALL to(SB); BYTE $0x90;
#define STUBE(to) BYTE $0x66; BYTE $0x90; CALL to(SB); BYTE $0x90;
#define STUB4  STUB(·trapCommon) STUB(·trapCommon) STUB(·trapCommon) STUB(·trapCommon)
#define STUB16 STUB4 STUB4 STUB4 STUB4
#define STUB32 STUB16 STUB16

TEXT ·vectors(SB), NOSPLIT|NOFRAME, $0
	STUB(·trapCommon)    // 0 divide
	STUB(·trapCommon)    // 1 debug
	STUB(·trapParanoid)  // 2 NMI
	STUB(·trapCommon)    // 3 breakpoint
	STUB4                // 4 overflow, 5 bound, 6 invalid opcode, 7 no FPU
	STUBE(·trapParanoid) // 8 double fault
	STUB(·trapCommon)    // 9
	STUBE(·trapCommon)   // 10 invalid TSS
	STUBE(·trapCommon)   // 11 segment not present
	STUBE(·trapCommon)   // 12 stack
	STUBE(·trapCommon)   // 13 general protection
	STUBE(·trapCommon)   // 14 page fault
	STUB(·trapCommon)    // 15
	STUB(·trapCommon)    // 16 x87
	STUBE(·trapCommon)   // 17 alignment
	STUB(·trapParanoid)  // 18 machine check
	STUB(·trapCommon)    // 19 SIMD
	STUB(·trapCommon)    // 20 virtualisation
	STUBE(·trapCommon)   // 21 control protection
	STUB4 STUB(·trapCommon) STUB(·trapCommon) STUB(·trapCommon) // 22..28
	STUBE(·trapCommon)   // 29 VMM communication
	STUBE(·trapCommon)   // 30 security
	STUB(·trapCommon)    // 31
	STUB32 STUB32 STUB32 STUB32 STUB32 STUB32 STUB32

// func vectorBase() uint64
TEXT ·vectorBase(SB), NOSPLIT, $0-8
	LEAQ ·vectors(SB), AX
	MOVQ AX, ret+0(FP)
	RET

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

TEXT ·trapCommon(SB), NOSPLIT|NOFRAME, $0
	SAVE
	SHUT
	MOVQ SP, AX
	SUBQ $16, SP
	MOVQ AX, 0(SP)
	CALL ·trap(SB)
	ADDQ $16, SP
	RESTORE
	IRETQ

// NMI, double fault and machine check come at any instruction, so FS and GS may be anybody's. Their stack's top word
// is the CPU block; both bases are set from it and put back afterwards.
TEXT ·trapParanoid(SB), NOSPLIT|NOFRAME, $0
	SAVE
	SHUT
	MOVL $MSR_FS_BASE, CX
	RDMSR
	MOVL AX, R12
	SHLQ $32, DX
	ORQ  DX, R12
	MOVL $MSR_GS_BASE, CX
	RDMSR
	MOVL AX, R13
	SHLQ $32, DX
	ORQ  DX, R13
	MOVQ SP, BX
	ORQ  $(const_ISTStackSize-1), BX
	MOVQ -7(BX), BX             // the last word of the stack
	MOVL $MSR_GS_BASE, CX
	MOVQ BX, AX
	MOVQ BX, DX
	SHRQ $32, DX
	WRMSR
	MOVL $MSR_FS_BASE, CX
	LEAQ (CPU_g+8)(BX), AX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	MOVQ SP, AX
	SUBQ $32, SP
	MOVQ AX, 0(SP)
	MOVQ R12, 16(SP)
	MOVQ R13, 24(SP)
	CALL ·trap(SB)
	MOVQ 16(SP), AX
	MOVQ 16(SP), DX
	SHRQ $32, DX
	MOVL $MSR_FS_BASE, CX
	WRMSR
	MOVQ 24(SP), AX
	MOVQ 24(SP), DX
	SHRQ $32, DX
	MOVL $MSR_GS_BASE, CX
	WRMSR
	ADDQ $32, SP
	RESTORE
	IRETQ

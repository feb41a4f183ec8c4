//go:build exokernel

#include "go_asm.h"
#include "textflag.h"

// Ring-3 code for tests: see samples.go. Nothing here refers to anything outside its function.

#define X87(op, digit, off) BYTE $op; BYTE $(0x84+8*digit); BYTE $0x24; LONG $off

#define LOAD \
	MOVQ DI, SP \
	LDMXCSR SampleData_MXCSR(SP) \
	BYTE $0xDB; BYTE $0xE3; \ // FNINIT
	X87(0xD9, 5, SampleData_FCW); \ // FLDCW
	X87(0xDF, 5, SampleData_X87); \ // FILDQ
	CMPQ SampleData_SetBases(SP), $0 \
	JEQ  bases \
	MOVQ SampleData_FS(SP), AX \
	WRFSBASEQ AX \
	MOVQ SampleData_GS(SP), AX \
	WRGSBASEQ AX \
bases: \
	MOVUPS (SampleData_XMM+0)(SP), X0; MOVUPS (SampleData_XMM+16)(SP), X1 \
	MOVUPS (SampleData_XMM+32)(SP), X2; MOVUPS (SampleData_XMM+48)(SP), X3 \
	MOVUPS (SampleData_XMM+64)(SP), X4; MOVUPS (SampleData_XMM+80)(SP), X5 \
	MOVUPS (SampleData_XMM+96)(SP), X6; MOVUPS (SampleData_XMM+112)(SP), X7 \
	MOVUPS (SampleData_XMM+128)(SP), X8; MOVUPS (SampleData_XMM+144)(SP), X9 \
	MOVUPS (SampleData_XMM+160)(SP), X10; MOVUPS (SampleData_XMM+176)(SP), X11 \
	MOVUPS (SampleData_XMM+192)(SP), X12; MOVUPS (SampleData_XMM+208)(SP), X13 \
	MOVUPS (SampleData_XMM+224)(SP), X14; MOVUPS (SampleData_XMM+240)(SP), X15 \
	PUSHQ SampleData_RFLAGS(SP) \
	POPFQ \
	MOVQ (SampleData_GPR+0)(SP), AX; MOVQ (SampleData_GPR+8)(SP), CX \
	MOVQ (SampleData_GPR+16)(SP), DX; MOVQ (SampleData_GPR+24)(SP), BX \
	MOVQ (SampleData_GPR+40)(SP), BP; MOVQ (SampleData_GPR+48)(SP), SI \
	MOVQ (SampleData_GPR+56)(SP), DI; MOVQ (SampleData_GPR+64)(SP), R8 \
	MOVQ (SampleData_GPR+72)(SP), R9; MOVQ (SampleData_GPR+80)(SP), R10 \
	MOVQ (SampleData_GPR+88)(SP), R11; MOVQ (SampleData_GPR+96)(SP), R12 \
	MOVQ (SampleData_GPR+104)(SP), R13; MOVQ (SampleData_GPR+112)(SP), R14 \
	MOVQ (SampleData_GPR+120)(SP), R15

#define STORE \
	MOVQ AX, (SampleData_Out+SampleOut_GPR+0)(SP); MOVQ CX, (SampleData_Out+SampleOut_GPR+8)(SP) \
	MOVQ DX, (SampleData_Out+SampleOut_GPR+16)(SP); MOVQ BX, (SampleData_Out+SampleOut_GPR+24)(SP) \
	MOVQ SP, (SampleData_Out+SampleOut_GPR+32)(SP) \
	MOVQ BP, (SampleData_Out+SampleOut_GPR+40)(SP); MOVQ SI, (SampleData_Out+SampleOut_GPR+48)(SP) \
	MOVQ DI, (SampleData_Out+SampleOut_GPR+56)(SP); MOVQ R8, (SampleData_Out+SampleOut_GPR+64)(SP) \
	MOVQ R9, (SampleData_Out+SampleOut_GPR+72)(SP); MOVQ R10, (SampleData_Out+SampleOut_GPR+80)(SP) \
	MOVQ R11, (SampleData_Out+SampleOut_GPR+88)(SP); MOVQ R12, (SampleData_Out+SampleOut_GPR+96)(SP) \
	MOVQ R13, (SampleData_Out+SampleOut_GPR+104)(SP); MOVQ R14, (SampleData_Out+SampleOut_GPR+112)(SP) \
	MOVQ R15, (SampleData_Out+SampleOut_GPR+120)(SP) \
	PUSHFQ \
	POPQ (SampleData_Out+SampleOut_RFLAGS)(SP) \
	CLD \
	STMXCSR (SampleData_Out+SampleOut_MXCSR)(SP) \
	X87(0xD9, 7, (SampleData_Out+SampleOut_FCW)); \ // FNSTCW
	X87(0xDF, 7, (SampleData_Out+SampleOut_X87)); \ // FISTPQ
	MOVUPS X0, (SampleData_Out+SampleOut_XMM+0)(SP); MOVUPS X1, (SampleData_Out+SampleOut_XMM+16)(SP) \
	MOVUPS X2, (SampleData_Out+SampleOut_XMM+32)(SP); MOVUPS X3, (SampleData_Out+SampleOut_XMM+48)(SP) \
	MOVUPS X4, (SampleData_Out+SampleOut_XMM+64)(SP); MOVUPS X5, (SampleData_Out+SampleOut_XMM+80)(SP) \
	MOVUPS X6, (SampleData_Out+SampleOut_XMM+96)(SP); MOVUPS X7, (SampleData_Out+SampleOut_XMM+112)(SP) \
	MOVUPS X8, (SampleData_Out+SampleOut_XMM+128)(SP); MOVUPS X9, (SampleData_Out+SampleOut_XMM+144)(SP) \
	MOVUPS X10, (SampleData_Out+SampleOut_XMM+160)(SP); MOVUPS X11, (SampleData_Out+SampleOut_XMM+176)(SP) \
	MOVUPS X12, (SampleData_Out+SampleOut_XMM+192)(SP); MOVUPS X13, (SampleData_Out+SampleOut_XMM+208)(SP) \
	MOVUPS X14, (SampleData_Out+SampleOut_XMM+224)(SP); MOVUPS X15, (SampleData_Out+SampleOut_XMM+240)(SP) \
	BYTE $0x8C; BYTE $0xD8 \
	MOVW AX, (SampleData_Out+SampleOut_Segments+0)(SP) \
	BYTE $0x8C; BYTE $0xC0 \
	MOVW AX, (SampleData_Out+SampleOut_Segments+2)(SP) \
	BYTE $0x8C; BYTE $0xE0 \
	MOVW AX, (SampleData_Out+SampleOut_Segments+4)(SP) \
	BYTE $0x8C; BYTE $0xE8 \
	MOVW AX, (SampleData_Out+SampleOut_Segments+6)(SP) \
	CMPQ SampleData_SetBases(SP), $0 \
	JEQ  words \
	RDFSBASEQ AX \
	RDGSBASEQ BX \
	JMP  got \
words: \
	BYTE $0x64; BYTE $0x48; BYTE $0x8B; BYTE $0x04; BYTE $0x25; LONG $0; \ // MOVQ FS:0, AX
	BYTE $0x65; BYTE $0x48; BYTE $0x8B; BYTE $0x1C; BYTE $0x25; LONG $0; \ // MOVQ GS:0, BX
got: \
	MOVQ AX, (SampleData_Out+SampleOut_FS)(SP) \
	MOVQ BX, (SampleData_Out+SampleOut_GS)(SP) \
	JMP  SampleData_Report(SP)

TEXT ·sampleReport(SB), NOSPLIT|NOFRAME, $0
	MOVL $1, AX
	SYSCALL
	UD2

TEXT ·sampleCall(SB), NOSPLIT|NOFRAME, $0
	LOAD
	SYSCALL
	STORE

TEXT ·sampleSpin(SB), NOSPLIT|NOFRAME, $0
	LOAD
spin:
	CMPQ SampleData_Stop(SP), $0
	JEQ  spin
	STORE

TEXT ·sampleCalls(SB), NOSPLIT|NOFRAME, $0
	LOAD
again:
	MOVQ (SampleData_GPR+0)(SP), AX
	SYSCALL
	POR  X1, X0; POR X2, X0; POR X3, X0; POR X4, X0; POR X5, X0; POR X6, X0; POR X7, X0; POR X8, X0
	POR  X9, X0; POR X10, X0; POR X11, X0; POR X12, X0; POR X13, X0; POR X14, X0; POR X15, X0
	MOVUPS SampleData_Leaked(SP), X1
	POR  X0, X1
	MOVUPS X1, SampleData_Leaked(SP)
	PXOR X0, X0
	PXOR X1, X1
	INCQ SampleData_Rounds(SP)
	CMPQ SampleData_Stop(SP), $0
	JEQ  again
	STORE

// The slots: each 16 bytes, in the order of samples.go. RDI is the data's address.
#define SLOT PCALIGN $16
TEXT ·sampleSlots(SB), NOSPLIT|NOFRAME, $0
	SLOT; CLI
	SLOT; STI
	SLOT; HLT
	SLOT; MOVQ CR0, AX
	SLOT; MOVQ AX, CR3
	SLOT; MOVQ AX, CR4
	SLOT; MOVQ AX, DR7
	SLOT; MOVL $0xC0000101, CX; RDMSR
	SLOT; MOVL $0xC0000101, CX; WRMSR
	SLOT; MOVW $0x3F8, DX; INB
	SLOT; MOVW $0x3F8, DX; OUTB
	SLOT; LGDT (DI)
	SLOT; LIDT (DI)
	SLOT; BYTE $0x0F; BYTE $0x00; BYTE $0xD0 // LLDT AX
	SLOT; BYTE $0x0F; BYTE $0x00; BYTE $0xD8 // LTR AX
	SLOT; INVLPG (DI)
	SLOT; WBINVD
	SLOT; CLTS
	SLOT; SWAPGS
	SLOT; BYTE $0x48; BYTE $0x0F; BYTE $0x07 // SYSRETQ
	SLOT; PUSHQ $0x10; PUSHQ DI; PUSHQ $2; PUSHQ $0x08; PUSHQ DI; IRETQ
	SLOT; INT $0x80
	SLOT; INT $0xF0
	SLOT; MOVL $0x10, AX; MOVW AX, DS
	SLOT; PUSHQ $0x08; PUSHQ DI; RETFQ
	SLOT; BYTE $0x0F; BYTE $0x34 // SYSENTER
	SLOT; BYTE $0xCC // INT3
	SLOT; BYTE $0xF1 // INT1
	SLOT; UD2
	SLOT; XORL CX, CX; BYTE $0x0F; BYTE $0x01; BYTE $0xD0 // XGETBV
	SLOT; XORL CX, CX; DIVQ CX
	SLOT; MOVQ $0x0000800000000000, AX; JMP AX
	SLOT; MOVQ $0x0000800000000000, AX; MOVQ (AX), AX
	SLOT; MOVQ $0x0000800000000010, SP; PUSHQ AX
	SLOT; XORL AX, AX; MOVQ (AX), AX
	SLOT; MOVQ $0xffffffff80200000, AX; MOVQ (AX), AX
	SLOT; MOVQ $0xffffffff80200000, AX; JMP AX
	SLOT; BYTE $0x48; BYTE $0x8D; BYTE $0x05; LONG $-7; MOVQ AX, (AX) // LEAQ of itself, AX
	SLOT; JMP DI
	SLOT; UD2

TEXT ·sampleDivide(SB), NOSPLIT|NOFRAME, $0
	MOVQ DI, SP
	BYTE $0xDB; BYTE $0xE3      // FNINIT
	X87(0xD9, 5, SampleData_FCW) // FLDCW
	BYTE $0xD9; BYTE $0xE8      // FLD1
	BYTE $0xD9; BYTE $0xEE      // FLDZ
	BYTE $0xDE; BYTE $0xF9      // FDIVP
	MOVL $2, AX
	SYSCALL
	BYTE $0x9B                  // FWAIT
	JMP  SampleData_Report(SP)

// Two instructions besides the call in each round.
TEXT ·sampleCallRounds(SB), NOSPLIT|NOFRAME, $0
	LOAD
again:
	SYSCALL
	DECQ BX
	JNZ  again
	STORE

TEXT ·sampleTrapRounds(SB), NOSPLIT|NOFRAME, $0
	LOAD
again:
	BYTE $0xCC // INT3
	DECQ BX
	JNZ  again
	STORE

// Back to what IRETQ's words at RSP+32 say, all registers as they are, without IRETQ, which not all machines have in ring 3
// (samples.go): by way of the other stack, below the 128 bytes that are in use there.
TEXT ·sampleResume(SB), NOSPLIT|NOFRAME, $0
	PUSHQ AX
	PUSHQ BX
	MOVQ (16+56)(SP), BX // RSP
	MOVQ (16+32)(SP), AX // RIP
	MOVQ AX, -136(BX)
	MOVQ (16+48)(SP), AX // RFLAGS
	MOVQ AX, -144(BX)
	SUBQ $144, BX
	MOVQ BX, (16+56)(SP)
	POPQ BX
	POPQ AX
	MOVQ 56(SP), SP
	POPFQ
	BYTE $0xC2; BYTE $0x80; BYTE $0x00 // RET $128

TEXT ·sampleEnd(SB), NOSPLIT|NOFRAME, $0
	RET

DATA sampleTable<>+0(SB)/8, $·sampleReport(SB)
DATA sampleTable<>+8(SB)/8, $·sampleCall(SB)
DATA sampleTable<>+16(SB)/8, $·sampleSpin(SB)
DATA sampleTable<>+24(SB)/8, $·sampleCalls(SB)
DATA sampleTable<>+32(SB)/8, $·sampleSlots(SB)
DATA sampleTable<>+40(SB)/8, $·sampleDivide(SB)
DATA sampleTable<>+48(SB)/8, $·sampleCallRounds(SB)
DATA sampleTable<>+56(SB)/8, $·sampleTrapRounds(SB)
DATA sampleTable<>+64(SB)/8, $·sampleResume(SB)
DATA sampleTable<>+72(SB)/8, $·sampleEnd(SB)
GLOBL sampleTable<>(SB), RODATA, $80

// func samples() *[numSamples + 1]uintptr
TEXT ·samples(SB), NOSPLIT, $0-8
	LEAQ sampleTable<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

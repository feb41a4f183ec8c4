//go:build exokernel

#include "textflag.h"

TEXT ·Outb(SB), NOSPLIT, $0-3
	MOVW port+0(FP), DX
	MOVB v+2(FP), AX
	OUTB
	RET

TEXT ·Outw(SB), NOSPLIT, $0-4
	MOVW port+0(FP), DX
	MOVW v+2(FP), AX
	OUTW
	RET

TEXT ·Outl(SB), NOSPLIT, $0-8
	MOVW port+0(FP), DX
	MOVL v+4(FP), AX
	OUTL
	RET

TEXT ·Inb(SB), NOSPLIT, $0-9
	MOVW port+0(FP), DX
	INB
	MOVB AX, ret+8(FP)
	RET

TEXT ·Inw(SB), NOSPLIT, $0-10
	MOVW port+0(FP), DX
	INW
	MOVW AX, ret+8(FP)
	RET

TEXT ·Inl(SB), NOSPLIT, $0-12
	MOVW port+0(FP), DX
	INL
	MOVL AX, ret+8(FP)
	RET

TEXT ·rdmsr(SB), NOSPLIT, $0-16
	MOVL msr+0(FP), CX
	RDMSR
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+8(FP)
	RET

TEXT ·wrmsr(SB), NOSPLIT, $0-16
	MOVL msr+0(FP), CX
	MOVQ v+8(FP), AX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	RET

TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	MOVL CX, ecx+16(FP)
	MOVL DX, edx+20(FP)
	RET

TEXT ·readCR0(SB), NOSPLIT, $0-8
	MOVQ CR0, AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·readCR2(SB), NOSPLIT, $0-8
	MOVQ CR2, AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·readCR3(SB), NOSPLIT, $0-8
	MOVQ CR3, AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·readCR4(SB), NOSPLIT, $0-8
	MOVQ CR4, AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·writeCR0(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), AX
	MOVQ AX, CR0
	RET

TEXT ·writeCR3(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), AX
	MOVQ AX, CR3
	RET

TEXT ·writeCR4(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), AX
	MOVQ AX, CR4
	RET

TEXT ·invlpg(SB), NOSPLIT, $0-8
	MOVQ va+0(FP), AX
	INVLPG (AX)
	RET

TEXT ·lgdt(SB), NOSPLIT, $16-10
	MOVW limit+8(FP), AX
	MOVQ base+0(FP), BX
	MOVW AX, 0(SP)
	MOVQ BX, 2(SP)
	LGDT (SP)
	RET

TEXT ·lidt(SB), NOSPLIT, $16-10
	MOVW limit+8(FP), AX
	MOVQ base+0(FP), BX
	MOVW AX, 0(SP)
	MOVQ BX, 2(SP)
	LIDT (SP)
	RET

TEXT ·ltr(SB), NOSPLIT, $0-2
	MOVW sel+0(FP), AX
	LTR  AX
	RET

TEXT ·readTR(SB), NOSPLIT, $0-2
	BYTE $0x0F; BYTE $0x00; BYTE $0xC8 // STR EAX
	MOVW AX, ret+0(FP)
	RET

// The far return takes its target from the stack: CS above RIP.
TEXT ·reloadSegments(SB), NOSPLIT, $0-2
	MOVWQZX cs+0(FP), AX
	LEAQ    reload<>(SB), BX
	PUSHQ   AX
	PUSHQ   BX
	RETFQ

TEXT reload<>(SB), NOSPLIT|NOFRAME, $0
	XORL AX, AX
	MOVW AX, DS
	MOVW AX, ES
	MOVW AX, SS
	RET

// trap.go knows that the HLT lies one byte behind the entry: STI keeps interrupts away from it, but not NMIs.
TEXT ·haltIRQ(SB), NOSPLIT|NOFRAME, $0
	STI
	HLT
	RET

// func haltEntry() uint64
TEXT ·haltEntry(SB), NOSPLIT, $0-8
	LEAQ ·haltIRQ(SB), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·writeDR0(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), AX
	MOVQ AX, DR0
	RET

TEXT ·writeDR7(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), AX
	MOVQ AX, DR7
	RET

TEXT ·HaltForever(SB), NOSPLIT, $0
	CLI
	HLT
	JMP -2(PC)

TEXT ·mmioRead32(SB), NOSPLIT, $0-12
	MOVQ p+0(FP), AX
	MOVL (AX), AX
	MOVL AX, ret+8(FP)
	RET

TEXT ·mmioWrite32(SB), NOSPLIT, $0-12
	MOVQ p+0(FP), AX
	MOVL v+8(FP), BX
	MOVL BX, (AX)
	RET

TEXT ·PushOntoGuard(SB), NOSPLIT, $8-0 // a frame, so that the backtrace finds the caller
	MOVQ ·guardAddress(SB), SP
	MOVQ AX, -8(SP)
	RET

// func HoldRegisters(seed uint64, spins uint64) bool
// Fills every register that compiled code may use with values made from seed, spins, and says whether all of them are
// as they were: interrupts that came meanwhile must not show.
TEXT ·HoldRegisters(SB), NOSPLIT, $16-17
	MOVQ seed+0(FP), AX
	MOVQ spins+8(FP), CX
	MOVQ R14, 0(SP)
	MOVQ BP, 8(SP)
	LEAQ 1(AX), BX
	LEAQ 2(AX), DX
	LEAQ 3(AX), SI
	LEAQ 4(AX), DI
	LEAQ 5(AX), R8
	LEAQ 6(AX), R9
	LEAQ 7(AX), R10
	LEAQ 8(AX), R11
	LEAQ 9(AX), R12
	LEAQ 10(AX), R13
	LEAQ 11(AX), R15
	MOVQ AX, X0; MOVQ BX, X1; MOVQ DX, X2; MOVQ SI, X3
	MOVQ DI, X4; MOVQ R8, X5; MOVQ R9, X6; MOVQ R10, X7
	MOVQ R11, X8; MOVQ R12, X9; MOVQ R13, X10; MOVQ R15, X11
	MOVQ AX, X12; MOVQ BX, X13; MOVQ DX, X14; MOVQ SI, X15
	PUNPCKLQDQ X15, X0 // the upper halves, too
	PUNPCKLQDQ X14, X8
spin:
	PAUSE
	DECQ CX
	JNZ  spin
	MOVQ seed+0(FP), CX
	SUBQ CX, AX
	SUBQ CX, BX; SUBQ $1, BX; ORQ BX, AX
	SUBQ CX, DX; SUBQ $2, DX; ORQ DX, AX
	SUBQ CX, SI; SUBQ $3, SI; ORQ SI, AX
	SUBQ CX, DI; SUBQ $4, DI; ORQ DI, AX
	SUBQ CX, R8; SUBQ $5, R8; ORQ R8, AX
	SUBQ CX, R9; SUBQ $6, R9; ORQ R9, AX
	SUBQ CX, R10; SUBQ $7, R10; ORQ R10, AX
	SUBQ CX, R11; SUBQ $8, R11; ORQ R11, AX
	SUBQ CX, R12; SUBQ $9, R12; ORQ R12, AX
	SUBQ CX, R13; SUBQ $10, R13; ORQ R13, AX
	SUBQ CX, R15; SUBQ $11, R15; ORQ R15, AX
#define XMM(x, n) MOVQ x, BX; SUBQ CX, BX; SUBQ $n, BX; ORQ BX, AX
	XMM(X1, 1); XMM(X2, 2); XMM(X3, 3); XMM(X4, 4); XMM(X5, 5); XMM(X6, 6); XMM(X7, 7)
	XMM(X9, 9); XMM(X10, 10); XMM(X11, 11); XMM(X12, 0); XMM(X13, 1); XMM(X14, 2); XMM(X15, 3)
	XMM(X0, 0); XMM(X8, 8)
	PSRLO $8, X0
	PSRLO $8, X8
	XMM(X0, 3); XMM(X8, 2)
	MOVQ 0(SP), BX
	SUBQ R14, BX
	ORQ  BX, AX
	TESTQ AX, AX
	SETEQ ret+16(FP)
	RET

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

TEXT ·storeFence(SB), NOSPLIT, $0
	MFENCE
	LFENCE
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

TEXT ·sgdt(SB), NOSPLIT, $16-8
	SGDT (SP)
	MOVQ 2(SP), AX
	MOVQ AX, ret+0(FP)
	RET

TEXT ·sidt(SB), NOSPLIT, $16-8
	SIDT (SP)
	MOVQ 2(SP), AX
	MOVQ AX, ret+0(FP)
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

TEXT ·PushOntoGuard(SB), NOSPLIT, $8-0 // a frame, so that the backtrace finds the caller
	MOVQ ·guardAddress(SB), SP
	MOVQ AX, -8(SP)
	RET

// func HoldRegisters(seed uint64, spins uint64) bool
// Fills every register that compiled code may use with values made from seed, sets the direction flag, spins, and says
// whether all of them are as they were: interrupts that came meanwhile must not show.
#define FILL(r, x) MOVQ r, x; PUNPCKLQDQ x, x
#define SAME(r, n) SUBQ CX, r; SUBQ $n, r; ORQ r, AX
#define SAMEX(x, n) MOVQ x, BX; SAME(BX, n); PSRLO $8, x; MOVQ x, BX; SAME(BX, n)
TEXT ·HoldRegisters(SB), NOSPLIT, $32-17
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
	FILL(AX, X0); FILL(BX, X1); FILL(DX, X2); FILL(SI, X3)
	FILL(DI, X4); FILL(R8, X5); FILL(R9, X6); FILL(R10, X7)
	FILL(R11, X8); FILL(R12, X9); FILL(R13, X10); FILL(R15, X11)
	FILL(AX, X12); FILL(BX, X13); FILL(DX, X14); FILL(SI, X15)
	STD
spin:
	PAUSE
	DECQ CX
	JNZ  spin
	CLD
	MOVQ seed+0(FP), CX
	SUBQ CX, AX
	SAME(BX, 1); SAME(DX, 2); SAME(SI, 3); SAME(DI, 4); SAME(R8, 5); SAME(R9, 6)
	SAME(R10, 7); SAME(R11, 8); SAME(R12, 9); SAME(R13, 10); SAME(R15, 11)
	SAMEX(X0, 0); SAMEX(X1, 1); SAMEX(X2, 2); SAMEX(X3, 3); SAMEX(X4, 4); SAMEX(X5, 5)
	SAMEX(X6, 6); SAMEX(X7, 7); SAMEX(X8, 8); SAMEX(X9, 9); SAMEX(X10, 10); SAMEX(X11, 11)
	SAMEX(X12, 0); SAMEX(X13, 1); SAMEX(X14, 2); SAMEX(X15, 3)
	SUBQ 0(SP), R14
	ORQ  R14, AX
	SUBQ 8(SP), BP
	ORQ  BP, AX
	MOVQ 0(SP), R14
	MOVQ 8(SP), BP
	TESTQ AX, AX
	SETEQ ret+16(FP)
	RET

TEXT ·ClobberRegisters(SB), NOSPLIT, $0
	MOVQ $0x5bad5bad5bad5bad, AX
	MOVQ AX, BX
	MOVQ AX, CX
	MOVQ AX, DX
	MOVQ AX, SI
	MOVQ AX, DI
	MOVQ AX, R8
	MOVQ AX, R9
	MOVQ AX, R10
	MOVQ AX, R11
	MOVQ AX, R12
	MOVQ AX, R13
	MOVQ AX, R15
	FILL(AX, X0); FILL(AX, X1); FILL(AX, X2); FILL(AX, X3); FILL(AX, X4); FILL(AX, X5)
	FILL(AX, X6); FILL(AX, X7); FILL(AX, X8); FILL(AX, X9); FILL(AX, X10); FILL(AX, X11)
	FILL(AX, X12); FILL(AX, X13); FILL(AX, X14); FILL(AX, X15)
	RET

#define GETBASE(msr, r) MOVL msr, CX; RDMSR; SHLQ $32, DX; ORQ DX, AX; MOVQ AX, r
#define SETBASE(msr, r) MOVL msr, CX; MOVQ r, AX; MOVQ r, DX; SHRQ $32, DX; WRMSR
#define FSBASE $0xC0000100
#define GSBASE $0xC0000101

// func foreignBases(icr uintptr, command uint64, seen *uint32) bool
// Interrupts must be off. No Go may run in between: R14's home is gone.
TEXT ·foreignBases(SB), NOSPLIT, $0-25
	MOVQ icr+0(FP), DI
	MOVQ command+8(FP), SI
	MOVQ seen+16(FP), R8
	MOVL (R8), R9
	GETBASE(FSBASE, R10)
	GETBASE(GSBASE, R11)
	MOVQ $0x1234567000, R12
	SETBASE(FSBASE, R12)
	MOVQ $0x7654321000, R13
	SETBASE(GSBASE, R13)
	TESTQ DI, DI
	JZ   msr
	MOVQ SI, AX
	SHRQ $32, AX
	MOVL AX, 0x10(DI)
	MOVL SI, (DI)
	JMP  sent
msr:
	MOVL $0x830, CX
	MOVQ SI, AX
	MOVQ SI, DX
	SHRQ $32, DX
	WRMSR
sent:
	MOVL $100000000, BX
wait:
	PAUSE
	CMPL (R8), R9
	JNE  came
	DECL BX
	JNZ  wait
came:
	GETBASE(FSBASE, R15)
	SUBQ R12, R15
	GETBASE(GSBASE, R12)
	SUBQ R13, R12
	ORQ  R12, R15
	SETBASE(FSBASE, R10)
	SETBASE(GSBASE, R11)
	CMPL (R8), R9
	SETNE BX
	TESTQ R15, R15
	SETEQ AX
	ANDL BX, AX
	MOVB AX, ret+24(FP)
	RET

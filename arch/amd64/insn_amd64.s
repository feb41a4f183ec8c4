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
	MOVL AX, ret+8(FP)
	MOVL DX, ret_hi+12(FP)
	RET

TEXT ·wrmsr(SB), NOSPLIT, $0-16
	MOVL msr+0(FP), CX
	MOVL v+8(FP), AX
	MOVL v_hi+12(FP), DX
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

TEXT ·lgdt(SB), NOSPLIT, $16-16
	MOVW limit+8(FP), AX
	MOVQ base+0(FP), BX
	MOVW AX, 0(SP)
	MOVQ BX, 2(SP)
	LGDT (SP)
	RET

TEXT ·lidt(SB), NOSPLIT, $16-16
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

TEXT ·haltIRQ(SB), NOSPLIT, $0
	STI
	HLT
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

TEXT ·PushOntoGuard(SB), NOSPLIT, $0
	MOVQ ·stackWindowBase(SB), SP
	MOVQ AX, -8(SP)
	RET

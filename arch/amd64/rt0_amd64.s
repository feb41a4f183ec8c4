//go:build exokernel

#include "go_asm.h"
#include "textflag.h"

#define MSR_FS_BASE 0xC0000100
#define MSR_GS_BASE 0xC0000101

// SETBASES makes GS the CPU block in BX and FS the address behind its g, so that FS:-8 is that g.
#define SETBASES \
	MOVL $MSR_GS_BASE, CX \
	MOVQ BX, AX \
	MOVQ BX, DX \
	SHRQ $32, DX \
	WRMSR \
	MOVL $MSR_FS_BASE, CX \
	LEAQ (CPU_g+8)(BX), AX \
	MOVQ AX, DX \
	SHRQ $32, DX \
	WRMSR

// rt0: the kernel's entry point. In: RDI = physical address of the handoff block. Paging is on with boot.S's tables,
// interrupts are off, RSP is in low memory.
TEXT ·rt0(SB), NOSPLIT|NOFRAME, $0
	MOVQ  DI, R12
	LEAQ  ·bootCPU(SB), BX
	SETBASES
	LEAQ  ·bootStack(SB), SP
	ADDQ  $(32<<10), SP
	XORL  BP, BP
	XORPS X15, X15
	LEAQ  ·bootCPU+CPU_bootG(SB), R14
	MOVQ  R14, ·bootCPU+CPU_g(SB)
	LDMXCSR ·defaultMXCSR(SB)
	CALL  ·rt0Prepare(SB)
	SUBQ  $16, SP
	MOVQ  R12, 0(SP)
	CALL  ·start(SB)
	CALL  ·HaltForever(SB)
	RET

// apEntry: where the trampoline sends an application processor. In: RDI = its CPU block (virtual), in the kernel's
// own address space, interrupts off, no stack.
TEXT ·apEntry(SB), NOSPLIT|NOFRAME, $0
	MOVQ  DI, BX
	SETBASES
	MOVQ  CPU_g(BX), R14
	MOVQ  8(R14), SP            // g.StackHi
	XORL  BP, BP
	XORPS X15, X15
	LDMXCSR ·defaultMXCSR(SB)   // INIT leaves it alone
	CALL  ·apStart(SB)
	CALL  ·HaltForever(SB)
	RET

// func apEntryPC() uintptr
TEXT ·apEntryPC(SB), NOSPLIT, $0-8
	LEAQ ·apEntry(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func gsCPU() *CPU
TEXT ·gsCPU(SB), NOSPLIT, $0-8
	MOVQ CPU_self(GS), AX
	MOVQ AX, ret+0(FP)
	RET

// func dieOn(gp *runtime.G, f *Frame)
// Leaves the current stack for gp's for good and calls die(f) there.
TEXT ·dieOn(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ gp+0(FP), R14
	MOVQ f+8(FP), BX
	MOVQ R14, -8(FS)
	MOVQ 8(R14), SP
	XORL BP, BP
	SUBQ $16, SP
	MOVQ BX, 0(SP)
	CALL ·die(SB)
	CALL ·HaltForever(SB)
	RET

// func runOn(gp *runtime.G)
// Leaves the current stack for gp's for good and calls continueBoot there.
TEXT ·runOn(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ gp+0(FP), R14
	MOVQ R14, -8(FS)
	MOVQ 8(R14), SP
	XORL BP, BP
	CALL ·continueBoot(SB)
	CALL ·HaltForever(SB)
	RET

//go:build exouser

#include "go_asm.h"
#include "textflag.h"

// The kernel enters here on the upcall stack, RSP pointing at an abi.UpcallFrame, with all other registers as the
// interrupted thread left them: so they are saved first, all that Go code may change. Then the thread's upcall g takes the
// place of the g that was interrupted; its own is the same one, so an upcall may interrupt a handler.
//
// The way back needs no system call: RFLAGS and RIP are put below the red zone of the interrupted stack, and taken from there
// by POPFQ and RET 128. (IRETQ in ring 3 is refused by QEMU up to 7.2 where SMAP is on.) If that page of the stack is not there,
// the next upcall brings it.
#define FRAME_RIP 32               // in abi.UpcallFrame
#define FRAME_RFLAGS 48
#define FRAME_RSP 56

#define SAVE \
	LEAQ -Regs__size(SP), SP \
	MOVQ AX, Regs_RAX(SP) \
	MOVQ BX, Regs_RBX(SP) \
	MOVQ CX, Regs_RCX(SP) \
	MOVQ DX, Regs_RDX(SP) \
	MOVQ SI, Regs_RSI(SP) \
	MOVQ DI, Regs_RDI(SP) \
	MOVQ BP, Regs_RBP(SP) \
	MOVQ R8, Regs_R8(SP) \
	MOVQ R9, Regs_R9(SP) \
	MOVQ R10, Regs_R10(SP) \
	MOVQ R11, Regs_R11(SP) \
	MOVQ R12, Regs_R12(SP) \
	MOVQ R13, Regs_R13(SP) \
	MOVQ R14, Regs_R14(SP) \
	MOVQ R15, Regs_R15(SP) \
	MOVUPS X0, (Regs_XMM+0)(SP) \
	MOVUPS X1, (Regs_XMM+16)(SP) \
	MOVUPS X2, (Regs_XMM+32)(SP) \
	MOVUPS X3, (Regs_XMM+48)(SP) \
	MOVUPS X4, (Regs_XMM+64)(SP) \
	MOVUPS X5, (Regs_XMM+80)(SP) \
	MOVUPS X6, (Regs_XMM+96)(SP) \
	MOVUPS X7, (Regs_XMM+112)(SP) \
	MOVUPS X8, (Regs_XMM+128)(SP) \
	MOVUPS X9, (Regs_XMM+144)(SP) \
	MOVUPS X10, (Regs_XMM+160)(SP) \
	MOVUPS X11, (Regs_XMM+176)(SP) \
	MOVUPS X12, (Regs_XMM+192)(SP) \
	MOVUPS X13, (Regs_XMM+208)(SP) \
	MOVUPS X14, (Regs_XMM+224)(SP) \
	MOVUPS X15, (Regs_XMM+240)(SP)

#define CALLGO(n) \
	CLD \
	MOVQ -8(FS), CX \
	MOVQ CX, Regs_G(SP) \
	MOVQ g_Upcall(CX), R14 \
	MOVQ R14, -8(FS) \
	XORPS X15, X15 \
	LEAQ Regs__size(SP), AX \
	MOVQ SP, BX \
	MOVQ runtime·UpcallHandlers+(8*n)(SB), DX \
	CALL (DX) \
	MOVQ Regs_G(SP), CX \
	MOVQ CX, -8(FS)

#define RESTORE \
	MOVUPS (Regs_XMM+0)(SP), X0 \
	MOVUPS (Regs_XMM+16)(SP), X1 \
	MOVUPS (Regs_XMM+32)(SP), X2 \
	MOVUPS (Regs_XMM+48)(SP), X3 \
	MOVUPS (Regs_XMM+64)(SP), X4 \
	MOVUPS (Regs_XMM+80)(SP), X5 \
	MOVUPS (Regs_XMM+96)(SP), X6 \
	MOVUPS (Regs_XMM+112)(SP), X7 \
	MOVUPS (Regs_XMM+128)(SP), X8 \
	MOVUPS (Regs_XMM+144)(SP), X9 \
	MOVUPS (Regs_XMM+160)(SP), X10 \
	MOVUPS (Regs_XMM+176)(SP), X11 \
	MOVUPS (Regs_XMM+192)(SP), X12 \
	MOVUPS (Regs_XMM+208)(SP), X13 \
	MOVUPS (Regs_XMM+224)(SP), X14 \
	MOVUPS (Regs_XMM+240)(SP), X15 \
	MOVQ (Regs__size+FRAME_RSP)(SP), AX \
	SUBQ $144, AX \
	MOVQ (Regs__size+FRAME_RFLAGS)(SP), CX \
	MOVQ CX, 0(AX) \
	MOVQ (Regs__size+FRAME_RIP)(SP), CX \
	MOVQ CX, 8(AX) \
	MOVQ AX, (Regs__size+FRAME_RSP)(SP) \
	MOVQ Regs_RAX(SP), AX \
	MOVQ Regs_RBX(SP), BX \
	MOVQ Regs_RCX(SP), CX \
	MOVQ Regs_RDX(SP), DX \
	MOVQ Regs_RSI(SP), SI \
	MOVQ Regs_RDI(SP), DI \
	MOVQ Regs_RBP(SP), BP \
	MOVQ Regs_R8(SP), R8 \
	MOVQ Regs_R9(SP), R9 \
	MOVQ Regs_R10(SP), R10 \
	MOVQ Regs_R11(SP), R11 \
	MOVQ Regs_R12(SP), R12 \
	MOVQ Regs_R13(SP), R13 \
	MOVQ Regs_R14(SP), R14 \
	MOVQ Regs_R15(SP), R15 \
	MOVQ (Regs__size+FRAME_RSP)(SP), SP \
	POPFQ \
	BYTE $0xC2; BYTE $0x80; BYTE $0x00

// NATIVE: the interrupted program is Go code of ours. FS is ours, and nobody changes MXCSR.
#define NATIVE(name, n) \
TEXT name(SB), NOSPLIT|NOFRAME, $0-0 \
	SAVE \
	CALLGO(n) \
	RESTORE

// FOREIGN: FS may be the program's, and MXCSR what it likes.
#define FOREIGN(name, n) \
TEXT name(SB), NOSPLIT|NOFRAME, $0-0 \
	SAVE \
	RDFSBASEQ AX \
	MOVQ AX, Regs_FS(SP) \
	RDGSBASEQ AX \
	WRFSBASEQ AX \
	STMXCSR Regs_MXCSR(SP) \
	LDMXCSR runtime·usualMXCSR(SB) \
	CALLGO(n) \
	LDMXCSR Regs_MXCSR(SP) \
	MOVQ Regs_FS(SP), AX \
	WRFSBASEQ AX \
	RESTORE

NATIVE(runtime·upcallFault<ABIInternal>, 0)
NATIVE(runtime·upcallForeign<ABIInternal>, 1)
NATIVE(runtime·upcallRevoke<ABIInternal>, 2)
NATIVE(runtime·upcallSlice<ABIInternal>, 3)
FOREIGN(runtime·foreignFault<ABIInternal>, 0)
FOREIGN(runtime·foreignForeign<ABIInternal>, 1)
FOREIGN(runtime·foreignRevoke<ABIInternal>, 2)
FOREIGN(runtime·foreignSlice<ABIInternal>, 3)

DATA runtime·usualMXCSR+0(SB)/4, $0x1f80
GLOBL runtime·usualMXCSR(SB), NOPTR|RODATA, $4

DATA runtime·upcallTable+0(SB)/8, $runtime·upcallFault<ABIInternal>(SB)
DATA runtime·upcallTable+8(SB)/8, $runtime·upcallForeign<ABIInternal>(SB)
DATA runtime·upcallTable+16(SB)/8, $runtime·upcallRevoke<ABIInternal>(SB)
DATA runtime·upcallTable+24(SB)/8, $runtime·upcallSlice<ABIInternal>(SB)
DATA runtime·upcallTable+32(SB)/8, $runtime·foreignFault<ABIInternal>(SB)
DATA runtime·upcallTable+40(SB)/8, $runtime·foreignForeign<ABIInternal>(SB)
DATA runtime·upcallTable+48(SB)/8, $runtime·foreignRevoke<ABIInternal>(SB)
DATA runtime·upcallTable+56(SB)/8, $runtime·foreignSlice<ABIInternal>(SB)
GLOBL runtime·upcallTable(SB), NOPTR|RODATA, $64

// func upcallEntries() *[8]uintptr
TEXT runtime·upcallEntries<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	LEAQ runtime·upcallTable(SB), AX
	RET

// func ThreadEntry() uintptr
TEXT runtime·ThreadEntry<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	LEAQ runtime·threadEntry<ABIInternal>(SB), AX
	RET

// threadEntry: In: RDI = the Thread, which begins with its g; FS base = its TLS.
TEXT runtime·threadEntry<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-0
	CLD
	XORL  BP, BP
	XORPS X15, X15
	MOVQ  DI, R14
	MOVQ  R14, -8(FS)
	MOVQ  Thread_Start(R14), DX
	CALL  (DX)
	MOVQ  runtime·ThreadEnd(SB), DX
	CALL  (DX)
	UD2

// func SwitchTo(from, to *Rest)
// A function of Go keeps nothing in registers across a call but its g and frame pointer, so there is nothing else to save.
TEXT runtime·SwitchTo<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-16
	PUSHQ BP
	MOVQ  SP, Rest_SP(AX)
	MOVQ  R14, Rest_G(AX)
	MOVQ  Rest_SP(BX), SP
	MOVQ  Rest_G(BX), R14
	MOVQ  R14, -8(FS)
	POPQ  BP
	RET

//go:build exokernel

#include "go_asm.h"
#include "textflag.h"
#include "frame_amd64.h"

// 256 stubs of 8 bytes each: two bytes that push a zero where the CPU pushes no error code (or a two-byte NOP where it
// does), a CALL whose return address tells the vector, one byte of padding.
#define STUB(to)  BYTE $0x6A; BYTE $0x00; CALL to(SB); BYTE $0x90;
#define STUBE(to) BYTE $0x66; BYTE $0x90; CALL to(SB); BYTE $0x90;
#define STUB4  STUB(·trapCommon) STUB(·trapCommon) STUB(·trapCommon) STUB(·trapCommon)
#define STUB16 STUB4 STUB4 STUB4 STUB4
#define STUB32 STUB16 STUB16

TEXT ·vectors(SB), NOSPLIT|NOFRAME, $0
	STUB(·trapCommon)    // 0 divide
	STUB(·trapDebug)     // 1 debug
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

// The stack: where the stub called from, the error, then what the CPU pushed.
TEXT ·trapCommon(SB), NOSPLIT|NOFRAME, $0
	TESTB $3, 24(SP)            // CS
	JNE  user
	SAVE
	SHUT
	LEAQ ·iretUser(SB), AX
	CMPQ AX, Frame_RIP(SP)
	JEQ  faulted
	MOVQ SP, AX
	SUBQ $16, SP
	MOVQ AX, 0(SP)
	CALL ·trap(SB)
	ADDQ $16, SP
	RESTORE
	IRETQ
user:
	JMP  ·trapUser(SB)
faulted:
	JMP  ·iretFaulted(SB)

// A debug trap may come anywhere, for the kernel sets breakpoints of its own, and a MOV to SS puts off ring 3's. It begins on a
// stack of its own. From ring 3 it goes on like others, on the thread's kernel stack; from the kernel, on the stack that it
// interrupted, unless that is in this file or syscall_amd64.s, where GS or RSP may be ring 3's.
#define MOVEFRAME \
	MOVQ 64(SP), BX; MOVQ BX, -8(AX) \
	MOVQ 56(SP), BX; MOVQ BX, -16(AX) \
	MOVQ 48(SP), BX; MOVQ BX, -24(AX) \
	MOVQ 40(SP), BX; MOVQ BX, -32(AX) \
	MOVQ 32(SP), BX; MOVQ BX, -40(AX) \
	MOVQ 24(SP), BX; MOVQ BX, -48(AX) \
	MOVQ 16(SP), BX; MOVQ BX, -56(AX) \
	MOVQ 8(SP), BX; MOVQ BX, -64(AX) \
	MOVQ 0(SP), BX; MOVQ BX, -72(AX) \
	LEAQ -72(AX), SP \
	POPQ BX \
	POPQ AX

TEXT ·trapDebug(SB), NOSPLIT|NOFRAME, $0
	TESTB $3, 24(SP)            // CS
	JNE  user
	PUSHQ AX
	PUSHQ BX
	MOVQ 32(SP), AX             // RIP
	LEAQ ·entryStart(SB), BX
	CMPQ AX, BX
	JCS  elsewhere
	LEAQ ·entryEnd(SB), BX
	CMPQ AX, BX
	JCS  window
elsewhere:
	MOVQ 56(SP), AX             // RSP
	ANDQ $~15, AX
	MOVEFRAME
	JMP  ·trapCommon(SB)
window:
	POPQ BX
	POPQ AX
	JMP  ·trapParanoid(SB)
user:
	SWAPGS
	PUSHQ AX
	PUSHQ BX
	MOVQ CPU_kernelSP(GS), AX
	MOVEFRAME
	JMP  ·trapUserSwapped(SB)

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

// func entryEnd()
// The end of what begins with entryStart in syscall_amd64.s.
TEXT ·entryEnd(SB), NOSPLIT|NOFRAME, $0-0
	RET

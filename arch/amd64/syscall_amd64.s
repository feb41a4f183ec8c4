//go:build exokernel

#include "go_asm.h"
#include "textflag.h"
#include "frame_amd64.h"

// The ways into the kernel from ring 3 and back. GS is ring 3's until the first SWAPGS and from the last one on, and from SYSCALL
// on RSP is ring 3's for some instructions: an NMI, a machine check or a debug trap may come there, which trapParanoid and
// trapDebug know; interrupts are off.

// func entryStart()
// The beginning of what ends with entryEnd in trap_amd64.s: the linker keeps the order.
TEXT ·entryStart(SB), NOSPLIT|NOFRAME, $0-0
	RET

// SYSCALL gives RIP in RCX, RFLAGS in R11, and clears what SFMASK says of RFLAGS. What follows makes the SysFrame.
#define ENTER \
	SWAPGS \
	MOVQ SP, CPU_userSP(GS) \
	MOVQ CPU_kernelSP(GS), SP \
	PUSHQ CPU_userSP(GS) \
	PUSHQ R11 \
	PUSHQ CX \
	PUSHQ AX \
	PUSHQ BX \
	PUSHQ BP \
	PUSHQ R12 \
	PUSHQ R13 \
	PUSHQ R14 \
	PUSHQ R15 \
	PUSHQ DI \
	PUSHQ SI \
	PUSHQ DX \
	PUSHQ R10 \
	PUSHQ R8 \
	PUSHQ R9 \
	SUBQ $SysFrame_R9, SP \
	MOVQ CPU_user(GS), BX \
	SUBQ UserState_low(BX), CX \
	CMPQ CX, UserState_length(BX)

// PERFORM calls what is in the table at AX, with what compiled Go expects (boot/runtime/doc.go). RCX and what else the frame has
// is free.
#define PERFORM \
	INCQ UserState_Calls(BX) \
	STMXCSR UserState_mxcsr(BX) \
	LDMXCSR ·defaultMXCSR(SB) \
	MOVQ CPU_g(GS), R14 \
	XORL BP, BP \
	PXOR X15, X15 \
	CMPQ AX, $const_SyscallSlots \
	JCC  large \
perform: \
	LEAQ ·syscalls(SB), DX \
	MOVQ (DX)(AX*8), DX \
	MOVQ BX, AX \
	MOVQ SP, BX \
	CALL (DX) \
	CLI \
	MOVQ CPU_user(GS), BX \
	LOOK

// LOOK is for a thread, BX, whose call is over.
#define LOOK \
	CMPL UserState_Pending(BX), $0 \
	JNE  pending \
	LDMXCSR UserState_mxcsr(BX)

// LEAVE goes back. Of XMM, X15 is zero. RIP, being behind an instruction of ring 3's text, is canonical.
#define LEAVE \
	PXOR X0, X0; PXOR X1, X1; PXOR X2, X2; PXOR X3, X3; PXOR X4, X4 \
	PXOR X5, X5; PXOR X6, X6; PXOR X7, X7; PXOR X8, X8; PXOR X9, X9 \
	PXOR X10, X10; PXOR X11, X11; PXOR X12, X12; PXOR X13, X13; PXOR X14, X14 \
	MOVQ SysFrame_R9(SP), R9 \
	MOVQ SysFrame_R8(SP), R8 \
	MOVQ SysFrame_R10(SP), R10 \
	MOVQ SysFrame_RDX(SP), DX \
	MOVQ SysFrame_RSI(SP), SI \
	MOVQ SysFrame_RDI(SP), DI \
	MOVQ SysFrame_r15(SP), R15 \
	MOVQ SysFrame_r14(SP), R14 \
	MOVQ SysFrame_r13(SP), R13 \
	MOVQ SysFrame_r12(SP), R12 \
	MOVQ SysFrame_rbp(SP), BP \
	MOVQ SysFrame_rbx(SP), BX \
	MOVQ SysFrame_rip(SP), CX \
	MOVQ SysFrame_rflags(SP), R11 \
	MOVQ SysFrame_rsp(SP), SP \
	SWAPGS \
	BYTE $0x48; BYTE $0x0F; BYTE $0x07 // SYSRETQ

// OTHERWISE is what is rare: a call number beyond the table, a pending BeforeUser, a SYSCALL that is not for this kernel.
#define OTHERWISE \
large: \
	MOVL $const_SyscallSlots, AX \
	JMP  perform \
pending: \
	JMP  ·leaveCall(SB) \
foreign: \
	JMP  ·foreignCall(SB)

// KERNELFS and USERFS set FS by MSR, where there is no other way. They change AX, CX, DX.
#define KERNELFS \
	MOVL $MSR_FS_BASE, CX \
	MOVQ CPU_fsBase(GS), AX \
	MOVQ AX, DX \
	SHRQ $32, DX \
	WRMSR
#define USERFS \
	MOVL $MSR_FS_BASE, CX \
	MOVL UserState_fs(BX), AX \
	MOVL (UserState_fs+4)(BX), DX \
	WRMSR

// sysEntry is where SYSCALL goes.
TEXT ·sysEntry(SB), NOSPLIT|NOFRAME, $0
	ENTER
	JCC  foreign
	RDFSBASEQ CX
	MOVQ CX, UserState_fs(BX)
	MOVQ CPU_fsBase(GS), CX
	WRFSBASEQ CX
	PERFORM
	MOVQ UserState_fs(BX), CX
	WRFSBASEQ CX
	LEAVE
	OTHERWISE

// sysEntryMSR is where it goes if the CPU has no FSGSBASE.
TEXT ·sysEntryMSR(SB), NOSPLIT|NOFRAME, $0
	ENTER
	JCC  foreign
	MOVQ AX, R8
	KERNELFS
	MOVQ R8, AX
	PERFORM
	MOVQ AX, R8
	USERFS
	MOVQ R8, AX
	LEAVE
	OTHERWISE

// hand leaves a thread that a system call is performed for, and that is to wait in it, for another one, which waits in one: that is in ring
// 3 at once. In, of that one: BX its UserState, CX its SysFrame, DI its g, R9 what its call returns, AX the CR3 of its space, 0: it is
// loaded; of the thread that is left: SI where its task's word is, R8 what that is as long as nobody has woken it.
//
// All that remains on its stack is the frame, and where the call's function returns to: SwitchTo finds handResumed.
TEXT ·hand(SB), NOSPLIT|NOFRAME, $0
	TESTQ AX, AX
	JEQ  loaded
	MOVQ AX, CR3
	MOVQ CPU_leaves(GS), AX
	MOVQ CPU_others(GS), R10
	LOCK
	ANDQ R10, (AX) // order: after CR3 is loaded (kernel/mm/paging, shoot.go)
loaded:
	MOVQ CPU_user(GS), DX
	FXSAVE64 UserState_fx(DX)
	MOVQ UserState_gs(BX), R13
	BYTE $0x8C; BYTE $0xD8 // MOVL DS, AX
	BYTE $0x41; BYTE $0x8C; BYTE $0xC4 // MOVL ES, R12
	ORL  R12, AX
	BYTE $0x41; BYTE $0x8C; BYTE $0xE4 // MOVL FS, R12
	ORL  R12, AX
	BYTE $0x41; BYTE $0x8C; BYTE $0xEC // MOVL GS, R12
	ORL  R12, AX
	JNE  null
clean:
	SWAPGS
	RDGSBASEQ R12
	WRGSBASEQ R13
	SWAPGS
	MOVQ R12, UserState_gs(DX)
	MOVQ BX, CPU_user(GS)
	LEAQ SysFrame__size(CX), AX
	MOVQ AX, CPU_kernelSP(GS)
	MOVQ AX, (CPU_tss+taskState_rsp)(GS)
	BYTE $0xDB; BYTE $0xE3 // FNINIT: as in switchUser
	FXRSTOR64 UserState_fx(BX)
	MOVQ DI, R14
	MOVQ DI, CPU_g(GS)
	MOVQ CX, SP
	MOVQ R8, AX
	ADDQ $const_Parking, R8
	LOCK
	CMPXCHGQ R8, (SI) // order: its stack is left; from here on any CPU may go on with it
	JNE  late
arrived:
	MOVQ R9, AX
	LOOK
	MOVQ UserState_fs(BX), CX
	WRFSBASEQ CX
	LEAVE
late: // it has been woken already
	PUSHQ R9
	SUBQ $16, SP
	MOVQ SI, AX
	XORL BP, BP
	MOVQ ·OnLate(SB), DX
	CALL (DX)
	ADDQ $16, SP
	POPQ R9
	MOVQ CPU_user(GS), BX
	JMP  arrived
null: // as in switchUser
	XORL AX, AX
	MOVW AX, DS
	MOVW AX, ES
	MOVW AX, FS
	SWAPGS
	RDGSBASEQ R12
	MOVW AX, GS
	WRGSBASEQ R12
	SWAPGS
	MOVQ CPU_fsBase(GS), R12
	WRFSBASEQ R12
	JMP  clean
pending:
	JMP  ·leaveCall(SB)

// handOver leaves such a thread for a stack that is at rest as SwitchTo leaves it. In: BX, CX and DI are what SwitchTo brings, SI the g of the
// other stack, R8 where it is.
TEXT ·handOver(SB), NOSPLIT|NOFRAME, $0
	MOVQ SI, R14
	MOVQ SI, CPU_g(GS)
	MOVQ 0(R8), BP
	LEAQ 8(R8), SP
	MOVQ BX, AX
	MOVQ CX, BX
	MOVQ DI, CX
	RET

// handResumed is where a thread goes on that hand has left, if anything but hand goes on with it: with the words of SwitchTo in AX, BX and
// CX. What its stack has is the frame, and below that where its system call's function returns to.
TEXT ·handResumed(SB), NOSPLIT|NOFRAME, $0
	MOVQ CPU_kernelSP(GS), SP
	SUBQ $(SysFrame__size+8+24), SP
	MOVQ ·OnResume(SB), DX
	CALL (DX)
	ADDQ $24, SP
	RET

// foreignCall makes a Frame of the SysFrame, as a trap would have.
TEXT ·foreignCall(SB), NOSPLIT|NOFRAME, $0
	MOVQ SysFrame_rbx(SP), BX
	MOVQ CPU_kernelSP(GS), SP
	MOVQ (SysFrame_rip-SysFrame__size)(SP), CX
	PUSHQ $(const_selUserData|3)
	PUSHQ CPU_userSP(GS)
	PUSHQ R11
	PUSHQ $(const_selUserCode|3)
	PUSHQ CX
	PUSHQ $0
	PUSHQ $const_VectorForeign
	SAVE
	JMP  ·trapUserSaved(SB)

// leaveCall is a system call's end if somebody wants to see the thread before it is in ring 3: AX is the result.
TEXT ·leaveCall(SB), NOSPLIT|NOFRAME, $0
	MOVQ AX, SysFrame_RAX(SP)
	MOVQ SP, AX
	SUBQ $Frame__size, SP
	MOVQ SP, BX
	SUBQ $16, SP
	MOVQ BX, 0(SP)
	MOVQ AX, 8(SP)
	CALL ·callFrame(SB)
	ADDQ $16, SP
	JMP  ·exitUser(SB)

// trapUser is trapCommon's for what came from ring 3.
TEXT ·trapUser(SB), NOSPLIT|NOFRAME, $0
	SWAPGS
	JMP  ·trapUserSwapped(SB)

TEXT ·trapUserSwapped(SB), NOSPLIT|NOFRAME, $0
	SAVE
	SHUT
	LEAQ ·vectors(SB), CX
	MOVQ Frame_Vector(SP), AX
	SUBQ CX, AX
	SHRQ $3, AX
	MOVQ AX, Frame_Vector(SP)
	JMP  ·trapUserSaved(SB)

// trapUserSaved has a Frame at SP, GS is the kernel's.
TEXT ·trapUserSaved(SB), NOSPLIT|NOFRAME, $0
	MOVQ CPU_user(GS), BX
	STMXCSR UserState_mxcsr(BX)
	LDMXCSR ·defaultMXCSR(SB)
	CMPB ·fsgsbase(SB), $0
	JEQ  msr
	RDFSBASEQ CX
	MOVQ CX, UserState_fs(BX)
	MOVQ CPU_fsBase(GS), CX
	WRFSBASEQ CX
go:
	MOVQ CPU_g(GS), R14
	PXOR X15, X15
	XORL BP, BP
	MOVQ SP, AX
	SUBQ $16, SP
	MOVQ ·serveTrap(SB), DX
	CALL (DX)
	ADDQ $16, SP
	JMP  ·exitUser(SB)
msr:
	KERNELFS
	JMP  go

// exitUser ends in ring 3 as the Frame at SP says. Interrupts are off, leaveUser has looked at the frame.
TEXT ·exitUser(SB), NOSPLIT|NOFRAME, $0
	MOVQ CPU_user(GS), BX
	LDMXCSR UserState_mxcsr(BX)
	CMPB ·fsgsbase(SB), $0
	JEQ  msr
	MOVQ UserState_fs(BX), CX
	WRFSBASEQ CX
out:
	RESTORE
	SWAPGS
	JMP  ·iretUser(SB)
msr:
	USERFS
	JMP  out

// iretUser: a fault of this instruction is ring 3's.
TEXT ·iretUser(SB), NOSPLIT|NOFRAME, $0
	IRETQ

// iretFaulted makes the Frame at SP, of a fault of iretUser, what it would be if ring 3 had got that far and faulted then.
TEXT ·iretFaulted(SB), NOSPLIT|NOFRAME, $0
	SWAPGS
	LEAQ ·vectors(SB), CX
	MOVQ Frame_Vector(SP), AX
	SUBQ CX, AX
	SHRQ $3, AX
	MOVQ AX, Frame_Vector(SP)
	MOVQ Frame_RSP(SP), AX
	MOVQ 0(AX), CX;  MOVQ CX, Frame_RIP(SP)
	MOVQ 8(AX), CX;  MOVQ CX, Frame_CS(SP)
	MOVQ 16(AX), CX; MOVQ CX, Frame_RFLAGS(SP)
	MOVQ 32(AX), CX; MOVQ CX, Frame_SS(SP)
	MOVQ 24(AX), CX; MOVQ CX, Frame_RSP(SP)
	JMP  ·trapUserSaved(SB)

// func enterUser(rip, rsp, arg uint64)
TEXT ·enterUser(SB), NOSPLIT|NOFRAME, $0-24
	CLI
	MOVQ rip+0(FP), CX
	MOVQ rsp+8(FP), BX
	MOVQ arg+16(FP), DI
	MOVQ CPU_kernelSP(GS), SP
	PUSHQ $(const_selUserData|3)
	PUSHQ BX
	PUSHQ $(const_flagIF|2)
	PUSHQ $(const_selUserCode|3)
	PUSHQ CX
	PUSHQ $0
	PUSHQ $0
	XORL AX, AX; XORL BX, BX; XORL CX, CX; XORL DX, DX; XORL SI, SI; XORL BP, BP
	XORL R8, R8; XORL R9, R9; XORL R10, R10; XORL R11, R11; XORL R12, R12; XORL R13, R13
	XORL R14, R14; XORL R15, R15
	PXOR X0, X0; PXOR X1, X1; PXOR X2, X2; PXOR X3, X3; PXOR X4, X4
	PXOR X5, X5; PXOR X6, X6; PXOR X7, X7; PXOR X8, X8; PXOR X9, X9
	PXOR X10, X10; PXOR X11, X11; PXOR X12, X12; PXOR X13, X13; PXOR X14, X14
	PXOR X15, X15
	SAVE
	MOVQ SP, AX
	SUBQ $16, SP
	MOVQ AX, 0(SP)
	CALL ·leaveUser(SB)
	ADDQ $16, SP
	JMP  ·exitUser(SB)

// func switchUser(c *CPU, from, to *UserState, top uintptr)
//
// Segment registers are not part of a thread: what it loads is gone when another runs. A null FS or GS may take its base along.
TEXT ·switchUser(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ c+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ to+16(FP), R8
	MOVQ top+24(FP), R9
	TESTQ SI, SI
	JEQ  saved
	FXSAVE64 UserState_fx(SI)
	CMPB ·fsgsbase(SB), $0
	JEQ  segments
	SWAPGS
	RDGSBASEQ AX
	SWAPGS
	MOVQ AX, UserState_gs(SI)
segments:
	BYTE $0x8C; BYTE $0xD8 // MOVL DS, AX
	BYTE $0x8C; BYTE $0xC1 // MOVL ES, CX
	ORL  CX, AX
	BYTE $0x8C; BYTE $0xE1 // MOVL FS, CX
	ORL  CX, AX
	BYTE $0x8C; BYTE $0xE9 // MOVL GS, CX
	ORL  CX, AX
	JNE  null
saved:
	MOVQ R8, CPU_user(DI)
	TESTQ R8, R8
	JEQ  done
	MOVQ R9, CPU_kernelSP(DI)
	MOVQ R9, (CPU_tss+taskState_rsp)(DI)
	BYTE $0xDB; BYTE $0xE3 // FNINIT: some CPUs restore where the last x87 instruction was only if there is an exception
	FXRSTOR64 UserState_fx(R8)
	MOVQ UserState_gs(R8), AX
	CMPB ·fsgsbase(SB), $0
	JEQ  msr
	SWAPGS
	WRGSBASEQ AX
	SWAPGS
done:
	RET
msr:
	MOVL $0xC0000102, CX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	RET
null:
	XORL AX, AX
	MOVW AX, DS
	MOVW AX, ES
	MOVW AX, FS
	SWAPGS
	MOVW AX, GS
	SWAPGS
	MOVL $MSR_FS_BASE, CX
	MOVQ CPU_fsBase(DI), AX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	JMP  saved

// func nullSegments(fs, gs uintptr)
// There is no local descriptor table, nor a segment in FS and GS, which have these bases.
TEXT ·nullSegments(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ fs+0(FP), SI
	MOVQ gs+8(FP), DI
	XORL AX, AX
	BYTE $0x0F; BYTE $0x00; BYTE $0xD0 // LLDT AX
	MOVW AX, FS
	MOVW AX, GS
	MOVL $MSR_FS_BASE, CX
	MOVQ SI, AX
	MOVQ SI, DX
	SHRQ $32, DX
	WRMSR
	MOVL $MSR_GS_BASE, CX
	MOVQ DI, AX
	MOVQ DI, DX
	SHRQ $32, DX
	WRMSR
	RET

// func handAt() (over, resumed uintptr)
TEXT ·handAt(SB), NOSPLIT, $0-16
	LEAQ ·handOver(SB), AX
	MOVQ AX, over+0(FP)
	LEAQ ·handResumed(SB), AX
	MOVQ AX, resumed+8(FP)
	RET

// func entryPCs() (start, end, call, callMSR uint64)
TEXT ·entryPCs(SB), NOSPLIT, $0-32
	LEAQ ·entryStart(SB), AX
	MOVQ AX, start+0(FP)
	LEAQ ·entryEnd(SB), AX
	MOVQ AX, end+8(FP)
	LEAQ ·sysEntry(SB), AX
	MOVQ AX, call+16(FP)
	LEAQ ·sysEntryMSR(SB), AX
	MOVQ AX, callMSR+24(FP)
	RET

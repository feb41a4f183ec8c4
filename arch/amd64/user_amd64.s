//go:build exokernel

#include "go_asm.h"
#include "textflag.h"

// Access to ring 3's memory. A page fault between ·userAccess and ·userFaulted goes on in ·userFaulted (userFault in user.go),
// which returns for the function that faulted: none of them has a frame, all return the bytes left, CX, at the same place.
//
// SMAP (SDM vol. 3A §4.6.1): only here does the kernel have AC set. It is cleared by whoever interrupts.

#define OPEN  CMPB ·smap(SB), $0; JEQ 2(PC); STAC
#define CLOSE CMPB ·smap(SB), $0; JEQ 2(PC); CLAC

// func userAccess()
TEXT ·userAccess(SB), NOSPLIT|NOFRAME, $0-0
	RET

// func copyUser(dst, src, n uintptr) (left uintptr)
TEXT ·copyUser(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	OPEN
	CMPQ CX, $2048
	JCC  long
steps:
	SUBQ $256, CX
	JCS  smaller
large:
#define MOVE(at) \
	MOVUPS (at+0)(SI), X0 \
	MOVUPS (at+16)(SI), X1 \
	MOVUPS (at+32)(SI), X2 \
	MOVUPS (at+48)(SI), X3 \
	MOVUPS X0, (at+0)(DI) \
	MOVUPS X1, (at+16)(DI) \
	MOVUPS X2, (at+32)(DI) \
	MOVUPS X3, (at+48)(DI)
	MOVE(0)
	MOVE(64)
	MOVE(128)
	MOVE(192)
	ADDQ $256, SI
	ADDQ $256, DI
	SUBQ $256, CX
	JCC  large
smaller:
	ADDQ $(256-64), CX
	JCS  blocks
	JMP  rest
blocks:
	MOVE(0)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JCC  blocks
rest:
	ADDQ $64, CX
	JEQ  done
	SUBQ $8, CX
	JCS  bytes
words:
	MOVQ (SI), AX
	MOVQ AX, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	SUBQ $8, CX
	JCC  words
bytes:
	ADDQ $8, CX
	JEQ  done
byte:
	MOVB (SI), AX
	MOVB AX, (DI)
	INCQ SI
	INCQ DI
	DECQ CX
	JNE  byte
done:
	CLOSE
	MOVQ $0, left+24(FP)
	RET
long: // as in Go's memmove
	MOVQ DI, AX
	ORQ  SI, AX
	TESTQ $7, AX
	JNE  steps
	MOVQ CX, AX
	SHRQ $3, CX
	REP; MOVSQ
	ANDQ $7, AX
	MOVQ AX, CX
	JNE  byte
	JMP  done

// func readUser(at, last, _ uintptr) (left uintptr)
//
// It reads a byte of each page from at to last.
TEXT ·readUser(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ at+0(FP), SI
	MOVQ last+8(FP), DI
	OPEN
page:
	MOVB (SI), AX
	ADDQ $4096, SI
	CMPQ SI, DI
	JLS  page
	MOVB (DI), AX
	CLOSE
	MOVQ $0, left+24(FP)
	RET

// func copyUserString(dst, src, n uintptr) (left uintptr)
//
// Aligned words do not cross into the next page.
TEXT ·copyUserString(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ $0x0101010101010101, R8
	MOVQ $0x8080808080808080, R9
	OPEN
	INCQ CX
next:
	DECQ CX
	JEQ  full
	TESTQ $7, SI
	JEQ  aligned
one:
	MOVB (SI), AX
	MOVB AX, (DI)
	INCQ SI
	INCQ DI
	TESTB AX, AX
	JNE  next
	CLOSE
	MOVQ CX, left+24(FP)
	RET
aligned:
	CMPQ CX, $8
	JB   one
	MOVQ (SI), AX
	MOVQ AX, BX
	SUBQ R8, BX
	MOVQ AX, DX
	NOTQ DX
	ANDQ DX, BX
	TESTQ R9, BX // some byte is 0
	JNE  one
	MOVQ AX, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	SUBQ $7, CX
	JMP  next
full:
	CLOSE
	MOVQ $0, left+24(FP)
	RET

// userFaulted is where a fault in one of the above goes on.
TEXT ·userFaulted(SB), NOSPLIT|NOFRAME, $0-32
	CLOSE
	MOVQ $-1, left+24(FP)
	RET

// pushFrame, which Leave calls: In: BX = where in ring 3's memory, CX = a Frame, DI = an address. It writes an abi.UpcallFrame. Out: AX, what is
// left.
TEXT ·pushFrame(SB), NOSPLIT|NOFRAME, $0-0
	OPEN
	MOVQ Frame_Vector(CX), AX; MOVQ AX, 0(BX)
	MOVQ Frame_Err(CX), AX; MOVQ AX, 8(BX)
	MOVQ DI, 16(BX)
	XORL AX, AX; MOVQ AX, 24(BX); MOVQ AX, 72(BX)
	MOVQ Frame_RIP(CX), AX; MOVQ AX, 32(BX)
	MOVQ Frame_CS(CX), AX; MOVQ AX, 40(BX)
	MOVQ Frame_RFLAGS(CX), AX; MOVQ AX, 48(BX)
	MOVQ Frame_RSP(CX), AX; MOVQ AX, 56(BX)
	MOVQ Frame_SS(CX), AX; MOVQ AX, 64(BX)
	CLOSE
	XORL AX, AX
	RET

// pushFaulted is where a fault in that goes on.
TEXT ·pushFaulted(SB), NOSPLIT|NOFRAME, $0-0
	CLOSE
	MOVQ $-1, AX
	RET

// func pushPCs() (start, fault uintptr)
TEXT ·pushPCs(SB), NOSPLIT, $0-16
	LEAQ ·pushFrame(SB), AX
	MOVQ AX, start+0(FP)
	LEAQ ·pushFaulted(SB), AX
	MOVQ AX, fault+8(FP)
	RET

// func userAccessPCs() (start, fault uintptr)
TEXT ·userAccessPCs(SB), NOSPLIT, $0-16
	LEAQ ·userAccess(SB), AX
	MOVQ AX, start+0(FP)
	LEAQ ·userFaulted(SB), AX
	MOVQ AX, fault+8(FP)
	RET

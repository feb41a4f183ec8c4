//go:build exokernel

#include "textflag.h"

// func CRC32C(c uint32, at, words uintptr) uint32
TEXT ·CRC32C(SB), NOSPLIT|NOFRAME, $0-28
	MOVL c+0(FP), AX
	MOVQ at+8(FP), SI
	MOVQ words+16(FP), CX
	SUBQ $8, CX
	JCS  rest
eight:
	CRC32Q 0(SI), AX
	CRC32Q 8(SI), AX
	CRC32Q 16(SI), AX
	CRC32Q 24(SI), AX
	CRC32Q 32(SI), AX
	CRC32Q 40(SI), AX
	CRC32Q 48(SI), AX
	CRC32Q 56(SI), AX
	ADDQ $64, SI
	SUBQ $8, CX
	JCC  eight
rest:
	ADDQ $8, CX
	JEQ  done
one:
	CRC32Q (SI), AX
	ADDQ $8, SI
	DECQ CX
	JNE  one
done:
	MOVL AX, ret+24(FP)
	RET

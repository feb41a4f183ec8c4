//go:build exokernel

#include "textflag.h"

// func Inw(port uint16) uint16
TEXT ·Inw(SB), NOSPLIT|NOFRAME, $0-10
	MOVW port+0(FP), DX
	INW
	MOVW AX, ret+8(FP)
	RET

// func Inl(port uint16) uint32
TEXT ·Inl(SB), NOSPLIT|NOFRAME, $0-12
	MOVW port+0(FP), DX
	INL
	MOVL AX, ret+8(FP)
	RET

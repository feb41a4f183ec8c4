//go:build exokernel || exouser

#include "textflag.h"

// func swapPointer(ptr *unsafe.Pointer, new unsafe.Pointer) unsafe.Pointer
TEXT runtime·swapPointer<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-24
	XCHGQ BX, 0(AX)
	MOVQ  BX, AX
	RET

// func casPointer(ptr *unsafe.Pointer, old, new unsafe.Pointer) bool
TEXT runtime·casPointer<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-25
	MOVQ     AX, DX
	MOVQ     BX, AX
	LOCK
	CMPXCHGQ CX, 0(DX)
	SETEQ    AX
	RET

//go:build exokernel

#include "textflag.h"

// func Pause()
TEXT runtime·Pause<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-0
	PAUSE
	RET

// func IRQDisable() (flags uintptr)
TEXT runtime·IRQDisable<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	PUSHFQ
	POPQ AX
	CLI
	RET

// func IRQRestore(flags uintptr)
TEXT runtime·IRQRestore<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	PUSHQ AX
	POPFQ
	RET

// func RDTSC() uint64
TEXT runtime·RDTSC<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	LFENCE
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	RET

// func Flags() (flags uintptr)
TEXT runtime·Flags<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	PUSHFQ
	POPQ AX
	RET

// func CallerPC() uintptr
// It has no frame, so BP is its caller's: the word above is the return address of that.
TEXT runtime·CallerPC<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ 8(BP), AX
	RET

//go:build exokernel

#include "go_asm.h"
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

// func IRQOff()
TEXT runtime·IRQOff<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-0
	CLI
	RET

// func IRQOn()
TEXT runtime·IRQOn<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-0
	STI
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

// func ReadTSC(a, b unsafe.Pointer) (tsc uint64, b1, a1 unsafe.Pointer)
TEXT runtime·ReadTSC<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ AX, CX
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	RET

// func LoadCR3(v uint64)
TEXT runtime·LoadCR3<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ AX, CR3
	RET

// func InvalidatePage(va uintptr)
TEXT runtime·InvalidatePage<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	INVLPG (AX)
	RET

// func Call(pc, a uintptr, b unsafe.Pointer, c uint64) uint64
TEXT runtime·Call<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-40
	JMP AX

// func ReadCR2() uint64
TEXT runtime·ReadCR2<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ CR2, AX
	RET

// func Hand(a uint64, b, c, d, e unsafe.Pointer, f uint64, g int64)
TEXT runtime·Hand<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-56
	JMP exo∕arch∕amd64·hand(SB)

// func Leave(pc uintptr, a, b, c, d unsafe.Pointer, e uint64)
TEXT runtime·Leave<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-48
	JMP AX

// func SwitchTo(a, b unsafe.Pointer, c uintptr, from, to *Rest) (unsafe.Pointer, unsafe.Pointer, uintptr)
// A function of Go keeps nothing in registers across a call but its g and frame pointer, so there is nothing else to save. AX, BX and CX are
// the first three arguments, and the results.
TEXT runtime·SwitchTo<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-64
	MOVQ g_CPU(R14), DX
	PUSHQ BP
	MOVQ SP, Rest_SP(DI)
	MOVQ Rest_G(SI), R14
	MOVQ Rest_SP(SI), SP
	MOVQ DX, g_CPU(R14)
	MOVQ R14, -8(FS)
	POPQ BP
	RET

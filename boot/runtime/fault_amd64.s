//go:build exokernel

#include "go_asm.h"
#include "textflag.h"

// No frame: the word at SP is the address in the code that went wrong, and BP is that code's frame.
#define FAULT(name, code) \
TEXT name(SB), NOSPLIT|NOFRAME, $0-0 \
	UD2 \
	BYTE $const_FaultMark \
	BYTE $code \
	RET

FAULT(runtime·gopanic<ABIInternal>, const_FaultPanic)
FAULT(runtime·panicBounds<ABIInternal>, const_FaultBounds)
FAULT(runtime·panicunsafeslicelen<ABIInternal>, const_FaultBounds)
FAULT(runtime·panicunsafeslicenilptr<ABIInternal>, const_FaultBounds)
FAULT(runtime·panicunsafestringlen<ABIInternal>, const_FaultBounds)
FAULT(runtime·panicunsafestringnilptr<ABIInternal>, const_FaultBounds)
FAULT(runtime·panicdivide<ABIInternal>, const_FaultDivide)
FAULT(runtime·panicshift<ABIInternal>, const_FaultShift)
FAULT(runtime·panicwrap<ABIInternal>, const_FaultNil)
FAULT(runtime·panicnil<ABIInternal>, const_FaultNil)
FAULT(runtime·panicdottypeE<ABIInternal>, const_FaultInterface)
FAULT(runtime·panicdottypeI<ABIInternal>, const_FaultInterface)
FAULT(runtime·panicrangestate<ABIInternal>, const_FaultPanic)
FAULT(runtime·panicnildottype<ABIInternal>, const_FaultInterface)
FAULT(runtime·faultInterface<ABIInternal>, const_FaultInterface)
FAULT(runtime·unreachableMethod<ABIInternal>, const_FaultUnreachable)

// The stack check of a prologue calls one of these; neither returns.
FAULT(runtime·morestack_noctxt, const_FaultOverflow)
FAULT(runtime·morestack, const_FaultOverflow)

// Link roots that stock Go starts at; the kernel starts at rt0 in arch/amd64.
FAULT(_rt0_amd64_linux, const_FaultUnreachable)
FAULT(runtime·rt0_go, const_FaultUnreachable)

// A package without initialised maps calls this instead of building one.
TEXT runtime·mapinitnoop<ABIInternal>(SB), NOSPLIT, $0-0
	RET

// Open-coded defers run inline; this is called only where a panic would unwind, which never happens here.
TEXT runtime·deferreturn<ABIInternal>(SB), NOSPLIT, $0-0
	RET

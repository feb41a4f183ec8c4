//go:build exokernel

package amd64

import (
	"runtime"
	"unsafe"
)

// Thread is one of control: what a CPU needs to go on with it. A CPU's boot stack is one too.
type Thread struct {
	rest runtime.Rest
	own  runtime.G
}

func taskEntryPC() uintptr

// OnTaskStart is what a new stack does, with what Switch was given; it does not return. Set by the kernel.
var OnTaskStart func(a, b unsafe.Pointer, c uintptr)

func startTask(a, b unsafe.Pointer, c uintptr) { OnTaskStart(a, b, c) }

// UseBoot makes t the stack that c boots and idles on.
func (t *Thread) UseBoot(c *CPU) { t.rest.G = &c.bootG }

// Prepare makes t a new one at [lo, hi), which is to begin in OnTaskStart as context.
func (t *Thread) Prepare(lo, hi uintptr, context unsafe.Pointer) {
	t.own.SetStack(lo, hi)
	t.own.Context = context
	t.rest.G = &t.own
	top := (*[4]uintptr)(Pointer(hi - 32)) // two words of nothing end the chain of frames
	*top = [4]uintptr{0, taskEntryPC(), 0, 0}
	t.rest.SP = hi - 32
}

// Switch leaves the stack that this CPU runs on, from, for to, which is at rest, and where a, b and c are then returned. It returns
// what it is brought when some CPU, perhaps another one, switches to from. Interrupts off.
//
// SAFETY: a Thread begins with its Rest.
func Switch(a, b unsafe.Pointer, c uintptr, from, to *Thread) (unsafe.Pointer, unsafe.Pointer, uintptr) {
	return runtime.SwitchTo(a, b, c, (*runtime.Rest)(unsafe.Pointer(from)), (*runtime.Rest)(unsafe.Pointer(to)))
}

// Bounds is where the stack lies.
func (t *Thread) Bounds() (lo, hi uintptr) { return t.rest.G.StackLo, t.rest.G.StackHi }

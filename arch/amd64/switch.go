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

// OnTaskStart is what a new stack does; it does not return. Set by the kernel.
var OnTaskStart func()

func startTask() { OnTaskStart() }

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

// Switch leaves the stack that this CPU runs on, from, for to, which is at rest. It returns when some CPU, perhaps another one,
// switches to from. Interrupts off.
func Switch(from, to *Thread) { runtime.SwitchTo(&from.rest, &to.rest) }

// Bounds is where the stack lies.
func (t *Thread) Bounds() (lo, hi uintptr) { return t.rest.G.StackLo, t.rest.G.StackHi }

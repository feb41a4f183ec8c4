//go:build exokernel

package amd64

import (
	"runtime"
	"unsafe"
)

// Stack is a thread of control: what a CPU needs to go on with it. A CPU's boot stack is one too.
type Stack struct {
	g   *runtime.G
	sp  uintptr // while it is at rest
	own runtime.G
}

func switchStack(from *uintptr, to uintptr, gp *runtime.G)
func taskEntryPC() uintptr

// OnTaskStart is what a new stack does; it does not return. Set by the kernel.
var OnTaskStart func()

func startTask() { OnTaskStart() }

// UseBoot makes s the stack that c boots and idles on.
func (s *Stack) UseBoot(c *CPU) { s.g = &c.bootG }

// Prepare makes s a new one at [lo, hi), which is to begin in OnTaskStart as context.
func (s *Stack) Prepare(lo, hi uintptr, context unsafe.Pointer) {
	s.own.SetStack(lo, hi)
	s.own.Context = context
	s.g = &s.own
	top := (*[4]uintptr)(Pointer(hi - 32)) // two words of nothing end the chain of frames
	*top = [4]uintptr{0, taskEntryPC(), 0, 0}
	s.sp = hi - 32
}

// Switch leaves the stack that this CPU runs on, from, for to, which is at rest. It returns when some CPU, perhaps another one,
// switches to from. Interrupts off.
func Switch(from, to *Stack) {
	to.g.CPU = from.g.CPU
	switchStack(&from.sp, to.sp, to.g)
}

// Bounds is where the stack lies.
func (s *Stack) Bounds() (lo, hi uintptr) { return s.g.StackLo, s.g.StackHi }

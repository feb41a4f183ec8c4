//go:build exokernel

package runtime

import "unsafe"

// g is the structure that R14 points at. Compiled code reads stackguard0 at offset 16 (stackguard1 at 24 is for
// code the kernel never has) to detect overflow; the rest is ours. The compiler insists on the lower-case name.
type g struct {
	StackLo, StackHi uintptr // [StackLo, StackHi) is the stack in use
	stackguard0      uintptr
	stackguard1      uintptr
	CPU              unsafe.Pointer // the block of the CPU this g runs on; rewritten whenever the g moves
	Context          unsafe.Pointer // who runs here: a task, an idle loop or, while it does, an interrupt handler
}

// G is g by an exported name.
type G = g

// stackGuard is the head room left below stackguard0: chains of nosplit functions may use up to 800 bytes of it
// (the linker checks that) and a trap frame must fit under them, so that an overflow can still be reported.
const stackGuard = 928 + 1024

// The compiler addresses these fields by number.
const (
	_ = -(unsafe.Offsetof(g{}.StackLo) - 0)
	_ = -(unsafe.Offsetof(g{}.stackguard0) - 16)
	_ = -(unsafe.Offsetof(g{}.stackguard1) - 24)
)

// getg is the compiler's intrinsic: one register move.
func getg() *g

// Getg returns the current g.
func Getg() *G { return getg() }

// SetStack makes g describe the stack [lo, hi).
func (gp *g) SetStack(lo, hi uintptr) {
	gp.StackLo, gp.StackHi = lo, hi
	gp.stackguard0 = lo + stackGuard
	gp.stackguard1 = gp.stackguard0
}

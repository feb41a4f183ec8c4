//go:build exouser

package runtime

import "unsafe"

// g is the structure that R14 and FS:-8 point at: one for each stack that Go code runs on. Compiled code reads stackguard0
// at offset 16; the rest is ours. It may lie anywhere, but must not move. The compiler insists on the lower-case name.
type g struct {
	StackLo, StackHi uintptr // [StackLo, StackHi) is the stack in use
	stackguard0      uintptr
	stackguard1      uintptr
	Upcall           *g             // the g that the kernel's upcalls to this thread run on; its own Upcall is itself
	NoHeap           bool           // allocating is a fatal error: what was interrupted may hold the heap's lock
	Context          unsafe.Pointer // the library OS's
	defers           *_defer        // innermost first
	panics           *panicking     // innermost first
	spare            *_defer        // records to use again
	faultAddress     uintptr        // of FaultEntry
	// Particular says that the thread has something of its own in the kernel, besides its registers: it is not to do another's work.
	Particular bool
}

// G is g by an exported name.
type G = g

// stackGuard is the head room left below stackguard0: chains of nosplit functions may use up to 800 bytes of it, which the
// linker checks.
const stackGuard = 928

// The compiler, and assembly, address these fields by number.
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

// Thread is what a thread needs to run Go code: its g, and one for the upcalls that interrupt it. FS base, or GS base for
// programs that keep FS to themselves, is TLS.
type Thread struct {
	G      g
	UpG    g
	self   uintptr  // GS:0 of a thread whose FS is not ours, see upcall_amd64.s
	cur    *g       // FS:-8
	tlsEnd [0]uint8 // FS base
	Start  func()   // what ThreadEntry calls
}

// ThreadTLS is how far behind a Thread's beginning its FS base is.
const ThreadTLS = unsafe.Offsetof(Thread{}.tlsEnd)

// TLS is the thread's FS base.
func (t *Thread) TLS() uintptr { return uintptr(unsafe.Pointer(&t.tlsEnd)) }

// Init prepares a thread for the stacks [lo, hi) and, for upcalls, [upLo, upHi).
func (t *Thread) Init(lo, hi, upLo, upHi uintptr) {
	t.G.SetStack(lo, hi)
	t.UpG.SetStack(upLo, upHi)
	t.G.Upcall, t.UpG.Upcall = &t.UpG, &t.UpG
	t.UpG.NoHeap = true
	t.self, t.cur = uintptr(unsafe.Pointer(t)), &t.G
}

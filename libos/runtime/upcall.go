//go:build exouser

package runtime

import "unsafe"

// Regs is what an upcall's entry saves, and the thread goes on with; RIP, RSP and RFLAGS are in the frame that the kernel
// pushed. A handler may change them.
type Regs struct {
	_                                 [2]uint64 // where the handler may keep its arguments: Go wants that of who calls it
	RAX, RBX, RCX, RDX, RSI, RDI, RBP uint64
	R8, R9, R10, R11, R12, R13, R14   uint64
	R15                               uint64
	G                                 *G     // that was interrupted: FS:-8
	FS                                uint64 // base; of entries for foreign programs
	MXCSR                             uint64 // likewise
	XMM                               [16][2]uint64
}

// UpcallHandlers are called on the interrupted thread's upcall stack, with the g that the Thread keeps for that: by upcall.
// They must not allocate. frame is an abi.UpcallFrame.
var UpcallHandlers [4]func(frame unsafe.Pointer, regs *Regs)

// Which handler and entry is for what.
const (
	UpcallFault = iota
	UpcallForeign
	UpcallRevoke
	UpcallSlice
)

// UpcallEntries returns where the kernel is to enter: for programs made of Go, or foreign, for such that keep FS to
// themselves. Then GS base is the Thread's TLS, and the CPU must let ring 3 set FS (abi.FeatureFSGSBASE).
func UpcallEntries(foreign bool) (entries [4]uintptr) {
	all := upcallEntries()
	copy(entries[:], all[:4])
	if foreign {
		copy(entries[:], all[4:])
	}
	return entries
}

func upcallEntries() *[8]uintptr

// Text returns where the program's own code is.
func Text() (low, high uintptr) { return firstmoduledata.text, firstmoduledata.etext }

// ThreadEntry is where a thread begins whose FS base is its Thread's TLS, and whose argument is that Thread: it calls Start,
// and ThreadEnd when that returns.
func ThreadEntry() uintptr

// ThreadEnd ends a thread.
var ThreadEnd func()

// Rest is a thread of control that does not run: where it goes on, and its g. A new one: SP points at two words, 0 and the
// address of a function without arguments that never returns.
type Rest struct {
	SP uintptr // its stack: the frame pointer on top, the place to go on at below it
	G  *G
}

// SwitchTo leaves the stack in use, to be found at from, for that of to. It returns when somebody switches to from.
func SwitchTo(from, to *Rest)

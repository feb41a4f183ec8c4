//go:build exouser

// Package upcall receives what the kernel tells an environment: faults, foreign system calls, requests to give something
// back, slices that begin again. libos/runtime/upcall_amd64.s has the entries.
//
// A handler runs on the upcall stack of the thread that was interrupted, with a g of its own. It sees and may change all of
// that thread's registers, and returns to it without a system call. A fault in a handler is the next upcall, further down
// the same stack. It must not allocate: the interrupted thread may hold the heap's lock, and what it tries ends the program.
package upcall

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/sys"
)

// Regs are the interrupted thread's registers, but for those of the frame.
type Regs = runtime.Regs

// Handler is called with the frame that the kernel pushed.
type Handler func(f *abi.UpcallFrame, regs *Regs)

// Handlers are those of an environment; nil: that upcall does not happen.
type Handlers struct {
	Fault, Foreign, Revoke, Slice Handler
	// OwnFS says that the program has FS to itself: its threads' GS base is their Thread's TLS. Only with abi.FeatureFSGSBASE.
	OwnFS bool
	// TextLow and TextHigh are where system calls may come from; outside of it they are Foreign. 0, 0: anywhere.
	TextLow, TextHigh uint64
}

// Set makes them the environment's, from now on, under a name.
func Set(h *Handlers, name string) abi.Errno {
	u := abi.Upcalls{TextLow: h.TextLow, TextHigh: h.TextHigh}
	copy(u.Name[:], name)
	entries := Entries(h)
	u.Fault, u.Foreign, u.Revoke, u.Slice = entries[0], entries[1], entries[2], entries[3]
	return sys.EnvUpcalls(0, &u)
}

// Entries remembers the handlers and returns where the kernel is to enter for each.
func Entries(h *Handlers) (at [4]uint64) {
	entries := runtime.UpcallEntries(h.OwnFS)
	for i, handler := range [4]Handler{h.Fault, h.Foreign, h.Revoke, h.Slice} {
		// SAFETY: a pointer to the frame by another type.
		runtime.UpcallHandlers[i] = *(*func(unsafe.Pointer, *Regs))(unsafe.Pointer(&handler))
		if handler != nil {
			at[i] = uint64(entries[i])
		}
	}
	return at
}

// Panic makes the interrupted Go code panic, as of a nil pointer, where it would go on: a fault handler's last resort.
func Panic(f *abi.UpcallFrame, regs *Regs) {
	runtime.InjectFault(regs.G, &f.RIP, &f.RSP, uintptr(f.Address))
}

// OwnText returns where the program's own code is.
func OwnText() (low, high uint64) {
	l, h := runtime.Text()
	return uint64(l), uint64(h)
}

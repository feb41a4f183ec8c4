//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// Upcalls: how the kernel enters a library OS. It pushes what the thread was about to do, and has it begin elsewhere.
//
//	upcallHigh ─►┌─────────────┐
//	             │ UpcallFrame │ first     RSP when the entry begins
//	             │ …           │           the library OS's handler works, and faults itself
//	             │ red zone    │ 128 bytes below where it was
//	             │ UpcallFrame │ second
//	             │ …           │
//	upcallLow  ─►└─────────────┘ no room: the environment has ended
//
// The library OS goes back by IRETQ from what it finds there: the kernel has no part in that, and keeps nothing.

const (
	redZone = 128 // bytes below RSP that a program uses without saying so (System V ABI, AMD64 §3.2.2)

	// Flags that the entry does not begin with: a step of a debugger's, a copy backwards, alignment checks.
	upcallFlags = 1<<8 | 1<<10 | 1<<16 | 1<<18
)

func onUserTrap(s *amd64.UserState, f *amd64.Frame) {
	t := threadOf(s)
	address := uint64(0)
	if f.Vector == amd64.VectorPageFault {
		if address = amd64.CR2(); f.Err&4 == 0 && address < abi.UserTop && returnFor(f) {
			return
		}
	}
	if f.Vector == amd64.VectorPageFault && f.Err&5 == 1 && address < abi.UserTop { // as a CPU refuses to return to where returnFor has not
		f.Vector, f.Err, address = amd64.VectorProtection, 0, 0
	}
	t.faults++
	to, sp := t.env.fault.Load(), t.upcallStack(f.RSP)
	if to != 0 && sp-t.start.UpcallLow < t.start.UpcallHigh-t.start.UpcallLow {
		if amd64.PushFrame(sp, f, address) {
			f.RIP, f.RSP = to, sp
			f.RFLAGS &^= upcallFlags
			return
		}
	}
	t.upcall(f, &t.env.fault, f.Vector, f.Err, address)
}

func onForeign(s *amd64.UserState, f *amd64.Frame) {
	t := threadOf(s)
	t.upcall(f, &t.env.foreign, amd64.VectorForeign, 0, 0)
}

// returnFor makes an IRETQ for ring 3. A CPU does that itself; but QEMU's (up to version 7.2 at least) reads what it returns to as
// the kernel would, which SMAP forbids: a fault that is not ring 3's, at an address of ring 3.
func returnFor(f *amd64.Frame) bool {
	var code [2]byte
	var to struct{ RIP, CS, RFLAGS, RSP, SS uint64 }
	if !copyIn(&code, f.RIP) || code != [2]byte{0x48, 0xCF} || !copyIn(&to, f.RSP) || to.CS != f.CS || to.SS != f.SS {
		return false
	}
	f.RIP, f.RFLAGS, f.RSP = to.RIP, to.RFLAGS, to.RSP
	return true
}

// upcallStack is where an upcall's frame goes, for a thread whose stack pointer is rsp.
func (t *thread) upcallStack(rsp uint64) uint64 {
	const size = uint64(unsafe.Sizeof(abi.UpcallFrame{}))
	if rsp-t.start.UpcallLow <= t.start.UpcallHigh-t.start.UpcallLow {
		return (rsp - redZone - size) &^ 15
	}
	return (t.start.UpcallHigh - size) &^ 15
}

const _ = -(unsafe.Sizeof(abi.UpcallFrame{}) ^ 80) // as amd64.PushFrame writes it

// upcall has ring 3 go on at an entry, with the frame on the upcall stack. If there is none, or no room, the environment ends.
func (t *thread) upcall(f *amd64.Frame, entry *atom.Uint64, vector, err, address uint64) {
	to, sp := entry.Load(), t.upcallStack(f.RSP)
	frame := abi.UpcallFrame{
		Vector: vector, Err: err, Address: address,
		RIP: f.RIP, CS: f.CS, RFLAGS: f.RFLAGS, RSP: f.RSP, SS: f.SS,
	}
	if to == 0 || sp < t.start.UpcallLow || sp >= t.start.UpcallHigh || !copyOut(sp, &frame) {
		t.env.fails(&frame)
		return
	}
	f.RIP, f.RSP = to, sp
	f.RFLAGS &^= upcallFlags
}

// fails ends an environment for a fault that it has no way to hear of, and says so on the console, once.
func (e *env) fails(f *abi.UpcallFrame) {
	if !e.finish(abi.StatusFault) {
		return
	}
	var l text.Line
	l.Str("env ").Uint(uint64(e.number.Load())).Byte(' ').Printable(nameOf(&e.name)).Str(": ended by vector ").Uint(f.Vector).Str(" error ").Hex(f.Err)
	put(l.Str(" address ").Hex(f.Address).Str(" at ").Hex(f.RIP).Str(" stack ").Hex(f.RSP))
}

func nameOf(b *[16]byte) string {
	n := 0
	for n < len(b) && b[n] != 0 {
		n++
	}
	return asString(b[:n])
}

//go:build exouser

package main

import (
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/upcall"
)

// How tests do what faults: machine code is put into a page, called, and what the CPU says of it comes as an upcall, whose handler
// returns from the call.

// A trap is how the code ended.
type trap struct {
	taken                bool // by a fault; otherwise it returned, and rax is what it returned
	vector, err, address uint64
	rip, rsp, flags      uint64 // where, with which stack and flags
	rax                  uint64
}

// Vectors and bits of a page fault's error code (Intel SDM vol. 3, 6.15).
const (
	divideError = 0
	debugTrap   = 1
	breakpoint  = 3
	invalid     = 6
	stackFault  = 12
	protection  = 13
	pageFault   = 14

	errPresent = 1
	errWrite   = 2
	errUser    = 4
	errFetch   = 16
)

// probe calls code, and returns what that leaves in RAX. It may change all registers but RSP. probe_amd64.s has it.
func probe(code uintptr) (rax uint64)

// probing is the stack pointer that probe's code began with; 0: no code of ours runs.
var probing uint64

var last trap

// onTrap is memory's last resort: a fault of a probe ends that. On the upcall stack: it allocates nothing.
func onTrap(f *abi.UpcallFrame, regs *upcall.Regs) bool {
	if probing == 0 {
		return false
	}
	last = trap{true, f.Vector, f.Err, f.Address, f.RIP, f.RSP, f.RFLAGS, regs.RAX}
	f.RIP = *(*uint64)(unsafe.Pointer(uintptr(probing)))
	f.RSP = probing + 8
	f.RFLAGS = 1<<9 | 2
	return true
}

// At calls what is at an address, whatever that is.
func (t *T) At(code uint64) trap {
	mem.Other = onTrap
	last = trap{}
	rax := probe(uintptr(code))
	probing = 0
	if !last.taken {
		last.rax = rax
	}
	return last
}

// Run puts code into a page, behind it a RET, and calls it.
func (t *T) Run(code ...byte) trap { return t.At(t.Code(code...)) }

// Code puts it there, until the test ends.
func (t *T) Code(code ...byte) uint64 {
	at, err := mem.Map(4096, readWrite)
	t.OK(err, "Map")
	t.Later(func() { mem.Unmap(at, 4096) })
	page := bytesAt(at, 4096)
	copy(page, code)
	page[len(code)] = ret
	t.OK(mem.Protect(at, 4096, abi.PermRead|abi.PermExecute), "Protect")
	return at
}

const ret = 0xC3

// Faults wants code to end with a vector, and returns how it did.
func (t *T) Faults(vector uint64, what string, code ...byte) trap {
	got := t.Run(code...)
	t.That(got.taken, what+" is not refused")
	t.Count(int64(got.vector), int64(vector), what+" ends with vector")
	return got
}

// Reads, Writes and Fetches touch an address, and want a page fault there.
func (t *T) Reads(at uint64, what string) { t.touches(at, errUser, what, 0x48, 0x8B, 0x00) } // MOV RAX, [RAX]

// Writes is documented at Reads.
func (t *T) Writes(at uint64, what string) {
	t.touches(at, errUser|errWrite, what, 0x48, 0x89, 0x00) // MOV [RAX], RAX
}

// Fetches is documented at Reads.
func (t *T) Fetches(at uint64, what string) { t.touches(at, errUser|errFetch, what, 0xFF, 0xE0) } // JMP RAX

func (t *T) touches(at, kind uint64, what string, code ...byte) {
	got := t.Faults(pageFault, what, append(loadRAX(at), code...)...)
	t.Hex(got.address, at, what+": the address")
	t.Hex(got.err&^errPresent, kind, what+": the error code")
}

// Touched says that it can be read.
func (t *T) Touched(at uint64, what string) {
	got := t.Run(append(loadRAX(at), 0x48, 0x8B, 0x00)...)
	t.That(!got.taken, what+" cannot be read")
}

// loadRAX is MOV RAX, v.
func loadRAX(v uint64) []byte { return load64(0xB8, v) }

// loadRSP is MOV R12, RSP; MOV RSP, v. restoreRSP is behind it.
func loadRSP(v uint64) []byte { return append([]byte{0x49, 0x89, 0xE4}, load64(0xBC, v)...) }

var restoreRSP = []byte{0x4C, 0x89, 0xE4} // MOV RSP, R12

func load64(register byte, v uint64) []byte {
	return []byte{0x48, register, byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24), byte(v >> 32), byte(v >> 40), byte(v >> 48), byte(v >> 56)}
}

// nullCall is XOR EAX, EAX; SYSCALL.
var nullCall = []byte{0x31, 0xC0, 0x0F, 0x05}

func code(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// bytesAt and words are memory at an address.
func bytesAt(at, n uint64) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(at))), n) }

func words(at, bytes uint64) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(uintptr(at))), bytes/8)
}

func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

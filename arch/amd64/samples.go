//go:build exokernel

package amd64

import "unsafe"

// Samples of ring-3 code, for tests of the way there and back: samples_amd64.s. They are position-independent; whoever runs
// one copies it into a page of the space that it is to run in.

// SampleData is what a sample begins with and ends with: it is entered with RDI = RSP = its address, and there is room for a
// little stack below. GPRs are in the order of instructions' encodings: RAX RCX RDX RBX RSP RBP RSI RDI R8 … R15; RSP stays.
type SampleData struct {
	GPR    [16]uint64
	RFLAGS uint64
	MXCSR  uint32
	FCW    uint32
	X87    uint64 // an integer, on top of the x87 stack
	FS, GS uint64 // bases, if SetBases
	XMM    [16][2]uint64

	Report   uint64 // where to go at the end
	Stop     uint64 // samples that go on forever end once it is not 0
	SetBases uint64 // not 0: by instructions
	Rounds   uint64 // of such samples
	Leaked   [2]uint64

	Out SampleOut
}

// SampleOut is what there was at the end.
type SampleOut struct {
	GPR      [16]uint64
	RFLAGS   uint64
	MXCSR    uint32
	FCW      uint32
	X87      uint64
	FS, GS   uint64 // bases if SetBases, else the words there
	Segments uint64 // DS, ES, FS and GS, each 16 bits
	XMM      [16][2]uint64
}

// Sample is one of them.
type Sample int

// The samples. Report is where the others end; it makes system call 1.
const (
	SampleReport     Sample = iota
	SampleCall              // loads all registers, makes the system call in RAX, stores all registers
	SampleSpin              // instead of the call, spins until Stop
	SampleCalls             // makes the call until Stop; Leaked is what was not 0 in XMM after any
	SampleSlots             // instructions that fault, one in each 16 bytes
	SampleDivide            // leaves an x87 exception pending, makes system call 2, and waits for x87
	SampleCallRounds        // makes the call in RAX as often as RBX says; RAX is then the last one's result
	SampleTrapRounds        // INT3 instead
	SampleResume            // goes on as an abi.UpcallFrame at RSP says
	numSamples
)

// Slots of SampleSlots: what they do, and the exception that it is, by the manuals or else on some CPUs: SYSENTER is undefined on
// AMD's, and QEMU 7.2 has no INT1, reads the stack of IRETQ and RETFQ as if it were the kernel, which SMAP forbids, and knows no
// #SS for addresses.
var Slots = [...]struct {
	Name   string
	Vector uint64
	Or     uint64
}{
	{"CLI", VectorProtection, VectorProtection}, {"STI", VectorProtection, VectorProtection}, {"HLT", VectorProtection, VectorProtection},
	{"MOV from CR0", VectorProtection, VectorProtection}, {"MOV to CR3", VectorProtection, VectorProtection}, {"MOV to CR4", VectorProtection, VectorProtection},
	{"MOV to DR7", VectorProtection, VectorProtection}, {"RDMSR", VectorProtection, VectorProtection}, {"WRMSR", VectorProtection, VectorProtection},
	{"IN", VectorProtection, VectorProtection}, {"OUT", VectorProtection, VectorProtection}, {"LGDT", VectorProtection, VectorProtection}, {"LIDT", VectorProtection, VectorProtection},
	{"LLDT", VectorProtection, VectorProtection}, {"LTR", VectorProtection, VectorProtection}, {"INVLPG", VectorProtection, VectorProtection}, {"WBINVD", VectorProtection, VectorProtection},
	{"CLTS", VectorProtection, VectorProtection}, {"SWAPGS", VectorProtection, VectorProtection}, {"SYSRET", VectorProtection, VectorProtection}, {"IRETQ to ring 0", VectorProtection, VectorPageFault},
	{"INT 0x80", VectorProtection, VectorProtection}, {"INT of the timer", VectorProtection, VectorProtection}, {"the kernel's data segment", VectorProtection, VectorProtection},
	{"a far return to ring 0", VectorProtection, VectorPageFault}, {"SYSENTER", VectorProtection, VectorInvalidOp},
	{"INT3", VectorBreakpoint, VectorBreakpoint}, {"INT1", VectorDebug, VectorInvalidOp}, {"UD2", VectorInvalidOp, VectorInvalidOp}, {"XGETBV", VectorInvalidOp, VectorInvalidOp},
	{"a division by 0", VectorDivide, VectorDivide}, {"a jump out of bounds", VectorProtection, VectorProtection}, {"a non-canonical address", VectorProtection, VectorProtection},
	{"a push with a non-canonical RSP", VectorStack, VectorProtection},
	{"a read of address 0", VectorPageFault, VectorPageFault}, {"a read of the kernel's memory", VectorPageFault, VectorPageFault},
	{"a jump into the kernel", VectorPageFault, VectorPageFault}, {"a write to its own text", VectorPageFault, VectorPageFault},
	{"a jump to its data", VectorPageFault, VectorPageFault},
}

const _ = -(unsafe.Sizeof(SampleData{}) % 8)

func samples() *[numSamples + 1]uintptr

// Bytes is the sample's code.
func (s Sample) Bytes() []byte {
	p := samples()
	return unsafe.Slice((*byte)(Pointer(p[s])), p[s+1]-p[s])
}

// Package bpf runs small programs that tasks download into the kernel: predicates that say when to wake a task, and filters
// of packets. The machine is that of McCanne & Jacobson, "The BSD Packet Filter" (USENIX 1993), in the binary form of sock_filter.
//
//	A, X       two words of 32 bits, 0 at the start
//	M[0..15]   scratch words
//	data       read only: the task's page, or a packet; words in it are in network order
//	Env        what the kernel says, by extension loads: the time, the CPU, the reason
//
//	            ring 3: constructors of asm.go, or golang.org/x/net/bpf
//	  program ──▶ copied by the kernel ──▶ Verify, once ──▶ Run, each time ──▶ a number: 0 means no
//
// Jumps only go forward, so a program ends after as many steps as it has instructions. Start at Verify, then Run.
// docs/10-predicates.md says what the machine is for.
//
//	          Verify   Run
//	Verify       -      -       -: may run together, on any CPUs
//	Run          -      -
//
// G1. Verify never panics, whatever it is given, and names the first instruction that is wrong.
// G2. What Verify accepts, Run ends within len(prog) steps, returns, and does not panic.
// G3. What Verify accepts reads no scratch word that was not written on every path that leads there; and what ErrUnwritten
// refuses, does.
// G4. Run reads no byte outside data: a load that reaches beyond its end ends the program with 0. So does a division by X = 0.
// G5. Run reads a byte of data once per load, and a word with one load of the CPU: if another CPU writes meanwhile, the result
// is that of a memory which holds some of its values; an aligned word of up to 4 bytes which is written in one piece is never torn.
// G6. Run computes what golang.org/x/net/bpf computes, where that has the instruction.
// G7. A program of golang.org/x/net/bpf is accepted, but for: more than MaxLen instructions, extensions of Linux, offsets of
// 2 GiB and more, shifts by a constant beyond 31, scratch words that may be unwritten.
//
// Progress: both are wait-free and take no lock. Verify takes time linear in the length, Run linear in the longest path.
// Callers: anybody, anywhere, interrupt handlers included. Neither uses the heap. Verify takes some 600 bytes of stack, Run some 150.
// Memory: prog must not change from Verify to the last Run: the kernel verifies its own copy. data may change at any time.
// Not promised: two loads of one run see the same moment. Run of what Verify has not accepted may do anything.
package bpf

// Insn is one instruction: 8 bytes, laid out as sock_filter.
type Insn struct {
	Op     uint16
	Jt, Jf uint8  // how many instructions to skip if a test is true, and if it is false
	K      uint32 // the constant: offset, operand, scratch word, or instructions to skip
}

const (
	// MaxLen is how many instructions a program may have.
	MaxLen = 256
	// Scratch is how many scratch words there are.
	Scratch = 16
)

// An extension load is a load of a word at one of these offsets, which no data has. They are not those of Linux, which begin
// at extFirst: a filter made for Linux is refused, and not misunderstood.
const (
	ExtTimeLow  = 0xfffff100 + iota // Env.TimeNs, low word
	ExtTimeHigh                     // Env.TimeNs, high word
	ExtCPU                          // Env.CPU
	ExtReason                       // Env.Reason
	ExtSwap                         // A, its bytes in the other order: a word that an x86 wrote, as a number
	extEnd

	extFirst = 0xfffff000
)

// Env is what the kernel tells a program. It does not change while the program runs, so both words of the time fit together.
type Env struct {
	TimeNs uint64 // since boot
	CPU    uint32 // where Run runs
	Reason uint32 // why it runs: the caller defines it
}

// maxOffset is one more than the largest offset of a load. What is above it, Linux takes for negative and gives extensions.
const maxOffset = 1 << 31

// The opcodes: class, then size and mode of a load, or operation and operand.
const (
	ldImm, ldMem, ldLen            = 0x00, 0x60, 0x80
	ldAbsW, ldAbsH, ldAbsB         = 0x20, 0x28, 0x30
	ldIndW, ldIndH, ldIndB         = 0x40, 0x48, 0x50
	ldxImm, ldxMem, ldxLen, ldxMsh = 0x01, 0x61, 0x81, 0xb1
	st, stx                        = 0x02, 0x03
	addK, subK, mulK, divK         = 0x04, 0x14, 0x24, 0x34
	addX, subX, mulX, divX         = 0x0c, 0x1c, 0x2c, 0x3c
	orK, andK, lshK, rshK          = 0x44, 0x54, 0x64, 0x74
	orX, andX, lshX, rshX          = 0x4c, 0x5c, 0x6c, 0x7c
	neg, modK, xorK, modX, xorX    = 0x84, 0x94, 0xa4, 0x9c, 0xac
	ja, jeqK, jgtK, jgeK, jsetK    = 0x05, 0x15, 0x25, 0x35, 0x45
	jeqX, jgtX, jgeX, jsetX        = 0x1d, 0x2d, 0x3d, 0x4d
	retK, retA                     = 0x06, 0x16
	tax, txa                       = 0x07, 0x87
)

// Error is what is wrong with a program.
type Error string

func (e Error) Error() string { return string(e) }

// What Verify finds.
const (
	ErrEmpty     Error = "bpf: the program is empty"
	ErrLong      Error = "bpf: the program has more than 256 instructions"
	ErrOpcode    Error = "bpf: no such opcode"
	ErrOffset    Error = "bpf: the offset of a load is 2 GiB or more"
	ErrExtension Error = "bpf: no such extension load"
	ErrScratch   Error = "bpf: no such scratch word"
	ErrUnwritten Error = "bpf: reads a scratch word that some path here has not written"
	ErrDivide    Error = "bpf: divides by the constant 0"
	ErrShift     Error = "bpf: shifts by a constant of 32 or more"
	ErrJump      Error = "bpf: jumps out of the program"
	ErrNoReturn  Error = "bpf: the last instruction does not return"
)

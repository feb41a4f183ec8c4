package bpf

import "math/bits"

// Constructors of instructions: a program is an array literal of them, which needs neither an assembler nor the heap.
//
//	var wakeAtFour = [...]bpf.Insn{
//		bpf.LoadWord(16),
//		bpf.JumpEqual(bpf.Swap(4), 0, 1), // the word at 16 is 4: go on; else skip one
//		bpf.Return(1),
//		bpf.Return(0),
//	}
//
// off is an offset in data, in bytes, below 2 GiB; i a scratch word, below 16; k a constant. t and f are how many instructions to
// skip if a test holds, and if not. Tests are unsigned.

// Swap is k with its bytes in the other order: as which LoadWord sees the uint32 k that a program on x86 wrote. It serves
// JumpEqual, JumpBits, And, Or and Xor; to compare by size, or to calculate, swap what was loaded instead (LoadSwapped).
func Swap(k uint32) uint32 { return bits.ReverseBytes32(k) }

// LoadWord is A = the word at off, in network order.
func LoadWord(off uint32) Insn { return Insn{Op: ldAbsW, K: off} }

// LoadHalf is A = the two bytes at off, in network order.
func LoadHalf(off uint32) Insn { return Insn{Op: ldAbsH, K: off} }

// LoadByte is A = the byte at off.
func LoadByte(off uint32) Insn { return Insn{Op: ldAbsB, K: off} }

// LoadWordX is A = the word at X+off. The sum does not wrap.
func LoadWordX(off uint32) Insn { return Insn{Op: ldIndW, K: off} }

// LoadHalfX is A = the two bytes at X+off.
func LoadHalfX(off uint32) Insn { return Insn{Op: ldIndH, K: off} }

// LoadByteX is A = the byte at X+off.
func LoadByteX(off uint32) Insn { return Insn{Op: ldIndB, K: off} }

// LoadHeader is X = 4 * (the byte at off & 15): the length of an IPv4 header.
func LoadHeader(off uint32) Insn { return Insn{Op: ldxMsh, K: off} }

// LoadConst is A = k.
func LoadConst(k uint32) Insn { return Insn{Op: ldImm, K: k} }

// LoadConstX is X = k.
func LoadConstX(k uint32) Insn { return Insn{Op: ldxImm, K: k} }

// LoadLen is A = len(data).
func LoadLen() Insn { return Insn{Op: ldLen} }

// LoadLenX is X = len(data).
func LoadLenX() Insn { return Insn{Op: ldxLen} }

// LoadScratch is A = M[i].
func LoadScratch(i uint32) Insn { return Insn{Op: ldMem, K: i} }

// LoadScratchX is X = M[i].
func LoadScratchX(i uint32) Insn { return Insn{Op: ldxMem, K: i} }

// Store is M[i] = A.
func Store(i uint32) Insn { return Insn{Op: st, K: i} }

// StoreX is M[i] = X.
func StoreX(i uint32) Insn { return Insn{Op: stx, K: i} }

// LoadTimeLow and LoadTimeHigh are A = a word of the time since boot in ns; both are of one moment.
func LoadTimeLow() Insn { return Insn{Op: ldAbsW, K: ExtTimeLow} }

// LoadTimeHigh: see LoadTimeLow.
func LoadTimeHigh() Insn { return Insn{Op: ldAbsW, K: ExtTimeHigh} }

// LoadCPU is A = the number of the CPU.
func LoadCPU() Insn { return Insn{Op: ldAbsW, K: ExtCPU} }

// LoadReason is A = the reason word.
func LoadReason() Insn { return Insn{Op: ldAbsW, K: ExtReason} }

// LoadSwapped is A = A with its bytes in the other order. After LoadWord, A is the uint32 that a program on x86 wrote.
func LoadSwapped() Insn { return Insn{Op: ldAbsW, K: ExtSwap} }

// An Operation of Math and MathX.
type Operation uint16

// The operations: A = A op operand. Div and Mod by X = 0 end the program with 0; a shift by X of 32 or more gives 0.
const (
	Add        Operation = addK
	Sub        Operation = subK
	Mul        Operation = mulK
	Div        Operation = divK
	Mod        Operation = modK
	And        Operation = andK
	Or         Operation = orK
	Xor        Operation = xorK
	ShiftLeft  Operation = lshK
	ShiftRight Operation = rshK
)

// withX makes of an operation or a test with k the one with X.
const withX = 0x08

// Math is A = A op k.
func Math(op Operation, k uint32) Insn { return Insn{Op: uint16(op), K: k} }

// MathX is A = A op X.
func MathX(op Operation) Insn { return Insn{Op: uint16(op) | withX} }

// Negate is A = -A.
func Negate() Insn { return Insn{Op: neg} }

// AToX is X = A.
func AToX() Insn { return Insn{Op: tax} }

// XToA is A = X.
func XToA() Insn { return Insn{Op: txa} }

// Jump skips n instructions.
func Jump(n uint32) Insn { return Insn{Op: ja, K: n} }

// JumpEqual tests A == k.
func JumpEqual(k uint32, t, f uint8) Insn { return Insn{Op: jeqK, Jt: t, Jf: f, K: k} }

// JumpGreater tests A > k.
func JumpGreater(k uint32, t, f uint8) Insn { return Insn{Op: jgtK, Jt: t, Jf: f, K: k} }

// JumpAtLeast tests A >= k.
func JumpAtLeast(k uint32, t, f uint8) Insn { return Insn{Op: jgeK, Jt: t, Jf: f, K: k} }

// JumpBits tests A&k != 0.
func JumpBits(k uint32, t, f uint8) Insn { return Insn{Op: jsetK, Jt: t, Jf: f, K: k} }

// JumpEqualX tests A == X.
func JumpEqualX(t, f uint8) Insn { return Insn{Op: jeqX, Jt: t, Jf: f} }

// JumpGreaterX tests A > X.
func JumpGreaterX(t, f uint8) Insn { return Insn{Op: jgtX, Jt: t, Jf: f} }

// JumpAtLeastX tests A >= X.
func JumpAtLeastX(t, f uint8) Insn { return Insn{Op: jgeX, Jt: t, Jf: f} }

// JumpBitsX tests A&X != 0.
func JumpBitsX(t, f uint8) Insn { return Insn{Op: jsetX, Jt: t, Jf: f} }

// Return ends the program with k.
func Return(k uint32) Insn { return Insn{Op: retK, K: k} }

// ReturnA ends the program with A.
func ReturnA() Insn { return Insn{Op: retA} }

package bpf

import (
	"math/bits"
	"unsafe"
)

// insnSize is what p moves by, in bytes.
const insnSize = int(unsafe.Sizeof(Insn{}))

// noEnv is what a caller without an Env gets. Nobody writes it.
var noEnv Env

// Run runs prog, which Verify has accepted, on data of less than 4 GiB, and returns what prog returns: by convention 0 means
// "no", or "drop this packet". A load beyond the end of data, or a division by X = 0, returns 0. A shift by X of 32 or more gives 0.
// env may be nil: all its fields are 0 then.
//
// It is a jump table in a loop. Nothing in it is checked at run time which Verify has proven. The inner loop is for instructions that
// follow each other; a jump leaves it, so that its skip costs only jumps something.
func Run(prog []Insn, data []byte, env *Env) uint32 {
	if env == nil {
		env = &noEnv
	}
	var (
		a, x uint32
		m    [Scratch]uint32
		p    = unsafe.Pointer(unsafe.SliceData(prog))
		base = unsafe.Pointer(unsafe.SliceData(data))
		n    = uint64(len(data))
	)
	for {
		var skip int // of the jump that ends this straight piece
	straight:
		for {
			// SAFETY: p is in prog. It begins at the first of at least one instruction, and moves below only behind an instruction that
			// does not return: such a one has a successor (ErrNoReturn), and what it jumps to is in prog (ErrJump).
			in := (*Insn)(p)
			switch in.Op {
			case ldImm:
				a = in.K
			case ldAbsW:
				k := uint64(in.K)
				if k+4 > n {
					if k < maxOffset {
						return 0
					}
					if k == ExtSwap { // first, as each comparison by size needs it
						a = bits.ReverseBytes32(a)
						break
					}
					switch k {
					case ExtTimeLow:
						a = uint32(env.TimeNs)
					case ExtTimeHigh:
						a = uint32(env.TimeNs >> 32)
					case ExtCPU:
						a = env.CPU
					default: // ExtReason: there is no other (ErrExtension)
						a = env.Reason
					}
					break
				}
				a = word(base, k) // SAFETY: k+4 <= n, and the sum of 64 bits cannot wrap; so in all loads below
			case ldAbsH:
				k := uint64(in.K)
				if k+2 > n {
					return 0
				}
				a = half(base, k) // SAFETY: as above
			case ldAbsB:
				k := uint64(in.K)
				if k >= n {
					return 0
				}
				a = octet(base, k) // SAFETY: as above
			case ldIndW:
				k := uint64(in.K) + uint64(x)
				if k+4 > n {
					return 0
				}
				a = word(base, k) // SAFETY: as above
			case ldIndH:
				k := uint64(in.K) + uint64(x)
				if k+2 > n {
					return 0
				}
				a = half(base, k) // SAFETY: as above
			case ldIndB:
				k := uint64(in.K) + uint64(x)
				if k >= n {
					return 0
				}
				a = octet(base, k) // SAFETY: as above
			case ldMem:
				a = m[in.K%Scratch] // ErrScratch: the modulus changes nothing, it only spares the bounds check
			case ldLen:
				a = uint32(n)
			case ldxImm:
				x = in.K
			case ldxMem:
				x = m[in.K%Scratch]
			case ldxLen:
				x = uint32(n)
			case ldxMsh:
				k := uint64(in.K)
				if k >= n {
					return 0
				}
				x = octet(base, k) & 0xf * 4 // SAFETY: as above
			case st:
				m[in.K%Scratch] = a
			case stx:
				m[in.K%Scratch] = x
			case addK:
				a += in.K
			case subK:
				a -= in.K
			case mulK:
				a *= in.K
			case divK:
				if k := in.K; k != 0 { // always (ErrDivide): instead of the compiler's own check, which can panic
					a /= k
				}
			case modK:
				if k := in.K; k != 0 {
					a %= k
				}
			case orK:
				a |= in.K
			case andK:
				a &= in.K
			case xorK:
				a ^= in.K
			case lshK:
				a <<= in.K % 32 // ErrShift: the modulus changes nothing
			case rshK:
				a >>= in.K % 32
			case addX:
				a += x
			case subX:
				a -= x
			case mulX:
				a *= x
			case divX:
				if x == 0 {
					return 0
				}
				a /= x
			case modX:
				if x == 0 {
					return 0
				}
				a %= x
			case orX:
				a |= x
			case andX:
				a &= x
			case xorX:
				a ^= x
			case lshX:
				a <<= x
			case rshX:
				a >>= x
			case neg:
				a = -a
			case ja:
				skip = int(in.K)
				break straight
			case jeqK:
				skip = in.either(a == in.K)
				break straight
			case jgtK:
				skip = in.either(a > in.K)
				break straight
			case jgeK:
				skip = in.either(a >= in.K)
				break straight
			case jsetK:
				skip = in.either(a&in.K != 0)
				break straight
			case jeqX:
				skip = in.either(a == x)
				break straight
			case jgtX:
				skip = in.either(a > x)
				break straight
			case jgeX:
				skip = in.either(a >= x)
				break straight
			case jsetX:
				skip = in.either(a&x != 0)
				break straight
			case tax:
				x = a
			case txa:
				a = x
			case retK:
				return in.K
			case retA:
				return a
			default: // never (ErrOpcode)
				return 0
			}
			p = unsafe.Add(p, insnSize)
		}
		p = unsafe.Add(p, insnSize+skip*insnSize)
	}
}

// either is how many instructions a test skips.
func (in *Insn) either(holds bool) int {
	if holds {
		return int(in.Jt)
	}
	return int(in.Jf)
}

// word, half and octet read data at k in network order, with one load each. The callers have checked that data goes so far.
func word(data unsafe.Pointer, k uint64) uint32 {
	return bits.ReverseBytes32(*(*uint32)(unsafe.Add(data, k))) // SAFETY: see Run
}

func half(data unsafe.Pointer, k uint64) uint32 {
	return uint32(bits.ReverseBytes16(*(*uint16)(unsafe.Add(data, k)))) // SAFETY: see Run
}

func octet(data unsafe.Pointer, k uint64) uint32 {
	return uint32(*(*byte)(unsafe.Add(data, k))) // SAFETY: see Run
}

package bpf

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	xbpf "golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// raw is an instruction for golang.org/x/net/bpf.
func raw(in Insn) xbpf.RawInstruction {
	return xbpf.RawInstruction{Op: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
}

// foreign is prog for the VM of golang.org/x/net/bpf. What that lacks is written in another way: -A as A * -1, and as a constant
// what does not change during a run. ok is false if prog swaps bytes, which it cannot say in one instruction.
func foreign(prog []Insn, data []byte, env Env) (out []xbpf.Instruction, ok bool) {
	for _, in := range prog {
		var i xbpf.Instruction
		switch {
		case in.Op == neg:
			i = xbpf.ALUOpConstant{Op: xbpf.ALUOpMul, Val: 0xffffffff}
		case in.Op == ldxLen:
			i = xbpf.LoadConstant{Dst: xbpf.RegX, Val: uint32(len(data))}
		case in.Op == ldAbsW && in.K == ExtTimeLow:
			i = xbpf.LoadConstant{Dst: xbpf.RegA, Val: uint32(env.TimeNs)}
		case in.Op == ldAbsW && in.K == ExtTimeHigh:
			i = xbpf.LoadConstant{Dst: xbpf.RegA, Val: uint32(env.TimeNs >> 32)}
		case in.Op == ldAbsW && in.K == ExtCPU:
			i = xbpf.LoadConstant{Dst: xbpf.RegA, Val: env.CPU}
		case in.Op == ldAbsW && in.K == ExtReason:
			i = xbpf.LoadConstant{Dst: xbpf.RegA, Val: env.Reason}
		case in.Op == ldAbsW && in.K == ExtSwap:
			return nil, false
		default:
			i = raw(in).Disassemble()
		}
		out = append(out, i)
	}
	return out, true
}

// agrees runs an accepted program here and there.
func agrees(t *testing.T, prog []Insn, data []byte, env Env) (compared bool) {
	got := Run(prog, data, &env)
	there, ok := foreign(prog, data, env)
	if !ok {
		return false
	}
	vm, err := xbpf.NewVM(there)
	require.NoError(t, err, "%v", there)
	want, err := vm.Run(data)
	require.NoError(t, err, "%v", there)
	require.Equal(t, uint32(want), got, "%v on %x", there, data)
	return true
}

// known says whether there is such an opcode, by how golang.org/x/net/bpf takes it apart and puts it together.
func known(in Insn) bool {
	if in.Op == ldxLen {
		return true // which it takes for ldLen
	}
	i := raw(Insn{Op: in.Op}).Disassemble()
	if _, ok := i.(xbpf.RawInstruction); ok {
		return false
	}
	again, err := i.Assemble()
	return err == nil && again.Op == in.Op
}

// sound says whether a program should be accepted. It goes along every path, one after the other.
func sound(prog []Insn) bool {
	if len(prog) < 1 || len(prog) > MaxLen {
		return false
	}
	for i, in := range prog {
		if !known(in) {
			return false
		}
		class, high := in.Op&7, in.Op&0xf0
		mode := in.Op & 0xe0
		switch {
		case class <= 1 && (mode == 0x20 || mode == 0x40 || mode == 0xa0) && in.K >= 1<<31:
			if in.Op != 0x20 || in.K < 0xfffff100 || in.K > 0xfffff104 {
				return false
			}
		case class <= 1 && mode == 0x60, class == 2, class == 3:
			if in.K > 15 {
				return false
			}
		case class == 4 && in.Op&8 == 0 && (high == 0x30 || high == 0x90) && in.K == 0,
			class == 4 && in.Op&8 == 0 && (high == 0x60 || high == 0x70) && in.K > 31:
			return false
		case in.Op == 0x05 && uint64(i)+1+uint64(in.K) >= uint64(len(prog)),
			class == 5 && in.Op != 0x05 && i+1+int(max(in.Jt, in.Jf)) >= len(prog):
			return false
		}
	}
	if prog[len(prog)-1].Op&7 != 6 {
		return false
	}
	return goes(prog, 0, map[uint32]bool{})
}

// goes follows all paths from i on, where written are the scratch words that have been written.
func goes(prog []Insn, i int, written map[uint32]bool) bool {
	for ; ; i++ {
		in := prog[i]
		switch class := in.Op & 7; {
		case class <= 1 && in.Op&0xe0 == 0x60 && !written[in.K]:
			return false
		case class == 2 || class == 3:
			if !written[in.K] {
				with := map[uint32]bool{in.K: true}
				for k := range written {
					with[k] = true
				}
				written = with
			}
		case in.Op == 0x05:
			i += int(in.K)
		case class == 5:
			return goes(prog, i+1+int(in.Jt), written) && goes(prog, i+1+int(in.Jf), written)
		case class == 6:
			return true
		}
	}
}

var opcodes = []uint16{
	ldImm, ldMem, ldLen, ldAbsW, ldAbsH, ldAbsB, ldIndW, ldIndH, ldIndB, ldxImm, ldxMem, ldxLen, ldxMsh, st, stx,
	addK, subK, mulK, divK, addX, subX, mulX, divX, orK, andK, lshK, rshK, orX, andX, lshX, rshX, neg, modK, xorK, modX, xorX,
	ja, jeqK, jgtK, jgeK, jsetK, jeqX, jgtX, jgeX, jsetX, retK, retA, tax, txa,
}

// random is a program of n instructions: right but for scratch words that may be unwritten, and, each with probability wrong, for
// jumps that go too far, shifts, divisions, offsets and scratch words.
func random(r *rand.Rand, n int, wrong float64) []Insn {
	prog := make([]Insn, n)
	for i := range prog {
		after := n - 1 - i
		if r.Float64() < wrong {
			after += 2
		}
		in := Insn{Op: opcodes[r.IntN(len(opcodes))], K: r.Uint32() >> r.IntN(32)}
		class := in.Op & 7
		for after < 1 && class == 5 || i == n-1 && class != 6 || i < n-1 && class == 6 && r.IntN(3) > 0 {
			in.Op = opcodes[r.IntN(len(opcodes))]
			class = in.Op & 7
			if i == n-1 && r.Float64() < wrong {
				break
			}
		}
		switch {
		case r.Float64() < wrong:
		case in.Op == ldAbsW && r.IntN(2) == 0:
			in.K = ExtTimeLow + r.Uint32N(4+r.Uint32N(2))
		case in.Op == ldMem || in.Op == ldxMem || class == 2 || class == 3:
			in.K = r.Uint32N(3)
		case class <= 1 && in.Op != ldImm && in.Op != ldxImm:
			in.K %= 40
		case in.Op == ldxImm && r.IntN(2) == 0:
			in.K %= 40
		case in.Op == divK || in.Op == modK:
			in.K = max(in.K, 1)
		case in.Op == lshK || in.Op == rshK:
			in.K %= 32
		}
		if class == 5 && after > 0 {
			in.Jt, in.Jf = uint8(r.IntN(min(after, 256))), uint8(r.IntN(min(after, 256)))
			if in.Op == ja {
				in.K = r.Uint32N(uint32(after))
			}
		}
		prog[i] = in
	}
	return prog
}

func someEnv(r *rand.Rand) Env {
	return Env{TimeNs: r.Uint64(), CPU: r.Uint32(), Reason: r.Uint32()}
}

// encode is a program as bytes; decode takes any bytes for a program.
func encode(prog []Insn) (b []byte) {
	for _, in := range prog {
		b = binary.LittleEndian.AppendUint16(b, in.Op)
		b = append(b, in.Jt, in.Jf)
		b = binary.LittleEndian.AppendUint32(b, in.K)
	}
	return b
}

func decode(b []byte) (prog []Insn) {
	for ; len(b) >= 8; b = b[8:] {
		prog = append(prog, Insn{binary.LittleEndian.Uint16(b), b[2], b[3], binary.LittleEndian.Uint32(b[4:])})
	}
	return prog
}

// fence is memory with nothing before and behind it: who reads outside of what front and back return, faults.
type fence struct{ page []byte }

func newFence(t testing.TB) fence {
	size := unix.Getpagesize()
	all, err := unix.Mmap(-1, 0, 3*size, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	require.NoError(t, err)
	require.NoError(t, unix.Mprotect(all[size:2*size], unix.PROT_READ|unix.PROT_WRITE))
	was := debug.SetPanicOnFault(true)
	t.Cleanup(func() {
		debug.SetPanicOnFault(was)
		require.NoError(t, unix.Munmap(all))
	})
	return fence{all[size : 2*size : 2*size]}
}

func (f fence) front(b []byte) []byte { return f.page[:copy(f.page, b):len(b)] }

func (f fence) back(b []byte) []byte {
	at := f.page[len(f.page)-len(b):]
	copy(at, b)
	return at
}

// program is prog at the very end of the fence: who leaves it, faults.
func (f fence) program(prog []Insn) []Insn {
	b := f.back(encode(prog))
	return unsafe.Slice((*Insn)(unsafe.Pointer(unsafe.SliceData(b))), len(prog))
}

func randomData(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32() >> r.IntN(8))
	}
	return b
}

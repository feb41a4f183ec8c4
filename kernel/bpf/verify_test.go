package bpf

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	xbpf "golang.org/x/net/bpf"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

func TestVerify_G1_NamesWhatIsWrong(t *testing.T) {
	yes := Return(1)
	long := slices.Repeat([]Insn{AToX()}, MaxLen+1)
	long[MaxLen] = yes
	far := slices.Repeat([]Insn{AToX()}, MaxLen)
	far[0], far[MaxLen-1] = JumpEqual(0, 254, 0), yes
	for _, c := range []struct {
		prog []Insn
		at   int
		err  error
	}{
		{nil, 0, ErrEmpty},
		{long, MaxLen, ErrLong},
		{long[1:], 0, nil},
		{far, 0, nil},
		{[]Insn{yes}, 0, nil},
		{[]Insn{ReturnA()}, 0, nil},
		{[]Insn{{Op: 0x0e}}, 0, ErrOpcode},
		{[]Insn{{Op: 0x8c}, yes}, 0, ErrOpcode},
		{[]Insn{{Op: 0x120}, yes}, 0, ErrOpcode},
		{[]Insn{yes, {Op: 0xffff}, yes}, 1, ErrOpcode},
		{[]Insn{LoadWord(1<<31 - 1), yes}, 0, nil},
		{[]Insn{LoadWord(1 << 31), yes}, 0, ErrOffset},
		{[]Insn{LoadWord(0xffffefff), yes}, 0, ErrOffset},
		{[]Insn{AToX(), LoadHalf(ExtCPU), yes}, 1, ErrOffset},
		{[]Insn{LoadByte(1 << 31), yes}, 0, ErrOffset},
		{[]Insn{LoadWordX(1 << 31), yes}, 0, ErrOffset},
		{[]Insn{LoadHalfX(0xfffffffc), yes}, 0, ErrOffset},
		{[]Insn{LoadByteX(ExtCPU), yes}, 0, ErrOffset},
		{[]Insn{LoadHeader(1 << 31), yes}, 0, ErrOffset},
		{[]Insn{LoadWord(0xfffff000), yes}, 0, ErrExtension},
		{[]Insn{LoadWord(0xfffff024), yes}, 0, ErrExtension}, // the CPU, in Linux
		{[]Insn{LoadWord(ExtTimeLow - 1), yes}, 0, ErrExtension},
		{[]Insn{LoadTimeLow(), LoadTimeHigh(), LoadCPU(), LoadReason(), LoadSwapped(), yes}, 0, nil},
		{[]Insn{LoadWord(ExtSwap + 1), yes}, 0, ErrExtension},
		{[]Insn{LoadWord(0xffffffff), yes}, 0, ErrExtension},
		{[]Insn{Store(15), LoadScratch(15), LoadScratchX(15), yes}, 0, nil},
		{[]Insn{Store(16), yes}, 0, ErrScratch},
		{[]Insn{StoreX(16), yes}, 0, ErrScratch},
		{[]Insn{LoadScratch(16), yes}, 0, ErrScratch},
		{[]Insn{LoadScratchX(1 << 31), yes}, 0, ErrScratch},
		{[]Insn{Store(2), LoadScratch(1), yes}, 1, ErrUnwritten},
		{[]Insn{Store(2), LoadScratchX(1), yes}, 1, ErrUnwritten},
		{[]Insn{JumpEqual(0, 0, 1), Store(0), LoadScratch(0), yes}, 2, ErrUnwritten},
		{[]Insn{JumpEqual(0, 1, 0), Store(0), LoadScratch(0), yes}, 2, ErrUnwritten},
		{[]Insn{JumpEqual(0, 0, 2), Store(0), Jump(1), StoreX(0), LoadScratch(0), yes}, 0, nil},
		{[]Insn{JumpEqual(0, 0, 1), yes, Store(0), LoadScratch(0), yes}, 0, nil},
		{[]Insn{yes, LoadScratch(0), yes}, 0, nil}, // no path goes there
		{[]Insn{Math(Div, 0), yes}, 0, ErrDivide},
		{[]Insn{Math(Mod, 0), yes}, 0, ErrDivide},
		{[]Insn{Math(ShiftLeft, 31), Math(ShiftRight, 31), yes}, 0, nil},
		{[]Insn{Math(ShiftLeft, 32), yes}, 0, ErrShift},
		{[]Insn{Math(ShiftRight, 32), yes}, 0, ErrShift},
		{[]Insn{Jump(0), yes}, 0, nil},
		{[]Insn{Jump(1), yes}, 0, ErrJump},
		{[]Insn{Jump(0xffffffff), yes}, 0, ErrJump},
		{[]Insn{AToX(), Jump(0xfffffffe), yes}, 1, ErrJump},
		{[]Insn{JumpEqual(0, 1, 0), yes}, 0, ErrJump},
		{[]Insn{JumpGreaterX(0, 255), yes}, 0, ErrJump},
		{[]Insn{Jump(0)}, 0, ErrJump},
		{[]Insn{yes, JumpBits(1, 0, 0)}, 1, ErrJump},
		{[]Insn{yes, AToX()}, 1, ErrNoReturn},
		{[]Insn{Store(0)}, 0, ErrNoReturn},
		{[]Insn{Math(Div, 0), Math(ShiftLeft, 32)}, 0, ErrDivide}, // the first
	} {
		at, err := Verify(c.prog)
		require.Equal(t, fmt.Sprint(c.at, c.err), fmt.Sprint(at, err), "%v", c.prog)
		require.Equal(t, err == nil, sound(c.prog), "%v", c.prog)
	}
}

// Every opcode that there could be, by itself.
func TestVerify_G1_AllOpcodes(t *testing.T) {
	accepted := 0
	for op := range 1 << 16 {
		in := Insn{Op: uint16(op), K: 1}
		_, err := Verify([]Insn{Store(1), Jump(0), in, Return(0), Return(0)})
		require.Equal(t, known(in), err == nil, "%#x: %v", op, err)
		if err == nil {
			accepted++
		}
	}
	require.Equal(t, len(opcodes), accepted)
}

func TestVerify_G1_RandomBytes(t *testing.T) {
	tsan.Alone(t)
	accepted, refused := 0, map[error]int{}
	seeds.Each(t, 60_000, func(r *rand.Rand) {
		prog := random(r, 1+r.IntN(9), 0)
		b := encode(prog)
		if r.IntN(4) == 0 {
			b = randomData(r, r.IntN(100))
		}
		for range r.IntN(4) {
			b = append(b, 0)
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		prog = decode(b)
		at, err := Verify(prog)
		require.Equal(t, sound(prog), err == nil, "%v: %v at %d", prog, err, at)
		if err == nil {
			accepted++
			return
		}
		refused[err]++
		if len(prog) > 0 && at > 0 {
			// What is before at is right, if it ended there.
			_, err := Verify(append(slices.Clone(mended(prog[:at])), Return(0)))
			require.NoError(t, err)
		}
	})
	t.Logf("accepted %d; refused %v", accepted, refused)
	require.Greater(t, accepted, 5_000)
	require.Len(t, refused, 10, "all but ErrLong")
}

// mended is a program's beginning, whose jumps behind its end go to its end instead.
func mended(prog []Insn) []Insn {
	prog = slices.Clone(prog)
	for i := range prog {
		after := len(prog) - 1 - i
		switch in := &prog[i]; {
		case in.Op == ja:
			in.K = min(in.K, uint32(after))
		case in.Op&7 == 5:
			in.Jt, in.Jf = uint8(min(int(in.Jt), after)), uint8(min(int(in.Jf), after))
		}
	}
	return prog
}

func TestVerify_G3_AgainstAllPaths(t *testing.T) {
	tsan.Alone(t)
	accepted, refused := 0, map[error]int{}
	seeds.Each(t, 60_000, func(r *rand.Rand) {
		prog := random(r, 1+r.IntN(14), 0.01)
		if r.IntN(2) == 0 { // much about scratch words
			for i := range prog[:len(prog)-1] {
				if r.IntN(3) == 0 {
					prog[i] = []Insn{Store(0), StoreX(1), LoadScratch(0), LoadScratchX(1)}[r.IntN(4)]
				}
			}
		}
		at, err := Verify(prog)
		require.Equal(t, sound(prog), err == nil, "%v: %v at %d", prog, err, at)
		if err == nil {
			accepted++
		} else {
			refused[err]++
		}
	})
	t.Logf("accepted %d; refused %v", accepted, refused)
	require.Greater(t, accepted, 20_000)
	require.Greater(t, refused[ErrUnwritten], 10_000)
}

func TestVerify_G7_AcceptsThePrograms(t *testing.T) {
	accepted, refused := 0, 0
	seeds.Each(t, 20_000, func(r *rand.Rand) {
		prog := random(r, 1+r.IntN(12), 0.01)
		var there, checked []xbpf.Instruction // NewVM stops at the first extension that it does not know
		for _, in := range prog {
			i := raw(in).Disassemble()
			if _, ok := i.(xbpf.RawInstruction); ok {
				return
			}
			there = append(there, i)
			if _, ok := i.(xbpf.LoadExtension); ok {
				i = xbpf.LoadConstant{}
			}
			checked = append(checked, i)
		}
		if _, err := xbpf.NewVM(checked); err != nil {
			return
		}
		again, err := xbpf.Assemble(there)
		require.NoError(t, err)
		var here []Insn
		for _, in := range again {
			here = append(here, Insn{in.Op, in.Jt, in.Jf, in.K})
		}
		switch _, err := Verify(here); err {
		case nil:
			accepted++
		case ErrExtension, ErrOffset, ErrShift, ErrUnwritten:
			refused++
		default:
			require.NoError(t, err, "%v", there)
		}
	})
	require.Greater(t, accepted, 5_000)
	require.Greater(t, refused, 500)
}

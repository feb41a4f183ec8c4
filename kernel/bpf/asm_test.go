package bpf

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	xbpf "golang.org/x/net/bpf"

	"exo/internal/seeds"
)

// Each constructor makes what golang.org/x/net/bpf makes of the same instruction.
func TestAsm_MakesWhatTheAssemblerMakes(t *testing.T) {
	a, x := xbpf.RegA, xbpf.RegX
	for _, c := range []struct {
		here  Insn
		there xbpf.Instruction
	}{
		{LoadWord(7), xbpf.LoadAbsolute{Off: 7, Size: 4}},
		{LoadHalf(7), xbpf.LoadAbsolute{Off: 7, Size: 2}},
		{LoadByte(7), xbpf.LoadAbsolute{Off: 7, Size: 1}},
		{LoadWordX(7), xbpf.LoadIndirect{Off: 7, Size: 4}},
		{LoadHalfX(7), xbpf.LoadIndirect{Off: 7, Size: 2}},
		{LoadByteX(7), xbpf.LoadIndirect{Off: 7, Size: 1}},
		{LoadHeader(7), xbpf.LoadMemShift{Off: 7}},
		{LoadConst(7), xbpf.LoadConstant{Dst: a, Val: 7}},
		{LoadConstX(7), xbpf.LoadConstant{Dst: x, Val: 7}},
		{LoadLen(), xbpf.LoadExtension{Num: xbpf.ExtLen}},
		{LoadScratch(7), xbpf.LoadScratch{Dst: a, N: 7}},
		{LoadScratchX(7), xbpf.LoadScratch{Dst: x, N: 7}},
		{Store(7), xbpf.StoreScratch{Src: a, N: 7}},
		{StoreX(7), xbpf.StoreScratch{Src: x, N: 7}},
		{Negate(), xbpf.NegateA{}},
		{AToX(), xbpf.TAX{}},
		{XToA(), xbpf.TXA{}},
		{Jump(7), xbpf.Jump{Skip: 7}},
		{JumpEqual(7, 8, 9), xbpf.JumpIf{Cond: xbpf.JumpEqual, Val: 7, SkipTrue: 8, SkipFalse: 9}},
		{JumpGreater(7, 8, 9), xbpf.JumpIf{Cond: xbpf.JumpGreaterThan, Val: 7, SkipTrue: 8, SkipFalse: 9}},
		{JumpAtLeast(7, 8, 9), xbpf.JumpIf{Cond: xbpf.JumpGreaterOrEqual, Val: 7, SkipTrue: 8, SkipFalse: 9}},
		{JumpBits(7, 8, 9), xbpf.JumpIf{Cond: xbpf.JumpBitsSet, Val: 7, SkipTrue: 8, SkipFalse: 9}},
		{JumpEqualX(8, 9), xbpf.JumpIfX{Cond: xbpf.JumpEqual, SkipTrue: 8, SkipFalse: 9}},
		{JumpGreaterX(8, 9), xbpf.JumpIfX{Cond: xbpf.JumpGreaterThan, SkipTrue: 8, SkipFalse: 9}},
		{JumpAtLeastX(8, 9), xbpf.JumpIfX{Cond: xbpf.JumpGreaterOrEqual, SkipTrue: 8, SkipFalse: 9}},
		{JumpBitsX(8, 9), xbpf.JumpIfX{Cond: xbpf.JumpBitsSet, SkipTrue: 8, SkipFalse: 9}},
		{Return(7), xbpf.RetConstant{Val: 7}},
		{ReturnA(), xbpf.RetA{}},
	} {
		want, err := c.there.Assemble()
		require.NoError(t, err)
		require.Equal(t, want, raw(c.here), "%v", c.there)
	}
	for op, there := range map[Operation]xbpf.ALUOp{
		Add: xbpf.ALUOpAdd, Sub: xbpf.ALUOpSub, Mul: xbpf.ALUOpMul, Div: xbpf.ALUOpDiv, Mod: xbpf.ALUOpMod, And: xbpf.ALUOpAnd,
		Or: xbpf.ALUOpOr, Xor: xbpf.ALUOpXor, ShiftLeft: xbpf.ALUOpShiftLeft, ShiftRight: xbpf.ALUOpShiftRight,
	} {
		want, err := xbpf.ALUOpConstant{Op: there, Val: 7}.Assemble()
		require.NoError(t, err)
		require.Equal(t, want, raw(Math(op, 7)))
		want, err = xbpf.ALUOpX{Op: there}.Assemble()
		require.NoError(t, err)
		require.Equal(t, want, raw(MathX(op)))
	}
	require.Equal(t, uint32(5), Run([]Insn{LoadLenX(), XToA(), ReturnA()}, make([]byte, 5), nil), "the assembler lacks it")
	require.EqualValues(t, 8, unsafe.Sizeof(Insn{}))
	require.Equal(t, []byte{0x15, 0, 2, 3, 4, 0, 0, 0}, encode([]Insn{JumpEqual(4, 2, 3)}))
	require.Equal(t, encode([]Insn{JumpEqual(4, 2, 3)}), unsafe.Slice((*byte)(unsafe.Pointer(&[]Insn{JumpEqual(4, 2, 3)}[0])), 8))
}

// near is a number that often equals another, or is next to it, in one word or in both.
func near(r *rand.Rand, v uint64) uint64 {
	switch r.IntN(6) {
	case 0:
		return v
	case 1:
		return v + 1
	case 2:
		return v - 1
	case 3:
		return v ^ 1<<r.IntN(64)
	case 4:
		return []uint64{0, math.MaxUint64, 1 << 32, 1<<32 - 1}[r.IntN(4)]
	}
	return r.Uint64()
}

func TestWake_ComparesWhatAProgramWrote(t *testing.T) {
	yes, no := map[string]int{}, map[string]int{}
	seeds.Each(t, 20_000, func(r *rand.Rand) {
		v := r.Uint64()
		if r.IntN(3) == 0 {
			v = near(r, 0)
		}
		w := near(r, v)
		data := randomData(r, 8*3)
		off := uint32(r.IntN(3) * 8)
		binary.LittleEndian.PutUint64(data[off:], w)
		env := Env{TimeNs: w}
		ask := func(name string, want bool, prog []Insn) {
			_, err := Verify(prog)
			require.NoError(t, err, name)
			require.Equal(t, want, Run(prog, data, &env) == 1, "%s: %#x and %#x", name, w, v)
			if want {
				yes[name]++
			} else {
				no[name]++
				require.Zero(t, Run(prog, data, &env))
			}
		}
		v4, w4 := uint32(v), uint32(w)
		e4, d4, a4 := Equal32(off, v4), Differs32(off, v4), AtLeast32(off, v4)
		e8, a8, at := Equal64(off, v), AtLeast64(off, v), TimeAtLeast(v)
		ask("Equal32", w4 == v4, e4[:])
		ask("Differs32", w4 != v4, d4[:])
		ask("AtLeast32", w4 >= v4, a4[:])
		ask("Equal64", w == v, e8[:])
		ask("AtLeast64", w >= v, a8[:])
		ask("TimeAtLeast", w >= v, at[:])
		require.Equal(t, w4&v4 != 0, Run([]Insn{LoadWord(off), JumpBits(Swap(v4), 0, 1), Return(1), Return(0)}, data, nil) == 1)
	})
	require.Len(t, yes, 6)
	for name := range yes {
		require.Greater(t, min(yes[name], no[name]), 1000, name)
	}
}

// A no of AtLeast64 about a number that grows is true of some moment of the run: each moment of the change is tried.
func TestWake_AtLeast64LosesNothing(t *testing.T) {
	edges := []uint64{0, 1, 1<<32 - 2, 1<<32 - 1, 1 << 32, 1<<32 + 1, 5 << 32, 1<<63 - 1}
	spurious, tried := 0, 0
	for _, v := range edges {
		for _, before := range edges {
			for _, after := range edges {
				if after < before {
					continue
				}
				prog := AtLeast64(0, v)
				// The low word is loaded before the change, the high word after it.
				require.Equal(t, LoadWord(0), prog[0])
				require.Equal(t, LoadWord(4), prog[3])
				var data [8]byte
				binary.LittleEndian.PutUint32(data[:], uint32(before))
				binary.LittleEndian.PutUint32(data[4:], uint32(after>>32))
				tried++
				if Run(prog[:], data[:], nil) == 0 {
					require.True(t, before < v || after < v, "%#x to %#x: not yet %#x?", before, after, v)
				} else if after < v {
					spurious++
				}
			}
		}
	}
	require.Greater(t, tried, 200)
	require.Positive(t, spurious, "which the comment admits")
}

package bpf

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// One test for three guarantees: random programs on memory that nothing surrounds, beside the oracle.
func TestRun_G2_G4_G6_AgainstAnOracle(t *testing.T) {
	tsan.Alone(t)
	f, code := newFence(t), newFence(t)
	compared, used, yes := 0, map[uint16]int{}, 0
	seeds.Each(t, 150_000, func(r *rand.Rand) {
		n := 1 + r.IntN(14)
		if r.IntN(50) == 0 {
			n = MaxLen - r.IntN(4)
		}
		prog := random(r, n, 0)
		if _, err := Verify(prog); err != nil {
			return
		}
		prog = code.program(prog)
		data, env := randomData(r, r.IntN(40)), someEnv(r)
		if r.IntN(2) == 0 {
			data = f.front(data)
		} else {
			data = f.back(data)
		}
		if !agrees(t, prog, data, env) {
			return
		}
		compared++
		if Run(prog, data, &env) != 0 {
			yes++
		}
		for _, in := range prog {
			used[in.Op]++
		}
	})
	t.Logf("compared %d, %d of them not 0", compared, yes)
	require.Greater(t, compared, 50_000)
	require.Greater(t, yes, 10_000)
	require.Len(t, used, len(opcodes), "each instruction has been in a program")
	for op, n := range used {
		require.Greater(t, n, 500, "%#x", op)
	}
}

// Each arithmetic instruction and each test by itself, on numbers at which they turn.
func TestRun_G6_EdgesOfNumbers(t *testing.T) {
	edges := []uint32{0, 1, 2, 3, 15, 16, 31, 32, 33, 63, 64, 255, 256, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff}
	done := 0
	for _, op := range opcodes {
		if class := op & 7; class != 4 && class != 5 {
			continue
		}
		for _, a := range edges {
			for _, b := range edges {
				prog := []Insn{LoadConst(a), LoadConstX(b), {Op: op, Jt: 1, K: b}, ReturnA(), Return(77)}
				if op == ja {
					prog[2].K = b % 2
				}
				if _, err := Verify(prog); err != nil {
					continue
				}
				require.True(t, agrees(t, prog, nil, Env{}))
				done++
			}
		}
	}
	require.Greater(t, done, 25*len(edges)*len(edges))
}

// Each load at each offset about the end of data.
func TestRun_G4_EdgesOfData(t *testing.T) {
	f := newFence(t)
	offsets := []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x7fffffff, 0x80000000, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff}
	inside, outside := 0, 0
	for n := range 9 {
		data := f.back([]byte{0x81, 2, 3, 0x84, 5, 6, 7, 8}[:min(n, 8)])
		for _, load := range []Insn{LoadWord(0), LoadHalf(0), LoadByte(0), LoadHeader(0), LoadWordX(0), LoadHalfX(0), LoadByteX(0)} {
			for _, x := range offsets {
				for _, k := range offsets {
					load.K = k
					prog := []Insn{LoadConstX(x), load, XToA(), Return(1)}
					if load.Op != ldxMsh {
						prog[2] = ReturnA()
					} else {
						prog[3] = ReturnA()
					}
					if _, err := Verify(prog); err != nil {
						require.GreaterOrEqual(t, k, uint32(maxOffset))
						continue
					}
					require.True(t, agrees(t, prog, data, Env{}))
					if Run(prog, data, nil) == 0 {
						outside++
					} else {
						inside++
					}
				}
			}
		}
	}
	require.Greater(t, inside, 500)
	require.Greater(t, outside, 500)
}

// The longest program that there is takes each instruction once.
func TestRun_G2_TheLongestProgram(t *testing.T) {
	var prog [MaxLen]Insn
	for i := range prog {
		prog[i] = Math(Add, 1)
	}
	prog[MaxLen-1] = ReturnA()
	_, err := Verify(prog[:])
	require.NoError(t, err)
	require.Equal(t, uint32(MaxLen-1), Run(prog[:], nil, nil))
	prog[0], prog[MaxLen-2], prog[MaxLen-1] = JumpEqual(0, MaxLen-2, 0), Return(9), Return(5)
	_, err = Verify(prog[:])
	require.NoError(t, err)
	require.Equal(t, uint32(5), Run(newFence(t).program(prog[:]), nil, nil), "from the first to the last at once")
}

func TestRun_ReadsTheEnvironment(t *testing.T) {
	env := Env{TimeNs: 0x0102030405060708, CPU: 9, Reason: 0xa0b0c0d0}
	for want, load := range map[uint32]Insn{
		0x05060708: LoadTimeLow(), 0x01020304: LoadTimeHigh(), 9: LoadCPU(), 0xa0b0c0d0: LoadReason(),
	} {
		prog := []Insn{LoadConst(5), load, ReturnA()}
		_, err := Verify(prog)
		require.NoError(t, err)
		require.Equal(t, want, Run(prog, nil, &env))
		require.Zero(t, Run(prog, nil, nil), "no Env")
	}
	require.Equal(t, uint32(0x78563412), Run([]Insn{LoadConst(0x12345678), LoadSwapped(), ReturnA()}, nil, nil))
	require.Equal(t, uint32(0x04030201), Run([]Insn{LoadWord(0), LoadSwapped(), ReturnA()}, []byte{1, 2, 3, 4}, nil))
}

func TestRun_NoHeap(t *testing.T) {
	prog := AtLeast64(0, 1<<40)
	data := make([]byte, 8)
	env := Env{}
	bad := []Insn{Math(Div, 0)}
	n := uint32(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, err := Verify(prog[:])
		_, wrong := Verify(bad)
		if err != nil || wrong != ErrDivide {
			panic(wrong)
		}
		n += Run(prog[:], data, &env)
	}))
	require.Zero(t, n)
}

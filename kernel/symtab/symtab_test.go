package symtab

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// fn and at describe a table to encode: functions in order, each with the rows of its line program.
type fn struct {
	pc    uint64
	name  string
	frame bool
	rows  []at
}

type at struct {
	pc   uint64
	file int
	line int
}

func encode(files []string, end uint64, fns ...fn) []byte {
	var strs, prog bytes.Buffer
	intern := func(s string) uint32 {
		o := strs.Len()
		strs.WriteString(s + "\x00")
		return uint32(o)
	}
	var table, names []uint32
	for _, f := range fns {
		name := intern(f.name)
		if f.frame {
			name |= hasFrame
		}
		table = append(table, uint32(f.pc-base), name, uint32(prog.Len()))
		var lines Lines
		last := f.pc
		for _, r := range f.rows {
			prog.Write(lines.Append(nil, r.pc-last, r.file, r.line))
			last = r.pc
		}
	}
	table = append(table, uint32(end-base), 0, uint32(prog.Len()))
	for _, f := range files {
		names = append(names, intern(f))
	}
	var out bytes.Buffer
	out.WriteString(magic)
	for _, part := range []any{[]uint32{uint32(len(fns)), uint32(len(files)), uint32(prog.Len()), uint32(strs.Len())},
		table, names, prog.Bytes(), strs.Bytes()} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return slices.Clip(out.Bytes())
}

const text = base + 0x200000

// sample has a function with a frame and lines in two files, one of a single byte without lines, and a last one.
func sample() []byte {
	return encode([]string{"kernel/a.go", "kernel/b.go"}, text+0x200,
		fn{text, "main.first", true, []at{{text, 0, 10}, {text + 4, 0, 12}, {text + 8, 1, 300}, {text + 0x20, 0, 11}}},
		fn{text + 0x100, "main.one", false, nil},
		fn{text + 0x101, "exo/arch/amd64.(*CPU).last", false, []at{{text + 0x110, 1, 70000}}},
	)
}

func open(t *testing.T, b []byte) Table {
	t.Helper()
	table, ok := Open(b)
	require.True(t, ok)
	return table
}

func TestLookupNamesFunctionFileAndLine(t *testing.T) {
	table := open(t, sample())
	require.Equal(t, 3, table.Len())
	for _, c := range []struct {
		name string
		off  uint64
		want Symbol
	}{
		{"first byte of the text", 0, Symbol{"main.first", "kernel/a.go", 10, 0, true}},
		{"last byte of a line", 3, Symbol{"main.first", "kernel/a.go", 10, 3, true}},
		{"first byte of a line", 4, Symbol{"main.first", "kernel/a.go", 12, 4, true}},
		{"another file, inlined", 8, Symbol{"main.first", "kernel/b.go", 300, 8, true}},
		{"back, with the lines running backwards", 0x20, Symbol{"main.first", "kernel/a.go", 11, 0x20, true}},
		{"last byte of a function, as for a return address behind it", 0xff, Symbol{"main.first", "kernel/a.go", 11, 0xff, true}},
		{"a function of one byte, without lines", 0x100, Symbol{"main.one", "", 0, 0, false}},
		{"before a function's first line", 0x101, Symbol{"exo/arch/amd64.(*CPU).last", "", 0, 0, false}},
		{"a large step of lines", 0x110, Symbol{"exo/arch/amd64.(*CPU).last", "kernel/b.go", 70000, 0xf, false}},
		{"last byte of the text", 0x1ff, Symbol{"exo/arch/amd64.(*CPU).last", "kernel/b.go", 70000, 0xfe, false}},
	} {
		got, ok := table.Lookup(text + c.off)
		require.True(t, ok, c.name)
		require.Equal(t, c.want, got, c.name)
	}
}

func TestAddressesOutsideTheTextAreNobodys(t *testing.T) {
	table := open(t, sample())
	for _, pc := range []uint64{0, 0x200000, base - 1, base, text - 1, text + 0x200, text + 0x201, math.MaxUint64} {
		s, ok := table.Lookup(pc)
		require.False(t, ok, "%#x", pc)
		require.Zero(t, s)
	}
	var zero Table
	_, ok := zero.Lookup(text)
	require.False(t, ok)
	require.Zero(t, zero.Len())
}

func TestRandomTablesReadBackAsTheyWereWritten(t *testing.T) {
	seeds.Each(t, 300, func(r *rand.Rand) {
		files := make([]string, 1+r.IntN(5))
		for i := range files {
			files[i] = strings.Repeat("d/", i) + "f.go"
		}
		pc := uint64(text)
		fns := make([]fn, 1+r.IntN(40))
		for i := range fns {
			f := fn{pc, strings.Repeat("n", r.IntN(20)), r.IntN(2) == 0, nil}
			for range r.IntN(6) {
				f.rows = append(f.rows, at{pc, r.IntN(len(files)), r.IntN(1 << r.IntN(20))})
				pc += 1 + r.Uint64N(300)
			}
			pc += 1 + r.Uint64N(8)
			fns[i] = f
		}
		table := open(t, encode(files, pc, fns...))
		for range 50 {
			at := text + r.Uint64N(pc-text)
			i := len(fns) - 1
			for fns[i].pc > at {
				i--
			}
			want := Symbol{Func: fns[i].name, HasFrame: fns[i].frame, Offset: at - fns[i].pc}
			for _, row := range fns[i].rows {
				if row.pc <= at {
					want.File, want.Line = files[row.file], row.line
				}
			}
			got, ok := table.Lookup(at)
			require.True(t, ok)
			require.Equal(t, want, got)
		}
	})
}

func TestOpenRefusesWhatDoesNotFit(t *testing.T) {
	good := sample()
	for n := range len(good) {
		_, ok := Open(slices.Clip(good[:n]))
		require.False(t, ok, "the first %d bytes of %d", n, len(good))
	}
	for i := range 8 {
		b := slices.Clone(good)
		b[i] ^= 1
		_, ok := Open(b)
		require.False(t, ok, "magic byte %d", i)
	}
	_, ok := Open(nil)
	require.False(t, ok)
	_, ok = Open(append(slices.Clone(good), 1, 2, 3))
	require.True(t, ok, "what follows the table is not its own")
}

func TestOpenRefusesAbsurdCounts(t *testing.T) {
	absurd := []uint32{0, 1, 4, 1 << 16, 1 << 30, math.MaxInt32, 1 << 31, math.MaxUint32 - 1, math.MaxUint32,
		0x55555555, 0x15555555, 0xaaaaaaaa} // 12·n and 4·m that come out small in 32 bits
	for _, n := range absurd {
		for _, m := range absurd {
			for _, size := range absurd {
				b := slices.Clone(sample())
				for i, v := range []uint32{n, m, size, size} {
					binary.LittleEndian.PutUint32(b[8+4*i:], v)
				}
				table, ok := Open(b)
				need := float64(headerSize) + float64(n)*funcSize + funcSize + float64(m)*4 + 2*float64(size)
				require.Equal(t, n > 0 && need <= float64(len(b)), ok, "n=%d m=%d sizes=%d", n, m, size)
				if ok {
					sound(t, &table, b)
				}
			}
		}
	}
}

// sound looks addresses up and checks what must hold for any table, however wrong.
func sound(t *testing.T, table *Table, b []byte) {
	pcs := []uint64{0, base, math.MaxUint64, table.pc(0), table.pc(table.n) - 1, table.pc(table.n)}
	for i := range min(table.n, 8) {
		pcs = append(pcs, table.pc(i)-1, table.pc(i), table.pc(i)+9)
	}
	for _, pc := range pcs {
		s, ok := table.Lookup(pc)
		if !ok {
			require.Zero(t, s)
			continue
		}
		require.LessOrEqual(t, s.Offset, pc)
		require.GreaterOrEqual(t, s.Line, 0)
		require.True(t, bytes.Contains(b, []byte(s.Func)) && bytes.Contains(b, []byte(s.File)))
		require.NotContains(t, s.Func+s.File, "\x00")
	}
}

func TestAMutatedTableIsReadWithoutPanicOrOverRead(t *testing.T) {
	good := sample()
	opened := 0
	seeds.Each(t, 20_000, func(r *rand.Rand) {
		b := slices.Clone(good)
		for range 1 + r.IntN(4) {
			switch i := r.IntN(len(b)); r.IntN(4) {
			case 0:
				b[i] ^= 1 << r.IntN(8)
			case 1:
				b[i] = byte(r.Uint32())
			case 2:
				for j := range min(4, len(b)-i) {
					b[i+j] = []byte{0, 0x7f, 0x80, 0xff}[r.IntN(4)]
				}
			case 3:
				b = append(b[:i], b[min(len(b), i+r.IntN(3)):]...)
			}
			if len(b) == 0 {
				return
			}
		}
		b = slices.Clip(b) // a byte past the end is out of bounds
		if table, ok := Open(b); ok {
			opened++
			sound(t, &table, b)
		}
	})
	require.NotZero(t, opened)
}

func TestTheWorkOfALookupIsBoundedByTheTable(t *testing.T) {
	// One function whose line program never moves and whose names have no end: the worst that a table can ask for.
	rows := make([]at, 200_000)
	for i := range rows {
		rows[i] = at{text, 0, 1}
	}
	b := encode([]string{"f"}, text+1, fn{text, strings.Repeat("n", 1<<20), false, rows})
	b[len(b)-1], b[len(b)-3] = 'x', 'x' // where both names end
	table := open(t, b)
	allocs := testing.AllocsPerRun(20, func() { table.Lookup(text) }) // 2 MB each; quadratic work would not return
	require.Zero(t, allocs)
	s, ok := table.Lookup(text)
	require.True(t, ok)
	require.Empty(t, s.Func)
}

func FuzzTable(f *testing.F) {
	f.Add(sample())
	f.Add(encode(nil, text+1, fn{pc: text}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if table, ok := Open(slices.Clip(b)); ok {
			sound(t, &table, b)
		}
	})
}

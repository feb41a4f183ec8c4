package text

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

func says(t *testing.T, want string, l *Line) {
	t.Helper()
	require.Equal(t, want, string(l.Bytes()))
	require.Equal(t, len(want), l.Len())
}

func TestEachMethodAppends(t *testing.T) {
	var l Line
	says(t, "", &l)
	says(t, "cpu: 3 at 0xffffffff80200000", l.Str("cpu: ").Uint(3).Str(" at ").Addr(0xffffffff80200000))
	says(t, "", l.Reset())
	says(t, "a", l.Byte('a'))
	says(t, "a\xff\n", l.Byte(0xff).Byte('\n'))
	says(t, "a\xff\nbytes", l.Text([]byte("bytes")))
	says(t, "a\xff\nbytes", l.Str("").Text(nil).Printable("").HexDigits(7, 0).HexDigits(7, -1))
	says(t, "007", l.Reset().HexDigits(7, 3))
	says(t, "c0de", l.Reset().HexDigits(0xbadc0de, 4))
	says(t, "0000deadbeefdeadbeef", l.Reset().HexDigits(0xdeadbeefdeadbeef, 20))
}

func TestExtremeNumbersAreWhole(t *testing.T) {
	var l Line
	says(t, "0 18446744073709551615", l.Uint(0).Byte(' ').Uint(math.MaxUint64))
	says(t, "0 -1 9223372036854775807 -9223372036854775808",
		l.Reset().Int(0).Byte(' ').Int(-1).Byte(' ').Int(math.MaxInt).Byte(' ').Int(math.MinInt))
	says(t, "0x0 0xf 0x10 0xffffffffffffffff", l.Reset().Hex(0).Byte(' ').Hex(15).Byte(' ').Hex(16).Byte(' ').Hex(math.MaxUint64))
	says(t, "0x0000000000000000 0xffffffffffffffff", l.Reset().Addr(0).Byte(' ').Addr(math.MaxUint64))
	says(t, "0.00 0.99 1.00 184467440737095516.00", l.Reset().Hundredths(0, 1).Byte(' ').Hundredths(199, 200).Byte(' ').
		Hundredths(7, 7).Byte(' ').Hundredths(math.MaxUint64/100, 1))
	says(t, "0.00", l.Reset().Hundredths(math.MaxUint64/100, math.MaxUint64))
}

func TestRandomNumbersReadAsGosOwnLibraryWritesThem(t *testing.T) {
	var l Line
	seeds.Each(t, 20_000, func(r *rand.Rand) {
		v := r.Uint64() >> r.UintN(64) // every length alike
		says(t, strconv.FormatUint(v, 10), l.Reset().Uint(v))
		says(t, strconv.Itoa(int(v)), l.Reset().Int(int(v)))
		says(t, strconv.Itoa(-int(v)), l.Reset().Int(-int(v)))
		says(t, fmt.Sprintf("%#x", v), l.Reset().Hex(v))
		says(t, fmt.Sprintf("0x%016x", v), l.Reset().Addr(v))
		digits := 1 + r.IntN(16)
		says(t, fmt.Sprintf("%016x", v)[16-digits:], l.Reset().HexDigits(v, digits))
		n, d := v%(math.MaxUint64/100), 1+r.Uint64()>>r.UintN(64)
		says(t, fmt.Sprintf("%d.%02d", n/d, n%d*100/d), l.Reset().Hundredths(n, d))
	})
}

func TestPrintableLetsNothingThroughThatATerminalActsOn(t *testing.T) {
	var l Line
	for c := range 256 {
		want := "."
		if c >= 0x20 && c < 0x7f {
			want = string(rune(c))
		}
		says(t, want, l.Reset().Printable(string([]byte{byte(c)})))
	}
	says(t, "[.[2J]..", l.Reset().Byte('[').Printable("\x1b[2J").Byte(']').Printable("é"))
}

func TestALineIsCutAtMaxExactlyAndEndsInDots(t *testing.T) {
	var l Line
	whole := strings.Repeat("0123456789", Max/10+1)[:Max]
	says(t, whole[:Max-1], l.Str(whole[:Max-1]))
	says(t, whole, l.Byte(whole[Max-1])) // full, not cut
	says(t, whole, l.Str("").Text(nil).Printable(""))
	says(t, whole[:Max-3]+"...", l.Byte('x'))
	says(t, whole[:Max-3]+"...", l.Str("more").Uint(7).Addr(8))
	says(t, "new", l.Reset().Str("new"))
	says(t, whole, l.Reset().Str(whole)) // Reset forgot the cut too
	says(t, whole[:Max-3]+"...", l.Str("more"))
}

func TestWhatFitsStaysWhereverTheCutFalls(t *testing.T) {
	seeds.Each(t, 2000, func(r *rand.Rand) {
		var l Line
		var want strings.Builder
		for range 1 + r.IntN(120) {
			switch v := r.Uint64() >> r.UintN(64); r.IntN(4) {
			case 0:
				l.Int(int(v))
				want.WriteString(strconv.Itoa(int(v)))
			case 1:
				l.Hex(v)
				want.WriteString(fmt.Sprintf("%#x", v))
			case 2:
				l.Byte(byte(v))
				want.WriteByte(byte(v))
			case 3:
				s := strings.Repeat("s", int(v%20))
				l.Text([]byte(s))
				want.WriteString(s)
			}
		}
		w := want.String()
		if len(w) > Max {
			w = w[:Max-3] + "..."
		}
		says(t, w, &l)
	})
}

func TestBuildingALineNeedsNoHeap(t *testing.T) {
	var l Line
	require.Zero(t, testing.AllocsPerRun(100, func() {
		l.Reset().Str("a").Text(l.Bytes()).Printable("b").Uint(1).Int(-1).Hex(2).Addr(3).HexDigits(4, 5).Hundredths(6, 7)
	}))
}

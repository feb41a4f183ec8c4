package symtab

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// compressible makes bytes that repeat, near and far, in short and long runs.
func compressible(r *rand.Rand) []byte {
	b := make([]byte, 64+r.IntN(5000))
	for i := range b {
		b[i] = byte(r.IntN(8))
	}
	for range 1 + r.IntN(20) {
		from, to := r.IntN(len(b)), r.IntN(len(b))
		copy(b[to:], b[from:min(len(b), from+r.IntN(1000))])
	}
	clear(b[r.IntN(len(b)):])
	return b
}

func TestWhatIsPackedComesBack(t *testing.T) {
	smaller := 0
	seeds.Each(t, 500, func(r *rand.Rand) {
		want := compressible(r)
		packed, err := Pack(want)
		require.NoError(t, err)
		smaller += len(want) - len(packed)
		got, ok := Expand(make([]byte, len(want)+r.IntN(3)), packed)
		require.True(t, ok)
		require.True(t, bytes.Equal(want, got))
		_, ok = Expand(make([]byte, len(want)-1), packed)
		require.False(t, ok, "it does not fit")
	})
	require.Positive(t, smaller)
}

func TestTablesThatAreTooLargeAreNotPacked(t *testing.T) {
	_, err := Pack(make([]byte, MaxSize+1))
	require.ErrorContains(t, err, "raise MaxSize")
	packed, err := Pack(make([]byte, MaxSize))
	require.NoError(t, err)
	_, ok := Expand(make([]byte, MaxSize), packed)
	require.True(t, ok)
}

// TestDamageIsRefusedOrHarmless: nothing is read or written out of bounds; and what is cut off is noticed.
func TestDamageIsRefusedOrHarmless(t *testing.T) {
	refused := 0
	seeds.Each(t, 2000, func(r *rand.Rand) {
		want := compressible(r)
		packed, err := Pack(want)
		require.NoError(t, err)
		_, ok := Expand(make([]byte, len(want)), packed[:r.IntN(len(packed))])
		require.False(t, ok)
		for range 1 + r.IntN(4) {
			packed[r.IntN(len(packed))] = byte(r.Uint32())
		}
		if got, ok := Expand(make([]byte, len(want)), packed); !ok {
			refused++
		} else {
			require.LessOrEqual(t, len(got), len(want))
		}
	})
	require.NotZero(t, refused)
}

func FuzzExpand(f *testing.F) {
	packed, err := Pack(sample())
	require.NoError(f, err)
	f.Add(packed)
	f.Fuzz(func(t *testing.T, b []byte) { Expand(make([]byte, 4096), b) })
}

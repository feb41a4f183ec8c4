package paging

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/mm"
)

// TestTable_G6_Spots destroys tables whose pages lie in few places, which are known, and in many, which are not; some have lost
// their pages before, and been given others.
func TestTable_G6_Spots(t *testing.T) {
	known, unknown := 0, 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		m := newFakeMemory(100)
		s := newSpace(t, m, 1)
		mapped := 0
		for range 1 + r.IntN(2*maxSpots) {
			va := r.Uint64N(1<<47-1<<22)>>21<<21 + 1<<21
			size, perm := Small, Read
			if r.IntN(4) == 0 {
				size = Large
			}
			for range 1 + r.IntN(3) {
				at := va
				if size == Small {
					at += r.Uint64N(512) << mm.FrameShift
				}
				if s.Map(at, 512, size, perm) == nil {
					mapped++
				}
				if r.IntN(4) == 0 {
					var b Batch
					if _, err := s.Unmap(at, size, &b); err == nil {
						mapped--
					}
					b.release(&s.Table, nil)
				}
			}
		}
		if s.nspots <= maxSpots {
			known++
		} else {
			unknown++
		}
		found := 0
		fn := func(Mapping) { found++ }
		if r.IntN(2) == 0 {
			fn = nil
			found = mapped
		}
		calls := 0
		for done := false; !done; calls++ {
			require.Less(t, calls, 1<<12, "it goes on")
			done = s.Table.Destroy(1+r.IntN(700), fn)
		}
		require.Equal(t, mapped, found)
		require.Zero(t, m.out(), "frames that are not given back")
		require.Empty(t, m.wrong)
	})
	require.Greater(t, known, 20)
	require.Greater(t, unknown, 20)
}

package sync

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

func TestRef_LaterNamesTheSlotInAnotherLife(t *testing.T) {
	seeds.Each(t, 2000, func(r *rand.Rand) {
		old, i := Ref(r.Uint64()), r.Uint32N(MaxSlots)
		if r.IntN(4) == 0 {
			i = MaxSlots - 1
		}
		now := old.later(i)
		require.Equal(t, i, now.index())
		require.Zero(t, old.nobody().index())
		require.Equal(t, old, old.nobody()+Ref(old.index()))
		require.Equal(t, (uint64(old)>>indexBits+1)&(1<<40-1), uint64(now)>>indexBits)
	})
}

func TestRef_LivesComeRound(t *testing.T) {
	last := Ref(^uint64(0))
	require.EqualValues(t, MaxSlots-1, last.index())
	require.EqualValues(t, 5, last.later(5))
	require.Zero(t, Ref(0).index())
}

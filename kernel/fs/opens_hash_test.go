package fs

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// Keys that meet in one bucket under one hash do not under another: who does not know it cannot choose such.
func TestFS_Opens_G3_KeysThatMeet(t *testing.T) {
	seeds.Each(t, 20, func(r *rand.Rand) {
		var known, other Opens
		known.Init(nil, make([]uint32, 64), r.Uint64())
		other.Init(nil, make([]uint32, 64), r.Uint64())
		var met []uint64
		for len(met) < 256 {
			if key := OpenKey(r.Uint32(), r.Uint32()); known.find(key) == &known.heads[0] {
				met = append(met, key)
			}
		}
		buckets := map[*uint32]int{}
		for _, key := range met {
			buckets[other.find(key)]++
		}
		for _, n := range buckets {
			require.Less(t, n, 64, "of 256 keys, in 64 buckets")
		}
	})
}

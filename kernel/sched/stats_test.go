package sched

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/text"
)

func TestHistogram_QuantilesAreWrongByLessThanAFactorOf2(t *testing.T) {
	seeds.Each(t, 200, func(r *rand.Rand) {
		var (
			h, part Histogram
			values  []uint64
		)
		for range 1 + r.IntN(500) {
			v := r.Uint64() >> r.IntN(64)
			values = append(values, v)
			if r.IntN(2) == 0 {
				h.Add(v)
			} else {
				part.Add(v)
			}
		}
		h.Merge(&part)
		slices.Sort(values)
		require.EqualValues(t, len(values), h.Count())
		require.Equal(t, values[len(values)-1], h.Largest())
		for _, q := range [][2]uint64{{0, 1}, {1, 100}, {1, 2}, {9, 10}, {99, 100}, {999, 1000}, {1, 1}} {
			rank := max((uint64(len(values))*q[0]+q[1]-1)/q[1], 1)
			want, got := float64(max(values[rank-1], 1)), float64(max(h.Quantile(q[0], q[1]), 1))
			require.Less(t, max(want/got, got/want), 2.0, "%d of %d: %v, not %v", q[0], q[1], got, want)
		}
	})
}

func TestHistogram_Edges(t *testing.T) {
	var h Histogram
	require.Zero(t, h.Quantile(1, 2))
	h.Add(0)
	require.Zero(t, h.Quantile(1, 1))
	h.Add(math.MaxUint64)
	require.GreaterOrEqual(t, h.Quantile(1, 1), uint64(1)<<63)
	var l text.Line
	h.Print(&l)
	require.Equal(t, "n=2 p50=1 p99=9223372036854775808 p99.9=9223372036854775808 max=18446744073709551615", string(l.Bytes()))
	l.Reset()
	h.PrintBuckets(&l)
	require.Equal(t, "2^0:1 2^63:1", string(l.Bytes()))
}

func TestCounters_AddAndPrint(t *testing.T) {
	var a, b Counters
	a.Switches, a.Kicks, a.Steals[0], a.IdleNs = 1, 2, 3, 4
	b.Switches, b.Preemptions, b.Steals[2], b.FailedSteals, b.WakesHere, b.WakesAway = 10, 5, 6, 7, 8, 9
	a.Came, b.Came, a.Homeward, b.Homeward, a.Shorter, b.Shorter, a.Longer, b.Longer = 10, 20, 1, 2, 3, 4, 5, 6
	b.Latency.Add(100)
	a.Add(&b)
	require.EqualValues(t, 1, a.Latency.Count())
	var l text.Line
	a.Print(&l)
	require.Equal(t, "switches=11 preemptions=5 wakes-here=8 wakes-away=9 came=30 kicks=2 homeward=3 steals=3/0/6 failed-steals=7 "+
		"shorter=7 longer=11 idle-ns=4",
		string(l.Bytes()))
}

func TestJain_Index(t *testing.T) {
	require.InDelta(t, 1, Jain([]uint64{5, 5, 5}, nil), 1e-12)
	require.InDelta(t, 0.25, Jain([]uint64{0, 9, 0, 0}, nil), 1e-12)
	require.InDelta(t, 0.9, Jain([]uint64{1, 2}, nil), 1e-12)
	require.InDelta(t, 1, Jain([]uint64{3, 6, 3072}, []uint32{1, 2, 1024}), 1e-12)
	require.InDelta(t, 1, Jain(nil, nil), 0, "nobody is treated unfairly")
	require.InDelta(t, 1, Jain([]uint64{0, 0}, nil), 0)
}

package sync

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/sync/atom"
)

func newRing(n int) *Ring { return newRingFor(n, n) }

func newRingFor(n, users int) *Ring {
	r := new(Ring)
	r.Init(make([]atom.Uint64, RingWords(n)), users)
	return r
}

func TestRing_G3_G4_G5_AgainstAModel(t *testing.T) {
	empties, fulls := 0, 0
	seeds.Each(t, 120, func(r *rand.Rand) {
		n := 1 << r.IntN(7)
		ring := newRing(n)
		puts := 2 + r.IntN(7)
		var want []uint64
		for range 1000 {
			if r.IntN(10) < puts {
				v := r.Uint64()
				if r.IntN(4) == 0 {
					v = values[r.IntN(len(values))]
				}
				ok := ring.Enqueue(v)
				require.Equal(t, len(want) < n, ok)
				if ok {
					want = append(want, v)
				} else {
					fulls++
				}
				continue
			}
			got, ok := ring.Dequeue()
			require.Equal(t, len(want) > 0, ok)
			if ok {
				require.Equal(t, want[0], got)
				want = want[1:]
			} else {
				empties++
			}
		}
	})
	require.Positive(t, empties)
	require.Positive(t, fulls)
}

func TestRing_G4_EmptyFromTheBeginningAndForLong(t *testing.T) {
	for n := 1; n <= 64; n *= 2 {
		r := newRing(n)
		for range 3 {
			for range 20 * n { // more often than threshold, and than there are entries
				_, ok := r.Dequeue()
				require.False(t, ok)
			}
			for i := range n {
				require.True(t, r.Enqueue(uint64(i)))
			}
			for range 20 * n {
				require.False(t, r.Enqueue(0))
			}
			for i := range n {
				v, ok := r.Dequeue()
				require.True(t, ok)
				require.EqualValues(t, i, v)
			}
		}
	}
}

// stalledTake does what take does on an empty ring until before it lowers threshold: there an interrupt comes.
func (r *indexRing) stalledTake(t *testing.T) {
	require.GreaterOrEqual(t, r.threshold.Load(), int64(0))
	h := r.head.Add(1) - 1
	e := &r.entries[h&r.mask]
	x := e.Load()
	require.Less(t, r.cycleOf(x), r.cycle(h))
	require.Equal(t, r.mask, x&r.mask)
	e.Store(r.cycle(h) | x&r.safe() | r.mask)
	tail := r.tail.Load()
	require.LessOrEqual(t, tail, h+1)
	r.catchUp(tail, h+1)
}

// All users but one have found nothing, and have yet to say so when an element comes: they may
// not make the next one think that there is none.
func TestRing_G4_SlowDequeuersDoNotHideAnElement(t *testing.T) {
	for n := 1; n <= 64; n *= 2 {
		for _, users := range []int{1, 2, n, 3*n + 1, 128} {
			r := newRingFor(n, users)
			require.True(t, r.Enqueue(5))
			_, ok := r.Dequeue()
			require.True(t, ok)
			for range users - 1 { // all but the one that dequeues below
				r.full.stalledTake(t)
			}
			require.True(t, r.Enqueue(7))
			r.full.threshold.Add(-int64(users - 1)) // they go on
			v, ok := r.Dequeue()
			require.True(t, ok, "n=%d users=%d", n, users)
			require.EqualValues(t, 7, v)
		}
	}
}

// An entry whose number a slow dequeuer has yet to take is passed by the dequeuer of the next cycle, who marks it unsafe:
// the enqueuer of that cycle, if it comes when the number has gone, must not put where nobody will look any more.
func TestRing_G1_G4_NothingIsPutWhereItsDequeuerHasPassed(t *testing.T) {
	r := newRing(1)
	q := &r.full
	require.True(t, r.Enqueue(5))
	h := q.head.Add(1) - 1 // a dequeuer that is interrupted here
	for range 2 {          // to the same entry in the next cycle
		_, ok := r.Dequeue()
		require.False(t, ok)
	}
	require.Equal(t, h+3, q.head.Load())
	slow := &q.entries[h&q.mask]
	i := slow.Load() & q.mask // and goes on
	slow.Or(q.mask)
	r.free.put(i)
	q.tail.Store(h + 2) // an enqueuer that had drawn that position before the dequeuers moved tail on
	require.True(t, r.Enqueue(7))
	v, ok := r.Dequeue()
	require.True(t, ok, "the element was put where its dequeuer has passed")
	require.EqualValues(t, 7, v)
}

func TestRing_RefusesMemoryOfNoRing(t *testing.T) {
	for _, words := range []int{0, 4, 6, 9, 15, 25, 11} {
		require.Panics(t, func() { new(Ring).Init(make([]atom.Uint64, words), 1) }, words)
	}
}

// Positions are counted in 64 bits of which entries keep one less: up to there a ring works.
func TestRing_G3_LargePositions(t *testing.T) {
	for _, n := range []int{1, 4, 32} {
		ring := newRing(n)
		for _, x := range []*indexRing{&ring.free, &ring.full} {
			const far = 1<<62 - 1<<20 // as if that had been done: a multiple of the ring's size further on
			x.head.Add(far)
			x.tail.Add(far)
			for i := range x.entries {
				x.entries[i].Add(far << 1)
			}
		}
		for range 10 {
			for i := range n {
				require.True(t, ring.Enqueue(uint64(i)))
			}
			require.False(t, ring.Enqueue(0))
			for i := range n {
				v, ok := ring.Dequeue()
				require.True(t, ok)
				require.EqualValues(t, i, v)
			}
			_, ok := ring.Dequeue()
			require.False(t, ok)
		}
	}
}

func TestRing_G1_G2_G3_Letters(t *testing.T) {
	manyThreads(t)
	for _, n := range []int{4, 16, 256} {
		r := newRing(n)
		deliver(t, 2, 2, 5000, true,
			func(_ int, v uint64) bool { return r.Enqueue(v) }, func(int) (uint64, bool) { return r.Dequeue() })
		for i := range n { // no data word got lost
			require.True(t, r.Enqueue(uint64(i)))
		}
		require.False(t, r.Enqueue(0))
	}
}

package sync

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

func TestQueue_G3_G4_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	empties, fulls := 0, 0
	seeds.Each(t, 120, func(r *rand.Rand) {
		// Queues and a stack over the same slots.
		const queues = 3
		slots, cpus := 6+r.IntN(60), 1+r.IntN(3)
		var (
			pool   Pool
			q      [queues]Queue
			want   [queues][]uint64
			s      Stack
			pushed []uint64
		)
		pool.Init(make([]Link, slots), make([]PoolCPU, cpus))
		memory := make([]Slot, slots)
		for i := range memory { // in any life, some in their last
			memory[i].next.Store(r.Uint64() &^ indexMask)
			if r.IntN(2) == 0 {
				memory[i].next.Store(^uint64(indexMask))
			}
		}
		for i := range q {
			require.True(t, q[i].Init(0, memory, &pool))
		}
		s.Init(memory, &pool)
		used := queues
		for range 600 {
			cpu, i, v := r.IntN(cpus), r.IntN(queues), r.Uint64()
			if r.IntN(4) == 0 {
				v = values[r.IntN(len(values))]
			}
			switch r.IntN(4) {
			case 0:
				if ok := q[i].Enqueue(cpu, v); ok {
					want[i] = append(want[i], v)
					used++
				} else {
					require.LessOrEqual(t, slots-1-used, (2*int(pool.batch)-1)*(cpus-1))
					fulls++
				}
			case 1:
				got, ok := q[i].Dequeue(cpu)
				require.Equal(t, len(want[i]) > 0, ok)
				if ok {
					require.Equal(t, want[i][0], got)
					want[i] = want[i][1:]
					used--
				} else {
					require.Zero(t, got)
					empties++
				}
			case 2:
				if s.Push(cpu, v) {
					pushed = append(pushed, v)
					used++
				}
			case 3:
				got, ok := s.Pop(cpu)
				require.Equal(t, len(pushed) > 0, ok)
				if ok {
					require.Equal(t, pushed[len(pushed)-1], got)
					pushed = pushed[:len(pushed)-1]
					used--
				}
			}
			require.Equal(t, len(want[i]) == 0, q[i].Empty())
			require.Equal(t, len(pushed) == 0, s.Empty())
		}
		require.Equal(t, slots-1-used, pool.Free())
		for i := range q {
			if len(want[i]) > 0 {
				require.Panics(t, func() { q[i].Close(0) })
			}
			for _, v := range want[i] {
				got, ok := q[i].Dequeue(0)
				require.True(t, ok)
				require.Equal(t, v, got)
			}
			q[i].Close(0)
		}
		for range pushed {
			s.Pop(0)
		}
		require.Equal(t, slots-1, pool.Free())
	})
	require.Positive(t, empties)
	require.Positive(t, fulls)
}

func TestQueue_InitNeedsASlotAndTheRightPool(t *testing.T) {
	p := newPool(2, 1)
	var a, b Queue
	memory := make([]Slot, 2)
	require.True(t, a.Init(0, memory, p))
	require.False(t, b.Init(0, memory, p))
	require.False(t, a.Enqueue(0, 1), "the dummy has the only slot")
	a.Close(0)
	require.True(t, b.Init(0, memory, p))
	require.Panics(t, func() { a.Init(0, make([]Slot, 3), p) })
	require.Panics(t, func() { new(Stack).Init(make([]Slot, 3), p) })
}

// A letter is what producers hand to consumers: plain words, so that the race detector watches.
type letter struct{ from, number int }

// deliver has producers put letters, by their number, and consumers take them; each letter must come once (G1), with what
// its producer wrote (G2), and those of one producer in order if inOrder (G3).
func deliver(t *testing.T, producers, consumers, each int, inOrder bool,
	put func(cpu int, v uint64) bool, take func(cpu int) (uint64, bool),
) {
	t.Helper()
	letters := make([]letter, producers*each)
	came := make([]int, len(letters)) // plain too: written by whoever takes the letter
	var left atomic.Int64
	left.Store(int64(len(letters)))
	inParallel(producers+consumers, func(w int) {
		if w < producers {
			for n := range each {
				v := w*each + n
				letters[v] = letter{w, n}
				for !put(w, uint64(v)) {
					runtime.Gosched()
				}
			}
			return
		}
		last := slices.Repeat([]int{-1}, producers)
		for left.Load() > 0 {
			v, ok := take(w)
			if !ok {
				runtime.Gosched()
				continue
			}
			l := letters[v]
			came[v]++
			if l.from*each+l.number != int(v) {
				t.Errorf("letter %d came with %+v", v, l)
			}
			if inOrder && l.number <= last[l.from] {
				t.Errorf("producer %d: letter %d after %d", l.from, l.number, last[l.from])
			}
			last[l.from] = l.number
			left.Add(-1)
		}
	})
	for v, n := range came {
		if n != 1 {
			t.Fatalf("letter %d came %d times", v, n)
		}
	}
}

func TestQueue_G1_G2_G3_Letters(t *testing.T) {
	manyThreads(t)
	for _, slots := range []int{12, 40, 1000} { // the fewer, the sooner each is used again
		var q Queue
		p := newPool(slots, 4)
		require.True(t, q.Init(0, make([]Slot, slots), p))
		deliver(t, 2, 2, 5000, true, q.Enqueue, q.Dequeue)
		require.Equal(t, slots-2, p.Free())
	}
}

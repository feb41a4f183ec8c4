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
	"exo/kernel/sync/atom"
)

// dequeHost is a deque of CPU 0, with all that it needs. What comes back from it is filled with poison.
type dequeHost struct {
	*rcuHost
	Deque
	largest    int // buffers are no larger
	given, put int64
}

const poison = 0xdeadbeefdeadbeef

func newDequeHost(cpus, smallest, largest int) *dequeHost {
	h := &dequeHost{rcuHost: newRCUHost(cpus, 0), largest: largest}
	if !h.Deque.Init(smallest, h, &h.rcuHost.RCU) {
		panic("no first buffer")
	}
	return h
}

func (h *dequeHost) Get(elements int) *Buffer {
	if elements > h.largest {
		return nil
	}
	h.given++
	return &Buffer{Elements: make([]atom.Uint64, elements)}
}

func (h *dequeHost) Put(b *Buffer) {
	h.put++
	for i := range b.Elements {
		b.Elements[i].Store(poison)
	}
}

// steal is Steal in a section of that CPU's.
func (h *dequeHost) steal(cpu int) result {
	h.contexts[cpu].ReadLock()
	v, how := h.Steal()
	h.contexts[cpu].ReadUnlock()
	return result{value: v, ok: how == Taken, lost: how == Lost}
}

// quiesce is what a CPU does between operations.
func (h *dequeHost) quiesce(cpu int) {
	h.Quiescent(cpu)
	h.Advance(cpu, 2)
}

// close closes the deque, and demands that all buffers come back.
func (h *dequeHost) close(t *testing.T) {
	t.Helper()
	h.Close(0)
	h.settle()
	require.Positive(t, h.given)
	require.Equal(t, h.given, h.put)
}

func TestDeque_G3_G4_AgainstAModel(t *testing.T) {
	empties, fulls, grown := 0, 0, 0
	seeds.Each(t, 150, func(r *rand.Rand) {
		h := newDequeHost(1, 1<<r.IntN(4), 1<<(3+r.IntN(6)))
		start := int64(0)
		if r.IntN(2) == 0 { // indices are 64 bits wide
			start = 1<<62 + int64(r.IntN(64))
			h.top.Store(start)
			h.bottom.Store(start)
			h.end = start
			h.limit += start
		}
		puts := 2 + r.IntN(7)
		var want []uint64
		for range 600 {
			if r.IntN(10) < puts {
				v := r.Uint64()
				if r.IntN(4) == 0 {
					v = values[r.IntN(len(values))]
				}
				ok := h.Push(0, v)
				require.Equal(t, len(want) < h.largest, ok)
				if ok {
					want = append(want, v)
				} else {
					fulls++
				}
			} else if r.IntN(2) == 0 {
				v, ok := h.Pop()
				require.Equal(t, len(want) > 0, ok)
				if ok {
					require.Equal(t, want[len(want)-1], v)
					want = want[:len(want)-1]
				} else {
					require.Zero(t, v)
					empties++
				}
			} else {
				answer := h.steal(0)
				require.False(t, answer.lost)
				require.Equal(t, len(want) > 0, answer.ok)
				if answer.ok {
					require.Equal(t, want[0], answer.value)
					want = want[1:]
				}
			}
			require.Equal(t, len(want), h.Len())
			h.quiesce(0)
		}
		grown += int(h.given) - 1
		h.close(t)
	})
	require.Positive(t, empties)
	require.Positive(t, fulls)
	require.Positive(t, grown)
}

// The paper's Pop lets bottom fall below top for a moment: with indices that have no sign, a Pop on a fresh deque would
// leave an almost endless one.
func TestDeque_G4_PopOnAFreshDeque(t *testing.T) {
	h := newDequeHost(1, 2, 16)
	for range 1000 {
		_, ok := h.Pop()
		require.False(t, ok)
		_, how := h.Steal()
		require.Equal(t, Empty, how)
		require.Zero(t, h.Len())
	}
	for i := range 16 {
		require.True(t, h.Push(0, uint64(i)))
	}
	require.False(t, h.Push(0, 16))
	for i := range 16 {
		v, how := h.Steal()
		require.Equal(t, Taken, how)
		require.EqualValues(t, i, v)
	}
	_, ok := h.Pop()
	require.False(t, ok)
}

func TestDeque_G3_GrowsByDoubling(t *testing.T) {
	tsan.Alone(t)
	const most = 1 << 20
	h := newDequeHost(1, 1, most)
	for i := range most {
		if !h.Push(0, uint64(i)) {
			t.Fatalf("no room for element %d", i)
		}
		if i&(i-1) == 0 {
			h.quiesce(0)
			h.quiesce(0)
		}
	}
	require.False(t, h.Push(0, most))
	require.EqualValues(t, 21, h.given)
	require.EqualValues(t, 20, h.put)
	require.Equal(t, most, h.Len())
	for i := range uint64(most / 2) {
		oldest, how := h.Steal()
		newest, ok := h.Pop()
		if how != Taken || !ok || oldest != i || newest != most-1-i {
			t.Fatalf("element %d: stole %d (%d), popped %d (%v)", i, oldest, how, newest, ok)
		}
	}
	_, ok := h.Pop()
	require.False(t, ok)
	h.close(t)
}

func TestDeque_InitAndGrowthWithoutBuffers(t *testing.T) {
	h := newDequeHost(1, 4, 4)
	var d Deque
	require.False(t, d.Init(8, h, &h.rcuHost.RCU))
	require.Panics(t, func() { d.Init(3, h, &h.rcuHost.RCU) })
	for range 3 {
		for i := range 4 {
			require.True(t, h.Push(0, uint64(i)))
		}
		require.False(t, h.Push(0, 4))
		for i := range 4 {
			v, how := h.Steal()
			require.Equal(t, Taken, how)
			require.EqualValues(t, i, v)
		}
	}
}

func TestDeque_G5_ABufferStaysWhileAThiefCanLookAtIt(t *testing.T) {
	h := newDequeHost(2, 2, 16)
	first := h.buffer.Load()
	require.True(t, h.Push(0, 7))
	require.True(t, h.Push(0, 8))
	h.contexts[1].ReadLock() // a thief that has got as far as to the buffer
	require.True(t, h.Push(0, 9))
	require.NotSame(t, first, h.buffer.Load())
	for range 10 {
		h.tick(0)
		h.tick(1) // finds the thief in its section
		require.Zero(t, h.put)
	}
	require.EqualValues(t, 7, first.at(0).Load())
	h.contexts[1].ReadUnlock()
	h.settle()
	require.EqualValues(t, 1, h.put)
	require.EqualValues(t, uint64(poison), first.at(0).Load())
	for _, want := range []uint64{7, 8, 9} {
		v, how := h.Steal()
		require.Equal(t, Taken, how)
		require.Equal(t, want, v)
	}
	h.close(t)
}

// One owner, thieves, plain words as elements: each comes once, with what the owner wrote.
func TestDeque_G1_G2_OwnerAgainstThieves(t *testing.T) {
	manyThreads(t)
	const workers = 4
	var popped, stolen, lost, grown int64
	for round := range 12 {
		const elements = 4000
		h := newDequeHost(workers, 2, 2<<(round%4*3))
		content := make([]int, elements) // plain
		came := make([]int, elements)
		var (
			left        atomic.Int64
			took, loses [workers]int64
		)
		left.Store(elements)
		got := func(w int, v uint64) {
			if v >= elements {
				t.Errorf("round %d: %#x is no element", round, v)
				return
			}
			if content[v] != int(v)+1 {
				t.Errorf("element %d came with %d", v, content[v])
			}
			came[v]++
			took[w]++
			left.Add(-1)
		}
		inParallel(workers, func(w int) {
			r := rand.New(rand.NewPCG(uint64(round), uint64(w)))
			defer h.IdleEnter(w)
			if w > 0 {
				for left.Load() > 0 {
					switch answer := h.steal(w); {
					case answer.ok:
						got(w, answer.value)
					case answer.lost:
						loses[w]++
					default:
						runtime.Gosched()
					}
					h.quiesce(w)
				}
				return
			}
			for next := 0; left.Load() > 0; h.quiesce(0) {
				for range r.IntN(6) {
					if next < elements {
						content[next] = next + 1
						if h.Push(0, uint64(next)) {
							next++
						}
					}
				}
				for range r.IntN(6) {
					if v, ok := h.Pop(); ok {
						got(0, v)
					}
				}
				sometimes(r)
			}
		})
		for v, n := range came {
			require.Equal(t, 1, n, "element %d", v)
		}
		popped += took[0]
		for w := 1; w < workers; w++ {
			stolen += took[w]
			lost += loses[w]
		}
		grown += h.given - 1
		for w := range workers {
			h.IdleExit(w)
		}
		h.close(t)
	}
	t.Logf("popped %d, stolen %d, lost %d, grown %d", popped, stolen, lost, grown)
	for _, n := range []int64{popped, stolen, grown} {
		require.Positive(t, n)
	}
}

// The order in which elements were pushed is that in which one thief gets them.
func TestDeque_G3_OneThiefSeesTheirOrder(t *testing.T) {
	manyThreads(t)
	h := newDequeHost(2, 2, 1<<12)
	const elements = 4000
	var got []uint64
	inParallel(2, func(w int) {
		for i := 0; w == 0 && i < elements; h.quiesce(0) {
			if h.Push(0, uint64(i)) {
				i++
			}
		}
		for w == 1 && len(got) < elements {
			if answer := h.steal(1); answer.ok {
				got = append(got, answer.value)
			}
			h.quiesce(1)
		}
		h.IdleEnter(w)
	})
	require.True(t, slices.IsSorted(got))
	require.Len(t, slices.Compact(got), elements)
	h.IdleExit(0)
	h.IdleExit(1)
	h.close(t)
}

package sync

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// That a stack is one, alone and beside queues on the same slots, is part of TestQueue_G3_G4_AgainstAModel.

func TestStack_G1_G2_Letters(t *testing.T) {
	manyThreads(t)
	for _, slots := range []int{12, 40, 1000} {
		var s Stack
		p := newPool(slots, 4)
		s.Init(make([]Slot, slots), p)
		deliver(t, 2, 2, 5000, false, s.Push, s.Pop)
		require.Equal(t, slots-1, p.Free())
	}
}

// Everybody pushes and pops on a few slots, so that a slot is on top again and again: what ABA needs.
func TestStack_G1_TheSameSlotAgainAndAgain(t *testing.T) {
	manyThreads(t)
	const workers, slots = 4, 12
	var s Stack
	p := newPool(slots, workers)
	s.Init(make([]Slot, slots), p)
	held := make([]int, slots) // plain: which elements are nobody's
	var elements [slots]bool
	for v := uint64(1); v < 4; v++ {
		require.True(t, s.Push(0, v))
		elements[v] = true
	}
	taken := make([]int, workers)
	inParallel(workers, func(w int) {
		for range 5000 {
			v, ok := s.Pop(w)
			if !ok {
				runtime.Gosched()
				continue
			}
			taken[w]++
			if held[v]++; held[v] != 1 {
				t.Errorf("element %d was popped twice", v)
			}
			held[v]--
			for !s.Push(w, v) {
			}
		}
	})
	for range 3 {
		v, ok := s.Pop(0)
		require.True(t, ok)
		require.True(t, elements[v])
		elements[v] = false
	}
	require.True(t, s.Empty())
	require.Equal(t, slots-1, p.Free())
	all := 0 // one worker alone may find nothing all the time, while others are stopped with what they took
	for _, n := range taken {
		all += n
	}
	require.Positive(t, all)
}

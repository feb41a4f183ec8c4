package sched

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever is yielded to runs next, for what is left of the quantum; the others keep their order, and who yielded comes last.
func TestYieldTo_G1_RunsNext(t *testing.T) {
	for which := range 3 {
		h := still(t, 1, nil)
		c := &h.cores[0]
		first := h.ready(t, Start{})
		c.come(first, h.NowNs())
		require.Equal(t, first, c.switchTo(Parks))
		var wait []*Task
		for range 3 {
			wait = append(wait, h.ready(t, Start{}))
			c.come(wait[len(wait)-1], h.NowNs())
		}
		until := c.until
		prev, next, ok := c.YieldTo(wait[which].ID(), c.since+1)
		require.True(t, ok)
		require.Equal(t, first, prev)
		require.Equal(t, wait[which], next)
		require.Equal(t, next, c.Current())
		require.Equal(t, Running, word(next.word.Load()).state())
		require.Equal(t, until, c.until, "no more than what was left")
		require.EqualValues(t, 1, first.ran-0, "time is accounted")
		c.Return(prev, Yields)
		want := append(append([]*Task{}, wait[:which]...), wait[which+1:]...)
		for _, w := range append(want, first) {
			require.Equal(t, w, c.shared.take())
		}
		require.Zero(t, c.shared.len())
	}
}

// What cannot be yielded to: nothing happens.
func TestYieldTo_RefusesAndChangesNothing(t *testing.T) {
	h := still(t, 2, nil)
	c := &h.cores[0]
	first, other := h.ready(t, Start{}), h.ready(t, Start{})
	c.come(first, h.NowNs())
	require.Equal(t, first, c.switchTo(Parks))
	c.come(other, h.NowNs())
	refused := func(id ID, now uint64, why string) {
		t.Helper()
		turn, n, ran := other.turn.Load(), c.shared.len(), first.ran
		_, _, ok := c.YieldTo(id, now)
		require.False(t, ok, why)
		require.Equal(t, first, c.Current(), why)
		require.Equal(t, []any{turn, n, ran}, []any{other.turn.Load(), c.shared.len(), first.ran}, why)
	}
	now := c.since + 1
	refused(0, now, "nobody")
	refused(first.ID(), now, "itself")
	refused(other.ID()+1<<indexBits, now, "another life")
	refused(other.ID(), c.until, "nothing is left")
	away, batch, real := h.ready(t, Start{}), h.ready(t, Start{Class: Batch}), h.ready(t, Start{Class: RealTime, Reservation: reserved})
	h.cores[1].come(away, now)
	refused(away.ID(), now, "on another CPU")
	c.come(batch, now)
	refused(batch.ID(), now, "not a fair one")
	_, next, ok := c.YieldTo(other.ID(), now)
	require.True(t, ok)
	c.Return(first, Yields)
	first, other = next, first
	require.True(t, h.Wake(0, real.ID(), false))
	c.come(real, now)
	refused(other.ID(), now, "a real-time task comes first")
	for c.shared.len() <= directedMost {
		c.queue(h.ready(t, Start{}))
	}
	c.rt.pop()
	refused(other.ID(), now, "too many wait")
}

// A task that ends passes on to who waits for it, if nothing else is ready.
func TestPassToJoiner_OnlyIfItWouldBeNext(t *testing.T) {
	for _, others := range []bool{false, true} {
		h := still(t, 1, nil)
		c := &h.cores[0]
		joins, ends := h.ready(t, Start{}), h.ready(t, Start{})
		c.come(joins, h.NowNs())
		require.Equal(t, joins, c.switchTo(Parks))
		c.come(ends, h.NowNs())
		_, done, err := h.Joined(0, ends.ID(), joins.ID())
		require.NoError(t, err)
		require.False(t, done)
		require.Equal(t, ends, c.switchTo(Parks))
		if others {
			c.come(h.ready(t, Start{}), h.NowNs())
		}
		ends.SetResult(7)
		prev, next, ok := c.PassToJoiner(c.since + 5)
		require.Equal(t, !others, ok)
		if others {
			require.Equal(t, ends, c.Current())
			continue
		}
		require.Equal(t, ends, prev)
		require.Equal(t, joins, next)
		_, done, err = h.Joined(0, ends.ID(), joins.ID())
		require.NoError(t, err)
		require.False(t, done, "its stack has not been left")
		c.Return(prev, Exits)
		result, done, err := h.Joined(0, ends.ID(), joins.ID())
		require.NoError(t, err)
		require.True(t, done)
		require.EqualValues(t, 7, result)
	}
}

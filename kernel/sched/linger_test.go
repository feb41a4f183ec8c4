package sched

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A task whose quantum is over goes on for what it is given, once in a quantum; then the next one runs.
func TestLinger_G1_G2_OnceInAQuantum(t *testing.T) {
	h := still(t, 1, nil)
	c := &h.cores[0]
	a, b := h.ready(t, Start{}), h.ready(t, Start{})
	c.come(a, h.NowNs())
	require.Same(t, a, c.switchTo(Parks))
	require.Zero(t, c.Lingers())
	now := c.until
	require.False(t, c.Linger(now, 1000), "nobody waits")
	c.come(b, now)
	require.Same(t, a, c.Pick(now-1, Preempted), "whose turn it still is")
	require.False(t, c.Linger(now-1, 1000), "its quantum is not over")
	seen := 0
	for range 20 {
		now = c.until
		one, quanta := c.Current(), c.Current().Usage()
		require.False(t, c.Linger(now-1, 1000), "its quantum is not over")
		require.True(t, c.Linger(now, 1000))
		require.Equal(t, now+1000, c.NextEvent())
		require.Equal(t, now+1000, c.Lingers())
		require.True(t, c.Tick(now+1000))
		require.False(t, c.Linger(now+1000, 1000), "it has had that")
		require.Equal(t, quanta, one.Usage())
		ran, since := one.ran, c.since
		next := c.Pick(now+1000, Preempted)
		require.Equal(t, now+1000-since, one.ran-ran, "it has paid for it")
		require.Zero(t, c.Lingers(), "another quantum")
		if next != one {
			c.Finish(one, Preempted, now+1000)
			seen++
		}
	}
	require.Greater(t, seen, 5)
}

// Nobody lingers where something comes first.
func TestLinger_Refuses(t *testing.T) {
	h := still(t, 1, nil)
	c := &h.cores[0]
	require.False(t, c.Linger(h.NowNs(), 1000), "nobody runs")
	a, b := h.ready(t, Start{}), h.ready(t, Start{})
	real := h.ready(t, Start{Class: RealTime, Reservation: reserved})
	c.come(a, h.NowNs())
	require.Same(t, a, c.switchTo(Parks))
	c.come(b, h.NowNs())
	now := c.until
	c.Pick(now-1, Preempted) // b is in the ring
	c.event, now = c.until, c.until
	require.False(t, c.Linger(now, 1000), "a timer comes at the same moment")
	c.event = ^uint64(0)
	c.urgent.Store(1)
	require.False(t, c.Linger(now, 1000), "who was lent urgency")
	c.urgent.Store(0)
	require.True(t, h.Wake(0, b.ID(), false))
	c.come(real, now)
	require.False(t, c.Linger(now, 1000), "a reservation")
	c.rt.pop()
	c.inbox.newest.Store(nil)
	require.True(t, c.Linger(now, 1000), "none of these")
}

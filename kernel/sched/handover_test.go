package sched

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// runsAndWaits makes two tasks on CPU 0: a runs, and b is blocked.
func runsAndWaits(t *testing.T, h *host) (a, b *Task) {
	c := &h.cores[0]
	a, b = h.ready(t, Start{}), h.ready(t, Start{})
	c.come(b, h.NowNs())
	require.Equal(t, b, c.switchTo(Parks))
	c.come(a, h.NowNs())
	require.Equal(t, a, c.switchTo(Parks))
	return a, b
}

// Who is handed over to runs for what is left of the quantum, and what each has run for is its own.
func TestHandOver_G1_RunsNext(t *testing.T) {
	h := still(t, 1, nil)
	c := &h.cores[0]
	a, b := runsAndWaits(t, h)
	until := c.until
	for i := range uint64(3) {
		start := c.since
		prev := c.HandOver(b, b.Word(), start+1000+i)
		require.Equal(t, a, prev)
		require.Equal(t, b, c.Current())
		require.Equal(t, []State{Running, Running}, []State{a.State(), b.State()}, "its stack has not been left")
		c.Return(prev, Parks)
		require.Equal(t, Blocked, a.State())
		require.Equal(t, until, c.until)
		require.Equal(t, start+1000+i, c.since)
		a, b = b, a
	}
	// A wake-up that comes before its stack is left.
	prev := c.HandOver(b, b.Word(), c.since+1)
	require.NotNil(t, prev)
	h.Wake(0, prev.ID(), false)
	c.Return(prev, Parks)
	require.Equal(t, Ready, prev.State())
}

func TestHandOver_RefusesAndChangesNothing(t *testing.T) {
	h := still(t, 2, nil)
	c := &h.cores[0]
	pinned := h.ready(t, Start{Affinity: 2})
	h.cores[1].come(pinned, h.NowNs())
	require.Equal(t, pinned, h.cores[1].switchTo(Parks))
	require.Nil(t, h.cores[1].switchTo(Parks))
	a, b := runsAndWaits(t, h)
	refused := func(u *Task, now uint64, why string) {
		t.Helper()
		w, ran := u.word.Load(), a.ran
		require.Nil(t, c.HandOver(u, u.Word(), now), why)
		require.Equal(t, []any{a, w, ran}, []any{c.Current(), u.word.Load(), a.ran}, why)
	}
	now := c.since + 1
	refused(a, now, "itself")
	refused(pinned, now, "it may not run here")
	refused(b, c.until, "nothing is left")
	c.urgent.Store(1)
	refused(b, now, "somebody's priority has changed")
	c.urgent.Store(0)
	other := h.ready(t, Start{})
	c.inbox.put(other)
	refused(b, now, "a message has come")
	c.attend(now)
	real := h.ready(t, Start{Class: RealTime, Reservation: reserved})
	c.come(real, now)
	refused(b, now, "a real-time task waits")
	c.rt.pop()
	b.Context.Reset(Urgent)
	refused(b, now, "it is urgent: it has what a real-time task waits for")
	b.Context.Reset(0)
	h.Wake(0, b.ID(), false)
	refused(b, now, "it is ready")
}

// Who has run since its word was read may wait for something else.
func TestHandOver_G2_NotToWhoHasRunSince(t *testing.T) {
	h := still(t, 1, nil)
	c := &h.cores[0]
	a, b := runsAndWaits(t, h)
	w := b.Word()
	h.Wake(0, b.ID(), false)
	require.Equal(t, b, c.switchTo(Yields))
	require.Equal(t, a, c.switchTo(Parks))
	require.Equal(t, Blocked, b.State())
	require.Nil(t, c.HandOver(b, w, c.since+1))
	require.NotNil(t, c.HandOver(b, b.Word(), c.since+1))
}

// Pairs hand over to each other on all CPUs, while others wake them for nothing: no task sleeps on.
func TestHandOver_G2_ManyAtOnce(t *testing.T) {
	const pairs, rounds = 3, 300
	h := newHost(t, 3, 32, rand.New(rand.NewPCG(1, 2)), nil)
	var ids [2 * pairs]atomic.Uint64
	var turn [pairs]atomic.Int64
	var handed, left atomic.Int64
	left.Store(2 * pairs)
	h.run(t, &Start{}, func(first *hostTask) uint64 {
		for i := range 2 * pairs {
			id := h.spawn(first.on, &Start{Detached: true}, func(me *hostTask) uint64 {
				defer left.Add(-1)
				pair, side := i/2, int64(i%2)
				for ids[i^1].Load() == 0 {
					me.yield()
				}
				other := ID(ids[i^1].Load())
				for {
					n := turn[pair].Load()
					if n >= rounds {
						h.Wake(me.on.id, other, false)
						return 0
					}
					if n%2 != side {
						me.Park()
						continue
					}
					turn[pair].Store(n + 1)
					next := h.find(other)
					if me.on.HandOver(next, next.Word(), h.NowNs()) != nil {
						handed.Add(1)
						me.passTo(next, Parks)
					} else {
						h.Wake(me.on.id, other, false)
						me.Park()
					}
					me.point()
				}
			}, rand.New(rand.NewPCG(uint64(i), 3)))
			ids[i].Store(uint64(id))
		}
		for left.Load() != 0 {
			first.wake(ID(ids[first.random.IntN(2*pairs)].Load()))
			first.yield()
			first.point()
		}
		return 0
	})
	require.Positive(t, handed.Load(), "HandOver was never the way")
}

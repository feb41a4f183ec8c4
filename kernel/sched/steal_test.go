package sched

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// still is a machine whose CPUs do only what a test has them do.
func still(t *testing.T, cpus int, distance func(a, b int) int) *host {
	return newHost(t, cpus, 256, rand.New(rand.NewPCG(1, 1)), distance)
}

// ready makes a task that is ready and in no queue.
func (h *host) ready(t *testing.T, a Start) *Task {
	t.Helper()
	id, slot, err := h.New(0, &a)
	require.NoError(t, err)
	task := &h.tasks[slot]
	task.id.Store(uint64(id))
	task.becomeReadySlowly()
	return task
}

// load has n tasks wait on a CPU, besides one that runs there.
func (h *host) load(t *testing.T, cpu, n int, a Start) {
	t.Helper()
	c := h.CPU(cpu)
	c.come(h.ready(t, Start{}), 1)
	require.NotNil(t, c.Pick(h.NowNs(), Parks))
	for range n {
		c.come(h.ready(t, a), 1)
	}
}

// The nearest CPU that has too much is stolen from, and of equally near ones the one that has most; half of it is taken.
func TestSteal_NearestThenLongest(t *testing.T) {
	tsan.Alone(t)
	distance := func(a, b int) int {
		return [][]int{ // two nodes of three, and one far away
			{0, 1, 1, 5, 5, 5, 9}, {1, 0, 1, 5, 5, 5, 9}, {1, 1, 0, 5, 5, 5, 9},
			{5, 5, 5, 0, 1, 1, 9}, {5, 5, 5, 1, 0, 1, 9}, {5, 5, 5, 1, 1, 0, 9}, {9, 9, 9, 9, 9, 9, 0},
		}[a][b]
	}
	count, ranks := 0, map[uint8]int{}
	seeds.Each(t, 300, func(r *rand.Rand) {
		h := still(t, 7, distance)
		waits := make([]int, 7)
		thief := r.IntN(7)
		for cpu := range waits {
			if cpu != thief && r.IntN(2) == 0 {
				waits[cpu] = r.IntN(20)
				h.load(t, cpu, waits[cpu], Start{})
			}
		}
		best, near := -1, 100
		for cpu, n := range waits {
			if d := distance(thief, cpu); n > 0 && (d < near || d == near && n > waits[best]) {
				best, near = cpu, d
			}
		}
		c := h.CPU(thief)
		got := c.Pick(h.NowNs(), Parks)
		if best < 0 {
			require.Nil(t, got)
			require.True(t, c.EnterIdle())
			return
		}
		require.NotNil(t, got)
		half := (waits[best] + 1) / 2
		for cpu, n := range waits {
			if cpu == best && n > 0 {
				n -= half
			}
			if cpu != thief {
				require.Equal(t, n, h.CPU(cpu).shared.len(), "CPU %d", cpu)
			}
		}
		require.Equal(t, half-1, c.shared.len())
		distances := map[int]bool{}
		for cpu := range waits {
			if d := distance(thief, cpu); cpu != thief && d < near {
				distances[d] = true
			}
		}
		rank := uint8(len(distances))
		require.EqualValues(t, half, c.Counters.Steals[rank])
		ranks[rank]++
		count++
	})
	require.Greater(t, count, 100)
	require.Len(t, ranks, 3, "steals over each distance")
}

// A CPU that runs one task and has none waiting, or has one waiting that it is about to run, is left alone.
func TestSteal_OnlyFromWhoHasTwoMore(t *testing.T) {
	h := still(t, 2, nil)
	thief := h.CPU(1)
	h.load(t, 0, 0, Start{})
	require.Nil(t, thief.Pick(h.NowNs(), Parks))
	require.True(t, thief.EnterIdle())
	thief.LeaveIdle()

	h.CPU(0).come(h.ready(t, Start{}), 1)
	require.False(t, thief.EnterIdle())
	require.NotNil(t, thief.Pick(h.NowNs(), Parks))

	h = still(t, 2, nil)
	thief = h.CPU(1)
	h.CPU(0).come(h.ready(t, Start{}), 1)
	require.Nil(t, thief.Pick(h.NowNs(), Parks), "CPU 0 runs nothing else")
	h.CPU(0).come(h.ready(t, Start{}), 1)
	require.NotNil(t, thief.Pick(h.NowNs(), Parks))
	require.Nil(t, h.CPU(0).inbox.newest.Load())
}

// Tasks that may not run on an idle CPU neither go there nor keep it awake, whatever their class (wake.go, G5).
func TestSteal_G5_LeavesWhatMayNotRunHere(t *testing.T) {
	for _, class := range []Class{Fair, Batch} {
		h := still(t, 3, nil)
		h.load(t, 0, 3, Start{Class: class, Affinity: 0b011})
		away := h.CPU(2)
		for range 10 {
			require.Nil(t, away.Pick(h.NowNs(), Parks))
		}
		require.True(t, away.EnterIdle(), "there is nothing to steal")
		h.CPU(0).share()
		require.EqualValues(t, 0b100, h.idle.Load(), "nobody is called for what it may not run")
		near := h.CPU(1)
		require.NotNil(t, near.Pick(h.NowNs(), Parks))
		require.Equal(t, 1, near.shared.len()+near.batch.len())
		require.Zero(t, h.CPU(0).Counters.WakesAway+away.Counters.WakesAway+near.Counters.WakesAway, "tasks were sent about")
		require.Zero(t, away.Counters.FailedSteals)

		h = still(t, 2, nil)
		h.load(t, 0, 2, Start{Class: class, Affinity: 0b01})
		require.Nil(t, h.CPU(1).Pick(h.NowNs(), Parks))
		require.True(t, h.CPU(1).EnterIdle())
	}
}

// A task that becomes urgent on the way to a thief is what that runs, and it does not sleep on it.
func TestSteal_G3_G4_WhatBecomesUrgentOnTheWay(t *testing.T) {
	for stolen := range 3 {
		h := still(t, 2, nil)
		h.load(t, 0, 5, Start{})
		r := &h.CPU(0).shared
		urgent := r.at((r.head.Load() + uint64(stolen)) & r.mask).Load()
		urgent.Context.SetPriority(Urgent+7, &h.tasks[0].Context) // and CPU 0 is not quick enough
		thief := h.CPU(1)
		require.Equal(t, urgent, thief.Pick(h.NowNs(), Parks))
		require.Equal(t, 2, thief.shared.len())
		require.False(t, thief.EnterIdle())
	}
}

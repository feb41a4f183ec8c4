package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/tsan"
	"exo/kernel/sched"
)

// What docs/09-tuning-the-scheduler.md says of the figures that `go run ./tools/schedsim` prints. They are exact, so they
// can be asserted.

const (
	testSeeds = 3 // as main's
	little    = 1.03
)

// measured is a family's table on the usual machine, or another.
func measured(family, cpus int) *table {
	return measureAll(workloads, families[family].settings, usual(cpus, max(cpus/4, 1)), testSeeds)
}

func (t *table) column(name string) int {
	for i := range t.workloads {
		if t.workloads[i].name == name {
			return i
		}
	}
	panic(name)
}

// long is of tests that would take a minute with the race detector, which sees the same goroutines in TestSim_SameSeedSameFigures.
func long(t *testing.T) {
	if tsan.On {
		t.Skip("long: it runs without the race detector")
	}
}

func TestSim_SameSeedSameFigures(t *testing.T) {
	m := usual(8, 2)
	settings := families[2].settings[2:]
	a, b := measureAll(workloads, settings, m, 1), measureAll(workloads, settings, m, 1)
	require.Equal(t, a.results, b.results)
	w := &workloads[a.column("imbalanced")]
	require.NotEqual(t, measure(w, m, sched.Tuning{}, 1), measure(w, m, sched.Tuning{}, 2))
}

// All time of a CPU is accounted for: it computes what tasks ask for, no more and no less, and switches, or is idle.
func TestSim_TimeIsAccountedFor(t *testing.T) {
	for _, n := range []int{1, 3, 8} {
		s := newSim(usual(n, 1), sched.Tuning{}, 1)
		asked := uint64(0)
		for i := range 5 * n {
			ns := s.uniform(1, 20*ms)
			asked += ns
			done := false
			s.spawn(i%n, sched.Start{}, task{awaited: true, cold: 100, next: func(*task) step {
				if done {
					return step{exit: true}
				}
				done = true
				return step{compute: ns}
			}})
		}
		took := s.run()
		require.Equal(t, asked, s.busyNs)
		idle, switches := uint64(0), uint64(0)
		for i := range s.cpu {
			idle += s.cpu[i].c.Counters.IdleNs
			switches += s.cpu[i].c.Counters.Switches
		}
		require.Greater(t, switches, uint64(5*n))
		all, known := uint64(n)*took, asked+idle+s.fillNs+switches*s.switchNs
		require.LessOrEqual(t, known, all+uint64(n)*s.switchNs)
		require.Greater(t, known, all*7/10, "the rest are interrupts, steals, and the ends of CPUs that idle at last")
	}
}

// The rule for the quantum is better than each fixed quantum on all workloads together, and on none much worse than the best.
func TestSim_QuantumBeatsEveryFixedOne(t *testing.T) {
	long(t)
	for _, cpus := range []int{4, 16} {
		q := measured(0, cpus)
		rule := len(q.settings) - 1
		mean, worst := q.summary(rule)
		require.LessOrEqual(t, worst, little, "%d CPUs", cpus)
		for st := range rule {
			fixed, worstFixed := q.summary(st)
			require.Less(t, mean, fixed, "%d CPUs, %s", cpus, q.settings[st].name)
			require.Greater(t, worstFixed, little, "%d CPUs, %s", cpus, q.settings[st].name)
		}
	}
}

// Nothing is to be won by other settings of stealing: fewer at once make no difference of 1 %, and a higher threshold costs more
// than it gains. So there is no rule for it.
func TestSim_StealingIsLeftAlone(t *testing.T) {
	long(t)
	s := measured(1, 16)
	usual, _ := s.summary(0)
	for st := range s.settings {
		mean, _ := s.summary(st)
		if s.settings[st].StealLeast == 0 {
			require.InDelta(t, usual, mean, 0.01, s.settings[st].name)
		} else {
			require.Greater(t, mean, usual*1.05, s.settings[st].name)
		}
	}
	for w := range s.results {
		for _, r := range s.results[w] {
			require.Zero(t, r.failed, "the simulator does not know steals that fail")
		}
	}
}

// Tasks that go home gain what they are meant to, and others lose nothing.
func TestSim_HomePays(t *testing.T) {
	long(t)
	h := measured(2, 16)
	for w := range h.workloads {
		require.LessOrEqual(t, h.cost(w, 1), little, h.workloads[w].name)
	}
	for _, name := range []string{"afar", "lonely", "moving"} {
		require.Less(t, h.cost(h.column(name), 1), 0.75, name)
		require.Less(t, h.results[h.column(name)][1].remote, 0.35, name)
	}
	require.Less(t, h.cost(h.column("crowded"), 1), 1.0)
	everywhere := h.results[h.column("everywhere")][1]
	require.Zero(t, everywhere.homeward, "who uses all nodes alike stays")
	both, _ := h.summary(2)
	alone, _ := h.summary(1)
	require.Less(t, both, alone)
}

package sched

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// crowd is a CPU for which fair tasks and batch tasks compete that never stop, and perhaps a real-time one.
type crowd struct {
	*hostCPU
	fair, batch []*Task
	quantum     uint64
	turns       []*Task // whenever a batch task came to run
}

func newCrowd(t *testing.T, fair, batch int, realTime bool) *crowd {
	h := still(t, 1, nil)
	w := &crowd{hostCPU: &h.cores[0], quantum: h.cpus[0].fair.quantum}
	add := func(n int, a Start) (added []*Task) {
		for range n {
			added = append(added, h.ready(t, a))
			w.come(added[len(added)-1], h.NowNs())
		}
		return added
	}
	w.batch = add(batch, Start{Class: Batch, Weight: 1})
	w.fair = add(fair, Start{Weight: MaxWeight})
	if realTime {
		add(1, Start{Class: RealTime, Reservation: Reservation{Budget: 10 * w.quantum, Period: 20 * w.quantum}})
	}
	require.NotNil(t, w.switchTo(Parks))
	return w
}

// pass lets so many quanta pass, and has the CPU look several times in each, as interrupts have it.
func (w *crowd) pass(quanta int) {
	for end := w.host.clock.Load() + uint64(quanta)*w.quantum; w.host.clock.Load() < end; {
		w.host.clock.Add(w.quantum / 8)
		before := w.Current()
		if t := w.switchTo(Preempted); t != before && t.class == Batch {
			w.turns = append(w.turns, t)
		}
	}
}

// untilTurn lets time pass until it is a batch task's turn.
func (w *crowd) untilTurn(t *testing.T) *Task {
	for range 2 * turnEvery {
		if b := w.Current(); b.class == Batch {
			return b
		}
		w.pass(1)
	}
	require.Fail(t, "no batch task runs")
	return nil
}

func sumRan(tasks []*Task) (ran uint64) {
	for _, t := range tasks {
		ran += t.ran
	}
	return ran
}

// However many fair tasks there are, and whatever their weights: batch tasks run, each in its turn, for a quantum.
func TestTurn_G1_G2_NoBatchTaskStarves(t *testing.T) {
	for _, realTime := range []bool{false, true} {
		for _, fair := range []int{1, 2, 50} {
			w := newCrowd(t, fair, 3, realTime)
			const rounds = 20
			w.pass(rounds * len(w.batch) * turnEvery)
			require.InDelta(t, rounds*len(w.batch), len(w.turns), 2)
			for i, ran := range w.turns[3:] {
				require.Equal(t, w.turns[i], ran, "they take turns")
			}
			for _, b := range w.batch {
				require.InDelta(t, rounds, b.switches, 1)
				if !realTime {
					require.GreaterOrEqual(t, b.ran, (b.switches-1)*w.quantum, "a turn is a whole quantum")
				}
			}
		}
	}
}

// What fair tasks lose by turns is no more than a quantum of each turnEvery; and they lose it all alike.
func TestTurn_G3_FairTasksKeepTheirs(t *testing.T) {
	w := newCrowd(t, 4, 5, false)
	w.pass(4000)
	mine, all := sumRan(w.batch), sumRan(w.batch)+sumRan(w.fair)
	require.InDelta(t, 1.0/turnEvery, float64(mine)/float64(all), 0.01)
	for _, f := range w.fair {
		require.InDelta(t, float64(all-mine)/4, f.ran, 3*float64(w.quantum))
	}
}

// A CPU that no batch task waits on is not looked after for their sake.
func TestTurn_G3_NothingWithoutBatchTasks(t *testing.T) {
	w := newCrowd(t, 2, 0, false)
	w.pass(2 * turnEvery)
	require.Equal(t, uint64(never), w.event)
	b := w.host.ready(t, Start{Class: Batch})
	w.come(b, w.host.NowNs())
	require.NotEqual(t, uint64(never), w.event)
	w.pass(2 * turnEvery)
	require.NotZero(t, b.ran)
	require.Equal(t, b, w.untilTurn(t))
	require.NotEqual(t, b, w.switchTo(Parks))
	require.Nil(t, w.turn)
	w.pass(2 * turnEvery)
	require.Equal(t, uint64(never), w.event, "it waits for something else")
}

// Who has its turn goes behind a real-time task that comes, and the next turn is another's; one that is lent urgency meanwhile keeps
// what it was lent.
func TestTurn_G2_RealTimeGoesFirst(t *testing.T) {
	w := newCrowd(t, 1, 2, false)
	first := w.untilTurn(t)
	rt := w.host.ready(t, Start{Class: RealTime, Reservation: reserved})
	w.come(rt, w.host.NowNs())
	require.Equal(t, rt, w.switchTo(Preempted))
	require.Nil(t, w.turn)
	w.turns = nil
	w.pass(200 * turnEvery)
	require.NotEmpty(t, w.turns)
	require.NotEqual(t, first, w.turns[0])
}

// A batch task that becomes a fair one competes as such.
func TestChange_G1_BatchTasksBecomeFair(t *testing.T) {
	w := newCrowd(t, 1, 1, false)
	require.False(t, w.BecomesFair(), "it is one")
	b := w.untilTurn(t)
	b.weight = MaxWeight
	require.True(t, w.BecomesFair())
	require.NotEqual(t, b, w.switchTo(Moves))
	ran := b.ran
	w.pass(100)
	require.Greater(t, b.ran-ran, 40*w.quantum)
}

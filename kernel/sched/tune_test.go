package sched

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// tuned is a still machine with rules; two nodes, if there are four CPUs.
func tuned(t *testing.T, cpus int, tuning Tuning) *host {
	h := still(t, cpus, nil)
	h.retune(tuning)
	return h
}

// retune has a machine that nothing has happened on follow other rules.
func (h *host) retune(tuning Tuning) {
	h.setTuning(&tuning)
	h.nodes = [MaxNodes]uint64{}
	for i := range h.cpus {
		h.cpus[i].tuner.init(tuning.Rules)
		h.cpus[i].fair.quantum = h.tuning.Quantum
		h.nodeOf[i] = uint8(i / 2)
		h.nodes[i/2] |= 1 << i
	}
}

// wait has n tasks more, or fewer, wait on a CPU.
func (h *host) wait(t *testing.T, c *CPU, n int) {
	for ; n > 0; n-- {
		c.file(h.ready(t, Start{}), 1)
	}
	for ; n < 0; n++ {
		require.NotNil(t, c.shared.take())
	}
}

func TestTune_G1_TheQuantumStaysInItsRange(t *testing.T) {
	changes := uint64(0)
	seeds.Each(t, 50, func(r *rand.Rand) {
		set := Tuning{Rules: TuneQuantum, Quantum: r.Uint64N(3 * DefaultQuantum), SwitchNs: 1 + r.Uint64N(30_000), WaitNs: r.Uint64N(2 * DefaultQuantum)}
		h := tuned(t, 1, set)
		c, now := h.CPU(0), uint64(1)
		for range 200 {
			require.GreaterOrEqual(t, c.Quantum(), set.SwitchNs*100)
			require.LessOrEqual(t, c.Quantum(), max(longestQuantum, set.SwitchNs*100))
			if r.IntN(20) == 0 {
				h.wait(t, c, r.IntN(12)-c.shared.len())
			}
			c.Counters.Came += uint64(r.IntN(8) / 7)
			now += lookNs
			c.Tick(now)
		}
		changes += c.Counters.Shorter + c.Counters.Longer
	})
	require.Greater(t, changes, uint64(100))
}

func TestTune_G2_TheQuantumSettles(t *testing.T) {
	tsan.Alone(t)
	for waiting := range 10 {
		for every := range 10 { // somebody comes at each such look; 0: never
			h := tuned(t, 1, Tuning{Rules: TuneQuantum})
			c, now := h.CPU(0), uint64(1)
			h.wait(t, c, waiting)
			look := func(i int) {
				if every > 0 && i%every == 0 {
					c.Counters.Came++
				}
				now += lookNs
				c.Tick(now)
			}
			for i := range 60 {
				look(i)
			}
			q, changes := c.Quantum(), c.Counters.Shorter+c.Counters.Longer
			require.LessOrEqual(t, changes, uint64(3))
			for i := range 1000 {
				look(i)
				require.Equal(t, q, c.Quantum())
			}
			want := uint64(DefaultQuantum)
			if every > 0 {
				for want > max(defaultWaitNs/uint64(waiting+1), 100*defaultSwitchNs) {
					want /= 2
				}
			}
			require.Equal(t, want, q, "%d wait, somebody comes every %d looks", waiting, every)
		}
	}
}

func TestTune_G3_WhoComesHasTheQuantumCutAtTheNextLook(t *testing.T) {
	for waiting := 1; waiting < 10; waiting++ {
		h := tuned(t, 1, Tuning{Rules: TuneQuantum})
		c := h.CPU(0)
		h.load(t, 0, waiting, Start{})
		now := h.NowNs() + lookNs
		c.Tick(now)
		require.EqualValues(t, DefaultQuantum, c.Quantum(), "nobody has come")
		require.Greater(t, c.until, now+lookNs)
		c.Counters.WakesHere++
		c.Tick(now + lookNs)
		bound := max(defaultWaitNs/uint64(waiting+1), 100*defaultSwitchNs)
		require.LessOrEqual(t, c.Quantum(), bound)
		require.Greater(t, 2*c.Quantum(), bound)
		require.LessOrEqual(t, c.until, now+lookNs+bound)
	}
}

func TestTune_G4_ItGrowsSlowly(t *testing.T) {
	tsan.Alone(t)
	changes := 0
	seeds.Each(t, 50, func(r *rand.Rand) {
		h := tuned(t, 1, Tuning{Rules: TuneQuantum})
		c, now, least := h.CPU(0), uint64(1), patience
		q := c.Quantum()
		for range 400 {
			if r.IntN(3) == 0 {
				h.wait(t, c, r.IntN(5)-c.shared.len())
			}
			c.Counters.Came += r.Uint64N(20) / 19
			now += lookNs
			c.Tick(now)
			switch least++; {
			case c.Quantum() > q:
				require.Equal(t, 2*q, c.Quantum())
				require.GreaterOrEqual(t, least, patience, "looks since the last change")
				fallthrough
			case c.Quantum() < q:
				least = 0
				changes++
			}
			q = c.Quantum()
		}
	})
	require.Greater(t, changes, 200)
}

// What happens between two looks, or where there is no rule, changes nothing.
func TestTune_LooksAtTicksOnly(t *testing.T) {
	for _, rules := range []Rules{0, TuneHome, TuneQuantum} {
		h := tuned(t, 1, Tuning{Rules: rules})
		c := h.CPU(0)
		h.wait(t, c, 8)
		c.Tick(1)
		for now := uint64(2); now < lookNs; now += lookNs / 8 {
			c.Counters.Came++
			c.Tick(now)
		}
		require.EqualValues(t, DefaultQuantum, c.Quantum())
		c.Tick(1 + lookNs)
		require.Equal(t, rules == TuneQuantum, c.Quantum() != DefaultQuantum)
	}
}

// When nobody comes any more the quantum is what it was.
func TestTune_G2_WhoCameIsForgotten(t *testing.T) {
	h := tuned(t, 1, Tuning{Rules: TuneQuantum})
	c, now := h.CPU(0), uint64(1)
	h.wait(t, c, 5)
	c.Counters.Came++
	least := c.Quantum()
	for range 100 {
		now += lookNs
		c.Tick(now)
		least = min(least, c.Quantum())
	}
	require.EqualValues(t, 100*defaultSwitchNs, least)
	require.EqualValues(t, DefaultQuantum, c.Quantum())
}

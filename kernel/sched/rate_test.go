package sched

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Real-time tasks by rate: a scheduler with Config.RateMonotonic, and where it differs from one by deadline.

// quiet is a machine on which nothing happens by itself.
type quiet struct{}

func (quiet) NowNs() uint64               { return 1 }
func (quiet) Kick(int)                    {}
func (quiet) Interrupt(int)               {}
func (quiet) Stalled(int, uint64, uint64) {}

// byRate makes a scheduler with one CPU, the whole of which can be reserved.
func byRate(monotonic bool) *Sched {
	const slots = 16
	var (
		s   Sched
		rcu sync.RCU
	)
	rcu.Init(make([]sync.RCUCPU, 1), quiet{}, 0)
	s.Init(&Config{
		Tasks: make([]Task, slots), Links: make([]sync.Link, slots), PoolCPUs: make([]sync.PoolCPU, 1), CPUs: make([]CPU, 1),
		Rings: make([]atom.Pointer[Task], RingLength(slots)), Timers: make([]Timer, slots), Victims: make([]Victim, 1),
		Distance: func(a, b int) int { return 0 }, Machine: quiet{}, RCU: &rcu, RealTimeLimit: WholeCPU, RateMonotonic: monotonic,
	})
	return &s
}

func (s *Sched) reserve(t *testing.T, budget, period uint64) (*Task, error) {
	id, slot, err := s.New(0, &Start{Class: RealTime, Reservation: Reservation{Budget: budget, Period: period}})
	if err == nil {
		require.NotZero(t, id)
		s.tasks[slot].becomeReadySlowly()
	}
	return &s.tasks[slot], err
}

const testMs = 1_000_000

// The task with the longer period comes first, and is due first: by deadline it runs on, by rate the other preempts it.
func TestRate_TheShorterPeriodGoesFirst(t *testing.T) {
	for _, monotonic := range []bool{false, true} {
		s := byRate(monotonic)
		c := s.CPU(0)
		long, err := s.reserve(t, 8*testMs, 20*testMs)
		require.NoError(t, err)
		short, err := s.reserve(t, 2*testMs, 10*testMs)
		require.NoError(t, err)
		c.come(long, 1)
		require.Same(t, long, c.Pick(1, Parks))
		c.come(short, 12*testMs) // due at 22 ms, and the other at 20
		now := uint64(12*testMs + 1)
		c.since = now // it has run for nothing yet
		want := long
		if monotonic {
			want = short
		}
		require.Same(t, want, c.Pick(now, Preempted), "by rate: %v", monotonic)
	}
}

// A set that fills the CPU: by deadline it is admitted, by rate refused.
func TestRate_RefusesWhatByDeadlineFits(t *testing.T) {
	for _, monotonic := range []bool{false, true} {
		s := byRate(monotonic)
		_, err := s.reserve(t, 5*testMs, 10*testMs)
		require.NoError(t, err)
		_, err = s.reserve(t, 7*testMs, 14*testMs)
		if !monotonic {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, ErrFull, err)
		_, err = s.reserve(t, 4*testMs, 14*testMs) // 1.5 × 1.286 = 1.93
		require.NoError(t, err)
		used, limit := s.Admission.Load(0)
		require.LessOrEqual(t, used, limit)
	}
}

// liuLayland is the set of n tasks that is hardest by rate: each has 2^(1/n)-1 of the CPU, and if all begin together they use all
// of it until the longest period ends. more is added to the last one's budget.
func liuLayland(n int, more uint64) (set []Reservation) {
	const first = 1 << 24
	at := func(k int) uint64 { return uint64(math.Round(first * math.Pow(2, float64(k)/float64(n)))) }
	for k := range n {
		v := Reservation{Budget: at(k+1) - at(k) - 2, Period: at(k)} // 2 ns for what admission rounds up
		for v.Budget<<20 > (at(k+1)-at(k))<<20-v.Period {            // and a part of 2^20
			v.Budget--
		}
		if k == n-1 {
			v.Budget += more
		}
		set = append(set, v)
	}
	return set
}

// TestRate_G1_G2_NobodyIsLateAtTheBound: the hardest sets are admitted, and in time; with 1 % of a period more they are refused, and
// would have been late; by deadline they have room to spare.
func TestRate_G1_G2_NobodyIsLateAtTheBound(t *testing.T) {
	run := func(set []Reservation, monotonic bool) *cpuSim {
		s := &cpuSim{t: t, r: rand.New(rand.NewPCG(1, 1)), rt: realTime{monotonic: monotonic}}
		for _, v := range set {
			at := uint64(0)
			s.add(v.Budget, v.Period, false, func(*rand.Rand, uint64) (uint64, uint64) {
				at += v.Period
				return at - v.Period, v.Budget
			})
		}
		s.run(40 << 24)
		return s
	}
	admitted := func(set []Reservation, monotonic bool) int {
		s := byRate(monotonic)
		for i, v := range set {
			if _, err := s.reserve(t, v.Budget, v.Period); err != nil {
				require.Equal(t, ErrFull, err)
				return i
			}
		}
		return len(set)
	}
	for n := 2; n <= 8; n++ {
		set := liuLayland(n, 0)
		sum := 0.0
		for _, v := range set {
			sum += float64(v.Budget) / float64(v.Period)
		}
		require.InDelta(t, float64(n)*(math.Pow(2, 1/float64(n))-1), sum, 1e-4)
		require.Equal(t, n, admitted(set, true), "n=%d", n)
		s := run(set, true)
		for i, a := range s.actors {
			require.Zero(t, a.late, "n=%d, task %d", n, i)
			require.Greater(t, a.jobs, 15)
		}
		over := liuLayland(n, 1<<24/100)
		require.Equal(t, n-1, admitted(over, true), "n=%d", n)
		require.Equal(t, n, admitted(over, false), "n=%d", n)
		late := 0
		for _, a := range run(over, true).actors {
			late += a.late
		}
		require.Positive(t, late, "n=%d", n)
		for _, a := range run(over, false).actors {
			require.Zero(t, a.late, "n=%d", n)
		}
	}
}

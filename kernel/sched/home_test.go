package sched

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// A home changes only by samples of which a full score, each other one counted three times against it, is the new node's.
func TestHome_G1_G2_AHomeHasThreeQuartersOfTheLastSamples(t *testing.T) {
	homes := 0
	seeds.Each(t, 100, func(r *rand.Rand) {
		var (
			samples []uint64
			w, home uint64
			node    = uint64(1)
			changed = -homeSamples - 1
		)
		for i := range 2000 {
			if r.IntN(40) == 0 {
				node = 1 + r.Uint64N(3)
			}
			s := node
			if r.IntN(8) == 0 {
				s = 1 + r.Uint64N(3)
			}
			samples = append(samples, s)
			if w = vote(w, s, 1); w&homeBits == home {
				continue
			}
			home = w & homeBits
			require.NotZero(t, w&homeNews)
			best, sum := 0, 0
			for at := len(samples) - 1; at >= 0; at-- {
				if sum -= homeDoubt; samples[at] == home {
					sum += homeDoubt + 1
				}
				best = max(best, sum)
			}
			require.GreaterOrEqual(t, best, homeSamples)
			require.Greater(t, i-changed, homeSamples)
			changed = i
			homes++
		}
	})
	require.Greater(t, homes, 200)
}

// A task with nine tenths of its accesses on one node finds it soon; one with two thirds has no home.
func TestHome_G1_NearlyAllOrNothing(t *testing.T) {
	tsan.Alone(t)
	seeds.Each(t, 20, func(r *rand.Rand) {
		var clear, mixed uint64
		for i := range 20_000 {
			node := 1 + r.Uint64N(10)/9
			clear = vote(clear, node, 1)
			mixed = vote(mixed, 1+r.Uint64N(3)/2, 1)
			if i > 2000 {
				require.EqualValues(t, 1, clear&homeBits)
			}
		}
		require.Zero(t, mixed&homeBits)
	})
}

// Many samples at once are no more than a full score, and unknown nodes are none.
func TestHome_AccessesTakesAnything(t *testing.T) {
	h := tuned(t, 4, Tuning{Rules: TuneHome})
	task := h.ready(t, Start{})
	for _, node := range []int{-1, 2, MaxNodes, 1 << 40} {
		h.Accesses(task, node, 1000)
		_, ok := task.Home()
		require.False(t, ok)
	}
	h.Accesses(task, 1, 1<<32-1)
	node, ok := task.Home()
	require.True(t, ok)
	require.Equal(t, 1, node)
	h.retune(Tuning{})
	other := h.ready(t, Start{})
	h.Accesses(other, 1, 1000)
	_, ok = other.Home()
	require.False(t, ok, "there is no rule")
}

func TestHome_G3_NobodyIsSentWhereItMayNotRun(t *testing.T) {
	h := tuned(t, 4, Tuning{Rules: TuneHome})
	for _, a := range []Start{{Affinity: 0b0011}, {Affinity: 0b0001},
		{Class: RealTime, Affinity: 0b0001, Reservation: Reservation{Budget: 1000, Period: 1_000_000}}} {
		task := h.ready(t, a)
		h.Accesses(task, 1, homeSamples)
		h.CPU(2).EnterIdle()
		require.Equal(t, 0, h.homeward(task, 0, 1))
		require.Equal(t, 1, h.homeward(task, 1, 1))
	}
	task := h.ready(t, Start{Affinity: 0b1001})
	h.Accesses(task, 1, homeSamples)
	require.Equal(t, 3, h.homeward(task, 0, 1), "of the home's CPUs that which it may run on")
}

// A task whose memory is elsewhere leaves at the next look, although nothing else waits here, and an idle CPU there is called.
func TestHome_ItLeavesAtTheNextLook(t *testing.T) {
	h := tuned(t, 4, Tuning{Rules: TuneDefault})
	h.load(t, 0, 0, Start{})
	c := h.CPU(0)
	task := c.Current()
	require.True(t, h.CPU(3).EnterIdle())
	require.True(t, h.CPU(1).EnterIdle())
	now := h.NowNs() + 2*lookNs
	require.False(t, c.Tick(now))
	h.Accesses(task, 1, homeSamples)
	require.True(t, c.Tick(now+lookNs))
	require.Nil(t, c.Pick(now+lookNs, Preempted))
	c.Finish(task, Preempted, now+lookNs)
	require.True(t, h.cores[3].kicked.Load())
	require.Equal(t, task, h.CPU(3).Pick(now+lookNs, Parks))
	require.EqualValues(t, 1, c.Counters.Homeward)
	require.Zero(t, task.home.Load()&homeNews)
}

// A task that is woken goes home if there is room, and one with no home where it was.
func TestHome_WokenItGoesThere(t *testing.T) {
	for _, home := range []bool{false, true} {
		h := tuned(t, 4, Tuning{Rules: TuneHome})
		h.load(t, 0, 0, Start{})
		c := h.CPU(0)
		task := c.Current()
		if home {
			h.Accesses(task, 1, homeSamples)
		}
		c.Pick(h.NowNs(), Parks)
		c.Finish(task, Parks, h.NowNs())
		require.True(t, h.Wake(0, task.ID(), false))
		require.Equal(t, home, h.CPU(2).hasWork() || h.CPU(3).hasWork())
		require.Equal(t, !home, c.hasWork())
	}
}

// All tasks of one node would rather be on the other: they go, and neither node has more than one task too many at any time.
// If the tasks of both want the same node, at most one of it goes there.
func TestHome_G4_HomesDoNotCrowd(t *testing.T) {
	for _, swap := range []bool{true, false} {
		h := tuned(t, 4, Tuning{Rules: TuneHome})
		for cpu := range 4 {
			h.load(t, cpu, 1, Start{})
			c := h.CPU(cpu)
			for _, task := range []*Task{c.Current(), c.shared.peek()} {
				if want := 1 - cpu/2; swap {
					h.Accesses(task, want, homeSamples)
				} else {
					h.Accesses(task, 1, homeSamples)
				}
			}
		}
		now := h.NowNs()
		for range 20 {
			for cpu := range 4 {
				now += DefaultQuantum
				c := h.CPU(cpu)
				prev := c.Current()
				if c.Pick(now, Preempted); c.Current() != prev {
					c.Finish(prev, Preempted, now)
				}
				for i := range 4 { // what was sent there is taken in
					h.CPU(i).attend(now)
				}
				require.InDelta(t, 4, h.crowd(0b0011), 2)
			}
		}
		away := 0
		for i := range h.tasks {
			if node, ok := h.tasks[i].Home(); ok && node != int(h.nodeOf[h.tasks[i].cpu.Load()]) {
				away++
			}
		}
		if swap {
			require.LessOrEqual(t, away, 1, "tasks that did not come home")
		} else {
			require.GreaterOrEqual(t, h.crowd(0b0011), 3)
		}
	}
}

// Tasks whose home changes all the time are neither lost nor run twice.
func TestHome_NobodyIsLost(t *testing.T) {
	homeward := uint64(0)
	seeds.Each(t, 5, func(r *rand.Rand) {
		h := newHost(t, 4, 64, r, nil)
		h.retune(Tuning{Rules: TuneDefault, Quantum: 30 * stepNs})
		h.run(t, &Start{Detached: true}, func(me *hostTask) uint64 {
			for range 20 {
				me.host.spawn(me.on, &Start{Detached: true}, func(me *hostTask) uint64 {
					for i := range 300 {
						me.host.Accesses(me.task, i/40%2, uint32(me.random.IntN(20)))
						switch me.random.IntN(6) {
						case 0:
							me.yield()
						case 1:
							me.sleep(me.random.Uint64N(20 * stepNs))
						default:
							me.point()
						}
					}
					return 0
				}, rand.New(rand.NewPCG(r.Uint64(), 1)))
			}
			return 0
		})
		for i := range h.cpus {
			homeward += h.cpus[i].Counters.Homeward
		}
	})
	require.Greater(t, homeward, uint64(20))
}

// Those that were passed over when the CPU chose the next are queued, too, if the one that it leaves goes home.
func TestHome_WhoWasPassedOverStays(t *testing.T) {
	h := tuned(t, 4, Tuning{Rules: TuneHome})
	h.load(t, 0, 2, Start{})
	c := h.CPU(0)
	leaves, next, passed := c.Current(), c.shared.take(), c.shared.take()
	passed.next, c.passed = nil, passed
	next.claim()
	c.turnTo(next, h.NowNs())
	require.True(t, h.CPU(3).EnterIdle())
	h.Accesses(leaves, 1, homeSamples)
	c.Finish(leaves, Preempted, h.NowNs())
	require.Equal(t, passed, c.shared.take())
	require.Equal(t, leaves, h.CPU(3).Pick(h.NowNs(), Parks))
}

// A slot's next task knows nothing of the last one's memory.
func TestHome_EndsWithTheTask(t *testing.T) {
	h := tuned(t, 4, Tuning{Rules: TuneHome})
	task := h.ready(t, Start{})
	h.Accesses(task, 1, homeSamples)
	task.start(&Start{}, h.all)
	_, ok := task.Home()
	require.False(t, ok)
}

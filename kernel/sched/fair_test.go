package sched

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

const testQuantum = 1_000_000

// fairSim is a ring of tasks on one CPU.
type fairSim struct {
	f     fairPick
	tasks []*Task
	ring  []*Task
	got   map[*Task]uint64  // ns
	wins  map[*Task]int     // acceptances
	due   map[*Task]float64 // quanta by the clock
	total uint64            // ns
	most  int               // refusals in a row

	uses func(t *Task) uint64 // for how long t runs; nil: a quantum
}

func newFairSim(lottery int, seed uint64, weights ...uint32) *fairSim {
	s := &fairSim{got: map[*Task]uint64{}, wins: map[*Task]int{}, due: map[*Task]float64{}}
	s.f.init(testQuantum, lottery, seed)
	for _, w := range weights {
		s.add(w)
	}
	return s
}

func (s *fairSim) add(weight uint32) *Task {
	t := &Task{weight: weight}
	s.f.join(t)
	s.tasks, s.ring = append(s.tasks, t), append(s.ring, t)
	return t
}

// visit asks whether t runs.
func (s *fairSim) visit(t *Task) bool {
	since := t.fair.since
	ok := s.f.accept(t, len(s.ring)-1)
	s.due[t] += float64(t.weight) * float64(s.f.clock-since) / (1 << (40 + clockShift - 8))
	return ok
}

// pick has one task run, and returns it.
func (s *fairSim) pick() *Task {
	for refused := 0; ; refused++ {
		t := s.ring[0]
		s.ring = append(s.ring[1:], t)
		if !s.visit(t) {
			continue
		}
		s.most = max(s.most, refused)
		used := uint64(testQuantum)
		if s.uses != nil {
			used = s.uses(t)
		}
		s.f.ran(t, used)
		s.got[t] += used
		s.wins[t]++
		s.total += used
		return t
	}
}

// knowUnit has unit be the heaviest weight from the beginning.
func (s *fairSim) knowUnit() {
	for _, x := range s.tasks {
		s.f.largest = max(s.f.largest, x.weight*weightOne)
	}
	s.f.before = s.f.largest
	s.f.setUnit(s.f.largest)
}

func (s *fairSim) weights() (sum float64) {
	for _, t := range s.ring {
		sum += float64(t.weight)
	}
	return sum
}

// kinds of sets of weights.
var weightings = map[string]func(r *rand.Rand, i int) uint32{
	"same":    func(*rand.Rand, int) uint32 { return 64 },
	"uniform": func(r *rand.Rand, _ int) uint32 { return 1 + r.Uint32N(MaxWeight) },
	"powers":  func(r *rand.Rand, _ int) uint32 { return uint32(math.Exp2(r.Float64() * 10)) },
	"one heavy": func(_ *rand.Rand, i int) uint32 {
		if i == 0 {
			return MaxWeight
		}
		return 1
	},
}

func draw(r *rand.Rand, kind string, n int) (weights []uint32) {
	for i := range n {
		weights = append(weights, weightings[kind](r, i))
	}
	return weights
}

// Whatever the mix, short of pure lottery: the part of each task is its weight's, within a hundredth, once the lightest has
// had some hundred quanta.
func TestFair_G1_SharesAreAsWeights(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, 20, DefaultLottery, 99} {
		for kind := range weightings {
			seeds.Each(t, 1, func(r *rand.Rand) {
				s := newFairSim(lottery, r.Uint64(), draw(r, kind, 2+r.IntN(12))...)
				lightest := uint32(MaxWeight)
				for _, x := range s.tasks {
					lightest = min(lightest, x.weight)
				}
				for range int(300 * s.weights() / float64(lightest)) {
					s.pick()
				}
				for _, x := range s.tasks {
					want := float64(s.total) * float64(x.weight) / s.weights()
					require.InEpsilon(t, want, float64(s.got[x]), 0.01, "lottery %d, %s, weight %d", lottery, kind, x.weight)
				}
			})
		}
	}
}

// Only lottery: of n visits, each accepted with probability p, np are, give or take √(np(1-p)).
func TestFair_G1_PureLotteryIsALottery(t *testing.T) {
	tsan.Alone(t)
	outside, checked := 0, 0
	for kind := range weightings {
		seeds.Each(t, 10, func(r *rand.Rand) {
			s := newFairSim(100, r.Uint64(), draw(r, kind, 2+r.IntN(10))...)
			heaviest := uint32(0)
			for _, x := range s.tasks {
				heaviest = max(heaviest, x.weight)
			}
			for range 50 * len(s.tasks) { // until unit is the heaviest weight
				s.pick()
			}
			const rounds = 2000
			wins := map[*Task]int{}
			for range rounds {
				for _, x := range s.tasks {
					if s.f.accept(x, len(s.tasks)-1) {
						wins[x]++
					}
				}
			}
			for _, x := range s.tasks {
				p := float64(x.weight) / float64(heaviest)
				sigma := math.Sqrt(rounds * p * (1 - p))
				off := math.Abs(float64(wins[x]) - rounds*p)
				require.LessOrEqual(t, off, 5*sigma+1)
				if p > 0.01 && p < 0.99 {
					checked++
					if off > 2*sigma {
						outside++
					}
				}
			}
		})
	}
	require.Greater(t, checked, 50)
	require.InDelta(t, 0.0455, float64(outside)/float64(checked), 0.04, "as the normal distribution has it")
}

// The lag: what a task got, less what it would have got of a CPU that can be divided without end.
func TestFair_G2_LagIsBounded(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, 20, 50, DefaultLottery, 99, 100} {
		worst, squares, n := 0.0, 0.0, 0
		for _, kind := range []string{"same", "uniform", "powers"} {
			seeds.Each(t, 5, func(r *rand.Rand) {
				s := newFairSim(lottery, r.Uint64(), draw(r, kind, 2+r.IntN(60))...)
				sum := s.weights()
				s.knowUnit()
				for picks := 1; picks <= 5000; picks++ {
					s.pick()
					for _, x := range s.tasks {
						lag := float64(s.wins[x]) - float64(picks)*float64(x.weight)/sum
						worst = max(worst, math.Abs(lag))
						squares += lag * lag
						n++
					}
				}
			})
		}
		t.Logf("lottery %d %%: lag at most %.2f quanta, root mean square %.2f", lottery, worst, math.Sqrt(squares/float64(n)))
		if lottery == 100 {
			require.Greater(t, worst, 10.0, "nothing bounds luck")
			continue
		}
		require.Less(t, worst, 6.0)
		require.Less(t, math.Sqrt(squares/float64(n)), 1.0)
	}
}

// By the CPU's clock, the bound is exact, for any mix short of pure lottery.
func TestFair_G2_TasksGetWhatTheClockSays(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, 20, DefaultLottery, 99} {
		seeds.Each(t, 10, func(r *rand.Rand) {
			s := newFairSim(lottery, r.Uint64(), draw(r, "powers", 2+r.IntN(20))...)
			s.knowUnit()
			ahead, behind := 0.0, 0.0
			for range 3000 {
				x := s.pick()
				ahead = max(ahead, float64(s.wins[x])-s.due[x])
				for _, x := range s.tasks {
					behind = max(behind, s.due[x]-float64(s.wins[x]))
				}
			}
			if lottery == 0 {
				require.Less(t, max(ahead, behind), 1.001)
			} else {
				require.Less(t, max(ahead, behind), 2.001)
				require.Greater(t, ahead+behind, 1.001, "by luck")
			}
		})
	}
}

// Nobody waits longer than two of its turns.
func TestFair_G2_NobodyStarves(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, DefaultLottery, 99} {
		seeds.Each(t, 5, func(r *rand.Rand) {
			s := newFairSim(lottery, r.Uint64(), draw(r, "one heavy", 2+r.IntN(30))...)
			last := map[*Task]uint64{}
			for _, x := range s.tasks {
				last[x] = 0
			}
			turn := uint64(0)
			for range 20_000 {
				x := s.pick()
				turn++
				if x.weight == 1 {
					require.Less(t, turn-last[x], uint64(2*s.weights())+uint64(len(s.tasks)))
				}
				last[x] = turn
			}
			for _, x := range s.tasks {
				require.Less(t, turn-last[x], uint64(2*s.weights())+uint64(len(s.tasks)))
			}
		})
	}
}

func TestFair_G3_VisitsPerPick(t *testing.T) {
	tsan.Alone(t)
	for kind := range weightings {
		for _, n := range []int{2, 10, 100} {
			r := rand.New(rand.NewPCG(1, uint64(n)))
			s := newFairSim(DefaultLottery, 1, draw(r, kind, n)...)
			heaviest := uint32(0)
			for _, x := range s.tasks {
				heaviest = max(heaviest, x.weight)
			}
			const picks = 20_000
			for range picks {
				s.pick()
			}
			bound := float64(heaviest) * float64(n) / s.weights()
			measured := float64(s.f.visits) / float64(s.f.picks)
			t.Logf("%-9s n=%-3d visits per pick %.2f, in theory %.2f, at most %d", kind, n, measured, bound, s.most+1)
			require.InEpsilon(t, bound, measured, 0.02)
		}
	}
}

// When the heavy ones go, those who stay are not visited in vain for long; when one comes, it has its share at once.
func TestFair_G3_UnitFollowsTheLargestWeight(t *testing.T) {
	const light = 200
	s := newFairSim(DefaultLottery, 3, draw(nil, "one heavy", 1+light)...)
	for range 1000 {
		s.pick()
	}
	require.EqualValues(t, MaxWeight*weightOne, s.f.unit)
	s.ring = slices.DeleteFunc(s.ring, func(x *Task) bool { return x == s.tasks[0] })
	before := s.f.visits
	for s.f.unit != weightOne {
		s.pick()
		require.LessOrEqual(t, s.f.visits-before, uint64(4*light+4))
	}
	before = s.f.visits
	for range 10 * light {
		s.pick()
	}
	require.LessOrEqual(t, s.f.visits, before+10*light+light, "each may have to wait for the end of its turn")

	s.ring = append(s.ring, s.tasks[0])
	s.f.enter(s.tasks[0])
	for round := 0; s.pick() != s.tasks[0]; round++ {
		require.Less(t, round, light)
	}
	wins := s.wins[s.tasks[0]]
	const picks = 5000
	for range picks {
		s.pick()
	}
	require.InEpsilon(t, picks*MaxWeight/s.weights(), float64(s.wins[s.tasks[0]]-wins), 0.03)
}

func TestFair_CompensationGivesABlockerItsShare(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, DefaultLottery, 100} {
		for _, part := range []float64{1, 0.5, 0.3, 1. / 16, 1.5} {
			s := newFairSim(lottery, 5, 100, 300, 600)
			blocker := s.tasks[2]
			s.uses = func(x *Task) uint64 {
				if x == blocker {
					return uint64(part * testQuantum)
				}
				return testQuantum
			}
			for range 60_000 {
				s.pick()
			}
			slack := 0.01
			if lottery == 100 {
				slack = 0.05
			}
			for _, x := range s.tasks {
				want := float64(s.total) * float64(x.weight) / 1000
				require.InEpsilon(t, want, float64(s.got[x]), slack, "lottery %d, part %v, weight %d", lottery, part, x.weight)
			}
		}
	}
}

// Runs of any length: each is paid for by the wait that follows.
func TestFair_CompensationOfRandomRuns(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, DefaultLottery} {
		seeds.Each(t, 5, func(r *rand.Rand) {
			s := newFairSim(lottery, r.Uint64(), 100, 300, 600, 50)
			s.uses = func(x *Task) uint64 {
				if x.weight == 300 {
					return testQuantum
				}
				return testQuantum/10 + r.Uint64N(testQuantum)
			}
			for range 50_000 {
				s.pick()
			}
			for _, x := range s.tasks {
				want := float64(s.total) * float64(x.weight) / s.weights()
				require.InEpsilon(t, want, float64(s.got[x]), 0.02)
			}
		})
	}
}

func TestFair_CompensationIsBounded(t *testing.T) {
	s := newFairSim(0, 1, 100, 100)
	x := s.tasks[0]
	for _, used := range []uint64{0, 1, testQuantum / 17} {
		s.f.ran(x, used)
		s.f.settle(x)
		require.EqualValues(t, 100*weightOne*maxGain, x.fair.counts)
	}
	for _, used := range []uint64{16 * testQuantum, 1000 * testQuantum, 1 << 60} {
		s.f.ran(x, used)
		s.f.settle(x)
		require.EqualValues(t, 100*weightOne/maxGain, x.fair.counts)
	}
	s.f.ran(x, testQuantum/2)
	s.f.settle(x)
	require.EqualValues(t, 100*weightOne*2, x.fair.counts)
	s.f.ran(x, testQuantum)
	s.f.settle(x)
	require.Zero(t, x.fair.counts)

	for range 1000 { // what it does not use it cannot save
		for !s.f.accept(x, 1) {
		}
		s.f.ran(x, 1)
		s.f.settle(x)
		require.LessOrEqual(t, x.fair.credit, int64(maxCredit))
	}
	before := x.fair.credit
	require.True(t, s.f.accept(x, 0))
	require.Equal(t, before, x.fair.credit, "alone")
}

// Others come and go, one of them heavy, and some block for a while: those who stay compete among themselves as before.
func TestFair_SharesOfThoseWhoStay(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, DefaultLottery} {
		seeds.Each(t, 5, func(r *rand.Rand) {
			s := newFairSim(lottery, r.Uint64(), 10, 20, 30, 40, 40)
			stay := slices.Clone(s.tasks)
			var away []*Task
			for _, w := range []uint32{1024, 100, 5} {
				away = append(away, s.add(w))
			}
			for range 60_000 {
				x := s.pick()
				if i := slices.Index(away, x); i >= 0 { // it blocks
					s.ring = slices.DeleteFunc(s.ring, func(y *Task) bool { return x == y })
				}
				if r.IntN(10) == 0 { // somebody wakes
					if x := away[r.IntN(len(away))]; !slices.Contains(s.ring, x) {
						s.ring = append(s.ring, x)
						s.f.enter(x)
					}
				}
			}
			sum := uint64(0)
			for _, x := range stay {
				sum += s.got[x]
			}
			for _, x := range stay {
				require.InEpsilon(t, float64(sum)*float64(x.weight)/140, float64(s.got[x]), 0.02, "weight %d", x.weight)
			}
		})
	}
}

// New tasks are neither ahead nor behind: many that each live for a few visits get what one that stays gets for as many.
func TestFair_NewTasksStartFair(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, 50, DefaultLottery, 99} {
		s := newFairSim(lottery, 9, 100, 100, 100, 100)
		got, due := 0, 0.0
		for range 8000 {
			young := s.add(10)
			for range 3 {
				for _, x := range s.ring {
					if s.visit(x) && x == young {
						got++
					}
				}
			}
			due += s.due[young]
			s.ring = s.ring[:4]
		}
		require.Greater(t, due, 2000.0)
		require.InEpsilon(t, due, float64(got), 0.08, "lottery %d", lottery)
	}
}

// A stolen task brings its credit along: on CPUs with other units, it gets what its visits add up to.
func TestFair_StolenTasksKeepTheirCredit(t *testing.T) {
	tsan.Alone(t)
	for _, lottery := range []int{0, DefaultLottery} {
		seeds.Each(t, 5, func(r *rand.Rand) {
			cpus := [2]*fairSim{newFairSim(lottery, r.Uint64(), 100, 300), newFairSim(lottery, r.Uint64(), 1000, 1000, 3)}
			x := cpus[0].add(70)
			for move := range 5000 {
				at, to := cpus[move%2], cpus[1-move%2]
				for range 1 + r.IntN(6) {
					at.pick()
				}
				at.ring = slices.DeleteFunc(at.ring, func(y *Task) bool { return x == y })
				to.ring = append(to.ring, x)
				to.f.enter(x)
				got := float64(cpus[0].wins[x] + cpus[1].wins[x])
				require.InDelta(t, cpus[0].due[x]+cpus[1].due[x], got, 2.01)
			}
			require.Greater(t, cpus[0].wins[x]+cpus[1].wins[x], 300)
		})
	}
}

// Every few visits of a task have the right part of lottery, whatever the ring's length is.
func TestFair_KindsAreSpreadEvenly(t *testing.T) {
	for _, n := range []int{2, 5, 8, 13, 21, 34, 55, 89, 100} {
		s := newFairSim(DefaultLottery, 1, draw(nil, "same", n)...)
		x := s.tasks[n/2]
		run, longest, lotteries := 0, 0, 0
		const visits = 1000
		for range visits {
			for _, y := range s.tasks {
				s.f.accept(y, n-1)
			}
			if x.fair.kind < s.f.lottery {
				run++
				lotteries++
			} else {
				run = 0
			}
			longest = max(longest, run)
		}
		require.LessOrEqual(t, longest, 7)
		require.InDelta(t, visits*DefaultLottery/100, lotteries, 3)
	}
}

func BenchmarkFair_Pick(b *testing.B) {
	for _, lottery := range []int{0, DefaultLottery, 100} {
		for _, kind := range []string{"same", "uniform"} {
			b.Run(kind+"/"+map[int]string{0: "turn", DefaultLottery: "mixed", 100: "lottery"}[lottery], func(b *testing.B) {
				var f fairPick
				f.init(testQuantum, lottery, 1)
				r := rand.New(rand.NewPCG(1, 1))
				tasks := make([]Task, 64)
				for i, w := range draw(r, kind, len(tasks)) {
					tasks[i].weight = w
					f.join(&tasks[i])
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					for !f.accept(&tasks[i%64], 63) {
						i++
					}
					i++
				}
				b.ReportMetric(float64(f.visits)/float64(f.picks), "visits/op")
			})
		}
	}
}

// Who sleeps is not given what it slept through; who is stolen, not what another CPU's clock says.
func TestFair_WhoEntersHasNothingFromBefore(t *testing.T) {
	s := newFairSim(0, 1, 100, 100)
	x := s.add(100)
	s.knowUnit()
	for range 3 { // it has been visited
		for _, y := range s.ring {
			s.f.accept(y, 2)
		}
	}
	before := x.fair.credit
	for range 100 { // others are, while it sleeps
		s.f.accept(s.tasks[0], 1)
		s.f.accept(s.tasks[1], 1)
	}
	s.f.enter(x)
	s.f.accept(x, 2)
	require.InDelta(t, 1./3, math.Mod(float64(x.fair.credit-before)/oneQuantum+1, 1), 0.001, "one of three visits of a round")
}

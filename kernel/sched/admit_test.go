package sched

import (
	"math"
	"math/big"
	"math/rand/v2"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// exactly is what a set of reservations comes to, without rounding: the sum of Budget/Period, or the product of that + 1.
func exactly(set []Reservation, monotonic bool) *big.Rat {
	one, total := big.NewRat(1, 1), new(big.Rat)
	if monotonic {
		total.SetInt64(1)
	}
	for _, v := range set {
		u := big.NewRat(int64(v.Budget), int64(v.Period))
		if monotonic {
			total.Mul(total, u.Add(u, one))
		} else {
			total.Add(total, u)
		}
	}
	return total
}

func TestAdmission_G1_G2_NeverTooMuchAndHardlyTooLittle(t *testing.T) {
	tsan.Alone(t)
	for _, monotonic := range []bool{false, true} {
		most := big.NewRat(1, 1)
		if monotonic {
			most.SetInt64(2)
		}
		refused := 0
		seeds.Each(t, 25, func(r *rand.Rand) {
			var (
				a   Admission
				set []Reservation
			)
			a.Init(1, WholeCPU, monotonic)
			for range 200 {
				v := Reservation{Period: minPeriod + r.Uint64N(maxPeriod-minPeriod+1)}
				v.Budget = 1 + r.Uint64N(v.Period>>r.IntN(10))
				total := exactly(append(set, v), monotonic)
				if _, err := a.Admit(1, v); err == nil {
					set = append(set, v)
					require.LessOrEqual(t, total.Cmp(most), 0, "%v", total)
				} else if len(set) < MaxRealTime {
					require.Equal(t, ErrFull, err)
					lost := new(big.Rat).SetFloat64(float64(len(set)+1) * 2 / WholeCPU)
					require.Positive(t, total.Cmp(lost.Sub(most, lost)), "refused although there was room: %v", total)
					refused++
				}
			}
			used, limit := a.Load(0)
			require.LessOrEqual(t, used, limit)
			for _, v := range set {
				a.Release(0, v)
			}
			used, _ = a.Load(0)
			require.Zero(t, used)
		})
		require.Greater(t, refused, 500)
	}
}

func TestAdmission_Log2IsRoundedAsAsked(t *testing.T) {
	require.EqualValues(t, WholeCPU, log2(2<<30, 0))
	require.EqualValues(t, WholeCPU, log2(2<<30, 1))
	require.Zero(t, log2(1<<30, 0))
	require.Zero(t, log2(1<<30, 1))
	seeds.Each(t, 10, func(r *rand.Rand) {
		for range 1000 {
			y := 1<<30 + r.Uint64N(1<<r.IntN(31))
			want := math.Log2(float64(y)/(1<<30)) * WholeCPU
			down, up := float64(log2(y, 0)), float64(log2(y, 1))
			require.LessOrEqual(t, down, want+1e-6)
			require.GreaterOrEqual(t, up, want-1e-6)
			require.Less(t, up-down, 2.5)
		}
	})
}

func TestAdmission_LimitLeavesTheRestToOthers(t *testing.T) {
	for _, monotonic := range []bool{false, true} {
		var a Admission
		a.Init(1, WholeCPU*9/10, monotonic)
		_, err := a.Admit(1, Reservation{Budget: 901_000, Period: 1_000_000})
		require.Equal(t, ErrFull, err)
		_, err = a.Admit(1, Reservation{Budget: 899_000, Period: 1_000_000})
		require.NoError(t, err)
		_, err = a.Admit(1, Reservation{Budget: 2_000, Period: 1_000_000})
		require.Equal(t, ErrFull, err)
	}
}

func TestAdmission_RefusesWhatMakesNoSense(t *testing.T) {
	var a Admission
	a.Init(2, WholeCPU, false)
	for want, v := range map[Error]Reservation{
		ErrBudget: {Period: minPeriod},
		ErrOver:   {Budget: minPeriod + 1, Period: minPeriod},
		ErrShort:  {Budget: 1, Period: minPeriod - 1},
		ErrLong:   {Budget: 1, Period: maxPeriod + 1},
	} {
		_, err := a.Admit(3, v)
		require.Equal(t, want, err)
	}
	_, err := a.Admit(1<<2, Reservation{Budget: 1, Period: minPeriod})
	require.Equal(t, ErrAffinity, err)
	for i := range 2 * MaxRealTime {
		cpu, err := a.Admit(3, Reservation{Budget: 1, Period: maxPeriod})
		require.NoError(t, err)
		require.Equal(t, i%2, cpu)
	}
	_, err = a.Admit(3, Reservation{Budget: 1, Period: maxPeriod})
	require.Equal(t, ErrFull, err)
	require.Panics(t, func() { a.Init(65, WholeCPU, false) })
	require.Panics(t, func() { a.Init(1, WholeCPU+1, false) })
}

func TestAdmission_TakesTheCPUWithTheMostRoom(t *testing.T) {
	tsan.Alone(t)
	seeds.Each(t, 100, func(r *rand.Rand) {
		var a Admission
		cpus := 1 + r.IntN(MaxCPUs)
		a.Init(cpus, WholeCPU, r.IntN(2) == 0)
		for range 100 {
			affinity := r.Uint64() | r.Uint64()
			var before [MaxCPUs]uint64
			for i := range cpus {
				before[i], _ = a.Load(i)
			}
			cpu, err := a.Admit(affinity, Reservation{Budget: 1 + r.Uint64N(minPeriod), Period: minPeriod})
			if err != nil {
				continue
			}
			require.Less(t, cpu, cpus)
			require.NotZero(t, affinity>>cpu&1)
			for i := range cpus {
				if affinity>>i&1 != 0 {
					require.LessOrEqual(t, before[cpu], before[i])
				}
			}
		}
	})
}

func TestAdmission_G1_G3_ConcurrentlyToo(t *testing.T) {
	const workers, cpus = 4, 2
	for _, monotonic := range []bool{false, true} {
		var (
			a        Admission
			held     [cpus]atomic.Int64 // the costs of what is admitted for certain: never more than the word says
			wg       gosync.WaitGroup
			admitted atomic.Int64
		)
		a.Init(cpus, WholeCPU, monotonic)
		for w := range workers {
			wg.Go(func() {
				type holding struct {
					cpu int
					v   Reservation
				}
				var mine []holding
				drop := func() {
					h := mine[0]
					mine = mine[1:]
					held[h.cpu].Add(-int64(a.cost(h.v)))
					a.Release(h.cpu, h.v)
				}
				r := rand.New(rand.NewPCG(uint64(w), 7))
				for range 20_000 {
					v := Reservation{Budget: 1 + r.Uint64N(minPeriod/2), Period: minPeriod}
					if cpu, err := a.Admit(3, v); err == nil {
						admitted.Add(1)
						if now := held[cpu].Add(int64(a.cost(v))); now > WholeCPU {
							t.Errorf("CPU %d: %d parts of %d are reserved", cpu, now, WholeCPU)
						}
						mine = append(mine, holding{cpu, v})
					}
					if len(mine) > 0 && r.IntN(2) == 0 {
						drop()
					}
				}
				for len(mine) > 0 {
					drop()
				}
			})
		}
		wg.Wait()
		require.Greater(t, admitted.Load(), int64(workers*1000))
		for i := range cpus {
			require.Zero(t, a.words[i].Load())
		}
	}
}

func BenchmarkAdmission_AdmitRelease(b *testing.B) {
	var a Admission
	a.Init(8, WholeCPU, false)
	v := Reservation{Budget: minPeriod, Period: 10 * minPeriod}
	b.ReportAllocs()
	for b.Loop() {
		cpu, err := a.Admit(0xff, v)
		if err != nil {
			b.Fatal(err)
		}
		a.Release(cpu, v)
	}
}

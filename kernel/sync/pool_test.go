package sync

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

func newPool(slots, cpus int) *Pool {
	p := new(Pool)
	p.Init(make([]Link, slots), make([]PoolCPU, cpus))
	return p
}

func TestPool_G1_G3_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	failed, most := 0, 0
	seeds.Each(t, 300, func(r *rand.Rand) {
		slots, cpus := 2+r.IntN(300), 1+r.IntN(6)
		p := newPool(slots, cpus)
		var got []uint32
		isGot := make([]bool, slots)
		puts := 2 + r.IntN(7)
		for range 1500 {
			cpu := r.IntN(cpus)
			if r.IntN(10) < puts && len(got) > 0 {
				i := r.IntN(len(got))
				p.Put(cpu, got[i])
				isGot[got[i]] = false
				got[i] = got[len(got)-1]
				got = got[:len(got)-1]
				continue
			}
			i := p.Get(cpu)
			if i == 0 {
				free, others := slots-1-len(got), (2*int(p.batch)-1)*(cpus-1)
				require.LessOrEqual(t, free, others)
				failed++
				if free == others && free > 0 {
					most++
				}
				continue
			}
			require.False(t, isGot[i], "a slot of somebody's was handed out")
			isGot[i] = true
			got = append(got, i)
		}
		require.Equal(t, slots-1-len(got), p.Free())
		for _, i := range got {
			p.Put(r.IntN(cpus), i)
		}
		require.Equal(t, slots-1, p.Free())
	})
	require.Positive(t, failed)
	require.Positive(t, most, "Get never failed with as many slots free as G3 allows")
}

func TestPool_G3_OneCPUGetsAllOfItsSlots(t *testing.T) {
	for _, slots := range []int{2, 3, 5, 200, 5000} {
		p := newPool(slots, 1)
		seen := make([]bool, slots)
		for range slots - 1 {
			i := p.Get(0)
			require.NotZero(t, i)
			require.False(t, seen[i])
			seen[i] = true
		}
		require.Zero(t, p.Get(0))
		require.Zero(t, p.Free())
		p.Put(0, 1)
		require.EqualValues(t, 1, p.Get(0))
	}
}

func TestPool_G3_IsAttained(t *testing.T) {
	p := newPool(25, 2)
	require.EqualValues(t, 3, p.batch)
	var mine []uint32
	for range 6 {
		mine = append(mine, p.Get(0))
	}
	for p.Get(1) != 0 {
	}
	for _, i := range mine[:5] {
		p.Put(0, i)
	}
	require.Zero(t, p.Get(1))
	require.Equal(t, 5, p.Free(), "a whole batch, and a slot less than another")
	p.Put(0, mine[5])
	require.NotZero(t, p.Get(1))
}

func TestPool_BatchesAreNoLargerThanTheStockAllows(t *testing.T) {
	require.EqualValues(t, 1, newPool(2, 64).batch)
	require.EqualValues(t, 2, newPool(17, 2).batch)
	require.EqualValues(t, maxBatch, newPool(1<<16, 4).batch)
}

func TestPool_RefusesWhatItCannotBe(t *testing.T) {
	for _, f := range []func(){
		func() { newPool(1, 1) }, func() { newPool(0, 1) }, func() { newPool(2, 0) }, func() { newPool(MaxSlots+1, 1) },
	} {
		require.Panics(t, f)
	}
}

func TestPool_G1_G2_SlotsAreOneHoldersAtATime(t *testing.T) {
	manyThreads(t)
	const workers = 4
	failed := 0
	var got [workers]int
	seeds.Each(t, 20, func(r *rand.Rand) {
		slots := 12 + r.IntN(60)
		p := newPool(slots, workers)
		holder := make([]int, slots) // plain: the race detector watches
		rounds := make([]int, workers)
		fails := make([]int, workers)
		inParallel(workers, func(w int) {
			r := rand.New(rand.NewPCG(uint64(w), uint64(slots)))
			var mine []uint32
			for range 2000 {
				if len(mine) > 0 && r.IntN(2) == 0 {
					i := mine[len(mine)-1]
					mine = mine[:len(mine)-1]
					if holder[i] != w+1 {
						t.Errorf("slot %d of CPU %d is CPU %d's", i, w, holder[i]-1)
					}
					holder[i] = 0
					p.Put(w, i)
				} else if i := p.Get(w); i != 0 {
					if holder[i] != 0 {
						t.Errorf("slot %d was got by CPU %d, and is CPU %d's", i, w, holder[i]-1)
					}
					holder[i] = w + 1
					mine = append(mine, i)
					rounds[w]++
				} else {
					fails[w]++
					runtime.Gosched()
				}
			}
			for _, i := range mine {
				holder[i] = 0
				p.Put(w, i)
			}
		})
		require.Equal(t, slots-1, p.Free())
		for w := range workers {
			got[w] += rounds[w]
			failed += fails[w]
		}
	})
	for w := range workers {
		require.Positive(t, got[w])
	}
	require.Positive(t, failed, "the pool never ran out")
}

func TestPool_G1_GenerationOfTheDepotComesRound(t *testing.T) {
	p := newPool(40, 2)
	p.depot.Store(p.depot.Load() | ^uint64(indexMask)) // the last generation
	for range 3 {
		seen := make(map[uint32]bool)
		for i := p.Get(1); i != 0; i = p.Get(1) {
			require.False(t, seen[i])
			seen[i] = true
		}
		require.NotEmpty(t, seen)
		for i := range seen {
			p.Put(1, i)
		}
		require.Equal(t, 39, p.Free())
	}
}

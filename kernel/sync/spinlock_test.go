package sync

import (
	"math/rand/v2"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

func TestSpinlock_G1_OneAtATime(t *testing.T) {
	const cpus, rounds = 4, 5_000
	var (
		l         Spinlock
		count     int // plain: the race detector and the sum both watch
		tried, wg = atomic.Int64{}, gosync.WaitGroup{}
	)
	l.Init(ClassTestSpin)
	for cpu := range cpus {
		wg.Go(func() {
			c := &Context{CPU: cpu}
			for i := range rounds {
				if i%3 != 0 {
					l.Lock(c)
				} else if !l.TryLock(c) {
					continue
				}
				count++
				tried.Add(1)
				l.Unlock(c)
			}
			c.AssertNoLocks()
		})
	}
	wg.Wait()
	require.EqualValues(t, tried.Load(), count)
	require.GreaterOrEqual(t, count, cpus*rounds*2/3)
}

func TestSpinlock_G1_SeveralReleasedInAnyOrder(t *testing.T) {
	seeds.Each(t, 20, func(r *rand.Rand) {
		const cpus, rounds = 3, 100
		var (
			locks  [4]Spinlock
			counts [4]int
			wants  [4]atomic.Int64
			wg     gosync.WaitGroup
		)
		for i := range locks {
			locks[i].Init(ClassTestSpin)
		}
		for cpu := range cpus {
			r := rand.New(rand.NewPCG(r.Uint64(), 0))
			wg.Go(func() {
				c := &Context{CPU: cpu}
				for range rounds {
					var taken []int
					for i := range locks {
						if r.IntN(2) == 0 {
							locks[i].Lock(c)
							counts[i]++
							wants[i].Add(1)
							taken = append(taken, i)
						}
					}
					r.Shuffle(len(taken), func(i, j int) { taken[i], taken[j] = taken[j], taken[i] })
					for _, i := range taken {
						locks[i].Unlock(c)
					}
				}
				c.AssertNoLocks()
			})
		}
		wg.Wait()
		for i := range counts {
			require.EqualValues(t, wants[i].Load(), counts[i])
		}
	})
}

func TestSpinlock_G2_NotPreemptedFromBeforeTheWait(t *testing.T) {
	l := Spinlock{Class: ClassTestSpin}
	a, b := &Context{CPU: 0}, &Context{CPU: 1}
	l.Lock(a)
	require.False(t, a.Preemptible())
	require.Equal(t, 1, a.SpinDepth())
	var waited atomic.Int64
	was := Relax
	defer func() { Relax = was }()
	Relax = func(int) { // called by b, for a does not wait
		if b.Preemptible() {
			panic("preemptible while it waits")
		}
		waited.Add(1)
		runtime.Gosched()
	}
	var wg gosync.WaitGroup
	wg.Go(func() {
		l.Lock(b)
		l.Unlock(b)
	})
	for waited.Load() == 0 {
		runtime.Gosched()
	}
	l.Unlock(a)
	wg.Wait()
	require.True(t, a.Preemptible())
	require.True(t, b.Preemptible())
}

func TestSpinlock_G3_CheckedBeforeTheWait(t *testing.T) {
	outer, inner := Spinlock{Class: ClassTestSpin}, Spinlock{Class: ClassPI}
	a, b := &Context{CPU: 0}, &Context{CPU: 1}
	outer.Lock(a)
	inner.Lock(b)
	cause, _ := refused(t, func() { outer.Lock(b) }) // which would wait for ever
	require.Equal(t, "lock order: a lock taken against the declared order", cause)
	require.Equal(t, int32(1), b.preempt)
	inner.Unlock(b)
	outer.Unlock(a)
}

func TestSpinlock_TryLockTakesOnlyAFreeLock(t *testing.T) {
	l := Spinlock{Class: ClassTestSpin}
	a, b := &Context{CPU: 0}, &Context{CPU: 1}
	require.True(t, l.TryLock(a))
	require.False(t, l.TryLock(b))
	require.True(t, b.Preemptible())
	require.Empty(t, b.Held())
	l.Unlock(a)
	require.True(t, l.TryLock(b))
	l.Unlock(b)
}

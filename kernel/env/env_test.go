package env

import (
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/cap"
	ksync "exo/kernel/sync"
)

func TestQuota_G1_NeverMoreThanTheLimit(t *testing.T) {
	var q Quota
	q.Init(10)
	require.True(t, q.Take(10))
	require.False(t, q.Take(1))
	q.Give(3)
	require.False(t, q.Take(4))
	require.True(t, q.Take(3))
	require.Panics(t, func() { q.Give(11) })
	require.False(t, q.Take(^uint64(0)))
	q.Init(^uint64(0))
	limit, used := q.Read()
	require.EqualValues(t, MaxQuota, limit)
	require.Zero(t, used)
}

func TestQuota_G2_WhatIsCutIsElsewhere(t *testing.T) {
	var a, b Quota
	a.Init(100)
	require.True(t, a.Take(40))
	require.False(t, a.Cut(61))
	require.True(t, a.Cut(60))
	b.Init(60)
	require.False(t, a.Take(1))
	require.True(t, b.Take(10))
	a.Grow(b.Drain())
	limit, used := a.Read()
	require.EqualValues(t, []uint64{90, 40}, []uint64{limit, used})
	limit, used = b.Read()
	require.EqualValues(t, []uint64{10, 10}, []uint64{limit, used})
	require.Panics(t, func() { a.Grow(MaxQuota) })
}

func TestQuota_G3_NothingAfterClose(t *testing.T) {
	var q Quota
	q.Init(5)
	q.Take(2)
	q.Close()
	require.False(t, q.Take(1))
	require.False(t, q.Cut(1))
	q.Give(2)
	q.Grow(3)
	require.EqualValues(t, 8, q.Drain())
}

func TestQuota_G1_G2_ManyAtOnce(t *testing.T) {
	const total, n, rounds = 1000, 4, 20_000
	var q [2]Quota
	q[0].Init(total)
	var wg sync.WaitGroup
	var done atomic.Uint64
	for i := range n {
		wg.Go(func() {
			r := uint64(i + 1)
			for range rounds {
				r = r*6364136223846793005 + 1442695040888963407
				k := 1 + r>>40%50
				from, to := &q[r>>60&1], &q[1-r>>60&1]
				if r>>33&1 == 0 {
					if from.Take(k) {
						limit, used := from.Read()
						if used > limit {
							t.Error("more is used than may be")
						}
						from.Give(k)
						done.Add(1)
					}
				} else if from.Cut(k) {
					to.Grow(k)
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	a, usedA := q[0].Read()
	b, usedB := q[1].Read()
	require.EqualValues(t, total, a+b)
	require.Zero(t, usedA+usedB)
	require.Positive(t, done.Load())
}

func name(generation uint64) cap.Name { return cap.Name(generation<<32 | 7) }

func TestPayer_G1_G2_InAnyOrder(t *testing.T) {
	var p Payer
	require.True(t, p.Made(name(1), 5))
	require.EqualValues(t, 5, p.Gone(name(1)))
	require.EqualValues(t, cap.Nobody, p.Gone(name(2)), "torn down before Made")
	require.False(t, p.Made(name(2), 5), "so that says to give back")
	require.False(t, p.Made(name(1), 5), "however late it comes")
	require.True(t, p.Made(name(3), 5))
	require.EqualValues(t, 5, p.Moved(name(3), 5, 6), "who had it pays no more")
	require.EqualValues(t, 6, p.Gone(name(3)))
	require.EqualValues(t, 8, p.Moved(name(3), 6, 8), "it is gone: who was to have it gets back")
	require.True(t, p.Made(name(4), 6))
	require.EqualValues(t, 8, p.Moved(name(3), 6, 8), "and is another's by now")
	require.EqualValues(t, 6, p.Gone(name(4)))
}

// TestPayer_G1_EachIsGivenBack has makers, movers and a teardown meet, and counts what each holder was charged.
func TestPayer_G1_EachIsGivenBack(t *testing.T) {
	seeds.Each(t, 20, func(r *rand.Rand) {
		seed := r.Uint64()
		var p Payer
		var charged [4]atomic.Int64
		const lives = 500
		for g := uint64(1); g <= lives; g++ {
			n := name(g)
			var wg sync.WaitGroup
			charged[1].Add(1)
			var moved atomic.Bool
			wg.Go(func() { // makes it, and gives it on
				if !p.Made(n, 1) {
					charged[1].Add(-1)
				}
				if (g^seed)%3 != 0 {
					charged[2].Add(1)
					moved.Store(true)
					charged[p.Moved(n, 1, 2)].Add(-1)
				}
			})
			wg.Go(func() { // who got it gives it on too
				for range 50 {
					if moved.Load() {
						charged[3].Add(1)
						charged[p.Moved(n, 2, 3)].Add(-1)
						return
					}
				}
			})
			wg.Go(func() { charged[p.Gone(n)].Add(-1) })
			wg.Wait()
			charged[cap.Nobody].Store(0)
			for h := 1; h < 4; h++ {
				require.Zero(t, charged[h].Load(), "life %d, holder %d", g, h)
			}
		}
	})
}

// TestMain has who waits for a binding let others run, as the kernel does.
func TestMain(m *testing.M) {
	ksync.Relax = func(int) { runtime.Gosched() }
	os.Exit(m.Run())
}

// TestBinding_G1_OneAtATime: between Lock and Unlock nobody else is.
func TestBinding_G1_OneAtATime(t *testing.T) {
	const n, rounds = 4, 2000
	var b Binding
	var inside, all atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for range rounds {
				b.Lock()
				if inside.Add(1) != 1 {
					t.Error("two at once")
				}
				runtime.Gosched()
				inside.Add(-1)
				all.Add(1)
				b.Unlock()
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, n*rounds, all.Load())
}

// TestBinding_G1_TheTeardownSeesWhatWasMapped: who binds looks whether the capability is alive with the lock held.
func TestBinding_G1_TheTeardownSeesWhatWasMapped(t *testing.T) {
	bound := 0
	for i := range 3000 {
		var b Binding
		var dead atomic.Bool
		mapped := 0 // guarded by the binding
		var wg sync.WaitGroup
		wg.Go(func() {
			b.Lock()
			if !dead.Load() {
				mapped = 1
				b.Env, b.VA = 3, 0x1000
			}
			b.Unlock()
		})
		wg.Go(func() {
			if i%2 == 0 {
				runtime.Gosched() // else it is the first to run, nearly always
			}
			dead.Store(true)
			b.Lock()
			if b.Env != cap.Nobody {
				bound++
				mapped = 0
				b.Unbind()
			}
			b.Unlock()
		})
		wg.Wait()
		require.Zero(t, mapped)
		require.True(t, b.TryLock())
		require.False(t, b.TryLock())
	}
	require.Positive(t, bound)
}

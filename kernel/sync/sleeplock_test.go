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

// A thread is a goroutine that takes and releases locks as it is told. That a Lock waits is seen in its Context.
type thread struct {
	*Context
	do   chan func()
	done atomic.Int64 // how many of those it has done
	told int64
}

var observer = Context{CPU: 63} // looks at queues from outside

func newThread(t *testing.T, priority int) *thread {
	th := &thread{Context: newTask(), do: make(chan func(), 1)}
	th.SetPriority(priority, &observer)
	go func() {
		for f := range th.do {
			f()
			th.done.Add(1)
		}
	}()
	t.Cleanup(func() { close(th.do) })
	return th
}

func (th *thread) start(f func()) {
	th.told++
	th.do <- f
}

func (th *thread) finish() {
	for th.done.Load() != th.told {
		runtime.Gosched()
	}
}

// lock has the thread take l and says whether it has it; else it waits.
func (th *thread) lock(l *Sleeplock) bool {
	th.start(func() { l.Lock(th.Context) })
	for {
		if th.done.Load() == th.told {
			return true
		}
		if th.blockedOn() == l {
			return false
		}
		runtime.Gosched()
	}
}

// try has it take l if it is free.
func (th *thread) try(l *Sleeplock) (ok bool) {
	th.start(func() { ok = l.TryLock(th.Context) })
	th.finish()
	return ok
}

// unlock has it release l.
func (th *thread) unlock(l *Sleeplock) {
	th.start(func() { l.Unlock(th.Context) })
	th.finish()
}

func (th *thread) blockedOn() *Sleeplock {
	guard.Lock(&observer)
	defer guard.Unlock(&observer)
	return th.waitsFor
}

// queueOf is who waits for l, the first first.
func queueOf(l *Sleeplock) (q []*Context) {
	guard.Lock(&observer)
	defer guard.Unlock(&observer)
	for c := l.first; c != nil; c = c.next {
		q = append(q, c)
	}
	return q
}

func sleeplocks(classes ...Class) []*Sleeplock {
	var ls []*Sleeplock
	for _, c := range classes {
		ls = append(ls, &Sleeplock{Class: c})
	}
	return ls
}

// noisy is a permit whose Park returns for no reason now and then, and whose Unpark is late.
type noisy struct {
	permit
	r      *rand.Rand // Park's alone
	noises *atomic.Int64
}

func (p noisy) Park() {
	if p.r.IntN(3) == 0 {
		p.noises.Add(1)
		runtime.Gosched()
		return
	}
	p.permit.Park()
}

func (p noisy) Unpark() {
	runtime.Gosched()
	p.permit.Unpark()
}

// Contexts take nested locks, release them in any order, and change priorities, all at once.
func TestSleeplock_G1_G3_Stress(t *testing.T) {
	var noises, contention atomic.Int64
	PriorityChanged = func(*Context) { contention.Add(1) }
	defer func() { PriorityChanged = nil }()
	seeds.Each(t, 30, func(r *rand.Rand) {
		const cpus, rounds = 6, 150
		var (
			locks  [3]Sleeplock
			counts [3]int // plain: the race detector and the sum both watch
			wants  [3]atomic.Int64
			all    [cpus]Context
			wg     gosync.WaitGroup
		)
		for i := range locks {
			locks[i].Init(ClassTestNest)
		}
		for cpu := range all {
			r := rand.New(rand.NewPCG(r.Uint64(), 1))
			parks := rand.New(rand.NewPCG(r.Uint64(), 2))
			c := &all[cpu]
			c.CPU, c.Sleeper = cpu, noisy{newPermit(), parks, &noises}
			wg.Go(func() {
				for range rounds {
					var taken []int
					for i := range locks {
						if r.IntN(2) == 0 {
							if r.IntN(4) != 0 {
								locks[i].Lock(c)
							} else if !locks[i].TryLock(c) {
								continue
							}
							counts[i]++
							wants[i].Add(1)
							taken = append(taken, i)
							if r.IntN(3) == 0 {
								runtime.Gosched()
							}
						}
					}
					if r.IntN(4) == 0 {
						all[r.IntN(cpus)].SetPriority(r.IntN(5), c)
					}
					r.Shuffle(len(taken), func(i, j int) { taken[i], taken[j] = taken[j], taken[i] })
					for _, i := range taken {
						locks[i].Unlock(c)
					}
				}
			})
		}
		wg.Wait()
		for i := range counts {
			require.EqualValues(t, wants[i].Load(), counts[i])
			require.Nil(t, locks[i].owner.Load())
			require.Nil(t, locks[i].first)
			require.Nil(t, locks[i].holder)
		}
		for i := range all {
			all[i].AssertNoLocks()
			require.True(t, all[i].Preemptible())
			require.Nil(t, all[i].wanted)
			require.Equal(t, all[i].Priority(), all[i].EffectivePriority())
		}
	})
	require.NotZero(t, noises.Load(), "nobody waited")
	require.NotZero(t, contention.Load(), "no priority ever changed")
}

// Two contexts and one lock, many times: the window between a waiter's last look and its Park is hit often.
func TestSleeplock_G3_PingPong(t *testing.T) {
	const rounds = 20_000
	l := Sleeplock{Class: ClassTestA}
	var parks atomic.Int64
	var wg gosync.WaitGroup
	count := 0
	for cpu := range 2 {
		c := &Context{CPU: cpu, Sleeper: counted{newPermit(), &parks}}
		wg.Go(func() {
			for i := range rounds {
				l.Lock(c)
				count++
				if i%64 == 0 {
					runtime.Gosched()
				}
				l.Unlock(c)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 2*rounds, count)
	require.NotZero(t, parks.Load(), "nobody waited")
}

type counted struct {
	permit
	parks *atomic.Int64
}

func (p counted) Park() {
	p.parks.Add(1)
	p.permit.Park()
}

func TestSleeplock_G2_MostUrgentFirstThenFirstCome(t *testing.T) {
	l := &Sleeplock{Class: ClassTestA}
	holder := newThread(t, 0)
	require.True(t, holder.lock(l))
	var order []*Context
	var waiters []*thread
	for _, p := range []int{3, 7, 3, -2, 7, 5} {
		w := newThread(t, p)
		require.False(t, w.lock(l))
		waiters = append(waiters, w)
	}
	for _, i := range []int{1, 4, 5, 0, 2, 3} {
		order = append(order, waiters[i].Context)
	}
	require.Equal(t, order, queueOf(l))
	holder.unlock(l)
	late := newThread(t, 100)
	require.False(t, late.try(l), "nobody comes between")
	for _, i := range []int{1, 4, 5, 0, 2, 3} {
		w := waiters[i]
		w.finish()
		require.Len(t, w.Held(), 1)
		w.unlock(l)
		require.Equal(t, w.Priority(), w.EffectivePriority())
	}
	require.True(t, late.try(l))
	late.unlock(l)
}

// A lock is handed over even if its next owner has not begun to sleep, and even if it is woken for no reason.
func TestSleeplock_G3_PermitsBeforeAndBeyondNeed(t *testing.T) {
	l := &Sleeplock{Class: ClassTestA}
	a, b := newThread(t, 0), newThread(t, 0)
	require.True(t, a.lock(l))
	require.False(t, b.lock(l))
	for range 100 {
		b.Sleeper.Unpark() // for nothing
		runtime.Gosched()
	}
	require.Equal(t, l, b.blockedOn())
	a.unlock(l)
	b.finish()
	b.Sleeper.Unpark() // late: found by the next wait
	b.unlock(l)
	require.True(t, a.lock(l))
	require.False(t, b.lock(l))
	a.unlock(l)
	b.finish()
	b.unlock(l)
}

func TestSleeplock_G5_RefusedWhereWaitingIsForbidden(t *testing.T) {
	spin := Spinlock{Class: ClassTestSpin}
	l := Sleeplock{Class: ClassTestA}
	for _, try := range []struct {
		cause     string
		begin     func(c *Context)
		canFinish func(c *Context)
	}{
		{"sleeplock: taken while preemption is off", (*Context).PreemptDisable, (*Context).PreemptEnable},
		{"sleeplock: taken by a context that cannot sleep", func(c *Context) { c.Sleeper = nil },
			func(c *Context) { c.Sleeper = newPermit() }},
		{"lock order: a sleeplock under a spinlock", spin.Lock, spin.Unlock},
	} {
		c := newTask()
		try.begin(c)
		for _, take := range []func(){func() { l.Lock(c) }, func() { l.TryLock(c) }} { // though it is free
			cause, _ := refused(t, take)
			require.Equal(t, try.cause, cause)
		}
		try.canFinish(c)
		l.Lock(c)
		l.Unlock(c)
		c.AssertNoLocks()
		require.True(t, c.Preemptible())
	}
}

// Releasing may take a spinlock of ClassPI, so it is refused where that would be, also when nobody waits.
func TestSleeplock_G5_ReleaseUnderSpinlocks(t *testing.T) {
	for _, try := range []struct {
		class Class
		ok    bool
	}{{ClassTestSpin, true}, {ClassTestIRQ, false}, {ClassConsole, false}} {
		c := newTask()
		l, spin := Sleeplock{Class: ClassTestA}, Spinlock{Class: try.class}
		l.Lock(c)
		spin.Lock(c)
		if try.ok {
			l.Unlock(c)
		} else {
			cause, _ := refused(t, func() { l.Unlock(c) })
			require.Equal(t, "lock order: a lock taken against the declared order", cause)
		}
		spin.Unlock(c)
		c.AssertNoLocks()
	}
}

func TestSleeplock_TryLockTakesOnlyAFreeLock(t *testing.T) {
	var l Sleeplock
	l.Init(ClassTestA)
	a, b := newTask(), newTask()
	require.True(t, l.TryLock(a))
	require.False(t, l.TryLock(b))
	require.Empty(t, b.Held())
	l.Unlock(a)
	require.True(t, l.TryLock(b))
	l.Unlock(b)
}

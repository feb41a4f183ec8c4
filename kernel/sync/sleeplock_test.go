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

func TestSleeplock_G4_Direct(t *testing.T) {
	l := &Sleeplock{Class: ClassTestA}
	low, high := newThread(t, 1), newThread(t, 9)
	require.True(t, low.lock(l))
	require.Equal(t, 1, low.EffectivePriority())
	require.False(t, high.lock(l))
	require.Equal(t, 9, low.EffectivePriority())
	require.Equal(t, 1, low.Priority())
	low.unlock(l)
	high.finish()
	require.Equal(t, 1, low.EffectivePriority())
	require.False(t, low.lock(l))
	require.Equal(t, 9, high.EffectivePriority(), "who is less urgent lends nothing")
	high.unlock(l)
	low.finish()
	low.unlock(l)
}

func TestSleeplock_G4_ThroughThreeLocks(t *testing.T) {
	ls := sleeplocks(ClassTestA, ClassTestB, ClassTestC)
	var chain []*thread // chain[i] holds ls[i] and waits for ls[i+1]
	for i := range ls {
		chain = append(chain, newThread(t, i+1))
		require.True(t, chain[i].lock(ls[i]))
	}
	require.False(t, chain[1].lock(ls[2]))
	require.False(t, chain[0].lock(ls[1]))
	require.Equal(t, []int{1, 2, 3}, effective(chain))
	top := newThread(t, 9)
	require.False(t, top.lock(ls[0]))
	require.Equal(t, []int{9, 9, 9}, effective(chain))

	top.SetPriority(4, &observer)
	require.Equal(t, []int{4, 4, 4}, effective(chain))
	top.SetPriority(0, &observer)
	require.Equal(t, []int{1, 2, 3}, effective(chain))
	top.SetPriority(8, &observer)
	require.Equal(t, []int{8, 8, 8}, effective(chain))

	chain[2].unlock(ls[2])
	chain[1].finish()
	require.Equal(t, []int{8, 8, 3}, effective(chain))
	chain[1].unlock(ls[1]) // while it holds ls[2], which it took later
	chain[0].finish()
	require.Equal(t, []int{8, 2, 3}, effective(chain))
	chain[0].unlock(ls[0])
	top.finish()
	require.Equal(t, []int{1, 2, 3}, effective(chain))
	require.Equal(t, 8, top.EffectivePriority())
}

func effective(ths []*thread) (p []int) {
	for _, th := range ths {
		p = append(p, th.EffectivePriority())
	}
	return p
}

func TestSleeplock_G4_SeveralLocksHeld(t *testing.T) {
	for _, order := range []struct {
		release []int
		left    []int // the holder's priority after each release
	}{
		{[]int{0, 1, 2}, []int{7, 3, 0}},
		{[]int{1, 0, 2}, []int{5, 3, 0}},
		{[]int{2, 1, 0}, []int{7, 5, 0}},
		{[]int{1, 2, 0}, []int{5, 5, 0}},
	} {
		ls := sleeplocks(ClassTestA, ClassTestB, ClassTestC)
		holder := newThread(t, 0)
		for _, l := range ls {
			require.True(t, holder.lock(l))
		}
		var waiters []*thread
		for i, p := range []int{5, 7, 3} {
			waiters = append(waiters, newThread(t, p))
			require.False(t, waiters[i].lock(ls[i]))
		}
		require.Equal(t, 7, holder.EffectivePriority())
		for k, i := range order.release {
			holder.unlock(ls[i])
			waiters[i].finish()
			require.Equal(t, order.left[k], holder.EffectivePriority(), "%v", order)
		}
	}
}

func TestSleeplock_G4_PriorityChangesWhileWaiting(t *testing.T) {
	l := &Sleeplock{Class: ClassTestA}
	holder, w1, w2, w3 := newThread(t, 2), newThread(t, 3), newThread(t, 5), newThread(t, 3)
	require.True(t, holder.lock(l))
	for _, w := range []*thread{w1, w2, w3} {
		require.False(t, w.lock(l))
	}
	queue := func(ws ...*thread) (q []*Context) {
		for _, w := range ws {
			q = append(q, w.Context)
		}
		return q
	}
	require.Equal(t, queue(w2, w1, w3), queueOf(l))
	w1.SetPriority(8, &observer)
	require.Equal(t, queue(w1, w2, w3), queueOf(l))
	require.Equal(t, 8, holder.EffectivePriority())
	w1.SetPriority(1, &observer)
	require.Equal(t, queue(w2, w3, w1), queueOf(l))
	require.Equal(t, 5, holder.EffectivePriority())
	w3.SetPriority(5, &observer)
	require.Equal(t, queue(w2, w3, w1), queueOf(l), "behind those as urgent")
	w2.SetPriority(5, &observer)
	require.Equal(t, queue(w2, w3, w1), queueOf(l), "no change, no new place")
	holder.SetPriority(6, &observer)
	require.Equal(t, 6, holder.EffectivePriority())
	holder.SetPriority(-6, holder.Context)
	require.Equal(t, 5, holder.EffectivePriority())
	require.Equal(t, -6, holder.Priority())
	holder.unlock(l)
	w2.finish()
	require.Equal(t, -6, holder.EffectivePriority())
}

func TestSleeplock_G4_TheSchedulerIsTold(t *testing.T) {
	l := &Sleeplock{Class: ClassTestA}
	low, high := newThread(t, 1), newThread(t, 9)
	type told struct {
		c *Context
		p int
	}
	var all []told
	PriorityChanged = func(c *Context) {
		all = append(all, told{c, c.EffectivePriority()})
		if guard.raw.TryLock() {
			panic("without the guard")
		}
	}
	defer func() { PriorityChanged = nil }()
	require.True(t, low.lock(l))
	require.False(t, high.lock(l))
	high.SetPriority(9, &observer)
	high.SetPriority(7, &observer)
	low.unlock(l)
	high.finish()
	require.Equal(t, []told{{low.Context, 9}, {high.Context, 7}, {low.Context, 7}, {low.Context, 1}}, all)
}

// wakeUp is a Sleeper that looks at who wakes it.
type wakeUp struct {
	permit
	by *Context
	ok atomic.Int64
}

func (w *wakeUp) Unpark() {
	if !w.by.Preemptible() && w.by.SpinDepth() == 0 && w.by.EffectivePriority() == w.by.Priority() {
		w.ok.Add(1)
	}
	w.permit.Unpark()
}

func TestSleeplock_G4_NotPreemptedBetweenHandOverAndWakeUp(t *testing.T) {
	l := &Sleeplock{Class: ClassTestA}
	low, high := newThread(t, 1), newThread(t, 9)
	w := &wakeUp{permit: newPermit(), by: low.Context}
	high.Sleeper = w
	require.True(t, low.lock(l))
	require.False(t, high.lock(l))
	low.unlock(l)
	high.finish()
	require.EqualValues(t, 1, w.ok.Load())
	require.True(t, low.Preemptible())
}

// Threads lock, unlock and change priorities at random, one step at a time; a model that knows only queues and maxima
// says who waits where, in which order, and how urgent everybody is.
func TestSleeplock_G2_G4_RandomAgainstModel(t *testing.T) {
	const threads, nlocks, steps = 7, 5, 60
	waited, changed, deep := 0, 0, 0
	seeds.Each(t, 25, func(r *rand.Rand) {
		var (
			locks     [nlocks]Sleeplock
			ths       []*thread
			base      [threads]int
			eff       [threads]int
			waitsFor  [threads]int // a lock, or -1
			holder    [nlocks]int  // a thread, or -1
			queue     [nlocks][]int
			remove    = func(l, i int) { queue[l] = without(queue[l], i) }
			highestOf = func(i int) int { // of what it holds
				h := -1
				for l := range locks {
					if holder[l] == i {
						h = l
					}
				}
				return h
			}
			insert = func(l, i int) {
				at := 0
				for at < len(queue[l]) && eff[queue[l][at]] >= eff[i] {
					at++
				}
				queue[l] = append(queue[l][:at:at], append([]int{i}, queue[l][at:]...)...)
			}
			settle = func() { // until nothing changes
				for again := true; again; {
					again = false
					for i := range threads {
						p := base[i]
						for l := range locks {
							for _, w := range queue[l] {
								if holder[l] == i {
									p = max(p, eff[w])
								}
							}
						}
						if p != eff[i] {
							eff[i], again = p, true
							changed++
							if l := waitsFor[i]; l >= 0 {
								deep++
								remove(l, i)
								insert(l, i)
							}
						}
					}
				}
			}
		)
		for i := range threads {
			ths = append(ths, newThread(t, 0))
			waitsFor[i] = -1
		}
		for l := range locks {
			locks[l].Init(ClassTestNest)
			holder[l] = -1
		}
		release := func(i, l int) {
			ths[i].unlock(&locks[l])
			holder[l] = -1
			if len(queue[l]) > 0 {
				w := queue[l][0]
				queue[l] = queue[l][1:]
				holder[l], waitsFor[w] = w, -1
				ths[w].finish()
			}
		}
		for step := 0; ; step++ {
			i := r.IntN(threads)
			h := highestOf(i)
			switch {
			case step >= steps: // release everything, from the end of the chains
				i = -1
				for k := range threads {
					if waitsFor[k] < 0 && highestOf(k) >= 0 {
						i = k
					}
				}
				if i < 0 {
					for l := range locks {
						require.Nil(t, locks[l].owner.Load())
					}
					return
				}
				release(i, highestOf(i))
			case r.IntN(4) == 0: // whether it waits or not
				base[i] = r.IntN(6)
				ths[i].SetPriority(base[i], &observer)
			case waitsFor[i] >= 0:
			case h >= 0 && r.IntN(3) == 0:
				l := r.IntN(nlocks)
				for holder[l] != i {
					l = r.IntN(nlocks)
				}
				release(i, l)
			case h < nlocks-1:
				l := h + 1 + r.IntN(nlocks-h-1)
				free := ths[i].lock(&locks[l])
				require.Equal(t, holder[l] < 0, free)
				if free {
					holder[l] = i
				} else {
					waited++
					waitsFor[i] = l
					insert(l, i)
				}
			}
			settle()
			for i, th := range ths {
				require.Equal(t, eff[i], th.EffectivePriority(), "step %d, thread %d", step, i)
				require.Equal(t, base[i], th.Priority())
			}
			for l := range locks {
				var want []*Context
				for _, w := range queue[l] {
					want = append(want, ths[w].Context)
				}
				require.Equal(t, want, queueOf(&locks[l]), "step %d, lock %d", step, l)
				switch o := locks[l].owner.Load(); {
				case holder[l] < 0:
					require.Nil(t, o)
				case len(want) > 0:
					require.Same(t, &contended, o)
					require.Same(t, ths[holder[l]].Context, locks[l].holder)
				default:
					require.Same(t, ths[holder[l]].Context, o)
				}
			}
		}
	})
	require.NotZero(t, waited)
	require.NotZero(t, changed)
	require.NotZero(t, deep)
}

func without(q []int, i int) (rest []int) {
	for _, x := range q {
		if x != i {
			rest = append(rest, x)
		}
	}
	return rest
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

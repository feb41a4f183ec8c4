package sync

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

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

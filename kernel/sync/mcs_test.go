package sync

import (
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/tsan"
)

func yieldRound(int) { runtime.Gosched() }

func requireNobodyWaits(t *testing.T) {
	t.Helper()
	for i := range mcsWaiters {
		require.Zero(t, mcsWaiters[i].depth)
	}
}

func TestMCS_G1_G2_OneAtATime(t *testing.T) {
	manyThreads(t)
	const workers, rounds = 4, 4000
	var (
		l     [2]MCS
		count [2]int // plain: the race detector and the sum both watch
	)
	inParallel(workers, func(w int) {
		for i := range rounds {
			k := i % 2
			if i%7 == 0 && l[k].TryLock() {
				count[k]++
				l[k].Unlock()
				continue
			}
			l[k].Lock(w, yieldRound)
			count[k]++
			if i%5 == 0 {
				runtime.Gosched()
			}
			l[k].Unlock()
		}
	})
	require.Equal(t, [2]int{workers * rounds / 2, workers * rounds / 2}, count)
	requireNobodyWaits(t)
	for i := range l {
		require.Zero(t, l[i].locked.Load())
		require.Zero(t, l[i].tail.Load())
	}
}

func TestMCS_G3_WaitersEnterInTheirOrder(t *testing.T) {
	const waiters = 6
	for range 20 {
		var (
			l     MCS
			order []int
			wg    gosync.WaitGroup
		)
		l.Lock(63, nil)
		for i := range waiters {
			before := l.tail.Load()
			wg.Go(func() {
				l.Lock(i, yieldRound)
				order = append(order, i)
				l.Unlock()
			})
			for l.tail.Load() == before {
				runtime.Gosched()
			}
			require.False(t, l.TryLock())
		}
		l.Unlock()
		wg.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4, 5}, order)
		require.Zero(t, l.tail.Load())
	}
	requireNobodyWaits(t)
}

// A CPU's place in the queue is free as soon as it has the lock: it can hold many, and release them in any order.
func TestMCS_G4_ReleasedInAnyOrder(t *testing.T) {
	const locks = 10
	var (
		l  [locks]MCS
		wg gosync.WaitGroup
	)
	for i := range l {
		l[i].Lock(1, nil)
	}
	wg.Go(func() { // waits for each, and so holds all in the end
		for i := range l {
			l[i].Lock(0, yieldRound)
		}
		for _, i := range []int{3, 1, 4, 0, 5, 9, 2, 6, 8, 7} {
			l[i].Unlock()
		}
	})
	for i := range l {
		for l[i].tail.Load() == 0 {
			runtime.Gosched()
		}
		l[i].Unlock()
	}
	wg.Wait()
	for i := range l {
		require.True(t, l[i].TryLock())
	}
	requireNobodyWaits(t)
}

// While a task waits, an interrupt handler on its CPU waits for another lock, an NMI for a third, and something for a
// fourth; a fifth level is one too many.
func TestMCS_G4_NestedWaits(t *testing.T) {
	var l [mcsLevels + 1]MCS
	for i := range l {
		l[i].Lock(1, nil)
	}
	var order []int
	var wait func(level int)
	wait = func(level int) {
		l[level].Lock(0, func(rounds int) {
			if rounds > 0 {
				return
			}
			require.EqualValues(t, level+1, mcsWaiters[0].depth)
			if level+1 < mcsLevels {
				wait(level + 1) // the interrupt
				l[level+1].Unlock()
			} else {
				require.PanicsWithValue(t, "sync: spinlocks waited for at more than four levels of interruption",
					func() { l[mcsLevels].Lock(0, nil) })
				require.EqualValues(t, mcsLevels, mcsWaiters[0].depth)
			}
			l[level].Unlock() // by CPU 1, at last
		})
		order = append(order, level)
	}
	wait(0)
	require.Equal(t, []int{3, 2, 1, 0}, order)
	requireNobodyWaits(t)
}

// Handlers wait for a lock of theirs while the tasks that they interrupted are in the queue of another.
func TestMCS_G1_G4_TasksAndHandlersInQueues(t *testing.T) {
	manyThreads(t)
	rounds := 2000
	if tsan.On {
		rounds = 500
	}
	var task, handler MCS
	var tasks, handlers, interrupted int // plain, each guarded by one lock
	come := func() bool {
		handler.Lock(0, yieldRound)
		defer handler.Unlock()
		return handlers > 0
	}
	var held atomic.Bool
	inParallel(4, func(w int) {
		for w != 0 && !held.Load() {
			runtime.Gosched()
		}
		for i := range rounds {
			task.Lock(w, func(round int) {
				if round%3 == 0 { // an interrupt
					handler.Lock(w, yieldRound)
					handlers++
					handler.Unlock()
				}
				runtime.Gosched()
			})
			tasks++
			held.Store(true)
			for w == 0 && i == 0 && !come() { // until somebody waits, and was interrupted
				runtime.Gosched()
			}
			if i%3 == 0 {
				runtime.Gosched()
			}
			if handler.TryLock() {
				interrupted++
				handler.Unlock()
			}
			task.Unlock()
		}
	})
	require.Equal(t, 4*rounds, tasks)
	require.Positive(t, handlers)
	require.Positive(t, interrupted)
	requireNobodyWaits(t)
}

func TestMCS_TryLockTakesOnlyAFreeLock(t *testing.T) {
	var l MCS
	require.True(t, l.TryLock())
	require.False(t, l.TryLock())
	l.Unlock()
	l.tail.Store(mcsPlace(5, 0)) // somebody has just come
	require.False(t, l.TryLock(), "it passes nobody who waits")
	l.tail.Store(0)
	require.True(t, l.TryLock())
	l.Unlock()
}

func TestMCS_PlacesAreDifferent(t *testing.T) {
	seen := make(map[*mcsNode]bool)
	for cpu := range mcsCPUs {
		for level := range uint32(mcsLevels) {
			place := mcsPlace(cpu, level)
			require.NotZero(t, place)
			require.Same(t, &mcsWaiters[cpu].nodes[level], mcsAt(place))
			seen[mcsAt(place)] = true
		}
	}
	require.Len(t, seen, mcsCPUs*mcsLevels)
}

package sync

import (
	"runtime"
	gosync "sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTicket_G1_G2_OneAtATime(t *testing.T) {
	const workers, rounds = 4, 20_000
	var (
		l     Ticket
		count int // plain: the race detector and the sum both watch
		wg    gosync.WaitGroup
	)
	for range workers {
		wg.Go(func() {
			for range rounds {
				l.Lock(runtime.Gosched)
				count++
				l.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, workers*rounds, count)
}

func TestTicket_G3_FirstComeFirstServed(t *testing.T) {
	var (
		l     Ticket
		order []int
		wg    gosync.WaitGroup
	)
	l.Lock(nil)
	for i := range 5 {
		drawn := l.next.Load()
		wg.Go(func() {
			l.Lock(runtime.Gosched)
			order = append(order, i)
			l.Unlock()
		})
		for l.next.Load() == drawn {
			runtime.Gosched()
		}
	}
	l.Unlock()
	wg.Wait()
	require.Equal(t, []int{0, 1, 2, 3, 4}, order)
}

func TestTicket_TryLockTakesOnlyAFreeLock(t *testing.T) {
	var l Ticket
	require.True(t, l.TryLock())
	require.False(t, l.TryLock())
	l.Unlock()
	require.True(t, l.TryLock())
}

func TestTicket_WrapsAround(t *testing.T) {
	var l Ticket
	l.next.Store(1<<32 - 1)
	l.owner.Store(1<<32 - 1)
	for range 3 {
		l.Lock(nil)
		l.Unlock()
	}
	require.True(t, l.TryLock())

	l.next.Store(1<<32 - 1)
	l.owner.Store(1<<32 - 1)
	l.Lock(nil)
	waited := 0
	l.Lock(func() { // with ticket 0, while the last one is held
		if waited++; waited == 3 {
			l.Unlock()
		}
	})
	require.Equal(t, 3, waited)
}

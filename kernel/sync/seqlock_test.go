package sync

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/atom"
)

func TestSeqlock_G1_G2_NothingTornIsAccepted(t *testing.T) {
	manyThreads(t)
	const words, changes = 4, 5000
	var (
		l                   Seqlock
		writers             Ticket
		data                [words]atom.Uint64
		left                atomic.Int64
		read, torn, refused atomic.Int64
		last                uint64 // plain, the writers'
	)
	left.Store(2)
	inParallel(4, func(w int) {
		if w < 2 {
			for i := range changes {
				writers.Lock(runtime.Gosched)
				l.Write()
				last++
				for j := range data {
					if j == words/2 && i%4 == 0 {
						runtime.Gosched()
					}
					data[j].StoreRelease(last + uint64(j))
				}
				l.Done()
				writers.Unlock()
				if i%8 == 0 {
					runtime.Gosched()
				}
			}
			left.Add(-1)
			return
		}
		before := uint64(0)
		for left.Load() > 0 {
			n := l.Read(runtime.Gosched)
			var copied [words]uint64
			for j := range data {
				copied[j] = data[j].Load()
				if j == 0 && read.Load()%4 == 0 {
					runtime.Gosched()
				}
			}
			whole := true
			for j := range copied {
				whole = whole && copied[j] == copied[0]+uint64(j)
			}
			switch {
			case l.Retry(n):
				refused.Add(1)
				if !whole {
					torn.Add(1)
				}
			case !whole && copied != [words]uint64{}:
				t.Errorf("torn: %v", copied)
			case copied[0] < before:
				t.Errorf("older than what was read before: %d after %d", copied[0], before)
			default:
				before = copied[0]
				read.Add(1)
			}
		}
	})
	require.EqualValues(t, 2*changes, last)
	require.EqualValues(t, last, data[0].Load())
	t.Logf("read %d, refused %d, of these torn %d", read.Load(), refused.Load(), torn.Load())
	for _, n := range []*atomic.Int64{&read, &torn} {
		require.Positive(t, n.Load())
	}
}

func TestSeqlock_G1_ReadersWaitForAWriter(t *testing.T) {
	var l Seqlock
	n := l.Read(nil)
	require.False(t, l.Retry(n))
	l.Write()
	require.True(t, l.Retry(n), "a writer has begun")
	waited := 0
	m := l.Read(func() {
		if waited++; waited == 3 {
			l.Done()
		}
	})
	require.Equal(t, 3, waited)
	require.NotEqual(t, n, m)
	require.True(t, l.Retry(n), "and ended")
	require.False(t, l.Retry(m))
	l.n.Store(^uint64(1)) // comes round
	n = l.Read(nil)
	l.Write()
	l.Done()
	require.True(t, l.Retry(n))
	require.False(t, l.Retry(l.Read(nil)))
}

package sched

import (
	"math/rand/v2"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

func lockedQueues(cpus, room int) LockedQueues {
	q := make(LockedQueues, cpus)
	for i := range q {
		q[i].Init(make([]uint32, room))
		q[i].Relax = runtime.Gosched
	}
	return q
}

func TestLockedQueue_G2_G3_FirstInFirstOut(t *testing.T) {
	seeds.Each(t, 50, func(r *rand.Rand) {
		q := lockedQueues(3, 1+r.IntN(20))
		var model [3][]uint32
		for i := range uint32(300) {
			cpu := r.IntN(3)
			if r.IntN(2) == 0 {
				ok := q.Push(cpu, i)
				require.Equal(t, len(model[cpu]) < len(q[cpu].items), ok)
				if ok {
					model[cpu] = append(model[cpu], i)
				}
				continue
			}
			got, ok := q.Pop(cpu)
			from := cpu
			for k := 0; k < 3 && len(model[from]) == 0; k++ {
				from = (from + 1) % 3
			}
			require.Equal(t, len(model[from]) > 0, ok)
			if ok {
				require.Equal(t, model[from][0], got)
				model[from] = model[from][1:]
			}
		}
	})
}

func TestLockedQueue_G1_WhatIsPushedIsPoppedOnce(t *testing.T) {
	const workers, each = 4, 5000
	q := lockedQueues(2, workers*each)
	var (
		wg     gosync.WaitGroup
		popped [workers * each]atomic.Int32
		n      atomic.Int32
	)
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				q.Push(w%2, uint32(w*each+i))
				if x, ok := q.Pop(w / 2); ok {
					popped[x].Add(1)
					n.Add(1)
				}
			}
		})
	}
	wg.Wait()
	for x, ok := q.Pop(0); ok; x, ok = q.Pop(0) {
		popped[x].Add(1)
		n.Add(1)
	}
	require.EqualValues(t, workers*each, n.Load())
	for i := range popped {
		require.EqualValues(t, 1, popped[i].Load())
	}
}

func BenchmarkLockedQueue_PushPop(b *testing.B) {
	q := lockedQueues(1, 1024)
	for i := range uint32(100) {
		q.Push(0, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		x, _ := q.Pop(0)
		q.Push(0, x)
	}
}

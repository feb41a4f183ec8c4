package work

import (
	"math/bits"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// host is a machine whose CPUs are goroutines: the workers' first, then others'.
type host struct {
	Pool
	rcu      sync.RCU
	contexts []sync.Context
	permits  []chan struct{}
	source   []heap
	workers  int
	wg       gosync.WaitGroup
}

// heap is where a worker's buffers come from.
type heap struct {
	largest    int
	given, put atomic.Int64
}

func (h *heap) Get(elements int) *sync.Buffer {
	if elements > h.largest {
		return nil
	}
	h.given.Add(1)
	return &sync.Buffer{Elements: make([]atom.Uint64, elements)}
}

func (h *heap) Put(*sync.Buffer) { h.put.Add(1) }

func (h *host) Idle(i int) {
	if i < h.workers {
		h.rcu.IdleEnter(i)
		defer h.rcu.IdleExit(i)
	}
	<-h.permits[i]
}

func (h *host) Wake(i int) {
	select {
	case h.permits[i] <- struct{}{}:
	default:
	}
}

func (h *host) Interrupt(int)               {}
func (h *host) NowNs() uint64               { return 0 }
func (h *host) Stalled(int, uint64, uint64) {}

// setting is what tests vary.
type setting struct {
	workers, others, jobs, elements, largest, depth, spins int
	distance                                               func(a, b int) int
}

// newHost makes a pool, and starts its workers if run.
func newHost(s setting, run bool) *host {
	if s.largest == 0 {
		s.largest = 1 << bits.Len(uint(s.jobs))
	}
	if s.elements == 0 {
		s.elements = s.largest
	}
	cpus := s.workers + s.others
	h := &host{contexts: make([]sync.Context, cpus), permits: make([]chan struct{}, cpus), source: make([]heap, s.workers),
		workers: s.workers}
	h.rcu.Init(make([]sync.RCUCPU, s.workers), h, 0)
	c := Config{
		Jobs: make([]Job, s.jobs+1), Links: make([]sync.Link, s.jobs+1), PoolCPUs: make([]sync.PoolCPU, cpus),
		Workers: make([]Worker, s.workers), Victims: make([]Victim, VictimsFor(s.workers)), Distance: s.distance,
		Elements: s.elements, RCU: &h.rcu, Machine: h, Depth: s.depth, Spins: s.spins,
	}
	for i := range h.source {
		h.source[i].largest = s.largest
		c.Buffers = append(c.Buffers, &h.source[i])
	}
	for i := range cpus {
		h.contexts[i].CPU = i
		h.permits[i] = make(chan struct{}, 1)
	}
	if !h.Init(&c) {
		panic("no buffers")
	}
	if run {
		for i := range s.workers {
			h.wg.Go(func() {
				h.rcu.IdleExit(i)
				h.Run(i, &h.contexts[i])
				h.rcu.IdleEnter(i)
			})
		}
	}
	return h
}

// quiesce is what a worker's CPU does now and then.
func (h *host) quiesce(w *Worker) {
	h.rcu.Quiescent(w.Index())
	h.rcu.Advance(w.Index(), 10)
}

// do has fn run as a job, and waits for it, as the first of the others.
func (h *host) do(fn func(w *Worker, j *Job), arg ...uint64) *Job {
	j := h.New(h.workers, fn)
	j.Of = h
	copy(j.Arg[:], arg)
	h.Submit(0, j, true)
	h.Wait(h.workers, j)
	return j
}

// end stops the workers, and demands that everything has come back.
func (h *host) end(t *testing.T) Stats {
	t.Helper()
	h.Stop()
	h.wg.Wait()
	require.Equal(t, len(h.jobs)-1, h.slots.Free(), "slots that came back")
	for i := range h.workers {
		h.Close(i, i)
	}
	for range 5 {
		for i := range h.workers {
			h.rcu.IdleExit(i)
			h.rcu.Advance(i, 1000)
			h.rcu.IdleEnter(i)
		}
	}
	for i := range h.source {
		require.Positive(t, h.source[i].given.Load())
		require.Equal(t, h.source[i].given.Load(), h.source[i].put.Load(), "buffers that came back")
	}
	return h.Pool.Stats()
}

// manyThreads lets workers really run at the same time, and spinning ones give way.
func manyThreads(t testing.TB) {
	old, relax := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0))), sync.Relax
	sync.Relax = func(int) { runtime.Gosched() }
	t.Cleanup(func() { runtime.GOMAXPROCS(old); sync.Relax = relax })
}

package dag

import (
	"math/rand/v2"
	"runtime"
	"slices"
	gosync "sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"exo/kernel/sched/work"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// host is a machine whose workers are goroutines, with a real clock.
type host struct {
	work.Pool
	rcu      sync.RCU
	contexts []sync.Context
	permits  []chan struct{}
	start    time.Time
	wg       gosync.WaitGroup
}

func (h *host) Idle(i int) { <-h.permits[i] }

func (h *host) Wake(i int) {
	select {
	case h.permits[i] <- struct{}{}:
	default:
	}
}

func (h *host) NowNs() uint64 { return uint64(time.Since(h.start)) }

func (h *host) KickAt(ns uint64, g *Graph) {
	time.AfterFunc(time.Duration(ns-min(ns, h.NowNs())), g.Timer)
}

func (h *host) Interrupt(int)               {}
func (h *host) Stalled(int, uint64, uint64) {}

func (h *host) Get(elements int) *sync.Buffer {
	return &sync.Buffer{Elements: make([]atom.Uint64, elements)}
}

func (h *host) Put(*sync.Buffer) {}

func newHost(t testing.TB, workers, jobs int) *host {
	old := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	h := &host{contexts: make([]sync.Context, workers), permits: make([]chan struct{}, workers+1), start: time.Now()}
	h.rcu.Init(make([]sync.RCUCPU, workers), h, 0)
	elements := 1
	for elements < jobs {
		elements *= 2
	}
	c := work.Config{
		Jobs: make([]work.Job, jobs), Links: make([]sync.Link, jobs), PoolCPUs: make([]sync.PoolCPU, workers+1),
		Workers: make([]work.Worker, workers), Victims: make([]work.Victim, work.VictimsFor(workers)), Elements: elements,
		RCU: &h.rcu, Machine: h,
	}
	for range workers {
		c.Buffers = append(c.Buffers, h)
	}
	for i := range h.permits {
		h.permits[i] = make(chan struct{}, 1)
	}
	require.True(t, h.Init(&c))
	for i := range workers {
		h.contexts[i].CPU = i
		h.wg.Go(func() { h.Run(i, &h.contexts[i]) })
	}
	t.Cleanup(func() {
		h.Stop()
		h.wg.Wait()
		runtime.GOMAXPROCS(old)
	})
	return h
}

// do has fn run as a job, and waits for it and all that it held.
func (h *host) do(fn func(w *work.Worker)) {
	me := len(h.contexts)
	j := h.New(me, func(w *work.Worker, _ *work.Job) { fn(w) })
	h.Submit(0, j, true)
	h.Wait(me, j)
	h.Free(me, j)
}

// sim is a machine with a clock that stands still while nothing is due: CPUs that run what is admitted, the oldest first,
// and are never idle while there is something.
type sim struct {
	*Graph
	now    uint64
	timers []uint64
	order  []ID // in which nodes were begun
	begun  []uint64
	inside func() // called when the state has changed
}

func (s *sim) NowNs() uint64 { return s.now }

func (s *sim) KickAt(ns uint64, _ *Graph) { s.timers = append(s.timers, ns) }

// play runs the graph on so many CPUs, each node for as long as it was thought to take, and returns the makespan.
func (s *sim) play(t *testing.T, cpus int) uint64 {
	t.Helper()
	s.now, s.order, s.begun, s.startNs = 0, nil, nil, 0
	var ready []ID
	free := cpus
	type end struct {
		at   uint64
		node ID
		cpu  int
	}
	var ends []end
	idle := make([]int, cpus)
	for i := range idle {
		idle[i] = i
	}
	take := func(l list) {
		for x := l.first; x != 0; x = s.at(x).next {
			ready = append(ready, ID(x-1))
		}
	}
	take(s.begin(0))
	completed, last := 0, uint64(0)
	for {
		if s.inside != nil {
			s.inside()
		}
		for len(ready) > 0 && free > 0 {
			id := ready[0]
			ready = ready[1:]
			n := &s.nodes[id]
			n.startNs, n.worker = s.now, int32(idle[free-1])
			free--
			ends = append(ends, end{s.now + n.workNs, id, idle[free]})
			s.order, s.begun = append(s.order, id), append(s.begun, s.now)
		}
		if len(ends) == 0 && len(s.timers) == 0 {
			break
		}
		slices.SortStableFunc(ends, func(a, b end) int { return int(int64(a.at) - int64(b.at)) })
		slices.Sort(s.timers)
		if len(s.timers) > 0 && (len(ends) == 0 || s.timers[0] <= ends[0].at) {
			s.now = max(s.now, s.timers[0])
			s.timers = s.timers[1:]
			s.timer.Store(0)
			take(s.kick())
			continue
		}
		e := ends[0]
		ends = ends[1:]
		s.now, last = e.at, e.at
		idle[free] = e.cpu
		free++
		take(s.complete(e.node, int32(e.cpu)))
		completed++
	}
	require.Equal(t, s.Nodes(), completed, "nodes that were completed (G3, G4)")
	require.Zero(t, s.waiting.Load())
	require.Zero(t, s.running.Load())
	s.endNs = last
	return last
}

// follows demands that each node was begun once, after all that it needs had ended.
func (s *sim) follows(t *testing.T) {
	t.Helper()
	seen := make([]bool, s.Nodes())
	for _, id := range s.order {
		require.False(t, seen[id], "node %d is begun twice", id)
		seen[id] = true
		for e := s.nodes[id].edges; e != 0; e = s.edges[e-1].next {
			require.GreaterOrEqual(t, s.nodes[s.edges[e-1].to].startNs, s.nodes[id].endNs)
		}
	}
	require.NotContains(t, seen, false)
}

// plan is a random graph: edges go from lower numbers to higher ones in a random order of the nodes.
type plan struct {
	n     int
	edges [][2]ID
	needs [][]ID // of each node
}

func newPlan(r *rand.Rand, n int, density float64) *plan {
	p := &plan{n: n, needs: make([][]ID, n)}
	order := r.Perm(n)
	for i := range n {
		for k := max(0, i-40); k < i; k++ {
			if r.Float64() < density {
				p.edge(ID(order[k]), ID(order[i]))
			}
		}
	}
	r.Shuffle(len(p.edges), func(i, k int) { p.edges[i], p.edges[k] = p.edges[k], p.edges[i] })
	return p
}

func (p *plan) edge(from, to ID) {
	p.edges = append(p.edges, [2]ID{from, to})
	p.needs[to] = append(p.needs[to], from)
}

// build makes a graph of it; node(i) gives each node's work and demand.
func (p *plan) build(t testing.TB, m Machine, a Admission, fn func(*work.Worker, *Graph, ID), node func(i int) (uint64, Demand)) *Graph {
	g := new(Graph)
	g.Init(make([]Node, p.n), make([]Edge, len(p.edges)), m, a)
	for i := range p.n {
		ns, d := node(i)
		id, err := g.AddNode(string(rune('a'+i%26)), fn, ns, d)
		require.NoError(t, err)
		require.EqualValues(t, i, id)
	}
	for _, e := range p.edges {
		require.NoError(t, g.AddEdge(e[0], e[1]))
	}
	return g
}

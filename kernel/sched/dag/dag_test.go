package dag

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/sched/work"
	"exo/kernel/text"
)

// longest is the critical path by brute force: every path.
func (p *plan) longest(cost []uint64) (best uint64) {
	var from func(ID) uint64
	out := make([][]ID, p.n)
	for _, e := range p.edges {
		out[e[0]] = append(out[e[0]], e[1])
	}
	from = func(id ID) (most uint64) {
		for _, to := range out[id] {
			most = max(most, from(to))
		}
		return most + cost[id]
	}
	for i := range p.n {
		best = max(best, from(ID(i)))
	}
	return best
}

// isPath demands edges all along, and that the costs sum up.
func (p *plan) isPath(t *testing.T, path []ID, cost []uint64, want uint64) {
	t.Helper()
	sum := uint64(0)
	for i, id := range path {
		sum += cost[id]
		if i > 0 {
			require.Contains(t, p.needs[id], path[i-1])
		}
	}
	require.Equal(t, want, sum)
}

func TestReport_CriticalPathAgainstBruteForce(t *testing.T) {
	seeds.Each(t, 500, func(r *rand.Rand) {
		n := r.IntN(13)
		p := newPlan(r, n, 0.4)
		cost := make([]uint64, n)
		for i := range cost {
			cost[i] = r.Uint64N(5) * r.Uint64N(100)
		}
		g := p.build(t, &sim{}, Admission{}, nil, func(i int) (uint64, Demand) { return cost[i], Demand{} })
		_, err := g.Check(nil)
		require.NoError(t, err)
		path := make([]ID, n)
		ns, k := g.CriticalPath(false, path)
		require.Equal(t, p.longest(cost), ns)
		p.isPath(t, path[:k], cost, ns)
		short := make([]ID, k/2)
		_, again := g.CriticalPath(false, short)
		require.Equal(t, k, again)
		require.Equal(t, path[:k/2], short)
		// By measured times: others.
		for i := range cost {
			cost[i] = r.Uint64N(1000)
			g.nodes[i].startNs = 5000
			g.nodes[i].endNs = 5000 + cost[i]
		}
		ns, k = g.CriticalPath(true, path)
		require.Equal(t, p.longest(cost), ns)
		p.isPath(t, path[:k], cost, ns)
	})
}

func TestReport_EstimatesDoNotWrap(t *testing.T) {
	p := &plan{n: 2, needs: make([][]ID, 2)}
	p.edge(0, 1)
	g := p.build(t, &sim{}, Admission{}, nil, func(int) (uint64, Demand) { return 1 << 63, Demand{} })
	_, err := g.Check(nil)
	require.NoError(t, err)
	ns, n := g.CriticalPath(false, nil)
	require.Equal(t, ^uint64(0), ns)
	require.Equal(t, 2, n)
}

func TestReport_Fairness(t *testing.T) {
	for _, c := range []struct {
		busy []uint64
		want uint32
	}{
		{[]uint64{0, 0}, 1000}, {[]uint64{5}, 1000}, {[]uint64{7, 7, 7}, 1000}, {[]uint64{1, 0, 0, 0}, 250},
		{[]uint64{1 << 63, 1 << 63}, 1000}, {[]uint64{1 << 63, 0}, 500}, {[]uint64{3, 1}, 800},
	} {
		require.Equal(t, c.want, fairness(c.busy), "%v", c.busy)
	}
}

// Graham's bound, and the two lower ones, for greedy CPUs.
func TestDAG_GreedyIsWithinGrahamsBound(t *testing.T) {
	tsan.Alone(t)
	slack := 0
	seeds.Each(t, 300, func(r *rand.Rand) {
		n, cpus := 1+r.IntN(120), 1+r.IntN(8)
		p := newPlan(r, n, []float64{0, 0.02, 0.1, 0.5}[r.IntN(4)])
		s := &sim{}
		s.Graph = p.build(t, s, Admission{}, nil, func(int) (uint64, Demand) { return r.Uint64N(1 << r.UintN(12)), Demand{} })
		_, err := s.Check(nil)
		require.NoError(t, err)
		makespan := s.play(t, cpus)
		s.follows(t)
		critical, _ := s.CriticalPath(true, nil)
		sum := uint64(0)
		for i := range s.nodes {
			sum += s.nodes[i].workNs
		}
		require.GreaterOrEqual(t, makespan, critical)
		require.GreaterOrEqual(t, makespan*uint64(cpus), sum)
		require.LessOrEqual(t, makespan*uint64(cpus), sum+uint64(cpus-1)*critical)
		if makespan > critical && makespan*uint64(cpus) > sum {
			slack++
		}
	})
	require.Positive(t, slack, "graphs for which neither bound is met exactly")
}

// Admission in the simulation: everything comes to its end, within what is allowed at every moment.
func TestDAG_G2_G3_G4_AdmissionInOneTask(t *testing.T) {
	tsan.Alone(t)
	held, late := 0, 0
	seeds.Each(t, 400, func(r *rand.Rand) {
		n, cpus := 1+r.IntN(80), 1+r.IntN(6)
		p := newPlan(r, n, []float64{0, 0.05, 0.3}[r.IntN(3)])
		var c Capacity
		total := Demand{CPU: 1 + r.Uint32N(4), Memory: 1 + r.Uint32N(100), Caps: r.Uint32N(3)}
		c.Init(total)
		a := Admission{Golden: r.Uint32N(101), Seed: r.Uint64()}
		if r.IntN(4) != 0 {
			a.Capacity = &c
		}
		if r.IntN(2) == 0 {
			a.MaxRunning = 1 + r.Uint32N(4)
		}
		every, burst := 1+r.Uint64N(50), 1+r.Uint32N(4)
		if r.IntN(3) == 0 {
			a.Bucket = new(Bucket)
			a.Bucket.Init(every, burst)
		}
		s := &sim{}
		s.Graph = p.build(t, s, a, nil, func(int) (uint64, Demand) {
			return r.Uint64N(100), Demand{CPU: r.Uint32N(total[CPU] + 1), Memory: r.Uint32N(total[Memory] + 1), Caps: r.Uint32N(total[Caps] + 1)}
		})
		for i := range n {
			require.NoError(t, s.SetTickets(ID(i), r.Uint32N(5)))
		}
		_, err := s.Check(nil)
		require.NoError(t, err)
		for range 2 { // and again
			if a.Bucket != nil {
				a.Bucket.Init(every, burst)
			}
			s.inside = func() {
				free, running := c.Free(), s.running.Load()
				require.True(t, free.Fits(&total))
				require.True(t, a.MaxRunning == 0 || running <= a.MaxRunning)
				if s.waiting.Load() > 0 {
					held++
				}
			}
			s.play(t, cpus)
			s.follows(t)
			require.Equal(t, total, c.Free())
			if a.Bucket != nil {
				for i := int(burst); i < len(s.begun); i++ {
					require.GreaterOrEqual(t, s.begun[i]-s.begun[i-int(burst)], uint64(0))
				}
				late++
				last := s.begun[len(s.begun)-1]
				require.LessOrEqual(t, uint64(len(s.begun)), uint64(burst)+last/every, "more have begun than the bucket lets in")
			}
		}
	})
	require.Positive(t, held, "moments with nodes that wait")
	require.Positive(t, late)
}

// Among equals, the one with more tickets comes first more often; in golden order tickets count for nothing.
func TestDAG_TicketsCount(t *testing.T) {
	first := func(golden uint32) (n int) {
		for seed := range uint64(400) {
			s := &sim{}
			p := &plan{n: 5, needs: make([][]ID, 5)}
			s.Graph = p.build(t, s, Admission{MaxRunning: 1, Golden: golden, Seed: seed}, nil, noWork)
			require.NoError(t, s.SetTickets(3, 16))
			_, err := s.Check(nil)
			require.NoError(t, err)
			s.play(t, 1)
			if s.order[0] == 3 {
				n++
			}
		}
		return n
	}
	require.InDelta(t, 400*16/20, first(0), 40)
	require.Contains(t, []int{0, 400}, first(100), "always the same")
}

// computed is a graph whose nodes compute, in plain words: the race detector sees it if one does not follow those it needs.
type computed struct {
	t      *testing.T
	p      *plan
	out    []uint64
	inside atomic.Int32
	most   atomic.Int32
	spins  int
}

func (c *computed) node(w *work.Worker, g *Graph, id ID) {
	k := c.inside.Add(1)
	for m := c.most.Load(); k > m && !c.most.CompareAndSwap(m, k); m = c.most.Load() {
	}
	sum := uint64(id) + 1
	for _, need := range c.p.needs[id] {
		sum = sum*31 + c.out[need]
	}
	if c.out[id] != 0 {
		c.t.Errorf("node %d runs again", id)
	}
	for range c.spins {
		runtime.Gosched()
	}
	c.out[id] = sum
	c.inside.Add(-1)
}

// oracle is the same, one after the other.
func (c *computed) oracle() []uint64 {
	out := make([]uint64, c.p.n)
	var visit func(ID) uint64
	visit = func(id ID) uint64 {
		if out[id] == 0 {
			sum := uint64(id) + 1
			for _, need := range c.p.needs[id] {
				sum = sum*31 + visit(need)
			}
			out[id] = sum
		}
		return out[id]
	}
	for i := range c.p.n {
		visit(ID(i))
	}
	return out
}

func TestDAG_G1_G2_G3_OnWorkers(t *testing.T) {
	h := newHost(t, 4, 2000)
	thefts, waited := uint64(0), 0
	busy := make([]uint64, 4)
	seeds.Each(t, 120, func(r *rand.Rand) {
		n := r.IntN(400)
		c := &computed{t: t, p: newPlan(r, n, []float64{0, 0.02, 0.2}[r.IntN(3)]), spins: r.IntN(3)}
		var capacity Capacity
		capacity.Init(Demand{CPU: 3, Memory: 10})
		a := Admission{Golden: Golden, Seed: r.Uint64()}
		if r.IntN(2) == 0 {
			a.Capacity = &capacity
		}
		if r.IntN(3) == 0 {
			a.MaxRunning = 1 + r.Uint32N(3)
		}
		if r.IntN(4) == 0 {
			a.Bucket = new(Bucket)
			a.Bucket.Init(1+r.Uint64N(10_000), 1+r.Uint32N(5))
		}
		g := c.p.build(t, h, a, c.node, func(int) (uint64, Demand) { return r.Uint64N(100), Demand{CPU: 1, Memory: r.Uint32N(11)} })
		h.do(func(w *work.Worker) { require.Equal(t, ErrChecked, g.Start(w)) })
		_, err := g.Check(nil)
		require.NoError(t, err)
		for range 2 {
			c.out = make([]uint64, n)
			c.most.Store(0)
			h.do(func(w *work.Worker) {
				if err := g.Start(w); err != nil {
					t.Error(err)
				}
			})
			require.False(t, g.Running())
			require.Equal(t, c.oracle(), c.out)
			require.Equal(t, capacity.Total(), capacity.Free())
			if a.Capacity != nil {
				require.LessOrEqual(t, c.most.Load(), int32(3))
			}
			if a.MaxRunning != 0 {
				require.LessOrEqual(t, c.most.Load(), int32(a.MaxRunning))
			}
			if n == 0 {
				continue
			}
			rep, ok := g.Report(busy)
			require.True(t, ok)
			require.Equal(t, n, rep.Nodes)
			require.GreaterOrEqual(t, rep.Makespan, rep.Critical)
			require.GreaterOrEqual(t, rep.Makespan*4, rep.Work)
			sum, nodes := uint64(0), uint32(0)
			for _, b := range busy {
				sum += b
			}
			for _, k := range rep.Waited {
				nodes += k
			}
			require.Equal(t, rep.Work, sum)
			require.EqualValues(t, n, nodes)
			thefts += rep.Thefts
			for i := range g.nodes {
				if g.nodes[i].queued {
					waited++
				}
			}
			var l text.Line
			rep.Print(&l)
			require.Contains(t, string(l.Bytes()), "speedup=")
		}
	})
	require.Positive(t, thefts)
	require.Positive(t, waited)
}

// Graphs that share a capacity, and somebody else who takes of it: each must be told when there is room.
func TestDAG_G3_ASharedCapacity(t *testing.T) {
	h := newHost(t, 3, 2000)
	seeds.Each(t, 30, func(r *rand.Rand) {
		var capacity Capacity
		capacity.Init(Demand{CPU: 2, Memory: 5})
		var graphs [3]*Graph
		var cs [3]*computed
		for i := range graphs {
			c := &computed{t: t, p: newPlan(r, 1+r.IntN(60), 0.05)}
			c.out = make([]uint64, c.p.n)
			graphs[i] = c.p.build(t, h, Admission{Capacity: &capacity, Golden: Golden, Seed: r.Uint64()}, c.node,
				func(int) (uint64, Demand) { return 1, Demand{CPU: r.Uint32N(3), Memory: r.Uint32N(6)} })
			_, err := graphs[i].Check(nil)
			require.NoError(t, err)
			cs[i] = c
		}
		stop := make(chan bool)
		stopped := make(chan int)
		go func() {
			d, n := Demand{CPU: 2, Memory: 1}, 0
			for {
				if capacity.Admit(&d) {
					n++
					runtime.Gosched()
					capacity.Release(&d)
				}
				select {
				case <-stop:
					stopped <- n
					return
				default:
					runtime.Gosched()
				}
			}
		}()
		h.do(func(w *work.Worker) {
			for _, g := range graphs {
				if err := g.Start(w); err != nil {
					t.Error(err)
				}
			}
		})
		close(stop)
		<-stopped
		for _, c := range cs {
			require.Equal(t, c.oracle(), c.out)
		}
		require.Equal(t, capacity.Total(), capacity.Free())
	})
}

func TestDAG_StartRefuses(t *testing.T) {
	h := newHost(t, 2, 12)
	ran := new(atomic.Int32)
	p := &plan{n: 40, needs: make([][]ID, 40)}
	g := p.build(t, h, Admission{}, func(*work.Worker, *Graph, ID) { ran.Add(1) }, noWork)
	_, err := g.Check(nil)
	require.NoError(t, err)
	for range 3 { // nothing is lost by a refusal
		h.do(func(w *work.Worker) { require.Equal(t, ErrJobs, g.Start(w)) })
		require.False(t, g.Running())
		require.Zero(t, ran.Load())
	}
	p.n = 7
	g = p.build(t, h, Admission{}, func(*work.Worker, *Graph, ID) { ran.Add(1) }, noWork)
	_, err = g.Check(nil)
	require.NoError(t, err)
	h.do(func(w *work.Worker) { require.NoError(t, g.Start(w)) })
	require.EqualValues(t, 7, ran.Swap(0))
	// While it runs it can be neither started nor changed.
	small := &plan{n: 1, needs: make([][]ID, 1)}
	again := small.build(t, h, Admission{}, func(w *work.Worker, g *Graph, id ID) {
		require.True(t, g.Running())
		require.Equal(t, ErrRunning, g.Start(w))
		_, err := g.AddNode("", nil, 0, Demand{})
		require.Equal(t, ErrRunning, err)
		require.Equal(t, ErrRunning, g.AddEdge(0, 0))
		_, err = g.Check(nil)
		require.Equal(t, ErrRunning, err)
		_, ok := g.Report(make([]uint64, 2))
		require.False(t, ok)
		ran.Add(1)
	}, noWork)
	_, err = again.Check(nil)
	require.NoError(t, err)
	h.do(func(w *work.Worker) { require.NoError(t, again.Start(w)) })
	require.EqualValues(t, 1, ran.Load())
}

// BenchmarkDAG prints what a node costs that does nothing.
func BenchmarkDAG(b *testing.B) {
	h := newHost(b, 1, 2000)
	const n = 1000
	p := newPlan(rand.New(rand.NewPCG(1, 1)), n, 0.05)
	g := p.build(b, h, Admission{}, func(*work.Worker, *Graph, ID) {}, noWork)
	_, err := g.Check(nil)
	require.NoError(b, err)
	for b.Loop() {
		h.do(func(w *work.Worker) { _ = g.Start(w) })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/node")
	b.ReportMetric(float64(len(p.edges))/n, "edges/node")
}

//go:build explore

package dag

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sched/work"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// scene is a graph that some threads of an explored program run, each what it is given.
type scene struct {
	*Graph
	c     *Capacity
	begun []int
	ended []bool
	needs [][]ID
	inUse Demand // of nodes between begin and end; plain, for one thread runs at a time
}

func (s *scene) NowNs() uint64         { return 0 }
func (s *scene) KickAt(uint64, *Graph) {}

func newScene(x *explore.Run, seed uint64, total Demand, limit uint32, demands []Demand, edges ...[2]ID) *scene {
	s := &scene{Graph: new(Graph), c: new(Capacity), begun: make([]int, len(demands)), ended: make([]bool, len(demands)),
		needs: make([][]ID, len(demands))}
	s.c.Init(total)
	a := Admission{Capacity: s.c, MaxRunning: limit, Golden: Golden, Seed: seed}
	s.Init(make([]Node, len(demands)), make([]Edge, len(edges)), s, a)
	s.c.watchers = nil // there is no pool to give nodes to: who has something to tell says so here
	for _, d := range demands {
		if _, err := s.AddNode("", nil, 1, d); err != nil {
			panic(err)
		}
	}
	for _, e := range edges {
		if err := s.AddEdge(e[0], e[1]); err != nil {
			panic(err)
		}
		s.needs[e[1]] = append(s.needs[e[1]], e[0])
	}
	if _, err := s.Check(nil); err != nil {
		panic(err)
	}
	x.Name("graph", s.Graph)
	x.Name("capacity", s.c)
	return s
}

// start notes that the nodes of a list are admitted, and returns them.
func (s *scene) start(l list) (ids []ID) {
	for i := l.first; i != 0; i = s.at(i).next {
		id := ID(i - 1)
		ids = append(ids, id)
		if s.begun[id]++; s.begun[id] != 1 {
			panic(fmt.Sprintf("node %d is admitted twice", id))
		}
		for _, need := range s.needs[id] {
			if !s.ended[need] {
				panic(fmt.Sprintf("node %d is admitted before %d has ended", id, need))
			}
		}
	}
	return ids
}

// runAll runs nodes, and what is admitted because of them.
func (s *scene) runAll(ids []ID) {
	for len(ids) > 0 {
		id := ids[0]
		d := &s.nodes[id].demand
		sum, ok := s.inUse.Add(d)
		if !ok || !sum.Fits(&s.c.total) {
			panic(fmt.Sprintf("in use: %v", sum))
		}
		s.inUse = sum
		explore.Step("a node runs")
		s.inUse, _ = s.inUse.Sub(d)
		s.ended[id] = true
		ids = append(ids[1:], s.start(s.complete(id, 0))...)
	}
}

func (s *scene) check() error {
	for i, n := range s.begun {
		if n != 1 || !s.ended[i] {
			return fmt.Errorf("node %d was admitted %d times, ended: %v (G1, G3)", i, n, s.ended[i])
		}
	}
	if s.waiting.Load() != 0 || s.Graph.running.Load() != 0 || s.busy.Load() != 0 || s.queue.first != 0 || s.c.Free() != s.c.total {
		return fmt.Errorf("the graph is not at rest")
	}
	return nil
}

// ends has each of the nodes that are admitted at first run by a thread of its own, at the same time.
func ends(threads int, total Demand, limit uint32, demands []Demand, edges ...[2]ID) explore.Program {
	return func(x *explore.Run) (fns []func(), check func() error) {
		var s *scene
		var ids []ID
		for seed := uint64(0); len(ids) != threads; seed++ { // until the lottery begins with so many
			s = newScene(x, seed, total, limit, demands, edges...)
			ids = s.start(s.begin(0))
		}
		for i := range threads {
			fns = append(fns, func() { s.runAll(ids[i : i+1 : i+1]) })
		}
		return fns, s.check
	}
}

func TestExplore_DAG_G1_G2_G3_EndsAtTheSameTime(t *testing.T) {
	one, two := Demand{CPU: 1}, Demand{CPU: 2}
	for _, c := range []struct {
		name        string
		preemptions int
		program     explore.Program
	}{
		{"one_waits_for_both", 6, ends(2, two, 0, []Demand{one, one, two}, [2]ID{0, 2}, [2]ID{1, 2})},
		{"one_waits_for_room", 6, ends(2, two, 0, []Demand{one, one, two})},
		{"two_wait_for_room", 5, ends(2, two, 0, []Demand{one, one, two, one})},
		{"number", 4, ends(2, Demand{CPU: 9}, 2, []Demand{one, one, one, one})},
		{"ready_and_room", 5, ends(2, two, 0, []Demand{one, one, two, two}, [2]ID{0, 2}, [2]ID{1, 3})},
		{"three", 3, ends(3, Demand{CPU: 3}, 0, []Demand{one, one, one, two, two}, [2]ID{0, 3}, [2]ID{1, 3}, [2]ID{2, 4})},
	} {
		t.Run(c.name, func(t *testing.T) { explore.Exhaustive(t, explore.Config{Preemptions: c.preemptions}, c.program) })
	}
	explore.PCT(t, explore.PCTConfig{Runs: 3000, Depth: 4}, ends(3, Demand{CPU: 3}, 3, []Demand{one, one, one, two, two, one, two},
		[2]ID{0, 3}, [2]ID{1, 3}, [2]ID{2, 4}, [2]ID{1, 5}, [2]ID{3, 6}))
}

// Somebody else has room when a node becomes ready, and gives it back, or takes one component and finds the other gone: in
// both cases he tells the graph.
func TestExplore_DAG_G3_SomebodyElse(t *testing.T) {
	program := func(total, his Demand, demands []Demand, edges ...[2]ID) explore.Program {
		return func(x *explore.Run) (fns []func(), check func() error) {
			s := newScene(x, 0, total, 0, demands, edges...)
			ids := s.start(s.begin(0))
			fns = append(fns, func() { s.runAll(ids) }, func() {
				if s.c.Admit(&his) {
					explore.Step("somebody else works")
					s.c.Release(&his)
				}
				s.runAll(s.start(s.kick()))
			})
			return fns, s.check
		}
	}
	for _, c := range []struct {
		name        string
		preemptions int
		program     explore.Program
	}{
		{"release", 5, program(Demand{CPU: 2}, Demand{CPU: 1}, []Demand{{CPU: 1}, {CPU: 2}}, [2]ID{0, 1})},
		{"takes_back", 4, program(Demand{CPU: 2, IO: 1}, Demand{CPU: 1, IO: 1}, []Demand{{CPU: 1}, {CPU: 2, IO: 1}}, [2]ID{0, 1})},
		{"both", 4, program(Demand{CPU: 2, IO: 1}, Demand{CPU: 1, IO: 1}, []Demand{{IO: 1}, {CPU: 2}, {CPU: 1}}, [2]ID{0, 1}, [2]ID{0, 2})},
	} {
		t.Run(c.name, func(t *testing.T) { explore.Exhaustive(t, explore.Config{Preemptions: c.preemptions}, c.program) })
	}
}

// stage is a real pool with one worker, which runs the graph, as a machine for the explorer.
type stage struct {
	work.Pool
	permits [2]atom.Uint32
	context sync.Context
}

func (s *stage) Idle(i int) {
	explore.Wait(func() bool { return s.permits[i].Load() == 1 })
	s.permits[i].Swap(0)
}

func (s *stage) Wake(i int)            { s.permits[i].Store(1) }
func (s *stage) NowNs() uint64         { return 0 }
func (s *stage) KickAt(uint64, *Graph) {}
func (s *stage) Put(*sync.Buffer)      {}
func (s *stage) Get(elements int) *sync.Buffer {
	return &sync.Buffer{Elements: make([]atom.Uint64, elements)}
}

// onAWorker has worker 0 run root, which starts the graph, and another thread do outside before it waits for the graph's
// end.
func onAWorker(demands []Demand, total Demand, root, outside func(c *Capacity)) explore.Program {
	return func(x *explore.Run) (fns []func(), check func() error) {
		s, c, g := new(stage), new(Capacity), new(Graph)
		const jobs = 16
		if !s.Init(&work.Config{
			Jobs: make([]work.Job, jobs), Links: make([]sync.Link, jobs), PoolCPUs: make([]sync.PoolCPU, 2), Workers: make([]work.Worker, 1),
			Buffers: []sync.Buffers{s}, Elements: jobs, RCU: new(sync.RCU), Machine: s,
		}) {
			panic("no buffers")
		}
		x.Name("pool", &s.Pool)
		x.Name("graph", g)
		x.Name("capacity", c)
		c.Init(total)
		g.Init(make([]Node, len(demands)), nil, s, Admission{Capacity: c})
		ran := 0
		for _, d := range demands {
			if _, err := g.AddNode("", func(*work.Worker, *Graph, ID) { ran++ }, 1, d); err != nil {
				panic(err)
			}
		}
		if _, err := g.Check(nil); err != nil {
			panic(err)
		}
		return []func(){func() { s.Run(0, &s.context) }, func() {
				j := s.New(1, func(w *work.Worker, _ *work.Job) {
					root(c)
					if err := g.Start(w); err != nil {
						panic(err)
					}
				})
				s.Submit(0, j, true)
				outside(c)
				s.Wait(1, j)
				s.Free(1, j)
				s.Stop()
			}}, func() error {
				if ran != len(demands) || g.Running() {
					return fmt.Errorf("%d nodes ran of %d, running: %v", ran, len(demands), g.Running())
				}
				return nil
			}
	}
}

// The whole way, with somebody else who uses the capacity: he tells the graph by Release.
func TestExplore_DAG_G3_OnAWorker(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 2, Steps: 20000}, onAWorker([]Demand{{IO: 1}, {CPU: 2}}, Demand{CPU: 2, IO: 1},
		func(*Capacity) {}, func(c *Capacity) {
			if his := (Demand{CPU: 1, IO: 1}); c.Admit(&his) {
				c.Release(&his)
			}
		}))
}

// Or when an Admit takes back what it had: a node has been refused because of it, and nothing else happens any more.
func TestExplore_DAG_G3_ARefusedAdmitTells(t *testing.T) {
	refused := 0
	explore.Exhaustive(t, explore.Config{Preemptions: 2, Steps: 20000}, func(x *explore.Run) (fns []func(), check func() error) {
		over := false
		return onAWorker([]Demand{{CPU: 2}}, Demand{CPU: 2, IO: 1}, func(c *Capacity) {
			if !c.Admit(&Demand{IO: 1}) {
				return
			}
			explore.Wait(func() bool { return over || c.used[CPU].Load() == 1 })
		}, func(c *Capacity) {
			if his := (Demand{CPU: 1, IO: 1}); c.Admit(&his) {
				c.Release(&his)
			} else {
				refused++
			}
			over = true
		})(x)
	})
	require.Positive(t, refused)
}

// Two who take and give back: never more is in use than there is, at no moment.
func TestExplore_Capacity_G1_G2(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 3}, func(x *explore.Run) (fns []func(), check func() error) {
		c := new(Capacity)
		c.Init(Demand{CPU: 2, Memory: 3, IO: 1})
		x.Name("capacity", c)
		var inUse Demand
		for _, d := range []Demand{{CPU: 1, Memory: 2, IO: 1}, {CPU: 1, Memory: 2}, {CPU: 2}} {
			fns = append(fns, func() {
				if !c.Admit(&d) {
					return
				}
				sum, ok := inUse.Add(&d)
				if !ok || !sum.Fits(&c.total) {
					panic(fmt.Sprintf("in use: %v", sum))
				}
				inUse = sum
				explore.Step("in use")
				inUse, _ = inUse.Sub(&d)
				c.Release(&d)
			})
		}
		return fns, func() error {
			if c.Free() != c.total {
				return fmt.Errorf("free at the end: %v", c.Free())
			}
			return nil
		}
	})
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sched/dag"
	"exo/kernel/sched/work"
	"exo/kernel/text"
)

// fibJob computes Arg[0]th Fibonacci number into Arg[0], by forking down to a dozen, and then by adding ones: a thousand
// instructions and more to each job.
func fibJob(w *work.Worker, j *work.Job) { j.Arg[0] = fib(w, j.Arg[0]) }

func fib(w *work.Worker, n uint64) uint64 {
	if n <= 12 {
		return plainFib(n)
	}
	other := w.New(fibJob)
	if other == nil {
		return plainFib(n)
	}
	other.Arg[0] = n - 2
	w.Fork(other)
	sum := fib(w, n-1)
	w.Join(other)
	sum += other.Arg[0]
	w.Free(other)
	return sum
}

func plainFib(n uint64) uint64 {
	if n < 2 {
		return n
	}
	return plainFib(n-1) + plainFib(n-2)
}

// testForkJoin: jobs on one worker, on two, on all: the same result, each job once; and how much faster it was.
func testForkJoin(t *ktest.T, _ int) {
	n, rounds := uint64(21), uint64(4)
	if options.TortureS > 1 { // as long as it takes to measure
		n, rounds = 27, min(2*uint64(options.TortureS), 128)
	}
	want := plainFib(n)
	var l text.Line
	l.Str("# work/fork-join: workers, us, speed-up in 1/100, jobs, stolen:")
	first, last := uint64(0), 0
	for _, count := range [...]int{1, 2, ncpu} {
		if count > ncpu || count <= last {
			continue
		}
		last = count
		if !freshRoom() {
			t.Skip("there is no memory for it")
			return
		}
		ws := &theWorkers
		if !t.Check(0, ws.start(count), "workers can be made") {
			return
		}
		start := amd64.NowNs()
		for range rounds {
			got, ok := ws.do(fibJob, [4]uint64{n})
			t.Check(0, ok && got == want, "the result does not depend on who did what")
		}
		ns := amd64.NowNs() - start
		ws.stop()
		s := ws.pool.Stats()
		// Not s.Submitted: a Join that stole a stranger's job submits it once more.
		t.Equal(0, s.Executed, s.Forked+rounds, "jobs that were done, of those that were given away")
		t.Count(s.Executed)
		if count == 1 {
			first = ns
			t.Equal(0, s.Thefts(), 0, "jobs stolen by one worker of itself")
		}
		printShares(&ws.pool, count)
		l.Str(" [").Int(count).Byte(' ').Uint(ns / 1000).Byte(' ').Uint(first * 100 / max(ns, 1)).Byte(' ').Uint(s.Executed).
			Byte(' ').Uint(s.Thefts()).Byte(']')
	}
	put(&l)
}

// printShares prints how evenly jobs lay on workers, and from where they were stolen: only counters, for a clock says little
// about virtual CPUs of which there are more than real ones. docs/work-scaling.svg is drawn from these lines.
func printShares(p *work.Pool, count int) {
	var done [amd64.MaxCPUs]uint64 // by each worker, least first
	for i := range count {
		n, at := p.Worker(i).Stats().Executed, i
		for ; at > 0 && done[at-1] > n; at-- {
			done[at] = done[at-1]
		}
		done[at] = n
	}
	s := p.Stats()
	var l text.Line
	l.Str("# work/fork-join: workers=").Int(count).Str(" cpus=").Int(ncpu).Str(" nodes=").Int(int(topology.Nodes()))
	l.Str(" jobs=").Uint(s.Executed).Str(" least=").Uint(done[0]).Str(" median=").Uint((done[(count-1)/2] + done[count/2]) / 2)
	l.Str(" most=").Uint(done[count-1])
	l.Str(" leapt=").Uint(s.Leapt).Str(" stolen=").Uint(s.Stolen[0]) // the last of them, for there are as many as distances
	for i, rest := 1, s.Thefts()-s.Leapt-s.Stolen[0]; rest > 0; i++ {
		l.Byte('/').Uint(s.Stolen[i])
		rest -= s.Stolen[i]
	}
	put(&l)
}

const (
	graphLayers = 8
	graphWidth  = 6
	graphNodes  = graphLayers * graphWidth
)

// graphTest is a graph of layers, each node of which needs two of the layer before.
var graphTest struct {
	graph dag.Graph
	t     *ktest.T
	order [graphNodes]uint64 // when each ended: plain, as a node writes before those that need it read
	busy  [amd64.MaxCPUs]uint64
}

func (g *graphMachine) NowNs() uint64             { return amd64.NowNs() }
func (g *graphMachine) KickAt(uint64, *dag.Graph) {}

type graphMachine struct{}

var theGraphMachine graphMachine

// testGraph runs a graph of tasks with demands: each after those it needs, and within what there is.
func testGraph(t *ktest.T, _ int) {
	g := &graphTest
	g.t = t
	if !freshRoom() {
		t.Skip("there is no memory for it")
		return
	}
	nodes, edges := room[dag.Node](graphNodes), room[dag.Edge](2*graphNodes+1)
	capacity := &room[dag.Capacity](1)[0]
	capacity.Init(dag.Demand{8, 8, 8, 8, 8, 8, 8, 8})
	g.graph.Init(nodes, edges, &theGraphMachine, dag.Admission{Capacity: capacity, Golden: dag.Golden, Seed: t.Seed})
	r := t.Rand(0)
	for i := range graphNodes {
		demand := dag.Demand{1, uint32(r.N(4)), uint32(r.N(3))}
		_, err := g.graph.AddNode("node", runNode, 50_000, demand)
		t.Check(0, err == nil, "there is room for a node")
		g.order[i] = 0
	}
	for i := graphWidth; i < graphNodes; i++ {
		for k := range 2 {
			from := i/graphWidth*graphWidth - graphWidth + (i+k)%graphWidth
			t.Check(0, g.graph.AddEdge(dag.ID(from), dag.ID(i)) == nil, "there is room for an edge")
		}
	}
	var path [graphNodes + 1]dag.ID
	// A circle is refused, and named.
	t.Check(0, g.graph.AddEdge(graphNodes-1, graphNodes-1-graphWidth) == nil, "there is room for an edge")
	n, err := g.graph.Check(path[:])
	t.Check(0, err == dag.ErrCycle && n == 2, "a circle is refused, and named")
	if !freshRoom() {
		return
	}
	nodes, edges = room[dag.Node](graphNodes), room[dag.Edge](2*graphNodes)
	capacity = &room[dag.Capacity](1)[0]
	capacity.Init(dag.Demand{8, 8, 8, 8, 8, 8, 8, 8})
	g.graph.Init(nodes, edges, &theGraphMachine, dag.Admission{Capacity: capacity, Golden: dag.Golden, Seed: t.Seed})
	for range graphNodes {
		g.graph.AddNode("node", runNode, 50_000, dag.Demand{1, uint32(r.N(4)), uint32(r.N(3))})
	}
	for i := graphWidth; i < graphNodes; i++ {
		for k := range 2 {
			g.graph.AddEdge(dag.ID(i/graphWidth*graphWidth-graphWidth+(i+k)%graphWidth), dag.ID(i))
		}
	}
	if _, err := g.graph.Check(path[:]); !t.Check(0, err == nil, "a graph without circles is accepted") {
		return
	}
	ws := &theWorkers
	if !t.Check(0, ws.start(ncpu), "workers can be made") {
		return
	}
	ws.do(func(w *work.Worker, j *work.Job) {
		g := &graphTest
		g.t.Check(0, g.graph.Start(w) == nil, "a checked graph can be run")
		w.Sync()
	}, [4]uint64{})
	for spins := 200; g.graph.Running(); spins++ {
		machine.Relax(spins)
	}
	ws.stop()
	report, ok := g.graph.Report(g.busy[:ncpu])
	t.Check(0, ok && !g.graph.Running(), "a graph that was run has a report")
	free := capacity.Free()
	t.Check(0, free == dag.Demand{8, 8, 8, 8, 8, 8, 8, 8}, "what nodes demanded is given back")
	for i := range g.order {
		t.Check(0, g.order[i] == 1, "each node runs once")
	}
	t.Count(graphNodes)
	var l text.Line
	l.Str("# work/graph: ")
	report.Print(&l)
	put(&l)
}

// runNode runs after those that it needs.
func runNode(_ *work.Worker, _ *dag.Graph, node dag.ID) {
	g := &graphTest
	i := int(node)
	if i >= graphWidth {
		for k := range 2 {
			from := i/graphWidth*graphWidth - graphWidth + (i+k)%graphWidth
			g.t.Check(0, g.order[from] == 1, "a node runs after those that it needs")
		}
	}
	spin(amd64.NowNs() + 50_000)
	g.order[i]++
}

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

// forkJoinRounds is how often one worker, two, and all take turns. A host that has other things to do spoils some turns, hardly
// all: so what counts is the best turn of each number of workers, and of the ratios of turns next to each other the median.
const forkJoinRounds = 9

// testForkJoin: jobs on one worker, on two, on all: the same result, each job once; and how much faster it was.
func testForkJoin(t *ktest.T, _ int) {
	n, rounds, each := uint64(21), 1, uint64(4)
	if options.Torture > 1000 { // as long as it takes to measure
		n, rounds, each = 27, forkJoinRounds, max(uint64(options.Torture)/4000, 8)
	}
	want := plainFib(n)
	counts, kinds := [...]int{1, 2, ncpu}, 0
	for _, count := range counts {
		if kinds == 0 || count > counts[kinds-1] && count <= ncpu {
			counts[kinds] = count
			kinds++
		}
	}
	var best, jobs, stolen [len(counts)]uint64
	var ratios [len(counts)][forkJoinRounds]uint64 // in 1/100, least first
	for round := range rounds {
		var took [len(counts)]uint64
		for i := range kinds {
			ns, s, ok := forkJoin(t, counts[i], n, each, want)
			if !ok {
				return
			}
			took[i], jobs[i], stolen[i] = ns, s.Executed, s.Thefts()
			if round == rounds-1 {
				printShares(&theWorkers.pool, counts[i])
			}
			if best[i] == 0 || ns < best[i] {
				best[i] = ns
			}
			ratio, at := took[0]*100/max(ns, 1), round
			for ; at > 0 && ratios[i][at-1] > ratio; at-- {
				ratios[i][at] = ratios[i][at-1]
			}
			ratios[i][at] = ratio
		}
	}
	var l text.Line
	l.Str("# work/fork-join: workers, us, speed-up in 1/100, jobs, stolen:")
	for i := range kinds {
		l.Str(" [").Int(counts[i]).Byte(' ').Uint(best[i] / 1000).Byte(' ').Uint(best[0] * 100 / max(best[i], 1)).Byte(' ').
			Uint(jobs[i]).Byte(' ').Uint(stolen[i]).Byte(']')
	}
	put(&l)
	if rounds == 1 {
		return
	}
	l.Reset().Str("# work/fork-join: speed-up in 1/100 in ").Int(rounds).Str(" turns, least, median, most:")
	for i := range kinds {
		l.Str(" [").Int(counts[i]).Byte(' ').Uint(ratios[i][0]).Byte(' ').Uint(ratios[i][rounds/2]).Byte(' ').
			Uint(ratios[i][rounds-1]).Byte(']')
	}
	put(&l)
}

// forkJoin has so many workers compute, and says how long it took.
func forkJoin(t *ktest.T, count int, n, each, want uint64) (ns uint64, s work.Stats, ok bool) {
	if !freshRoom() {
		t.Skip("there is no memory for it")
		return 0, s, false
	}
	ws := &theWorkers
	if !t.Check(0, ws.start(count), "workers can be made") {
		return 0, s, false
	}
	start := amd64.NowNs()
	for range each {
		got, ok := ws.do(fibJob, [4]uint64{n})
		t.Check(0, ok && got == want, "the result does not depend on who did what")
	}
	ns = amd64.NowNs() - start
	ws.stop()
	s = ws.pool.Stats()
	t.Equal(0, s.Executed, s.Forked+s.Submitted, "jobs that were done, of those that were given away")
	t.Count(s.Executed)
	if count == 1 {
		t.Equal(0, s.Thefts(), 0, "jobs stolen by one worker of itself")
	}
	return ns, s, true
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

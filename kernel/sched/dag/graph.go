package dag

import (
	"exo/kernel/sched/work"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// Error is a refusal.
type Error string

func (e Error) Error() string { return string(e) }

// What can be refused.
const (
	ErrNodes   = Error("dag: no room for another node")
	ErrEdges   = Error("dag: no room for another edge")
	ErrNode    = Error("dag: there is no such node")
	ErrCycle   = Error("dag: nodes wait for each other in a circle")
	ErrDemand  = Error("dag: a node demands more than there is")
	ErrChecked = Error("dag: the graph has not been checked as it is now")
	ErrRunning = Error("dag: the graph is running")
	ErrJobs    = Error("dag: the pool has not as many jobs as the graph has nodes")
)

// ID is a node's number, from 0 up in the order in which nodes were added.
type ID uint32

// link is a node's or an edge's place in a list: its index plus 1; 0 is the end.
type link uint32

// Node is a task of a graph. Its memory is given at Init; AddNode fills it in.
type Node struct {
	name    string
	fn      func(w *work.Worker, g *Graph, node ID)
	workNs  uint64 // how long it is thought to take
	demand  Demand
	tickets uint32 // in the lottery
	edges   link   // to those that need it
	needs   uint32 // how many edges lead to it

	// Of Check, and of who looks for the critical path, when the graph does not run.
	colour  uint8
	cursor  link // the edge that is next
	from    link // the node from which this one was reached
	later   link // the node that is after it in topological order
	longest uint64

	// Of a run.
	waits   atom.Uint32 // how many of those it needs are not done
	next    link        // behind it in the list that it is in; touched by who has the list
	by      int32       // worker that ended the last one it needed
	worker  int32       // worker that ran it
	queued  bool        // it was ready and had to wait
	job     *work.Job
	readyNs uint64
	startNs uint64
	endNs   uint64
}

// Edge is a dependency. Its memory is given at Init.
type Edge struct {
	to   ID
	next link // of the edges that come from the same node
}

// Machine is what a graph needs of the machine.
type Machine interface {
	// NowNs is a clock that all CPUs agree on, below 2^63.
	NowNs() uint64
	// KickAt has g.Timer called at that time or later, and not from within KickAt. Only graphs with a Bucket call it.
	KickAt(ns uint64, g *Graph)
}

// Admission is under what conditions a ready node begins. The zero Admission lets all in at once.
type Admission struct {
	Capacity   *Capacity // its demand must fit
	Bucket     *Bucket   // its time must have come
	MaxRunning uint32    // and fewer nodes of this graph than this must be admitted and not done; 0: no limit
	// Golden is how many of 100 nodes that have to wait are chosen in golden order; the others by lottery. 100 at most.
	Golden uint32
	Seed   uint64 // of the lottery
}

// Golden is the usual Admission.Golden.
const Golden = 20

// Graph is tasks and their dependencies. It is built by one task: Init, AddNode, AddEdge, Check. Then it can be run, and
// again when that is over.
type Graph struct {
	nodes     []Node
	edges     []Edge
	n, m      uint32
	first     link // in topological order
	checked   bool
	machine   Machine
	admission Admission
	watcher   *Graph // the next one that uses the same Capacity

	run        // run.go
	dispatcher // admit.go
}

// Init makes g an empty graph in the memory given. It must happen before any graph that uses the same Capacity starts. A
// graph that has been run with a Capacity or a Bucket stays one for good: who tells it of a change may be late.
func (g *Graph) Init(nodes []Node, edges []Edge, m Machine, a Admission) {
	if a.Golden > 100 || len(nodes) > maxNodes || len(edges) > maxNodes {
		panic("dag: more than 100 % or 2^31 nodes or edges")
	}
	g.nodes, g.edges, g.n, g.m, g.checked = nodes, edges, 0, 0, false
	g.machine, g.admission = m, a
	g.mix.init(a.Golden, a.Seed)
	g.watcher = nil
	if c := a.Capacity; c != nil {
		for o := c.watchers; o != nil; o = o.watcher {
			if o == g {
				panic("dag: a graph with a capacity is made a second time")
			}
		}
		g.watcher, c.watchers = c.watchers, g
	}
}

const maxNodes = 1<<31 - 1

// Nodes is how many nodes there are.
func (g *Graph) Nodes() int { return int(g.n) }

// AddNode adds a task: fn, which takes about workNs and needs demand while it runs.
func (g *Graph) AddNode(name string, fn func(w *work.Worker, g *Graph, node ID), workNs uint64, demand Demand) (ID, error) {
	switch {
	case g.Running():
		return 0, ErrRunning
	case int(g.n) == len(g.nodes):
		return 0, ErrNodes
	}
	id := ID(g.n)
	n := &g.nodes[id]
	n.name, n.fn, n.workNs, n.demand = name, fn, workNs, demand
	n.tickets, n.edges, n.needs, n.job = 1, 0, 0, nil
	g.n++
	g.checked = false
	return id, nil
}

// SetTickets gives a node so many tickets in the lottery of those that wait, at least 1.
func (g *Graph) SetTickets(id ID, tickets uint32) error {
	if uint32(id) >= g.n {
		return ErrNode
	}
	g.nodes[id].tickets = max(tickets, 1)
	return nil
}

// AddEdge has to wait for from. Two edges between the same nodes are as good as one.
func (g *Graph) AddEdge(from, to ID) error {
	switch {
	case g.Running():
		return ErrRunning
	case uint32(from) >= g.n || uint32(to) >= g.n:
		return ErrNode
	case int(g.m) == len(g.edges):
		return ErrEdges
	}
	n := &g.nodes[from]
	g.edges[g.m] = Edge{to, n.edges}
	g.m++
	n.edges = link(g.m)
	g.nodes[to].needs++
	g.checked = false
	return nil
}

// at is the node of a link.
func (g *Graph) at(l link) *Node { return &g.nodes[l-1] }

// Name is the node's name.
func (g *Graph) Name(id ID) string { return g.nodes[id].name }

// PrintPath appends the names of nodes, with arrows; what is no node is "?".
func (g *Graph) PrintPath(l *text.Line, path []ID) {
	for i, id := range path {
		if i > 0 {
			l.Str(" -> ")
		}
		if uint32(id) < g.n {
			l.Printable(g.nodes[id].name)
		} else {
			l.Byte('?')
		}
	}
}

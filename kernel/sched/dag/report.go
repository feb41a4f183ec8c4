package dag

import (
	"math/bits"

	"exo/kernel/text"
)

// Report is how a run went. Times are in ns. A node that ran others inside its own time, in a Join, counts theirs as its
// own too.
type Report struct {
	Nodes, Workers int
	Makespan       uint64 // from Start to the end of the last node
	Work           uint64 // of all nodes together
	Critical       uint64 // the longest path: no number of CPUs is faster
	EstimatedWork  uint64 // the same two by the estimates
	EstimatedPath  uint64
	Thefts         uint64
	// Fairness is Jain's index of the workers' busy times, in thousandths: 1000 if all were equal, 1000/Workers if one did
	// it all.
	Fairness uint32
	// Waited counts nodes by how long they were ready before they began: below 1 µs, below 2, 4, … 2^14 µs, and longer.
	Waited [16]uint32
}

// Report says how the last run went, and how long each worker was busy. busy has room for all workers of the pool. A graph
// that runs, or has not been run as it is now, has none: false.
func (g *Graph) Report(busy []uint64) (r Report, ok bool) {
	if g.Running() || !g.checked || g.pool == nil || len(busy) < g.pool.Workers() {
		return Report{}, false
	}
	r.Nodes, r.Workers, r.Thefts = int(g.n), g.pool.Workers(), g.thefts
	busy = busy[:r.Workers]
	clear(busy)
	r.Makespan = g.endNs - g.startNs
	for i := range g.n {
		n := &g.nodes[i]
		if n.endNs == 0 || n.worker < 0 {
			return Report{}, false
		}
		took := n.took(true)
		r.Work = add(r.Work, took)
		r.EstimatedWork = add(r.EstimatedWork, n.workNs)
		busy[n.worker] = add(busy[n.worker], took)
		waited := n.startNs - min(n.startNs, n.readyNs)
		r.Waited[min(bits.Len64(waited/1000), len(r.Waited)-1)]++
	}
	r.Critical, _ = g.CriticalPath(true, nil)
	r.EstimatedPath, _ = g.CriticalPath(false, nil)
	r.Fairness = fairness(busy)
	return r, true
}

// took is how long the node took, or was thought to take.
func (n *Node) took(measured bool) uint64 {
	if measured {
		return n.endNs - min(n.endNs, n.startNs)
	}
	return n.workNs
}

// add is a + b, or as much as there can be.
func add(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	return sum | -carry
}

// CriticalPath is the longest path by the times that nodes took in the last run, or by their estimates, and its nodes in
// order: n of them, as many as there is room for in path. The graph has been checked and does not run.
func (g *Graph) CriticalPath(measured bool, path []ID) (ns uint64, n int) {
	if g.Running() || !g.checked {
		return 0, 0
	}
	for l := g.first; l != 0; l = g.at(l).later {
		g.at(l).longest, g.at(l).from = g.at(l).took(measured), 0
	}
	end := g.first
	for l := g.first; l != 0; l = g.at(l).later {
		v := g.at(l)
		if v.longest > g.at(end).longest {
			end = l
		}
		for e := v.edges; e != 0; e = g.edges[e-1].next {
			u := g.at(link(g.edges[e-1].to) + 1)
			if through := add(v.longest, u.took(measured)); through > u.longest || u.from == 0 {
				u.longest, u.from = through, l
			}
		}
	}
	if end == 0 {
		return 0, 0
	}
	for l := end; l != 0; l = g.at(l).from {
		n++
	}
	for l, i := end, n-1; l != 0; l, i = g.at(l).from, i-1 {
		if i < len(path) {
			path[i] = ID(l - 1)
		}
	}
	return g.at(end).longest, n
}

// fairness is Jain's index (DEC-TR-301, 1984), (Σx)² / n·Σx², in thousandths.
func fairness(x []uint64) uint32 {
	most := uint64(0)
	for _, v := range x {
		most = max(most, v)
	}
	if most == 0 {
		return 1000
	}
	shift := max(bits.Len64(most)-20, 0) // 20 bits each: for up to 128 workers nothing below wraps
	sum, squares := uint64(0), uint64(0)
	for _, v := range x {
		v >>= shift
		sum += v
		squares += v * v
	}
	return uint32(sum * sum * 1000 / (uint64(len(x)) * squares))
}

// Print appends the report.
func (r *Report) Print(l *text.Line) {
	l.Str("nodes=").Int(r.Nodes).Str(" workers=").Int(r.Workers).Str(" makespan=").Uint(r.Makespan)
	l.Str("ns work=").Uint(r.Work).Str("ns critical=").Uint(r.Critical)
	l.Str("ns estimated=").Uint(r.EstimatedWork).Byte('/').Uint(r.EstimatedPath)
	l.Str("ns speedup=")
	if r.Makespan > 0 && r.Work < 1<<57 && r.Makespan < 1<<57/uint64(r.Workers) {
		l.Hundredths(r.Work, r.Makespan).Str(" efficiency=").Hundredths(r.Work, r.Makespan*uint64(r.Workers))
	} else {
		l.Str("? efficiency=?")
	}
	l.Str(" fairness=").Hundredths(uint64(r.Fairness), 1000).Str(" thefts=").Uint(r.Thefts)
}

package dag

import "exo/kernel/text"

// Colours of the search (Tarjan, SIAM J. Comput. 1972): not seen; on the path from the root; done.
const (
	white = iota
	grey
	black
)

// Check says whether the graph can be run, in O(nodes + edges) and without recursion. ErrCycle: there is a circle; path
// gets its nodes, each one before one that needs it, and the last before the first; n is how many there are, and path may
// be too short for all. ErrDemand: path[0] is a node that would wait for ever. Nothing else may use the graph meanwhile.
func (g *Graph) Check(path []ID) (n int, err error) {
	if g.Running() {
		return 0, ErrRunning
	}
	g.checked, g.first = false, 0
	for i := range g.n {
		g.nodes[i].colour = white
	}
	for i := range g.n {
		if g.nodes[i].colour == white {
			if n := g.search(link(i)+1, path); n > 0 {
				return n, ErrCycle
			}
		}
	}
	if c := g.admission.Capacity; c != nil {
		for i := range g.n {
			if !g.nodes[i].demand.Fits(&c.total) {
				if len(path) > 0 {
					path[0] = ID(i)
				}
				return 1, ErrDemand
			}
		}
	}
	g.checked = true
	return 0, nil
}

// search goes through all that can be reached from root and has not been seen, and puts it before the topological order as
// far as it is known; or finds a circle, and returns its length.
func (g *Graph) search(root link, path []ID) int {
	g.at(root).enter(0)
	for at := root; at != 0; {
		n := g.at(at)
		if n.cursor == 0 {
			n.colour = black
			n.later, g.first = g.first, at
			at = n.from
			continue
		}
		e := &g.edges[n.cursor-1]
		n.cursor = e.next
		switch to := link(e.to) + 1; g.at(to).colour {
		case white:
			g.at(to).enter(at)
			at = to
		case grey:
			return g.circle(to, at, path)
		}
	}
	return 0
}

func (n *Node) enter(from link) {
	n.colour, n.cursor, n.from = grey, n.edges, from
}

// circle writes the nodes from first to last, which was reached from it and leads back to it.
func (g *Graph) circle(first, last link, path []ID) int {
	n := 1
	for l := last; l != first; l = g.at(l).from {
		n++
	}
	for l, i := last, n-1; i >= 0; l, i = g.at(l).from, i-1 {
		if i < len(path) {
			path[i] = ID(l - 1)
		}
	}
	return n
}

// PrintCycle appends the names of a circle: a -> b -> a.
func (g *Graph) PrintCycle(l *text.Line, path []ID) {
	g.PrintPath(l, path)
	if len(path) > 0 {
		l.Str(" -> ")
		g.PrintPath(l, path[:1])
	}
}

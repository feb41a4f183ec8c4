package dag

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/text"
)

func noWork(int) (uint64, Demand) { return 1, Demand{} }

// hasOrder is Kahn's algorithm.
func (p *plan) hasOrder() bool {
	needs := make([]int, p.n)
	out := make([][]ID, p.n)
	for _, e := range p.edges {
		needs[e[1]]++
		out[e[0]] = append(out[e[0]], e[1])
	}
	var ready []ID
	for i, n := range needs {
		if n == 0 {
			ready = append(ready, ID(i))
		}
	}
	done := 0
	for ; len(ready) > 0; done++ {
		id := ready[0]
		ready = ready[1:]
		for _, to := range out[id] {
			if needs[to]--; needs[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	return done == p.n
}

// isCircle says whether path is one: edges all the way round, and no node twice.
func (p *plan) isCircle(path []ID) bool {
	for i, id := range path {
		if !slices.Contains(p.edges, [2]ID{id, path[(i+1)%len(path)]}) || slices.Contains(path[:i], id) {
			return false
		}
	}
	return len(path) > 0
}

func TestCheck_TheOnlyCircleIsNamedExactly(t *testing.T) {
	for size := 1; size <= 60; size++ {
		r := rand.New(rand.NewPCG(uint64(size), 3))
		n := size + r.IntN(30)
		ids := r.Perm(n)
		before := r.IntN(n - size + 1) // of those that are not on it: so many come before it
		p := &plan{n: n, needs: make([][]ID, n)}
		for i := range n {
			for k := range i {
				if on := func(x int) bool { return x >= before && x < before+size }; r.IntN(4) == 0 && !(on(i) && on(k)) {
					p.edge(ID(ids[k]), ID(ids[i]))
				}
			}
		}
		circle := make([]ID, size)
		for i := range circle {
			circle[i] = ID(ids[before+i])
		}
		r.Shuffle(size, func(i, k int) { circle[i], circle[k] = circle[k], circle[i] })
		for i, id := range circle {
			p.edge(id, circle[(i+1)%size])
		}
		r.Shuffle(len(p.edges), func(i, k int) { p.edges[i], p.edges[k] = p.edges[k], p.edges[i] })
		g := p.build(t, &sim{}, Admission{}, nil, noWork)
		path := make([]ID, n)
		k, err := g.Check(path)
		require.Equal(t, ErrCycle, err)
		require.Equal(t, size, k)
		path = path[:k]
		at := slices.Index(path, circle[0])
		require.GreaterOrEqual(t, at, 0)
		require.Equal(t, circle, append(slices.Clone(path[at:]), path[:at]...))
		short := make([]ID, size/2)
		k, err = g.Check(short)
		require.Equal(t, ErrCycle, err)
		require.Equal(t, size, k)
		require.Equal(t, path[:size/2], short)
		require.False(t, g.checked)
	}
}

func TestCheck_AgainstKahn(t *testing.T) {
	circles, orders := 0, 0
	seeds.Each(t, 2000, func(r *rand.Rand) {
		n := r.IntN(12)
		p := &plan{n: n, needs: make([][]ID, n)}
		for range r.IntN(2*n + 1) {
			p.edge(ID(r.IntN(n)), ID(r.IntN(n)))
		}
		g := p.build(t, &sim{}, Admission{}, nil, noWork)
		path := make([]ID, n)
		k, err := g.Check(path)
		if p.hasOrder() {
			require.NoError(t, err)
			orders++
			seen := map[ID]bool{}
			for l := g.first; l != 0; l = g.at(l).later {
				for _, need := range p.needs[l-1] {
					require.True(t, seen[need])
				}
				seen[ID(l-1)] = true
			}
			require.Len(t, seen, n)
			return
		}
		circles++
		require.Equal(t, ErrCycle, err)
		require.True(t, p.isCircle(path[:k]), "%v is no circle in %v", path[:k], p.edges)
	})
	require.Positive(t, circles)
	require.Positive(t, orders)
}

func TestCheck_IsNotRecursive(t *testing.T) {
	tsan.Alone(t)
	const n = 200_000
	p := &plan{n: n, needs: make([][]ID, n)}
	for i := range n {
		p.edge(ID(i), ID((i+1)%n))
	}
	g := p.build(t, &sim{}, Admission{}, nil, noWork)
	k, err := g.Check(nil)
	require.Equal(t, ErrCycle, err)
	require.Equal(t, n, k)
}

func TestCheck_WhatNeverFits(t *testing.T) {
	var c Capacity
	c.Init(Demand{CPU: 2, Memory: 5})
	g := new(Graph)
	g.Init(make([]Node, 3), make([]Edge, 3), &sim{}, Admission{Capacity: &c})
	for _, d := range []Demand{{CPU: 2, Memory: 5}, {CPU: 1, IO: 1}, {}} {
		_, err := g.AddNode("x", nil, 1, d)
		require.NoError(t, err)
	}
	path := make([]ID, 1)
	n, err := g.Check(path)
	require.Equal(t, ErrDemand, err)
	require.Equal(t, 1, n)
	require.Equal(t, []ID{1}, path)
	require.Panics(t, func() { g.Init(nil, nil, &sim{}, Admission{Capacity: &c}) })
}

func TestGraph_Refusals(t *testing.T) {
	g := new(Graph)
	g.Init(make([]Node, 2), make([]Edge, 1), &sim{}, Admission{})
	a, err := g.AddNode("a", nil, 1, Demand{})
	require.NoError(t, err)
	b, err := g.AddNode("b\x1b[2J", nil, 1, Demand{})
	require.NoError(t, err)
	_, err = g.AddNode("c", nil, 1, Demand{})
	require.Equal(t, ErrNodes, err)
	require.Equal(t, ErrNode, g.AddEdge(a, 2))
	require.Equal(t, ErrNode, g.AddEdge(7, b))
	require.NoError(t, g.AddEdge(a, b))
	require.Equal(t, ErrEdges, g.AddEdge(a, b))
	require.Equal(t, ErrNode, g.SetTickets(2, 1))
	require.NoError(t, g.SetTickets(b, 5))
	require.Panics(t, func() { new(Graph).Init(nil, nil, &sim{}, Admission{Golden: 101}) })
	var l text.Line
	g.PrintCycle(&l, []ID{a, b, 9})
	require.Equal(t, "a -> b.[2J -> ? -> a", string(l.Bytes()))
	g.PrintCycle(l.Reset(), nil)
	require.Zero(t, l.Len())
	require.Equal(t, 2, g.Nodes())
	require.Equal(t, "a", g.Name(a))
	_, ok := g.Report(nil)
	require.False(t, ok)
}

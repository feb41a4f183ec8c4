package main

import "sort"

// layout is a picture of a directed acyclic graph in layers (Sugiyama, Tagawa & Toda, IEEE TSMC 1981): a class stands in
// the layer of its longest way from a class that follows none, and an arrow that passes a layer has a lane in it.
type layout struct {
	layers [][]*node
	edges  [][]*node // each from a class through lanes to a class
}

// node is a class in its layer, or a lane if class is nil. x is its middle, y its top.
type node struct {
	class *class
	test  bool // on the side of the tests
	x, y  int
	place float64
	up    []*node
	down  []*node
}

// layoutOf lays out the classes that sleep, or those that do not. Declared edges lead from one kind to the same.
func layoutOf(o *order, sleep bool) *layout {
	l := &layout{}
	nodes := map[int]*node{}
	depth := map[int]int{}
	var depthOf func(i int) int
	depthOf = func(i int) int {
		if d, ok := depth[i]; ok {
			return d
		}
		d := 0
		for j, c := range o.classes {
			if c == nil || c.sleeps() != sleep {
				continue
			}
			for _, b := range c.before {
				if b == i {
					d = max(d, depthOf(j)+1)
				}
			}
		}
		depth[i] = d
		return d
	}
	for i, c := range o.classes {
		if c == nil || c.sleeps() != sleep {
			continue
		}
		nodes[i] = &node{class: c, test: c.isTest()}
		l.add(depthOf(i), nodes[i])
	}
	for i, c := range o.classes {
		if nodes[i] == nil {
			continue
		}
		for _, b := range c.before {
			if nodes[b] == nil {
				continue
			}
			way := []*node{nodes[i]}
			for d := depth[i] + 1; d < depth[b]; d++ {
				lane := &node{test: c.isTest()}
				l.add(d, lane)
				way = append(way, lane)
			}
			way = append(way, nodes[b])
			for k := 1; k < len(way); k++ {
				way[k-1].down = append(way[k-1].down, way[k])
				way[k].up = append(way[k].up, way[k-1])
			}
			l.edges = append(l.edges, way)
		}
	}
	l.sort()
	return l
}

func (l *layout) add(depth int, n *node) {
	for len(l.layers) <= depth {
		l.layers = append(l.layers, nil)
	}
	l.layers[depth] = append(l.layers[depth], n)
}

// sort moves each node to the middle of its neighbours in the layer above, then below, a few times over.
func (l *layout) sort() {
	number := func(layer []*node) {
		for i, n := range layer {
			n.place = float64(i)
		}
	}
	for _, layer := range l.layers {
		sort.SliceStable(layer, func(i, j int) bool { return !layer[i].test && layer[j].test })
		number(layer)
	}
	for round := range 8 {
		for i := range l.layers {
			layer := l.layers[i]
			if round%2 == 1 {
				layer = l.layers[len(l.layers)-1-i]
			}
			for _, n := range layer {
				near := n.up
				if round%2 == 1 {
					near = n.down
				}
				sum, count := 0.0, 0.0
				for _, m := range near {
					if m.test == n.test {
						sum, count = sum+m.place, count+1
					}
				}
				if count > 0 {
					n.place = sum / count
				}
			}
			sort.SliceStable(layer, func(i, j int) bool {
				if layer[i].test != layer[j].test {
					return layer[j].test
				}
				return layer[i].place < layer[j].place
			})
			number(layer)
		}
	}
}

func (n *node) width() int {
	if n.class == nil {
		return laneW
	}
	return slotW
}

func layerWidth(layer []*node, test bool) (w int) {
	for _, n := range layer {
		if n.test == test {
			w += n.width()
		}
	}
	return w
}

// width is that of the side of the tests, or of the other.
func (l *layout) width(test bool) (w int) {
	for _, layer := range l.layers {
		w = max(w, layerWidth(layer, test))
	}
	return w
}

// place gives each node its coordinates: the sides begin at kernelX and testX, the first layer at top.
func (l *layout) place(kernelX, kernelW, testX, testW, top int) {
	for i, layer := range l.layers {
		x := map[bool]int{
			false: kernelX + (kernelW-layerWidth(layer, false))/2,
			true:  testX + (testW-layerWidth(layer, true))/2,
		}
		for _, n := range layer {
			n.x, n.y = x[n.test]+n.width()/2, top+i*layerH
			x[n.test] += n.width()
		}
	}
}

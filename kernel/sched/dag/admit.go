// Package dag … admit.go: how a node becomes ready, is admitted, and ends.
//
//	             begin  complete  dispatch  Kick      X: callers exclude each other; -: may run together
//	begin          X       X         -        -       (of one graph)
//	complete       X       -         -        -
//	dispatch       -       -         -        -
//
//	complete ──► ready? ──► incoming ──► dispatch, by whoever comes first ──► admitted: a list, for who dispatched
//	    │                      ▲
//	    └── releases ──────────┴── nodes wait: dispatch
//
// G1. Each node is admitted exactly once in a run, after all nodes that it needs were completed, and sees what they wrote.
// G2. Never do the demands of what is admitted and not completed exceed the capacity, nor their number MaxRunning, nor do
// more begin in a time than the bucket lets.
// G3. No node is lost: one that is ready and fits is admitted, by whoever made it ready or made room for it; or somebody is
// in dispatch, and looks again.
// G4. There is no deadlock: when nothing is admitted and not completed, and nobody else has taken of the capacity, a node
// that is ready is admitted, at once or when its bucket's time comes.
//
// Progress: complete is lock-free, but the choice among waiting nodes is made by one at a time: who comes meanwhile leaves
// word and goes. So a dispatcher that is stopped delays those that wait, and nobody else. One choice looks at all that wait.
// Callers: preemption off; complete, by who ran the node; Kick, anybody, interrupt handlers too.
// Memory: links in the nodes; whoever has the list has the link.
// Not promised: that a large node is not overtaken by small ones; it is delayed until the last of these at most, in one
// graph.
//
// Proof sketch. waits falls by one for each edge, and who brings it to 0 has the node alone (G1: the subtractions are
// read-modify- writes of one word, so the last one follows the others). busy counts those who wanted to dispatch; who finds
// it 0 is inside until it takes the count it has seen to 0. So whoever comes later either is counted before, and the one
// inside looks again, after the newcomer's word; or comes in himself (G3). Who makes room lowers used or running (a fence),
// then reads waiting; who has to wait raises waiting (a fence), then is looked at, with used and running: one of them sees
// the other (Dekker's argument, as in kernel/sched/work, idle.go).
package dag

import "exo/kernel/sync/atom"

// dispatcher is the state of admission.
type dispatcher struct {
	left     atom.Uint32 // nodes that are not completed
	running  atom.Uint32 // nodes admitted and not completed
	waiting  atom.Uint32 // nodes that are ready and not admitted
	incoming atom.Uint32 // link of the newest of these that no dispatcher has seen
	busy     atom.Uint32 // how many have come to dispatch since somebody is in it
	timer    atom.Uint32 // 1: Machine.KickAt has been called, and Timer has not

	// Touched by the dispatcher.
	queue list
	mix   mix
}

// list is nodes, by their next.
type list struct{ first, last link }

func (q *list) add(g *Graph, l link) {
	g.at(l).next = 0
	if q.first == 0 {
		q.first = l
	} else {
		g.at(q.last).next = l
	}
	q.last = l
}

// remove takes out the node after before, or the first one if that is 0.
func (q *list) remove(g *Graph, before link) link {
	l := q.first
	if before == 0 {
		q.first = g.at(l).next
	} else {
		l = g.at(before).next
		g.at(before).next = g.at(l).next
	}
	if l == q.last {
		q.last = before
	}
	return l
}

// begin has all nodes wait for what they need, and returns those that are admitted at once.
func (g *Graph) begin(by int32) (admitted list) {
	now := g.machine.NowNs()
	g.left.Store(g.n)
	var ready list
	for i := range g.n {
		n := &g.nodes[i]
		n.waits.Store(n.needs)
		n.startNs, n.endNs, n.worker, n.queued = 0, 0, -1, false
		if n.needs == 0 {
			n.by, n.readyNs = by, now
			ready.add(g, link(i)+1)
		}
	}
	return g.admit(ready)
}

// complete ends a node, which worker by ran, and returns those that are admitted because of it.
func (g *Graph) complete(id ID, by int32) (admitted list) {
	n, now := &g.nodes[id], g.machine.NowNs()
	n.endNs = now
	if c := g.admission.Capacity; c != nil {
		c.release(&n.demand, g)
	}
	g.running.Add(^uint32(0)) // order: after it, waiting is read; pairs with admit's addition (G3)
	var ready list
	for e := n.edges; e != 0; e = g.edges[e-1].next {
		to := link(g.edges[e-1].to) + 1
		if t := g.at(to); t.waits.Add(^uint32(0)) == 0 { // order: what this node wrote is before; pairs with itself (G1)
			t.by, t.readyNs = by, now
			ready.add(g, to)
		}
	}
	return g.admit(ready)
}

// admit takes nodes that have become ready, and returns those that may begin: of these, and of others that waited.
func (g *Graph) admit(ready list) (admitted list) {
	if a := &g.admission; a.Capacity == nil && a.Bucket == nil && a.MaxRunning == 0 {
		for l := ready.first; l != 0; l = g.at(l).next {
			g.running.Add(1)
		}
		return ready
	}
	for l := ready.first; l != 0; {
		n, me := g.at(l), l
		l = n.next
		g.waiting.Add(1) // order: a fence before the looks at used and running; pairs with complete and Release (G3)
		for {
			newest := g.incoming.Load()
			n.next = link(newest)
			if g.incoming.CompareAndSwap(newest, uint32(me)) { // order: publishes the node; pairs with accept
				break
			}
		}
	}
	return g.kick()
}

// dispatch admits all that fit; or somebody else is at it, and looks again.
func (g *Graph) dispatch() (admitted list) {
	if g.busy.Add(1) != 1 {
		return list{}
	}
	for come := uint32(1); ; come = g.busy.Load() {
		g.accept()
		for l := g.choose(); l != 0; l = g.choose() {
			admitted.add(g, l)
			g.waiting.Add(^uint32(0))
		}
		for q := g.queue.first; q != 0; q = g.at(q).next {
			g.at(q).queued = true
		}
		if g.busy.CompareAndSwap(come, 0) {
			return admitted
		}
	}
}

// accept puts what has come at the end of the queue, the oldest first.
func (g *Graph) accept() {
	if g.incoming.Load() == 0 {
		return
	}
	oldest := link(0)
	for l := link(g.incoming.Swap(0)); l != 0; {
		n := g.at(l)
		l, n.next, oldest = n.next, oldest, l
	}
	for l := oldest; l != 0; {
		next := g.at(l).next
		g.queue.add(g, l)
		l = next
	}
}

// choose takes a node that fits out of the queue, and admits it; 0: none does.
func (g *Graph) choose() link {
	a := &g.admission
	for g.queue.first != 0 {
		if a.MaxRunning != 0 && g.running.Load() >= a.MaxRunning {
			return 0
		}
		if a.Bucket != nil && a.Bucket.when() > g.machine.NowNs() {
			g.setTimer()
			return 0
		}
		fit, tickets := g.fitting()
		if fit == 0 {
			return 0
		}
		before, l := g.draw(fit, tickets)
		n := g.at(l)
		if a.Capacity != nil && !a.Capacity.admit(&n.demand, g) {
			continue // others were faster: what fits now?
		}
		if a.Bucket != nil && !a.Bucket.Take(g.machine.NowNs()) {
			if a.Capacity != nil {
				a.Capacity.release(&n.demand, g)
			}
			continue
		}
		g.running.Add(1)
		return g.queue.remove(g, before)
	}
	return 0
}

func (g *Graph) fits(n *Node) bool {
	return g.admission.Capacity == nil || g.admission.Capacity.fits(&n.demand)
}

// fitting counts those in the queue that fit, and marks them (colour: the dispatcher's while the graph runs).
func (g *Graph) fitting() (fit uint32, tickets uint64) {
	for l := g.queue.first; l != 0; l = g.at(l).next {
		n := g.at(l)
		n.colour = white
		if g.fits(n) {
			n.colour = black
			fit++
			tickets += uint64(n.tickets)
		}
	}
	return fit, tickets
}

// draw picks one of the marked ones, and says which one is before it.
func (g *Graph) draw(fit uint32, tickets uint64) (before, l link) {
	skip, inOrder := uint64(0), g.mix.inOrder()
	if inOrder {
		skip = uint64(g.mix.place(fit))
	} else {
		skip = g.mix.ticket(tickets)
	}
	for l = g.queue.first; ; before, l = l, g.at(l).next {
		n := g.at(l)
		if n.colour != black {
			continue
		}
		weight := uint64(1)
		if !inOrder {
			weight = uint64(n.tickets)
		}
		if skip < weight {
			return before, l
		}
		skip -= weight
	}
}

// setTimer has the bucket looked at again when its time has come.
func (g *Graph) setTimer() {
	if g.timer.CompareAndSwap(0, 1) {
		g.machine.KickAt(g.admission.Bucket.when(), g)
	}
}

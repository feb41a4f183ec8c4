package dag

import (
	"exo/kernel/sched/work"
	"exo/kernel/sync/atom"
)

// run is a graph's run on a pool.
type run struct {
	pool    *work.Pool
	hold    *work.Job   // it is not done before the graph is
	active  atom.Uint32 // 1: from Start until the last node is completed
	startNs uint64
	endNs   uint64
	thefts  uint64 // of the pool, before it started; then those since
}

// Running says whether a run has begun and is not over.
func (g *Graph) Running() bool { return g.active.Load() != 0 }

// Start begins a run, from a job: that job is not done before the last node is. To wait, the job calls Sync, or returns and
// whoever forked or submitted it waits. The graph must have been checked. Each node is a job: the pool needs as many free
// slots.
func (g *Graph) Start(w *work.Worker) error {
	switch {
	case g.Running():
		return ErrRunning
	case !g.checked:
		return ErrChecked
	}
	for i := range g.n {
		j := w.New(runNode)
		if j == nil {
			for k := range i {
				w.Free(g.nodes[k].job)
			}
			return ErrJobs
		}
		j.Of, j.Arg[0] = g, uint64(i)
		g.nodes[i].job = j
	}
	g.startNs = g.machine.NowNs()
	g.endNs = g.startNs
	if g.n == 0 {
		return nil
	}
	stats := w.Pool().Stats()
	g.pool, g.thefts = w.Pool(), stats.Thefts()
	g.active.Store(1)
	g.hold = w.Hold()
	c := w.Context()
	c.PreemptDisable()
	admitted := g.begin(int32(w.Index()))
	c.PreemptEnable()
	g.give(w, admitted)
	return nil
}

func runNode(w *work.Worker, j *work.Job) {
	g, _ := j.Of.(*Graph)
	id := ID(j.Arg[0])
	n := &g.nodes[id]
	n.worker, n.startNs = int32(w.Index()), g.machine.NowNs()
	n.fn(w, g, id)
	w.Sync() // what it spawned is part of it
	c := w.Context()
	c.PreemptDisable() // nobody waits for a dispatcher that does not run
	admitted := g.complete(id, int32(w.Index()))
	c.PreemptEnable()
	g.give(w, admitted)
	if g.left.Add(^uint32(0)) == 0 { // order: after all that this worker did to the graph; pairs with itself
		g.end(w, n.endNs)
	}
}

// give gives admitted nodes to workers: one that was admitted as soon as it was ready to the worker that ended the last one
// it needed, which has in its caches what that one wrote; one that had to wait to this worker, which let it in.
func (g *Graph) give(w *work.Worker, admitted list) {
	for l := admitted.first; l != 0; {
		n := g.at(l)
		l = n.next // before it is given away
		if n.queued || int(n.by) == w.Index() {
			w.Post(n.job)
		} else {
			c := w.Context()
			c.PreemptDisable()
			g.pool.Submit(int(n.by), n.job, false)
			c.PreemptEnable()
		}
	}
}

// end is after the last node. Then the graph is its caller's.
func (g *Graph) end(w *work.Worker, now uint64) {
	for i := range g.n {
		now = max(now, g.nodes[i].endNs)
	}
	stats := g.pool.Stats()
	g.endNs, g.thefts = now, stats.Thefts()-g.thefts
	hold := g.hold
	g.active.Store(0)
	c := w.Context()
	c.PreemptDisable()
	g.pool.Drop(c.CPU, hold)
	c.PreemptEnable()
}

// Kick admits what fits now: after somebody has given back capacity that the graph does not know of. Anybody may call it,
// preemption off.
func (g *Graph) Kick() {
	admitted := g.kick()
	for l := admitted.first; l != 0; {
		n := g.at(l)
		l = n.next
		g.pool.Submit(int(n.by), n.job, false)
	}
}

func (g *Graph) kick() (admitted list) {
	if g.waiting.Load() == 0 { // order: after the release; pairs with admit's addition (G3)
		return list{}
	}
	return g.dispatch()
}

// Timer is what Machine.KickAt has called, preemption off.
func (g *Graph) Timer() {
	g.timer.Store(0) // order: a fence before the look; who finds it 1 before leaves the look to this one
	g.Kick()
}

package work

import (
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Worker runs jobs, on one CPU. Its fields are touched by itself alone, unless they say so.
type Worker struct {
	pool    *Pool
	index   int
	context *sync.Context // who it is; it stays on its CPU
	victims []Victim      // the others, nearest first; never changed
	current *Job          // what it runs
	depth   int           // how many stolen jobs lie on its stack, above the first
	turn    uint32        // for thieves that have the choice
	owes    bool          // it was woken for a job that it has not looked for yet
	strange bool          // a leap that came too late brought what lies on its stack: no leap on top of that
	_       [24]byte

	inbox atom.Uint32 // slot of the job that was submitted last; taken by whoever looks
	_     [60]byte

	deque sync.Deque

	given    atom.Uint64 // how many jobs it has pushed; read by anybody
	counters counters
	_        [64]byte
}

// Victim is a worker as another one sees it.
type Victim struct {
	worker uint8
	class  uint8 // how many distances are smaller
}

// MaxClasses is how many distances are told apart.
const MaxClasses = 8

// order fills in the workers other than self, by their distance from it (insertion sort).
func order(v []Victim, self int, distance func(from, to int) int) {
	far := func(i Victim) int {
		if distance == nil {
			return 0
		}
		return distance(self, int(i.worker))
	}
	for n := range v {
		x := Victim{worker: uint8(n)}
		if n >= self {
			x.worker++
		}
		i := n
		for ; i > 0 && far(v[i-1]) > far(x); i-- {
			v[i] = v[i-1]
		}
		v[i] = x
	}
	for i := 1; i < len(v); i++ {
		v[i].class = v[i-1].class
		if far(v[i]) > far(v[i-1]) && v[i].class < MaxClasses-1 {
			v[i].class++
		}
	}
}

// attempts is how often a worker tries to steal at one distance before it looks further.
const attempts = 4

// Index is the worker's number.
func (w *Worker) Index() int { return w.index }

// Pool is what it belongs to.
func (w *Worker) Pool() *Pool { return w.pool }

// Context is the task that it is.
func (w *Worker) Context() *sync.Context { return w.context }

// Current is the job that it runs.
func (w *Worker) Current() *Job { return w.current }

// Run is the life of worker i: it returns after Stop. c is the task that calls, which stays on its CPU; no other has its
// number.
func (p *Pool) Run(i int, c *sync.Context) {
	w := &p.workers[i]
	w.context = c
	for tries := 0; ; {
		stopping := p.stop.Load() != 0 // before it looks: what was submitted before Stop is found
		j := w.pop()
		if j == nil {
			j = w.find()
		}
		if j != nil {
			w.run(j)
			tries = 0
			continue
		}
		if stopping {
			return
		}
		if tries++; tries <= p.spins {
			relax(tries)
			continue
		}
		tries = 0
		w.sleep(nil, 0)
	}
}

func relax(tries int) {
	if sync.Relax != nil {
		sync.Relax(tries)
	}
}

// run runs a job that the worker has taken.
func (w *Worker) run(j *Job) {
	if w.owes {
		w.passOn() // this is not what it was woken for, perhaps
	}
	if j.runner.Load() != 0 {
		panic("work: a job is run a second time")
	}
	outer := w.current
	w.current = j
	j.runner.StoreRelease(uint32(w.index) + 1)
	j.Fn(w, j)
	if j.open != 0 {
		panic("work: a job returned before it joined all that it forked")
	}
	w.current = outer
	j.runner.StoreRelease(returned) // order: before all that this worker does next; pairs with leap's load (G5)
	bump(&w.counters.executed)
	w.context.PreemptDisable()
	w.pool.Drop(w.context.CPU, j)
	w.context.PreemptEnable()
}

// pop takes the newest job of its own.
func (w *Worker) pop() *Job {
	w.context.PreemptDisable()
	i, ok := w.deque.Pop()
	w.context.PreemptEnable()
	if !ok {
		return nil
	}
	return &w.pool.jobs[i]
}

// push makes j the newest of its own jobs, and sees to it that somebody comes for it. If there is no room, j runs at once.
func (w *Worker) push(j *Job) {
	w.context.PreemptDisable()
	ok := w.deque.Push(w.context.CPU, uint64(j.self))
	if ok {
		w.given.Store(w.given.Load() + 1) // order: a fence before the load of the idle set; pairs with sleep's (G4)
		w.pool.wakeOne(w.index, w.victims)
	}
	w.context.PreemptEnable()
	if !ok {
		bump(&w.counters.inlined)
		w.run(j)
	}
}

// find takes a job from where there is one: its inbox, then others', the nearest first. nil: it saw none, or others were
// faster.
func (w *Worker) find() *Job {
	w.owes = false // it looks now
	if j := w.take(w); j != nil {
		return j
	}
	for i := 0; i < len(w.victims); {
		near := w.victims[i:]
		for n := range near {
			if near[n].class != near[0].class {
				near = near[:n]
				break
			}
		}
		for range attempts {
			v := w.longest(near)
			if v == nil {
				break
			}
			if j := w.steal(v); j != nil {
				bump(&w.counters.stolen[near[0].class])
				return j
			}
		}
		for _, v := range near {
			if j := w.take(&w.pool.workers[v.worker]); j != nil {
				return j
			}
		}
		i += len(near)
	}
	return nil
}

// longest returns that one of several workers whose deque is longest, nil if all are empty. Of equal ones it is now this,
// now that.
func (w *Worker) longest(of []Victim) (best *Worker) {
	most := 0
	w.turn++
	for i := range of {
		v := &w.pool.workers[of[(uint32(i)+w.turn)%uint32(len(of))].worker]
		if n := v.deque.Len(); n > most {
			best, most = v, n
		}
	}
	return best
}

// steal takes the oldest job of another; nil: there is none, or somebody was faster.
func (w *Worker) steal(v *Worker) *Job {
	w.context.ReadLock() // the buffer stays
	i, how := v.deque.Steal()
	w.context.ReadUnlock()
	if how != sync.Taken {
		bump(&w.counters.failed)
		return nil
	}
	return &w.pool.jobs[i]
}

// take takes all that was submitted to v: the first job is returned, the others are the worker's own now.
func (w *Worker) take(v *Worker) (first *Job) {
	if v.inbox.Load() == 0 {
		return nil
	}
	i := v.inbox.Swap(0) // order: pairs with Submit's compare-and-swap (G2)
	back := uint32(0)
	for i != 0 { // from newest first to oldest first
		j := &w.pool.jobs[i]
		i, j.next, back = j.next, back, i
	}
	for back != 0 {
		j := &w.pool.jobs[back]
		back = j.next // before it is given away
		bump(&w.counters.submitted)
		if first == nil {
			first = j
		} else {
			w.push(j)
		}
	}
	return first
}

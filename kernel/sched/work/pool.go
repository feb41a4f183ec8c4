package work

import (
	"unsafe"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// MaxWorkers is how many workers a pool can have: the idle set is one word.
const MaxWorkers = 64

// Machine is how a worker sleeps. Wake-ups are permits: a Wake that comes before the Idle is remembered, by one bit.
type Machine interface {
	// Idle waits for the permit of this number and takes it; it may also return for no reason. Only who has the number
	// calls it.
	Idle(worker int)
	// Wake gives the permit. Anybody calls it, with preemption off, and interrupt handlers do if they Submit.
	Wake(worker int)
}

// Pool is workers that share their work. Init it before use.
type Pool struct {
	jobs    []Job
	workers []Worker
	slots   sync.Pool
	machine Machine
	depth   int // Config.Depth
	spins   int // Config.Spins

	_     [64]byte
	idle  atom.Uint64 // bit i: worker i sleeps, or is about to, and would take a job; who clears the bit wakes it
	_     [56]byte
	stop  atom.Uint32 // 1: Run returns when there is nothing to do
	wakes atom.Uint64 // how often a worker was woken because there was a job
	_     [48]byte
}

// Config is the memory for a pool, and what it is to know.
type Config struct {
	Jobs     []Job          // slots; slot 0 is never used
	Links    []sync.Link    // as many as Jobs
	PoolCPUs []sync.PoolCPU // one for each CPU from which New or Free is called
	Workers  []Worker       // at most MaxWorkers
	Victims  []Victim       // VictimsFor(len(Workers))
	Distance func(from, to int) int
	Buffers  []sync.Buffers // for each worker's deque
	Elements int            // of a deque's first buffer: a power of two. Fork always has room if it can grow to len(Jobs)
	RCU      *sync.RCU      // of outgrown buffers
	Machine  Machine

	// Depth is how many jobs that have nothing to do with each other may lie on top of each other on a worker's stack: at
	// so many a Join takes only jobs that it waits for, or their descendants. 0: that is so from the start, but for one stranger's (fork.go, G5).
	Depth int
	// Spins is how often a worker looks again before it sleeps.
	Spins int
}

// VictimsFor is how many Victims a pool of so many workers needs.
func VictimsFor(workers int) int { return workers * (workers - 1) }

// Init makes p a pool without jobs, whose workers have not begun; false: there are no buffers for the deques.
func (p *Pool) Init(c *Config) bool {
	n := len(c.Workers)
	if n < 1 || n > MaxWorkers || len(c.Links) != len(c.Jobs) || len(c.Victims) != VictimsFor(n) || len(c.Buffers) != n {
		panic("work: the parts of a pool do not fit together")
	}
	p.jobs, p.workers, p.machine, p.depth, p.spins = c.Jobs, c.Workers, c.Machine, c.Depth, c.Spins
	p.slots.Init(c.Links, c.PoolCPUs)
	p.idle.Store(0)
	p.stop.Store(0)
	p.wakes.Store(0)
	for i := range p.workers {
		w := &p.workers[i]
		w.pool, w.index, w.context, w.current, w.depth, w.owes, w.strange = p, i, nil, nil, 0, false, false
		w.inbox.Store(0)
		w.given.Store(0)
		w.counters = counters{}
		w.victims = c.Victims[i*(n-1) : (i+1)*(n-1)]
		order(w.victims, i, c.Distance)
		if !w.deque.Init(c.Elements, c.Buffers[i], c.RCU) {
			return false
		}
	}
	return true
}

// Worker returns worker i.
func (p *Pool) Worker(i int) *Worker { return &p.workers[i] }

// Workers is how many there are.
func (p *Pool) Workers() int { return len(p.workers) }

// New hands out a slot for a job that calls fn, as a call from cpu, preemption off; nil: there is none.
func (p *Pool) New(cpu int, fn func(w *Worker, j *Job)) *Job {
	i := p.slots.Get(cpu)
	if i == 0 {
		return nil
	}
	j := &p.jobs[i]
	j.begin(i, fn)
	return j
}

// Free gives the slot of a job back that was never given away, or has been waited for; as a call from cpu, preemption off.
func (p *Pool) Free(cpu int, j *Job) { p.slots.Put(cpu, j.self) }

// Submit gives a job away from outside: any CPU, preemption off, and interrupt handlers. It goes to the inbox of worker to.
// If nobody is going to Wait for it, keep is false, and its slot is given back when it is done.
func (p *Pool) Submit(to int, j *Job, keep bool) {
	j.frees = !keep
	w := &p.workers[to]
	for {
		newest := w.inbox.Load()
		j.next = newest
		if w.inbox.CompareAndSwap(newest, j.self) { // order: publishes the job (take, G2); a fence (sleep, G4)
			break
		}
	}
	p.wakeOne(to, w.victims)
}

// Wait returns when the job is done, which was submitted to be kept. me is who calls, as Machine knows it: a number that is
// no worker's. Workers Join.
func (p *Pool) Wait(me int, j *Job) {
	if me < len(p.workers) {
		panic("work: a worker waits as if it were none")
	}
	for !j.Done() {
		j.waiter.Store(uint32(me) + 1) // order: a fence before the load of pending; pairs with drop's (G4)
		if j.Done() {
			return
		}
		p.machine.Idle(me)
	}
}

// Stop has each Run return when it finds nothing to do, as a call with preemption off. After it nothing is submitted from
// outside; jobs still may.
func (p *Pool) Stop() {
	p.stop.Store(1) // order: a fence before the load of the idle set; pairs with sleep's (G4)
	for {
		s := p.idle.Load()
		if s == 0 {
			return
		}
		if p.idle.CompareAndSwap(s, 0) {
			for i := range p.workers {
				if s>>i&1 != 0 {
					p.machine.Wake(i)
				}
			}
		}
	}
}

// Close gives the buffer of worker i's deque back, as a call from its CPU, preemption off, when every Run has returned.
func (p *Pool) Close(i, cpu int) { p.workers[i].deque.Close(cpu) }

// A job fills two cache lines, so that what runs one does not disturb what runs the next. (Any other size does not compile.)
const _ = -(unsafe.Sizeof(Job{}) ^ 128)

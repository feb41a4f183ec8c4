// Package work … fork.go: what a job can do: make others, and wait for them.
//
//	                      Fork  Join  Spawn  Sync  Post  Hold  Submit  Drop    X: callers exclude each other
//	jobs of one worker      X     X     X      X     X     X     -       -     -: may run together
//	jobs of two workers     -     -     -      -     -     -     -       -
//
//	Fork(j)   gives j away; its forker joins it before it returns, and gets the slot back          Join(j)
//	Spawn(j)  gives j away; its spawner is not done before j is, and can wait for all it spawned   Sync()
//	Post(j)   gives j away; nobody waits for it
//	Hold()    has the job not be done until Drop: for what ends elsewhere, like a device's answer
//
// G1. Each job that was given away runs exactly once, on one worker.
// G2. Who runs a job sees what its giver wrote before; who has joined it sees what it wrote, and what all those wrote that
// it waited for. Join returns when the job has returned and all that it spawned is done, and what these spawned; Sync when
// that is so of all that the caller spawned.
// G3. Join and Sync return, if jobs do: no circle of jobs can wait for each other.
// G4. No wake-up is lost (idle.go): no worker sleeps while it waits for a job that is done, nor while there is a job that
// nobody has been woken for; and nobody is woken twice for one job while another job has nobody.
// G5. With Config.Depth 0 each job on a worker's stack is a descendant of the one below it, but for one at most; so no
// stack is deeper than twice what one CPU alone would need.
// G6. What was submitted before Stop, and what that gives away, is done before the last Run returns. After that nothing
// runs.
//
// Progress: Fork, Spawn, Post wait-free but for waking somebody, which is lock-free; Submit lock-free. Join and Sync run
// other jobs while they wait.
// Callers: what a worker runs, on that worker, preemptible; but Submit and Drop, which anybody may call with preemption
// off, interrupt handlers too (Drop, if the job is to be kept: else its slot goes to the CPU's pool).
// Memory: slots of Config.Jobs, by a pool (kernel/sync) whose slots stay jobs: who looks at waiter or syncer of one that
// has got another life wakes somebody for nothing, no worse.
// Not promised: an order among jobs; that Fork is worth its cost; with a larger Config.Depth, more than about so many such
// stacks on top of each other, for what is stolen back may itself be a stranger's.
//
// Proof sketch. G1: a slot's number is in one deque or inbox at a time, and each is taken once (sync.Deque G1; an inbox is
// taken as a whole by one exchange). G3: order jobs by when they began. If a frame waits for a job, that one began later,
// for the frame's job gave it away. If a job is not done for something lies above it on a stack, that began later. Around a
// circle of waiting time would only grow. And what is waited for is in nobody's deque for good: what one waits for oneself
// is popped, or was stolen and then it runs. G5: a job that is not done and not in its forker's deque was stolen, and so
// was all that was older there. What Join then pops is younger than the job: it belongs to what this frame began. What Join
// steals from the thief is younger than the job, too, for a thief's deque was empty when it stole (leapfrogging: Wagner &
// Calder, PPoPP 1993); that the thief was still at it is seen after the theft, from runner, which changes before the thief
// begins anything else. If the thief was not, the job may be a stranger's, and there is nowhere to put it: somebody may be
// waiting for it whom nobody else can help. It is run, and its worker does not leap again before it has returned: that is
// the one exception.
package work

// New hands out a slot for a job that calls fn; nil: there is none. Who gets nil can do the work at once.
func (w *Worker) New(fn func(w *Worker, j *Job)) *Job {
	w.context.PreemptDisable()
	j := w.pool.New(w.context.CPU, fn)
	w.context.PreemptEnable()
	return j
}

// Free gives the slot of a job back that has been joined, or never given away.
func (w *Worker) Free(j *Job) {
	w.context.PreemptDisable()
	w.pool.Free(w.context.CPU, j)
	w.context.PreemptEnable()
}

// Fork gives j away, to be joined by the job that forks it.
func (w *Worker) Fork(j *Job) {
	w.current.open++
	bump(&w.counters.forked)
	w.push(j)
}

// Join returns when j is done, and runs other jobs until then.
func (w *Worker) Join(j *Job) {
	if w.current.open--; w.current.open < 0 {
		panic("work: a job joined more than it forked")
	}
	w.help(j, 0)
}

// Spawn gives j away; the job that spawns it is not done before j is. Its slot is given back by itself.
func (w *Worker) Spawn(j *Job) {
	j.parent, j.frees = w.Hold().self, true
	bump(&w.counters.forked)
	w.push(j)
}

// Sync returns when all is done that the current job spawned or held, and runs other jobs until then.
func (w *Worker) Sync() { w.help(w.current, 1) }

// Post gives j away. Its slot is given back by itself.
func (w *Worker) Post(j *Job) {
	j.frees = true
	bump(&w.counters.forked)
	w.push(j)
}

// Hold has the current job not be done until a Drop of it, once for each Hold.
func (w *Worker) Hold() *Job {
	w.current.pending.Add(1)
	return w.current
}

// Drop ends one thing that keeps j from being done, as a call from cpu, preemption off: what was held, or what Fn was doing.
func (p *Pool) Drop(cpu int, j *Job) {
	for {
		self, parent, frees := j.self, j.parent, j.frees // now: once j is done, who joins it may give it back
		// order: what the job wrote is before (G2); a fence before the loads of who sleeps (G4)
		switch j.pending.Add(^uint32(0)) {
		case 0:
			if i := j.waiter.Load(); i != 0 {
				p.machine.Wake(int(i) - 1)
			}
		case 1:
			// If it is Fn that goes on, in Sync perhaps, j is what it was; else it may be in another life by now.
			if i := j.runner.Load(); j.syncer.Load() != 0 && i != 0 && i != returned {
				p.machine.Wake(int(i) - 1)
			}
			return
		default:
			return
		}
		if frees {
			p.slots.Put(cpu, self)
		}
		if parent == 0 {
			return
		}
		j = &p.jobs[parent]
	}
}

// help runs jobs until no more than left things keep j from being done.
func (w *Worker) help(j *Job, left uint32) {
	strange := w.strange
	for tries := 0; j.pending.Load() > left; { // order: pairs with Drop's subtraction (G2)
		next := w.pop()
		stolen := next == nil
		if stolen {
			if next = w.leap(j); next == nil && w.depth < w.pool.depth {
				next = w.find()
			}
		}
		switch {
		case next == nil && tries < w.pool.spins:
			tries++
			relax(tries)
			continue
		case next == nil:
			w.sleep(j, left)
		case stolen:
			w.depth++
			w.run(next)
			w.depth--
			w.strange = strange
		default:
			w.run(next)
		}
		tries = 0
	}
	if left > 0 {
		j.syncer.StoreRelease(0)
	}
	if w.owes {
		w.passOn() // it does not look: its own work goes on
	}
}

// leap takes a job from the worker that runs j: a part of what it waits for, or a stranger's; then w is strange until that
// has returned.
func (w *Worker) leap(j *Job) *Job {
	thief := j.runner.Load()
	if w.strange || thief == 0 || thief == returned || int(thief)-1 == w.index {
		return nil
	}
	v := &w.pool.workers[thief-1]
	if v.deque.Len() == 0 {
		return nil
	}
	next := w.steal(v)
	if next == nil {
		return nil
	}
	bump(&w.counters.leapt)
	w.strange = j.runner.Load() != thief // order: after the theft; pairs with run's store (G5)
	return next
}

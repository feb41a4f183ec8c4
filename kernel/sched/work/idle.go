// Package work … idle.go: how a worker falls asleep, and who wakes it.
//
//	who gives a job                          who falls asleep
//	    push it                                  set its bit
//	    fence                                    fence
//	    read the idle set                        look at every deque and inbox, and at the job it waits for
//	    a bit? clear it, wake that worker        nothing? sleep
//
//	who ends a job                           who falls asleep waiting for it
//	    lower its pending                        say so in waiter (or syncer)
//	    fence                                    fence
//	    read waiter: wake him                    read pending: sleep if it is not there yet
//
// This is Dekker's problem (Dijkstra, EWD 123): each writes, fences, and then reads what the other writes. If both read the
// old value, each one's read came before the other's write, and with the fence before its own read: a circle. So one of
// them at least sees the other, and there is no lost wake-up (G4). Without one of the fences x86 lets the read pass the
// write, which waits in the store buffer, and a worker sleeps next to a job.
//
// A bit is cleared by a compare-and-swap: each wake-up that a job causes goes to another sleeper. So, as long as somebody
// sleeps with his bit set, there are at least as many woken workers on their way as jobs that came since: a job adds one,
// and a woken one looks everywhere before it sets its bit again. Who has been woken and does not look, because the job that
// it waits for is done or because it finds a part of that first, owes that look: it passes the wake-up on (owes, passOn).
// That keeps a job from waiting behind a long one while a worker sleeps.
//
// A worker that would not take just any job (Config.Depth) does not set its bit: a wake-up for a job would be lost on it.
package work

import "math/bits"

// sleep waits until there is something to do, or no more than left things keep j from being done; j nil: or until Stop. It
// may return for no reason.
func (w *Worker) sleep(j *Job, left uint32) {
	p, bit := w.pool, uint64(1)<<w.index
	takes := j == nil || w.depth < p.depth
	if j != nil {
		if left > 0 {
			j.syncer.Store(1) // order: a fence before the load of pending; pairs with Drop's (G4)
		} else {
			j.waiter.Store(uint32(w.index) + 1) // order: the same
		}
	}
	if takes {
		p.idle.Or(bit) // order: a fence before the loads of deques, inboxes and stop; pairs with push, Submit and Stop (G4)
	}
	if !(j != nil && j.pending.Load() <= left || takes && w.sees() || j == nil && p.stop.Load() != 0) {
		bump(&w.counters.idles)
		p.machine.Idle(w.index)
	}
	if !takes {
		return
	}
	for {
		s := p.idle.Load()
		if s&bit == 0 {
			w.owes = true // it was woken for a job; the permit may still come, and is for nothing then
			return
		}
		if p.idle.CompareAndSwap(s, s&^bit) {
			return
		}
	}
}

// sees says whether there is a job somewhere.
func (w *Worker) sees() bool {
	if w.inbox.Load() != 0 {
		return true
	}
	for _, v := range w.victims {
		if o := &w.pool.workers[v.worker]; o.deque.Len() > 0 || o.inbox.Load() != 0 {
			return true
		}
	}
	return false
}

// wakeOne wakes a worker that sleeps: first, or the nearest to it. Preemption is off: who was chosen is nobody else's to
// wake.
func (p *Pool) wakeOne(first int, near []Victim) {
	for {
		s := p.idle.Load()
		if s == 0 {
			return
		}
		i := bits.TrailingZeros64(s)
		if s>>first&1 != 0 {
			i = first
		} else {
			for _, v := range near {
				if s>>v.worker&1 != 0 {
					i = int(v.worker)
					break
				}
			}
		}
		if p.idle.CompareAndSwap(s, s&^(1<<i)) {
			p.wakes.Add(1)
			p.machine.Wake(i)
			return
		}
	}
}

// passOn is for a worker that was woken and has not looked: somebody else does.
func (w *Worker) passOn() {
	w.owes = false
	w.context.PreemptDisable()
	w.pool.wakeOne(w.index, w.victims)
	w.context.PreemptEnable()
}

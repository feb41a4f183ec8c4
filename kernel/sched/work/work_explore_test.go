//go:build explore

package work

import (
	"fmt"
	"testing"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// small is a pool whose workers are threads 0 to n-1 of an explored program. Numbers from n on are other threads'.
type small struct {
	Pool
	permits  []atom.Uint32
	contexts []sync.Context
	ran      []int // of each job of a program: how often; plain, for one thread runs at a time
	naps     []int // of each thread: odd while it is asleep
}

func (s *small) Idle(i int) {
	s.naps[i]++
	explore.Wait(func() bool { return s.permits[i].Load() == 1 })
	s.naps[i]++
	s.permits[i].Swap(0)
}

func (s *small) Wake(i int) { s.permits[i].Store(1) }

func (s *small) Get(elements int) *sync.Buffer {
	return &sync.Buffer{Elements: make([]atom.Uint64, elements)}
}

func (s *small) Put(*sync.Buffer) {}

// newSmall makes a pool of n workers, for others more threads and so many jobs; all slots are in everybody's reach.
func newSmall(x *explore.Run, n, others, jobs, depth int) *small {
	s := &small{permits: make([]atom.Uint32, n+others), contexts: make([]sync.Context, n), ran: make([]int, jobs), naps: make([]int, n+others)}
	slots := 1 + (jobs+1)*(n+others)
	c := Config{
		Jobs: make([]Job, slots), Links: make([]sync.Link, slots), PoolCPUs: make([]sync.PoolCPU, n+others),
		Workers: make([]Worker, n), Victims: make([]Victim, VictimsFor(n)), Elements: 8, RCU: new(sync.RCU), Machine: s, Depth: depth,
	}
	for i := range n {
		c.Buffers = append(c.Buffers, s)
		s.contexts[i].CPU = i
	}
	if !s.Init(&c) {
		panic("no buffers")
	}
	x.Name("pool", &s.Pool)
	x.Name("permit", s.permits)
	return s
}

func (s *small) asleep(i int) bool { return s.naps[i]&1 != 0 }

// nudge wakes a worker that sleeps, or will, for no reason: it looks once more.
func (s *small) nudge(i int) {
	explore.Wait(func() bool { return s.asleep(i) })
	n := s.naps[i]
	s.Wake(i)
	explore.Wait(func() bool { return s.naps[i] > n })
}

// othersSleep says whether nobody but this worker runs; nil: nobody.
func (s *small) othersSleep(w *Worker) bool {
	for i := range s.workers {
		if &s.workers[i] != w && !s.asleep(i) {
			return false
		}
	}
	return true
}

// job makes job number i, on that CPU.
func (s *small) job(cpu, i int, fn func(w *Worker)) *Job {
	j := s.New(cpu, func(w *Worker, j *Job) {
		s.ran[i]++
		j.Arg[0] = 0
		if fn != nil {
			fn(w)
		}
		j.Arg[0] = uint64(i) + 100 // for who waits
	})
	return j
}

// blocked keeps a job from going on before job i has run: it is as if it had a lot to do.
func (s *small) blocked(i int) {
	explore.Wait(func() bool { return s.ran[i] > 0 })
}

func (s *small) join(w *Worker, j *Job, i int) {
	w.Join(j)
	if j.Arg[0] != uint64(i)+100 {
		panic(fmt.Sprintf("job %d has been joined, and is not done", i))
	}
	w.Free(j)
}

func (s *small) wait(me int, j *Job, i int) {
	s.Pool.Wait(me, j)
	if j.Arg[0] != uint64(i)+100 {
		panic(fmt.Sprintf("job %d has been waited for, and is not done", i))
	}
	s.Free(me, j)
}

// program has n workers, and one more thread that does outside and then stops them.
func program(n, jobs, depth int, outside func(s *small, me int)) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		s := newSmall(x, n, 1, jobs, depth)
		for i := range n {
			threads = append(threads, func() { s.Run(i, &s.contexts[i]) })
		}
		threads = append(threads, func() {
			outside(s, n)
			s.Stop()
		})
		return threads, func() error {
			for i, k := range s.ran {
				if k != 1 {
					return fmt.Errorf("job %d ran %d times (G1)", i, k)
				}
			}
			if free := s.slots.Free(); free != len(s.jobs)-1 {
				return fmt.Errorf("%d slots came back of %d", free, len(s.jobs)-1)
			}
			for i := range s.workers {
				if w := &s.workers[i]; w.deque.Len() != 0 || w.inbox.Load() != 0 || w.depth != 0 || w.current != nil {
					return fmt.Errorf("worker %d is not at rest", i)
				}
			}
			return nil
		}
	}
}

func exploreWork(t *testing.T, preemptions int, p explore.Program) {
	explore.Exhaustive(t, explore.Config{Preemptions: preemptions, Steps: 20000}, p)
}

func TestExplore_Work_G4_SubmitAgainstIdle(t *testing.T) {
	t.Run("one", func(t *testing.T) {
		exploreWork(t, 3, program(1, 1, 0, func(s *small, me int) {
			j := s.job(me, 0, nil)
			s.Submit(0, j, true)
			s.wait(me, j, 0)
		}))
	})
	t.Run("nobody_waits", func(t *testing.T) { // G6
		exploreWork(t, 3, program(1, 2, 0, func(s *small, me int) {
			s.Submit(0, s.job(me, 0, nil), false)
			s.Submit(0, s.job(me, 1, nil), false)
		}))
	})
	// The first job to run waits for the other one: each must have woken a worker of its own.
	t.Run("two_at_the_same_time", func(t *testing.T) {
		exploreWork(t, 1, program(2, 2, 0, func(s *small, me int) {
			first := s.job(me, 0, func(*Worker) { s.blocked(1) })
			s.Submit(0, first, true)
			s.Submit(0, s.job(me, 1, func(*Worker) { s.blocked(0) }), false)
			s.wait(me, first, 0)
		}))
	})
}

// What a job forks is for others, who sleep or are about to: the job does not go on before somebody has run it.
func TestExplore_Work_G4_ForkAgainstIdle(t *testing.T) {
	exploreWork(t, 2, program(2, 2, 0, func(s *small, me int) {
		root := s.job(me, 0, func(w *Worker) {
			j := s.job(w.index, 1, nil)
			w.Fork(j)
			s.blocked(1)
			s.join(w, j, 1)
		})
		s.Submit(0, root, true)
		s.wait(me, root, 0) // until then nobody is sent home
	}))
}

// Two jobs, two sleepers: each job wakes one of its own.
func TestExplore_Work_G4_TwoForksAgainstIdle(t *testing.T) {
	explore.PCT(t, explore.PCTConfig{Runs: 2000, Depth: 2, Steps: 20000}, program(3, 3, 0, func(s *small, me int) {
		root := s.job(me, 0, func(w *Worker) {
			j := s.job(w.index, 1, func(*Worker) { s.blocked(2) })
			k := s.job(w.index, 2, func(*Worker) { s.blocked(1) })
			explore.Wait(func() bool { return s.idle.Load() == 7&^(1<<w.index) })
			w.Fork(j)
			w.Fork(k)
			s.blocked(1)
			s.blocked(2)
			s.join(w, k, 2)
			s.join(w, j, 1)
		})
		s.Submit(0, root, true)
		s.wait(me, root, 0)
	}))
}

// Two who submit to one inbox.
func TestExplore_Work_G1_TwoSubmitters(t *testing.T) {
	exploreWork(t, 1, program(2, 3, 0, func(s *small, me int) {
		root := s.job(me, 0, func(w *Worker) { s.Submit(1, s.job(w.index, 1, nil), false) })
		s.Submit(0, root, true)
		s.Submit(1, s.job(me, 2, nil), false)
		s.wait(me, root, 0)
	}))
}

// Owner and thief at the only job; then Join against its end.
func TestExplore_Work_G1_G2_JoinAgainstTheft(t *testing.T) {
	for depth := range 2 {
		t.Run(fmt.Sprintf("depth%d", depth), func(t *testing.T) {
			exploreWork(t, 2, program(2, 2, depth, func(s *small, me int) {
				s.Submit(0, s.job(me, 0, func(w *Worker) {
					j := s.job(w.index, 1, nil)
					w.Fork(j)
					s.join(w, j, 1)
				}), false)
			}))
		})
	}
	t.Run("two_jobs", func(t *testing.T) {
		exploreWork(t, 1, program(2, 3, 0, func(s *small, me int) {
			s.Submit(0, s.job(me, 0, func(w *Worker) {
				j, k := s.job(w.index, 1, nil), s.job(w.index, 2, nil)
				w.Fork(j)
				w.Fork(k)
				s.join(w, j, 1)
				s.join(w, k, 2)
			}), false)
		}))
	})
}

// A job whose worker sleeps in Sync, while another waits for its end: both must be woken.
func TestExplore_Work_G4_SyncAndJoinOfOneJob(t *testing.T) {
	exploreWork(t, 2, program(1, 1, 0, func(s *small, me int) {
		var held *Job
		j := s.job(me, 0, func(w *Worker) {
			held = w.Hold()
			w.Sync()
		})
		s.Submit(0, j, true)
		explore.Wait(func() bool { return held != nil })
		s.permits[me].Store(0)
		j.waiter.Store(uint32(me) + 1) // as Wait does
		s.Drop(me, held)
		s.wait(me, j, 0)
	}))
}

// Spawned jobs end in any order, after the job that spawned them or before.
func TestExplore_Work_G2_Spawn(t *testing.T) {
	exploreWork(t, 1, program(2, 3, 0, func(s *small, me int) {
		j := s.job(me, 0, func(w *Worker) {
			w.Spawn(s.job(w.index, 1, nil))
			w.Spawn(s.job(w.index, 2, nil))
		})
		s.Submit(0, j, true)
		s.wait(me, j, 0)
		if s.ran[1]+s.ran[2] != 2 {
			panic("a job is done before all that it spawned")
		}
	}))
	exploreWork(t, 1, program(2, 2, 0, func(s *small, me int) {
		s.Submit(0, s.job(me, 0, func(w *Worker) {
			w.Spawn(s.job(w.index, 1, nil))
			w.Sync()
			if s.ran[1] != 1 {
				panic("Sync returned too early")
			}
		}), false)
	}))
}

// A worker that sleeps in Sync is woken for a job at the moment when what it waits for is there. It goes on with its own,
// for long: the other one that sleeps must come for the job.
func TestExplore_Work_G4_AWakeUpIsPassedOn(t *testing.T) {
	exploreWork(t, 1, program(2, 2, 1, func(s *small, me int) {
		var held *Job
		root := s.job(me, 0, func(w *Worker) {
			held = w.Hold()
			w.Sync()
			s.blocked(1)
		})
		s.Submit(0, root, true)
		explore.Wait(func() bool { return held != nil && (s.workers[0].current == held || s.workers[1].current == held) })
		i := 0
		if s.workers[1].current == held {
			i = 1
		}
		s.Submit(i, s.job(me, 1, nil), false)
		s.Drop(me, held)
		s.wait(me, root, 0)
	}))
}

// A worker that joins a job steals from its thief, too late: the job has returned, and is not done. The thief waits for just
// what was stolen, and nobody can take it from the worker that sleeps in its Join: it must run it.
func TestExplore_Work_G3_ALeapTooLate(t *testing.T) {
	exploreWork(t, 1, program(2, 4, 0, func(s *small, me int) {
		first := s.job(me, 0, func(w *Worker) {
			joins := w.index
			j := s.job(w.index, 1, func(w *Worker) {
				s.nudge(joins) // it leaps while this job returns
				w.Spawn(s.job(w.index, 2, func(w *Worker) {
					y := s.job(w.index, 3, nil)
					w.Fork(y)
					explore.Wait(func() bool { return s.ran[3] > 0 || s.othersSleep(w) })
					s.join(w, y, 3)
				}))
			})
			w.Fork(j)
			explore.Wait(func() bool { return j.runner.Load() != 0 })
			s.join(w, j, 1)
		})
		s.Submit(0, first, true)
		s.wait(me, first, 0)
	}))
}

// With Depth 0, a leap that comes too late may bring a stranger's job, but none brings another one on top of it. Worker 0
// is real; of workers 1 and 2 there is what it sees of them: each takes what it has forked, returns from that when it looks
// whether it can leap, and offers a job of others before that is done.
func TestExplore_Work_G5_OneStranger(t *testing.T) {
	exploreWork(t, 2, func(x *explore.Run) (threads []func(), check func() error) {
		s := newSmall(x, 3, 1, 5, 0)
		const me = 3
		strangers := 0 // on worker 0's stack
		forks := func(w *Worker, i int) {
			j := s.job(w.index, i, nil)
			w.Fork(j)
			explore.Wait(func() bool { return w.deque.Len() == 0 })
			s.join(w, j, i)
		}
		stranger := func(i int, fn func(w *Worker)) *Job {
			return s.job(me, i, func(w *Worker) {
				if w.index != 0 {
					return // nobody has leapt
				}
				if strangers++; strangers > 1 {
					panic("two strangers on a stack")
				}
				fn(w)
				strangers--
			})
		}
		// late is what thief i does; it returns the job that it took, and whether worker 0 took what it offered.
		late := func(i int, offer *Job) (j *Job, leapt bool) {
			w := &s.workers[i]
			explore.Wait(func() bool { return s.workers[0].deque.Len() > 0 })
			j = w.steal(&s.workers[0])
			j.runner.StoreRelease(uint32(i) + 1)
			s.nudge(0)
			j.runner.StoreRelease(returned)
			w.push(offer)
			explore.Wait(func() bool { return offer.runner.Load() != 0 || s.asleep(0) })
			if mine := w.pop(); mine != nil {
				w.run(mine)
				return j, false
			}
			return j, true
		}
		done := func(j *Job, i int) {
			j.Arg[0] = uint64(i) + 100
			s.Drop(me, j)
		}
		threads = append(threads, func() { s.Run(0, &s.contexts[0]) }, func() {
			for i := 1; i < 3; i++ {
				s.workers[i].context = &s.contexts[i]
			}
			first := s.job(me, 0, func(w *Worker) { forks(w, 1) })
			s.Submit(0, first, true)
			j, leapt := late(1, stranger(2, func(w *Worker) { forks(w, 3) }))
			if leapt {
				m, _ := late(2, stranger(4, func(*Worker) {}))
				done(m, 3)
			}
			done(j, 1)
			s.wait(me, first, 0)
			s.Stop()
		})
		return threads, func() error { return nil }
	})
}

func TestExplore_Work_Random(t *testing.T) {
	for depth := range 3 {
		explore.PCT(t, explore.PCTConfig{Runs: 2000, Depth: 4, Steps: 50000}, program(3, 7, depth, func(s *small, me int) {
			j := s.job(me, 0, func(w *Worker) {
				a := s.job(w.index, 1, func(w *Worker) { w.Spawn(s.job(w.index, 2, nil)) })
				w.Fork(a)
				b := s.job(w.index, 3, func(w *Worker) {
					c := s.job(w.index, 4, nil)
					w.Fork(c)
					s.join(w, c, 4)
				})
				w.Fork(b)
				s.join(w, a, 1)
				s.join(w, b, 3)
			})
			s.Submit(1, j, true)
			s.Submit(2, s.job(me, 5, func(w *Worker) { w.Post(s.job(w.index, 6, nil)) }), false)
			s.wait(me, j, 0)
		}))
	}
}

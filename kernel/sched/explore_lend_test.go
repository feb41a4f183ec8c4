//go:build explore

package sched

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync"
	"exo/kernel/sync/explore"
)

// A task becomes urgent while it goes from hand to hand: wherever it ends up, if it is ready it is in the real-time heap of
// a CPU, or that CPU has been told to look again.
//
// Thread 0 is CPU 0, whose ring has the task, behind another; thread 1 is CPU 1, which steals, or is sent the task; the last
// is whoever waits for the task's lock, on CPU 2.
func lending(owner, other func(m *explored, c *CPU, t *exploredTask), reprioritize func(*Sched, *Task)) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		sync.CloseOrder()
		m := newExplored(x, 3, 8)
		runs := m.add("", 0)
		m.cpus[0].queue(runs.Task)
		m.cpus[0].Pick(m.now, Parks)
		t := m.add("", 0)
		threads = append(threads, func() { owner(m, m.CPU(0), t) })
		if other != nil {
			threads = append(threads, func() { other(m, m.CPU(1), t) })
		}
		threads = append(threads, func() {
			t.Context.SetPriority(Urgent+1, &sync.Context{CPU: 2})
			reprioritize(&m.Sched, t.Task)
		})
		return threads, func() error {
			switch st := word(t.word.Load()).state(); st {
			case Running, Blocked:
				return nil
			case Ready:
			default:
				return fmt.Errorf("the task is %s", st)
			}
			for i := range m.cpus {
				c := &m.cpus[i]
				if t.reservation.place == ready && c.rt.ready.n > 0 && c.rt.ready.tasks[t.reservation.at] == t.Task {
					return nil
				}
				for _, r := range [...]*ring{&c.shared, &c.pinned, &c.batch} {
					for h := r.head.Load(); h != r.tail.Load(); h++ {
						if r.at(h&r.mask).Load() == t.Task {
							if c.urgent.Load() == 1 && m.kicked[i].Load() == 1 {
								return nil
							}
							return fmt.Errorf("an urgent task waits in a ring of CPU %d, and nobody tells that", i)
						}
					}
				}
				for in := c.inbox.newest.Load(); in != nil; in = in.next {
					if in == t.Task {
						if m.kicked[i].Load() == 1 {
							return nil
						}
						return fmt.Errorf("an urgent task waits in the inbox of CPU %d, and nobody tells that", i)
					}
				}
			}
			return fmt.Errorf("the task is nowhere")
		}
	}
}

// The ways of a task: each is a CPU's part.
var (
	stays   = func(m *explored, c *CPU, t *exploredTask) {}
	queues  = func(m *explored, c *CPU, t *exploredTask) { c.queue(t.Task) }
	files   = func(m *explored, c *CPU, t *exploredTask) { c.come(t.Task, m.now) }
	sends   = func(m *explored, c *CPU, t *exploredTask) { m.send(c, t.Task, 1) }
	steals  = func(m *explored, c *CPU, t *exploredTask) { c.steal(m.now) }
	attends = func(m *explored, c *CPU, t *exploredTask) { c.attend(m.now) }

	// It is preempted, after it has come from another CPU by theft.
	leaves = func(m *explored, c *CPU, t *exploredTask) {
		c.turnTo(t.Task, m.now)
		t.claim()
		c.Finish(t.Task, Preempted, m.now)
	}
	looksAgain = func(m *explored, c *CPU, t *exploredTask) {
		c.queue(t.Task)
		c.attend(m.now)
	}
	wakes = func(m *explored, c *CPU, t *exploredTask) {
		t.word.Store(uint64(word(t.word.Load()).in(Blocked)))
		m.Wake(0, t.ID, false)
	}
)

type way = func(m *explored, c *CPU, t *exploredTask)

var ways = []struct {
	name         string
	owner, other way
	preemptions  int
}{
	{"queued", queues, nil, 3},
	{"filed", files, nil, 3},
	{"woken", wakes, nil, 3},
	{"preempted", leaves, nil, 3},
	{"sent", sends, attends, 2},
	{"stolen", queues, steals, 2},
	{"stolen from who looks again", looksAgain, steals, 2},
	{"stolen and sent", sends, steals, 2},
}

func TestExplore_Lend_G3_WhereverTheTaskIs(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			owner := w.owner
			explore.Exhaustive(t, explore.Config{Preemptions: w.preemptions}, lending(owner, w.other, (*Sched).Reprioritize))
		})
	}
}

func TestExplore_Lend_NoticesFaults(t *testing.T) {
	notices := func(change func(owner way) way, reprioritize func(*Sched, *Task)) bool {
		for _, w := range ways {
			cfg := explore.Config{Preemptions: 2}
			if _, f := explore.Find(cfg, lending(change(w.owner), w.other, reprioritize)); f != nil {
				return true
			}
		}
		return false
	}
	same := func(w way) way { return w }
	require.False(t, notices(same, (*Sched).Reprioritize))
	t.Run("nobody is told", func(t *testing.T) {
		require.True(t, notices(same, func(*Sched, *Task) {}))
	})
	t.Run("the CPU is told before it is known", func(t *testing.T) {
		require.True(t, notices(same, func(s *Sched, t *Task) {
			to := int(t.cpu.Load())
			if word(t.word.Load()).state() == Ready {
				s.cpus[to].urgent.StoreRelease(1)
			}
		}))
	})
	t.Run("who files looks before it says where", func(t *testing.T) {
		require.True(t, notices(func(way) way {
			return func(m *explored, c *CPU, t *exploredTask) {
				t.word.Store(uint64(word(t.word.Load()).in(Running)))
				urgent := t.urgent()
				t.becomeReady()
				if urgent {
					c.file(t.Task, m.now)
				} else {
					c.queue(t.Task)
				}
			}
		}, (*Sched).Reprioritize))
	})
}

// A slot that becomes another task's at once, without a grace period: a late Wake of the one before does not wake it (G3).
func TestExplore_Wake_G3_SlotUsedAgain(t *testing.T) {
	program := func(wake func(*Sched, ID)) explore.Program {
		return func(x *explore.Run) (threads []func(), check func() error) {
			m := newExplored(x, 2, 3)
			m.pool.Get(0) // so that there is one slot
			old := m.add("", 0)
			old.claim()
			var next *exploredTask
			return []func(){
					func() {
						c := m.CPU(0)
						c.current = old.Task
						if !old.block() {
							old.becomeReady()
							old.claim()
						} else {
							m.Wake(0, old.ID, false)
							c.shared.take()
							old.claim()
						}
						m.end(c, old.Task)
						putSlot(0, &old.Task.head)
						next = m.add("", 0)
						next.claim()
						if !next.block() {
							panic("a task begins with another's permit")
						}
					},
					func() { wake(&m.Sched, old.ID) },
				}, func() error {
					if next.Task != old.Task || next.ID == old.ID {
						return fmt.Errorf("the slot is not used again")
					}
					if w := word(next.word.Load()); w.state() != Blocked || w&permit != 0 {
						return fmt.Errorf("the next task in the slot was woken: it is %s, %b", w.state(), w)
					}
					return nil
				}
		}
	}
	explore.Exhaustive(t, explore.Config{Preemptions: 3}, program(func(s *Sched, id ID) { s.Wake(1, id, true) }))
	for name, wake := range map[string]func(*Sched, ID){
		"the ID is looked at first": func(s *Sched, id ID) {
			t := s.find(id)
			if t.id.Load() != uint64(id) {
				return
			}
			if w := word(t.word.Load()); w.state() == Blocked {
				t.word.CompareAndSwap(uint64(w), uint64(w.in(Ready)+counted))
			} else if w.state() != Free && w.state() != Done {
				t.word.CompareAndSwap(uint64(w), uint64(w|permit))
			}
		},
		"the count is not looked at": func(s *Sched, id ID) {
			t := s.find(id)
			w := word(t.word.Load())
			if t.id.Load() == uint64(id) && w.state() == Blocked {
				if w = word(t.word.Load()); w.state() == Blocked {
					t.word.CompareAndSwap(uint64(w), uint64(w.in(Ready)+counted))
				}
			}
		},
	} {
		_, f := explore.Find(explore.Config{Preemptions: 3}, program(wake))
		require.NotNil(t, f, name)
	}
}

// A permit that comes while a task is started stays.
func TestExplore_Go_G1_KeepsAPermit(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 3}, func(x *explore.Run) (threads []func(), check func() error) {
		m := newExplored(x, 2, 3)
		id, slot, err := m.New(0, &Start{})
		if err != nil {
			panic(err)
		}
		return []func(){
				func() { m.Go(0, id) },
				func() { m.Wake(1, id, true) },
			}, func() error {
				if w := word(m.Sched.tasks[slot].word.Load()); w.state() != Ready || w&permit == 0 {
					return fmt.Errorf("the task is %s, its permit %t", w.state(), w&permit != 0)
				}
				return nil
			}
	})
}

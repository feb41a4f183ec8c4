package sched

import (
	"math/rand/v2"
	gosync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"exo/internal/tsan"
)

// TestLockedSched_G1_G2_G3_NobodyIsLostOrRunsTwice: tasks without stacks, run by goroutines for CPUs, yield, exchange wake-ups in
// a ring, make children and join them.
func TestLockedSched_G1_G2_G3_NobodyIsLostOrRunsTwice(t *testing.T) {
	const cpus, tasks, slots = 3, 9, 64
	steps := 400
	if tsan.On { // waiting for a ticket is slow where spinners keep each other from running
		steps = 60
	}
	for _, queues := range []int{1, cpus} {
		type part struct {
			inside atomic.Int32
			posted atomic.Int64
			taken  int64
			steps  int
			child  int // -1: none
			made   uint64
			parent int
		}
		var (
			s        LockedSched
			q        = make([]LockedQueue, queues)
			parts    [slots]part
			ended    atomic.Int32
			children atomic.Int32
			wg       gosync.WaitGroup
			switches [cpus]int
		)
		for i := range q {
			q[i].Init(make([]uint32, slots))
			q[i].Relax = func() { time.Sleep(time.Microsecond) } // spinners would keep whose turn it is from running
		}
		s.Init(q, make([]LockedTask, slots), make([]uint32, slots))
		for i := range tasks {
			parts[i] = part{child: -1, parent: -1}
			require.Equal(t, i, s.New(i%cpus))
		}
		// step runs a task until it gives up its CPU.
		step := func(cpu, me int, r *rand.Rand) (why Leaving) {
			p := &parts[me]
			if p.inside.Swap(1) != 0 {
				t.Error("a task runs in two places")
			}
			defer p.inside.Store(0)
			switch {
			case p.parent >= 0: // a child
				s.tasks[me].Result = p.made
				children.Add(1)
				return Exits
			case p.child >= 0:
				v, done := s.Joined(cpu, p.child, me)
				if !done {
					return Parks
				}
				if v != uint64(p.child)*7 {
					t.Error("Joined returns something else than the task returned")
				}
				p.child = -1
			case p.taken > 0 && p.posted.Load() < p.taken:
				return Parks
			}
			if p.steps == steps {
				ended.Add(1)
				return Exits
			}
			p.steps++
			switch p.steps % 4 {
			case 0:
				p.taken++
				next := (me + 1) % tasks
				parts[next].posted.Add(1)
				s.Wake(next)
				if p.posted.Load() < p.taken {
					return Parks
				}
			case 1:
				if i := s.New(cpu); i >= 0 {
					parts[i].made, parts[i].parent = uint64(i)*7, me
					p.child = i
					s.Go(i)
				}
			}
			return Yields
		}
		for i := range tasks {
			s.Go(i)
		}
		for cpu := range cpus {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(cpu), 1))
				current, why := -1, Parks
				for ended.Load() < tasks || current >= 0 {
					next := s.Leave(cpu, current, why)
					s.Arrived(cpu, current, why)
					if next < 0 {
						if next = s.Steal(cpu); next >= 0 {
							s.Arrived(cpu, -1, Parks)
						} else {
							time.Sleep(20 * time.Microsecond)
						}
					}
					if current = next; current >= 0 {
						switches[cpu]++
						why = step(cpu, current, r)
					}
				}
			})
		}
		wg.Wait()
		sum := int64(0)
		for i := range tasks {
			require.Equal(t, steps, parts[i].steps)
			require.EqualValues(t, steps/4, parts[i].posted.Load())
			sum += parts[i].taken
		}
		require.EqualValues(t, tasks*steps/4, sum)
		require.EqualValues(t, tasks*steps/4, children.Load())
		require.Equal(t, slots-tasks, s.free.n, "slots of children are free")
		ran := 0
		for _, n := range switches {
			ran += n
		}
		require.GreaterOrEqual(t, ran, tasks*(steps+1)+tasks*steps/4, "each step, each end, each child is a turn")
	}
}

func TestLockedSched_G2_AWakeBeforeTheBlockIsNotLost(t *testing.T) {
	var s LockedSched
	q := make([]LockedQueue, 1)
	q[0].Init(make([]uint32, 4))
	s.Init(q, make([]LockedTask, 4), make([]uint32, 4))
	s.Go(s.New(0))
	require.Equal(t, 0, s.Leave(0, -1, Parks))
	s.Arrived(0, -1, Parks)
	s.Wake(0)
	require.Equal(t, 0, s.Leave(0, 0, Parks), "it has a permit")
	s.Arrived(0, -1, Parks)
	require.Equal(t, -1, s.Leave(0, 0, Parks))
	s.Arrived(0, 0, Parks)
	s.Wake(0)
	require.Equal(t, 0, s.Leave(0, -1, Parks))
	s.Arrived(0, -1, Parks)
}

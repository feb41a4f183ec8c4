//go:build explore

package sched

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/explore"
)

var wakeStages = []stage{
	{cpus: 2, running: []string{"p", "w0"}, preemptions: 2},
	{cpus: 2, running: []string{".p", "w0."}, preemptions: 2},
	{cpus: 2, running: []string{"pw1", "w0p"}, preemptions: 2},
	{cpus: 2, running: []string{"p", "w0"}, queued: []string{"."}, preemptions: 2},
	{cpus: 2, running: []string{"p", "w0w2"}, queued: []string{"p"}, preemptions: 2},
	{cpus: 3, running: []string{"p", "w0", ""}, preemptions: 1},
	{cpus: 3, running: []string{"p", "w0", "w0"}, preemptions: 1},
}

// Wake against Park, and against going idle; two wakers; a task that others take over as soon as it is ready.
func TestExplore_Wake_G1_G2_AgainstParkAndIdle(t *testing.T) {
	for _, s := range wakeStages {
		t.Run(s.name(), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, s.program(faults{}))
		})
	}
}

func TestExplore_Switch_Random(t *testing.T) {
	for _, s := range []stage{
		{cpus: 3, running: []string{"pw1y", "w0pw2", "py.w1"}, queued: []string{"y.", "yy"}},
		{cpus: 3, running: []string{"py.", "w0.w0", "yyy"}, queued: []string{"y.y", ".", "yy"}},
	} {
		t.Run(s.name(), func(t *testing.T) {
			explore.PCT(t, explore.PCTConfig{Depth: 4, Runs: 4000}, s.program(faults{}))
		})
	}
}

// Pass and Return instead of Pick and Finish, while others steal.
func TestExplore_Pass_G1_G2(t *testing.T) {
	passes := 0
	for _, s := range []stage{
		{cpus: 2, running: []string{"p", "w0"}, queued: []string{"."}, preemptions: 2, pass: true},
		{cpus: 2, running: []string{"yy", ""}, queued: []string{"y", "."}, preemptions: 2, pass: true},
		{cpus: 2, running: []string{"py", "w0y"}, queued: []string{"y"}, preemptions: 2, pass: true},
		{cpus: 3, running: []string{"y.", "", ""}, queued: []string{".", "."}, preemptions: 1, pass: true},
	} {
		t.Run(s.name(), func(t *testing.T) {
			program := s.program(faults{})
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, func(x *explore.Run) ([]func(), func() error) {
				threads, check := program(x)
				return threads, func() error {
					passes += passesMade
					passesMade = 0
					return check()
				}
			})
		})
	}
	require.NotZero(t, passes, "Pass was never the way")
}

// notices says whether one of the stages shows a fault.
func notices(stages []stage, f faults) bool {
	for _, s := range stages {
		if _, failure := explore.Find(explore.Config{Preemptions: s.preemptions}, s.program(f)); failure != nil {
			return true
		}
	}
	return false
}

func TestExplore_Wake_NoticesFaults(t *testing.T) {
	for name, f := range map[string]faults{
		"into the idle set without a fence": {enterIdle: func(c *CPU) bool {
			c.sched.idle.StoreRelease(c.sched.idle.Load() | 1<<c.id)
			if !c.hasWork() && !c.worthStealing() {
				return true
			}
			c.LeaveIdle()
			return false
		}},
		"into the idle set after looking": {enterIdle: func(c *CPU) bool {
			if c.hasWork() || c.worthStealing() {
				return false
			}
			c.sched.idle.Or(1 << c.id)
			return true
		}},
		"block does not look at the permit": {block: func(t *Task) bool {
			for {
				if w := word(t.word.Load()); t.word.CompareAndSwap(uint64(w), uint64(w.in(Blocked))) {
					return true
				}
			}
		}},
		"block by a store": {block: func(t *Task) bool {
			w := word(t.word.Load())
			if w&permit != 0 {
				return !t.word.CompareAndSwap(uint64(w), uint64(w&^permit))
			}
			t.word.Store(uint64(w.in(Blocked)))
			return true
		}},
		"block while on the stack": {early: true},
		"Wake leaves no permit": {wake: func(s *Sched, cpu int, id ID) {
			if word(s.find(id).word.Load()).state() == Blocked {
				s.Wake(cpu, id, false)
			}
		}},
		"Wake by a store": {wake: func(s *Sched, cpu int, id ID) {
			t := s.find(id)
			w := word(t.word.Load())
			switch {
			case w.state() == Free || t.id.Load() != uint64(id):
			case w.state() != Blocked:
				t.word.CompareAndSwap(uint64(w), uint64(w|permit))
			default:
				t.word.Store(uint64(w.in(Ready) + counted))
				s.enqueue(cpu, t, false)
			}
		}},
		"Wake kicks nobody": {wake: func(s *Sched, cpu int, id ID) {
			t := s.find(id)
			if w := t.word.Load(); word(w).state() == Blocked && t.word.CompareAndSwap(w, uint64(word(w).in(Ready)+counted)) {
				s.cpus[t.cpu.Load()].inbox.put(t)
			} else {
				s.Wake(cpu, id, false)
			}
		}},
		"Wake looks at the idle set first": {wake: func(s *Sched, cpu int, id ID) {
			t := s.find(id)
			w := t.word.Load()
			if to := int(t.cpu.Load()); word(w).state() == Blocked && to != cpu {
				idle := s.leaveIdle(to)
				if !t.word.CompareAndSwap(w, uint64(word(w).in(Ready)+counted)) {
					panic("two wakers")
				}
				if s.cpus[to].inbox.put(t); idle {
					s.machine.Kick(to)
				}
				return
			}
			s.Wake(cpu, id, false)
		}},
	} {
		t.Run(name, func(t *testing.T) { require.True(t, notices(wakeStages[:6], f)) })
	}
}

// A task is yielded to while others steal it, wake it, or have it block.
func TestExplore_YieldTo_G1_AgainstThieves(t *testing.T) {
	before := directedMade
	for _, s := range []stage{
		{cpus: 2, running: []string{"Y3", ""}, queued: []string{".", "."}, preemptions: 2},
		{cpus: 2, running: []string{"Y3.", "."}, queued: []string{"y", "Y0"}, preemptions: 2},
		{cpus: 2, running: []string{"w2Y2", "."}, queued: []string{"p"}, preemptions: 2},
		{cpus: 2, running: []string{"Y4", ""}, queued: []string{".", ".", "."}, preemptions: 1},
	} {
		t.Run(s.name(), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, s.program(faults{}))
		})
	}
	require.Greater(t, directedMade, before)
}

// A CPU that goes idle, and one on which more waits than it runs: what both miss, the next tick finds.
func TestExplore_Idle_G4_AgainstShare(t *testing.T) {
	for _, s := range []stage{
		{cpus: 2, running: []string{"w2y.t.", ""}, queued: []string{"."}, preemptions: 1},
		{cpus: 2, running: []string{"yy.t.", ""}, queued: []string{".", "."}, preemptions: 1},
		{cpus: 2, running: []string{"y.t", "."}, queued: []string{"y"}, preemptions: 2},
	} {
		t.Run(s.name(), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, s.program(faults{}))
		})
	}
}

// Without that tick something is missed: the fence that the ring's owner saves would be needed.
func TestExplore_Idle_TheTickIsNeeded(t *testing.T) {
	s := stage{cpus: 2, running: []string{"yT", "."}, queued: []string{"yT"}, preemptions: 2}
	_, failure := explore.Find(explore.Config{Preemptions: s.preemptions}, s.program(faults{}))
	require.NotNil(t, failure)
	require.Contains(t, failure.Reason, "a CPU sleeps")
}

//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sched"
	"exo/kernel/text"
)

// taskTest is what the tasks of a test share.
var taskTest struct {
	t     *ktest.T
	ran   atomic.Uint64
	ids   [256]sched.ID
	where [amd64.MaxCPUs]atomic.Uint64 // how many ran on each CPU
}

// inTask runs a test's body in a task of its own, and waits for it.
func inTask(t *ktest.T, fn func(uint64) uint64) {
	g := &taskTest
	g.t = t
	g.ran.Store(0)
	for i := range g.where {
		g.where[i].Store(0)
	}
	done.Store(0)
	bodyOfTest = fn
	_, err := spawn(&sched.Start{Name: "test", Detached: true}, runBody, 0)
	if !t.Check(0, err == nil, "a task can be made") {
		return
	}
	for spins := 200; done.Load() == 0; spins++ {
		machine.Relax(spins)
	}
}

var (
	done       atomic.Uint32
	bodyOfTest func(uint64) uint64
)

func runBody(arg uint64) uint64 {
	bodyOfTest(arg)
	done.Store(1)
	return 0
}

// testSpawn: tasks run once each, and Join returns what they return.
func testSpawn(t *ktest.T, _ int) {
	inTask(t, func(uint64) uint64 {
		g := &taskTest
		t := g.t
		for round := range uint64(4) {
			n := min(len(g.ids), len(taskParts)/2)
			for i := range n {
				id, err := spawn(&sched.Start{Name: "spawned"}, func(arg uint64) uint64 {
					taskTest.ran.Add(1)
					if arg%3 == 0 {
						yield()
					}
					taskTest.where[here().cpu].Add(1)
					return arg * 7
				}, round*1000+uint64(i))
				t.Check(0, err == nil, "a task can be made")
				g.ids[i] = id
			}
			for i := range n {
				v, err := join(g.ids[i])
				t.Check(0, err == nil && v == (round*1000+uint64(i))*7, "join returns what the task returned")
				_, err = join(g.ids[i])
				t.Check(0, err == sched.ErrNoTask, "a task is joined once")
			}
			t.Equal(0, g.ran.Load(), uint64(n)*(round+1), "tasks that ran")
			t.Count(uint64(n))
		}
		return 0
	})
	var l text.Line
	l.Str("# sched/spawn: on each CPU")
	for i := range ncpu {
		l.Byte(' ').Uint(taskTest.where[i].Load())
	}
	put(&l)
}

// testSleep: who sleeps does so at least as long as it said, and the CPU does others' work meanwhile.
func testSleep(t *ktest.T, _ int) {
	inTask(t, func(uint64) uint64 {
		t := taskTest.t
		for i := range uint64(20) {
			start := amd64.NowNs()
			sleepUntil(start + i*100_000)
			t.Check(0, amd64.NowNs() >= start+i*100_000, "nobody wakes too early")
			t.Count(1)
		}
		return 0
	})
}

// testPingPong: two tasks wake each other, wherever they run, and no wake-up is lost.
func testPingPong(t *ktest.T, _ int) {
	inTask(t, func(uint64) uint64 {
		t := taskTest.t
		const rounds = 3000
		body := func(me uint64) uint64 {
			for taskTest.ids[me^1] == 0 {
				yield()
			}
			for i := range uint64(rounds) {
				for pingPong[me].Load() <= i {
					park()
				}
				pingPong[me^1].Add(1)
				wake(taskTest.ids[me^1])
			}
			return 0
		}
		taskTest.ids[0], taskTest.ids[1] = 0, 0
		pingPong[0].Store(1)
		pingPong[1].Store(0)
		a, _ := spawn(&sched.Start{Name: "ping"}, body, 0)
		b, _ := spawn(&sched.Start{Name: "pong"}, body, 1)
		taskTest.ids[0], taskTest.ids[1] = a, b
		join(a)
		join(b)
		t.Equal(0, pingPong[0].Load()+pingPong[1].Load(), 2*rounds+1, "turns")
		t.Count(rounds)
		return 0
	})
}

var pingPong [2]atomic.Uint64

// directed is testYieldTo's: who has gone on in this round, in order.
var directed struct {
	ids   [6]sched.ID
	order [6]uint64
	ran   uint64
	round uint64
	hits  uint64
	stop  bool
	ended atomic.Uint64
}

// testYieldTo: of several tasks that are ready on one CPU, the one that is named runs next, whenever it came. The call is refused now
// and then, for the caller's quantum may be over just then. With interrupts off nobody else comes in between, so no word is atomic.
func testYieldTo(t *ktest.T, _ int) {
	g := &directed
	g.round, g.hits, g.stop = 0, 0, false
	g.ended.Store(0)
	taskTest.t = t
	start := sched.Start{Name: "named", Affinity: 1, Detached: true}
	for i := range g.ids {
		g.ids[i], _ = spawn(&start, awaitRounds, uint64(i))
	}
	start.Name = "director"
	spawn(&start, direct, 0)
	t.Until(0, func() bool { return g.ended.Load() == uint64(len(g.ids))+1 }, "all come to their end")
	t.Equal(0, g.hits, 200, "calls that were not refused")
	t.Count(g.hits)
}

// awaitRounds writes down each round when it first runs in it.
func awaitRounds(i uint64) uint64 {
	g := &directed
	flags := amd64.IRQDisable()
	for seen := uint64(0); !g.stop; pass(here().sched, sched.Yields) {
		if g.round != seen {
			seen = g.round
			g.order[g.ran] = i
			g.ran++
		}
	}
	amd64.IRQRestore(flags)
	g.ended.Add(1)
	return 0
}

func direct(uint64) uint64 {
	g := &directed
	n := uint64(len(g.ids))
	for try := uint64(0); g.hits < 200 && try < 100_000; try++ {
		named := try % n
		flags := amd64.IRQDisable()
		g.round, g.ran = g.round+1, 0
		if yieldTo(g.ids[named]) {
			taskTest.t.Equal(0, g.order[0], named, "who is named runs first")
			g.hits++
		}
		for g.ran < n {
			pass(here().sched, sched.Yields)
		}
		amd64.IRQRestore(flags)
	}
	taskTest.t.Check(0, !yieldTo(0), "nobody is none")
	g.stop = true
	g.ended.Add(1)
	return 0
}

//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// torture/tasks: tasks of all classes make others, join them, wake each other, sleep, yield, compute, take sleeplocks and read
// under RCU, on every CPU, while timers preempt them. Each counts what it did, and in the end the sums are what was asked for:
// nobody was lost, or ran twice, or ran in two places.

const (
	tortureTasks = 48 // at a time, not counting their children
	childEvery   = 16 // operations
)

var tasksTest struct {
	t     *ktest.T
	ended atomic.Uint64 // tasks that came to their end
	asked atomic.Uint64 // tasks that were made

	slots [tortureTasks]taskTortured
	locks [3]sync.Sleeplock
	held  [3]uint64 // plain: how often each lock was taken
	sums  struct {
		ops, yields, parks, sleeps, children, locked, read, spun, refused, woken atomic.Uint64
	}
}

// taskTortured is one task's part.
type taskTortured struct {
	id     atomic.Uint64 // of the task
	inside atomic.Uint32 // 1: it is in the middle of something
	rand   ktest.Rand
	_      [40]byte
}

// testTortureTasks runs on CPU 0's boot stack; the tasks run everywhere.
func testTortureTasks(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/tasks", prepareTasks, nil) {
		return
	}
	runTortured(t, cpu, func(t *ktest.T) { startTortured(t, true) })
	endTorture(t, cpu)
	if cpu == 0 {
		finishTasks(t)
	}
}

func prepareTasks(t *ktest.T) {
	g := &tasksTest
	g.t = t
	g.ended.Store(0)
	g.asked.Store(0)
	for i := range g.locks {
		g.locks[i].Init(sync.ClassTestNest)
		g.held[i] = 0
	}
	tasksEnded.Store(0)
}

// tasksEnded is 1 once the tasks have ended.
var tasksEnded atomic.Uint32

// runTortured has CPU 0 start tasks, which count themselves in asked, and all CPUs run them until they have ended.
func runTortured(t *ktest.T, cpu int, start func(t *ktest.T)) {
	if cpu == 0 {
		start(t)
		awaitTortured(t)
		tasksEnded.Store(1)
	}
	for tasksEnded.Load() == 0 {
		machine.Relax(200)
	}
}

// startTortured starts the tasks, of all classes, or without reservations.
func startTortured(t *ktest.T, reservations bool) {
	g := &tasksTest
	for i := range g.slots {
		g.slots[i].rand = ktest.NewRand(scramble(t.Seed + uint64(i)))
		g.slots[i].id.Store(0)
	}
	for i := range uint64(tortureTasks) {
		a := sched.Start{Name: "torture", Detached: true, Weight: uint32(1 + i*13%200)}
		switch i % 8 {
		case 5:
			a.Class = sched.Batch
		case 6:
			a.Affinity = 1 << (i % uint64(ncpu))
		case 7:
			if reservations {
				a.Class = sched.RealTime
				a.Reservation = sched.Reservation{Budget: 100_000, Period: 10_000_000}
			}
		}
		spawnTortured(t, &a, torturedTask, i)
	}
}

// spawnTortured makes a task that says when it ends: torturedEnds is the last thing it does.
func spawnTortured(t *ktest.T, a *sched.Start, fn func(uint64) uint64, arg uint64) {
	g := &tasksTest
	g.asked.Add(1)
	if _, err := spawn(a, fn, arg); !t.Check(0, err == nil, "a task can be made") {
		g.ended.Add(1)
	}
}

func torturedEnds() uint64 {
	tasksTest.ended.Add(1)
	return 0
}

func awaitTortured(t *ktest.T) {
	g := &tasksTest
	for g.ended.Load() != g.asked.Load() {
		if !going(t, 0) { // the tasks look too; those that park are woken
			for i := range g.slots {
				if id := g.slots[i].id.Load(); id != 0 {
					wake(sched.ID(id))
				}
			}
		}
		machine.Relax(200)
	}
}

// tortured says whether the tasks are to go on.
func tortured() bool { return amd64.NowNs() < torture.end && !tasksTest.t.Failed() }

func torturedTask(i uint64) uint64 {
	g, w := &tasksTest, &tasksTest.slots[i]
	w.id.Store(uint64(currentPart().id))
	for ops := 0; tortured() || ops < 4; ops++ { // some, however slow the machine is
		g.t.Check(here().cpu, w.inside.Swap(1) == 0, "a task runs in two places")
		w.step(ops)
		w.inside.Store(0)
		g.sums.ops.Add(1)
	}
	w.id.Store(0)
	return torturedEnds()
}

func (w *taskTortured) step(ops int) {
	g, r := &tasksTest, &w.rand
	switch r.N(12) {
	case 0, 1, 2:
		yield()
		g.sums.yields.Add(1)
	case 3: // somebody wakes this one, or it would for ever
		other := &g.slots[r.N(tortureTasks)]
		if id := other.id.Load(); id != 0 && wake(sched.ID(id)) {
			g.sums.woken.Add(1)
		}
	case 4:
		other := &g.slots[r.N(tortureTasks)]
		wake(sched.ID(other.id.Load()))
		if r.N(4) == 0 {
			sleepFor(200_000) // parks too, and comes back
		} else {
			wake(currentPart().id)
			park()
			g.sums.parks.Add(1)
		}
	case 5:
		sleepFor(r.N(300_000))
		g.sums.sleeps.Add(1)
	case 6, 7:
		torturedLock(int(r.N(3)), r)
	case 8:
		c := this()
		c.ReadLock()
		spend(r)
		c.ReadUnlock()
		g.sums.read.Add(1)
	case 9:
		c := preemptOff()
		at := here()
		spend(r)
		g.t.Check(at.cpu, here() == at && c.CPU == at.cpu, "a task that is not preemptible stays on its CPU")
		c.PreemptEnable()
	case 10:
		for range r.N(20_000) {
			amd64.Pause()
		}
		g.sums.spun.Add(1)
	default:
		if r.N(childEvery) == 0 {
			w.child(r.Uint64())
		}
	}
}

func sleepFor(ns uint64) { sleepUntil(amd64.NowNs() + ns) }

// torturedLock takes a sleeplock, and counts in a plain word.
func torturedLock(i int, r *ktest.Rand) {
	g := &tasksTest
	l := &g.locks[i]
	l.Lock(this())
	n := g.held[i]
	spend(r)
	g.t.Check(here().cpu, g.held[i] == n, "one task at a time has a sleeplock")
	g.held[i] = n + 1
	l.Unlock(this())
	g.sums.locked.Add(1)
}

// child makes a task and joins it.
func (w *taskTortured) child(arg uint64) {
	g := &tasksTest
	id, err := spawn(&sched.Start{Name: "child"}, func(arg uint64) uint64 {
		if arg%2 == 0 {
			yield()
		}
		return scramble(arg)
	}, arg)
	if err != nil {
		g.sums.refused.Add(1)
		return
	}
	if w.rand.N(2) == 0 {
		yield()
	}
	v, err := join(id)
	g.t.Check(here().cpu, err == nil && v == scramble(arg), "join returns what the task returned")
	g.sums.children.Add(1)
}

func finishTasks(t *ktest.T) {
	g := &tasksTest
	kernelRCU.Barrier(this(), rcuWait)
	t.Equal(0, g.ended.Load(), g.asked.Load(), "tasks that came to their end, of those that were made")
	t.Equal(0, uint64(tasks.FreeSlots()), uint64(len(taskParts)-1-ownTasks()), "slots that are free at the end")
	t.Equal(0, g.held[0]+g.held[1]+g.held[2], g.sums.locked.Load(), "how often sleeplocks were taken, counted in plain words")
	t.Count(g.sums.ops.Load())
	var all sched.Counters
	for i := range ncpu {
		all.Add(&tasks.CPU(i).Counters)
	}
	s := &g.sums
	var l text.Line
	put(said(&l, "tasks").Str("yields=").Uint(s.yields.Swap(0)).Str(" parks=").Uint(s.parks.Swap(0)).Str(" woken=").Uint(s.woken.Swap(0)).
		Str(" sleeps=").Uint(s.sleeps.Swap(0)).Str(" children=").Uint(s.children.Swap(0)).Str(" locked=").Uint(s.locked.Swap(0)).
		Str(" read=").Uint(s.read.Swap(0)).Str(" spun=").Uint(s.spun.Swap(0)).Str(" refused=").Uint(s.refused.Swap(0)))
	said(&l, "tasks").Str("all since boot: ")
	all.Print(&l)
	put(&l)
	said(&l, "tasks").Str("from ready to running, ns: ")
	all.Latency.Print(&l)
	put(&l)
	s.ops.Store(0)
}

//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sched"
	"exo/kernel/text"
)

// sched/million: tasks of several classes make a million steps: they yield, wake each other in a ring and block until they are
// woken, sleep, make children and join them, while idle CPUs steal them. Each says in a word of its own when it begins and ceases
// to run, and each step has its number: a task that ran in two places, or was lost, or went a step twice, shows.

// manyOps is how many steps are made if the command line does not say.
const manyOps = 1_000_000

// millionOps is so many, or, where virtual CPUs are so many more than real ones, a part of that.
func millionOps() uint64 {
	switch {
	case options.Ops != 0:
		return options.Ops
	case ncpu > 16:
		return manyOps / 20
	}
	return manyOps
}

const (
	exchangeEvery = 16  // steps
	childEach     = 64  // the same
	sleepEach     = 256 // the same
)

var million struct {
	t        *ktest.T
	tasks    []millionTask
	steps    uint64 // for each task
	free     int    // slots, before
	ended    atomic.Uint64
	children atomic.Uint64 // that ran
}

// millionTask is one task's part. What is no atomic is its own.
type millionTask struct {
	running atomic.Uint32 // 1: from when it was resumed until it lets go
	id      atomic.Uint64
	posted  atomic.Uint64 // by its neighbour
	steps   uint64
	taken   uint64 // of what was posted

	yields, parks, wakes, sleeps, made uint64
	_                                  [32]byte
}

func testMillion(t *ktest.T, _ int) {
	if !freshRoom() {
		t.Skip("there is no memory for it")
		return
	}
	m := &million
	n := min(2*ncpu+6, len(taskParts)/4)
	if ncpu <= 16 {
		n = min(4*ncpu+6, len(taskParts)/4)
	}
	m.t, m.tasks, m.steps = t, room[millionTask](n), millionOps()/uint64(n)+1
	m.ended.Store(0)
	m.children.Store(0)
	kernelRCU.Barrier(this(), rcuWait)
	m.free = tasks.FreeSlots()
	before := sumCounters()
	start := amd64.NowNs()
	for i := range uint64(n) {
		a := sched.Start{Name: "million", Detached: true}
		switch i % 8 {
		case 1, 5:
			a.Affinity = 1 << (i % uint64(ncpu))
		case 3:
			a.Class = sched.Batch
		case 6:
			a.Weight = 2 * sched.DefaultWeight
		}
		if _, err := spawn(&a, millionSteps, i); !t.Check(0, err == nil, "a task can be made") {
			m.ended.Add(1)
		}
	}
	for m.ended.Load() < uint64(n) {
		machine.Relax(200)
	}
	ns := amd64.NowNs() - start
	kernelRCU.Barrier(this(), rcuWait)
	finishMillion(t, ns, before)
}

func sumCounters() (all sched.Counters) {
	for i := range ncpu {
		all.Add(&tasks.CPU(i).Counters)
	}
	return all
}

// millionSteps is one task.
func millionSteps(i uint64) uint64 {
	m := &million
	w := &m.tasks[i]
	w.id.Store(uint64(currentPart().id))
	w.resumed()
	next := &m.tasks[(i+1)%uint64(len(m.tasks))]
	for next.id.Load() == 0 { // it has not begun yet; it may be one of Batch, which run when all others wait
		w.letGo()
		sleepFor(20_000)
		w.resumed()
	}
	for step := range m.steps {
		m.t.Equal(0, w.steps, step, "steps that a task has made, as it remembers and as its record has it")
		w.steps = step + 1
		switch {
		case step%exchangeEvery == exchangeEvery-1:
			w.exchange(next)
		case step%childEach == childEach/2:
			w.child(i<<32 | step)
		case step%sleepEach == sleepEach/2+1:
			w.letGo()
			sleepFor(step % 50_000)
			w.resumed()
			w.sleeps++
		default:
			w.yield()
		}
	}
	w.letGo()
	m.ended.Add(1)
	return 0
}

// resumed and letGo are around all in which the task may stop running by its own will.
func (w *millionTask) resumed() {
	million.t.Check(0, w.running.Swap(1) == 0, "a task runs in two places")
}

func (w *millionTask) letGo() {
	million.t.Check(0, w.running.Swap(0) == 1, "a task runs that was not resumed")
}

func (w *millionTask) yield() {
	w.letGo()
	yield()
	w.resumed()
	w.yields++
}

// exchange wakes the next task in the ring, and blocks until the one before has done as much. All tasks make as many exchanges,
// so the one that has made fewest can go on.
func (w *millionTask) exchange(next *millionTask) {
	next.posted.Add(1)
	wake(sched.ID(next.id.Load())) // who has ended needs none
	w.wakes++
	w.taken++
	for w.posted.Load() < w.taken {
		for range w.taken % 32 * 8 { // it may be woken here, while it runs
			amd64.Pause()
		}
		w.letGo()
		park()
		w.resumed()
		w.parks++
	}
}

// child makes a task, which yields or not, and joins it.
func (w *millionTask) child(arg uint64) {
	m := &million
	id, err := spawn(&sched.Start{Name: "child"}, func(arg uint64) uint64 {
		if arg%3 == 0 {
			yield()
		}
		million.children.Add(1)
		return scramble(arg)
	}, arg)
	if !m.t.Check(0, err == nil, "a task can be made") {
		return
	}
	w.letGo()
	v, err := join(id)
	w.resumed()
	m.t.Check(0, err == nil && v == scramble(arg), "join returns what the task returned")
	w.made++
}

func finishMillion(t *ktest.T, ns uint64, before sched.Counters) {
	m := &million
	var all millionTask
	posted := uint64(0)
	for i := range m.tasks {
		w := &m.tasks[i]
		t.Equal(0, w.steps, m.steps, "steps of a task, of those that it was to make")
		t.Equal(0, uint64(w.running.Load()), 0, "tasks that run, when all have ended")
		t.Equal(0, w.posted.Load(), w.taken, "wake-ups that a task had, of those it waited for")
		posted += w.posted.Load()
		all.yields += w.yields
		all.parks += w.parks
		all.wakes += w.wakes
		all.sleeps += w.sleeps
		all.made += w.made
		all.steps += w.steps
	}
	t.Equal(0, posted, all.wakes, "wake-ups, as the woken and as the wakers count them")
	t.Equal(0, m.children.Load(), all.made, "children that ran, of those that were made")
	t.Equal(0, all.yields+all.wakes+all.sleeps+all.made, all.steps, "steps by kind, and all")
	t.Equal(0, uint64(tasks.FreeSlots()), uint64(m.free), "slots that are free at the end, and before")
	after := sumCounters()
	steals := uint64(0)
	for i, n := range after.Steals {
		steals += n - before.Steals[i]
	}
	ops := all.yields + all.parks + all.wakes + all.sleeps + 3*all.made + steals // a child is spawned, ends, and is joined
	t.Check(0, options.Ops != 0 || ncpu > 16 || ops >= manyOps, "there were a million operations")
	t.Count(ops)
	var l text.Line
	l.Str("# sched/million:")
	putCounts(&l, counted{"ops", ops}, counted{"tasks", uint64(len(m.tasks))}, counted{"yields", all.yields}, counted{"blocked", all.parks},
		counted{"wakes", all.wakes}, counted{"sleeps", all.sleeps}, counted{"children", all.made}, counted{"stolen", steals},
		counted{"switches", after.Switches - before.Switches}, counted{"ms", ns / 1_000_000})
}

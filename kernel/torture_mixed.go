//go:build exokernel

package main

import (
	"sync/atomic"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// torture/mixed: what the other tortures do, all at once and by tasks. On each CPU 90 % are reserved: real-time tasks allocate and
// free frames and objects, derive and revoke capabilities, pass elements and reclaim what is protected, and have 10^5 callbacks
// a second run, up to what they have reserved. What is left is for fair and batch tasks that make others, wait for each other,
// hold sleeplocks that the real-time ones wait for, do all of the same, and change two address spaces. In the end all that was
// taken must be back, and each count must be that of its counterpart.

const mixedName = "torture/mixed"

// What a step is of.
const (
	mixedCallbacks = iota
	mixedFrames
	mixedSlab
	mixedCap
	mixedHazard
	mixedQueue
	mixedKinds
)

// mixedReserved is what each CPU's real-time tasks reserve, together 90 %, by the kind of their steps. By rate it is 3/4 of it.
var mixedReserved = [...]reserved{
	mixedCallbacks: {2 * ms, 10 * ms},
	mixedFrames:    {3 * ms, 20 * ms},
	mixedSlab:      {6 * ms, 40 * ms},
	mixedCap:       {6 * ms, 40 * ms},
	mixedHazard:    {6 * ms, 40 * ms},
	mixedQueue:     {5 * ms, 50 * ms},
}

const (
	callbacksPerMs = 100
	mixedSpare     = 4 << 10 // of the test's memory
)

var mixed struct {
	t       *ktest.T
	objects []callbackOf
	each    int // objects of one CPU

	queued, ran, late            atomic.Uint64 // callbacks
	jobs, misses, overruns       atomic.Uint64 // of real-time tasks
	steps                        atomic.Uint64
	frames, stacks, tables, used uint64 // free before; mapped before; reserved while it ran, of WholeCPU
}

// mappedStacks is how many stacks there are: slots keep theirs, and CPUs some.
func mappedStacks() (n uint64) {
	for i := range taskParts {
		if taskParts[i].lo != 0 {
			n++
		}
	}
	for i := range ncpu {
		n += uint64(localOf(amd64.CPUByIndex(i)).nspares)
	}
	return n
}

func prepareMixed(t *ktest.T) {
	m := &mixed
	m.t = t
	m.frames, m.stacks, m.tables = allFreeFrames(), mappedStacks(), kernelTables.Load()
	for _, n := range [...]*atomic.Uint64{&m.queued, &m.ran, &m.late, &m.jobs, &m.misses, &m.overruns, &m.steps} {
		n.Store(0)
	}
	prepareTasks(t)
	prepareFrames(t)
	prepareTortureSlab(t)
	prepareHazard(t)
	prepareQueue(t)
	prepareCap(t)
	prepareSpaces(t)
	left := int(torture.size-torture.used) - mixedSpare
	m.each = min(left/t.CPUs/int(unsafe.Sizeof(callbackOf{})), rateObjects)
	m.objects = room[callbackOf](m.each * t.CPUs)
}

func testTortureMixed(t *ktest.T, cpu int) {
	if tasks.FreeSlots() < 2*(tortureTasks+(mixedKinds+2)*t.CPUs) {
		t.Skip("there is no memory for so many tasks")
		return
	}
	if !beginTorture(t, cpu, mixedName, prepareMixed, nil) {
		return
	}
	runTortured(t, cpu, startMixed)
	endFrames(t, cpu)
	endSlab(t, cpu)
	theHazardTest.end(t, cpu)
	endTorture(t, cpu)
	if cpu == 0 {
		finishMixed(t)
	}
}

func startMixed(t *ktest.T) {
	for cpu := range uint64(t.CPUs) {
		for kind, j := range mixedReserved {
			if options.ByRate {
				j.budget -= j.budget / 4
			}
			a := sched.Start{Name: "mixed", Class: sched.RealTime, Affinity: 1 << cpu, Detached: true,
				Reservation: sched.Reservation{Budget: j.budget, Period: j.period}}
			spawnTortured(t, &a, mixedRealTime, cpu<<8|uint64(kind))
		}
		spawnTortured(t, &sched.Start{Name: "spaces", Affinity: 1 << cpu, Detached: true}, mixedSpaces, cpu)
		spawnTortured(t, &sched.Start{Name: "mixed", Detached: true}, mixedFair, cpu)
	}
	mixed.used, _ = tasks.Admission.Load(t.CPUs - 1)
	startTortured(t, false)
}

// mixedStep does one thing on the CPU that the task is on.
func mixedStep(kind int, r *ktest.Rand) {
	t := mixed.t
	c := preemptOff()
	cpu := c.CPU
	switch kind {
	case mixedCallbacks:
		mixedCall(cpu)
	case mixedFrames:
		framesTest.cpus[cpu].step(t, cpu, r)
	case mixedSlab:
		slabTorture.cpus[cpu].step(t, cpu, r)
	case mixedCap:
		capTorture.cpus[cpu].step(t, cpu, r)
	case mixedHazard:
		theHazardTest.step(t, cpu, r)
	case mixedQueue:
		if where := int(r.N(4)); where == 3 {
			queueTest.churn(t, cpu, r)
		} else {
			queueTest.step(t, cpu, r.N(2) == 0, where)
		}
	}
	c.PreemptEnable()
	jostle(t, r)
}

// mixedCall queues a callback for some of the CPU's objects that has none, if it finds one.
func mixedCall(cpu int) {
	m := &mixed
	for i := range 4 {
		h := &m.objects[cpu*m.each+int(m.queued.Load()*7+uint64(i))%m.each]
		if h.busy.CompareAndSwap(0, 1) {
			mixedQueueCall(cpu, h)
			return
		}
	}
}

func mixedQueueCall(cpu int, h *callbackOf) {
	mixed.queued.Add(1)
	kernelRCU.Call(cpu, &h.head, func(_ int, h *sync.Head) {
		mixed.ran.Add(1)
		// SAFETY: the head comes first.
		if (*callbackOf)(unsafe.Pointer(h)).busy.Swap(0) != 1 {
			mixed.t.Check(here().cpu, false, "a callback ran twice")
		}
	})
}

// mixedRate queues a period's callbacks, a millisecond's at a time. at is where it is among its CPU's objects.
func mixedRate(cpu, at, n int) int {
	m := &mixed
	mine := m.objects[cpu*m.each : (cpu+1)*m.each]
	for range n {
		c := preemptOff()
		for range callbacksPerMs {
			if at++; at >= len(mine) {
				at = 0
			}
			if h := &mine[at]; h.busy.CompareAndSwap(0, 1) {
				mixedQueueCall(c.CPU, h)
			} else {
				m.late.Add(1)
			}
		}
		c.PreemptEnable()
		rcuPoll() // most ticks find preemption off, and run none
	}
	return at
}

// mixedRealTime is a real-time task: in each job it does steps of its kind for most of its budget.
func mixedRealTime(arg uint64) uint64 {
	m, cpu, kind := &mixed, int(arg>>8), int(arg&255)
	r := ktest.NewRand(scramble(m.t.Seed + arg))
	j := mixedReserved[kind]
	at, jobs, steps := 0, uint64(0), uint64(0)
	for tortured() {
		for start := ranSoFar(); ranSoFar()-start < j.budget*3/4 && tortured(); steps++ {
			if kind == mixedCallbacks {
				at = mixedRate(cpu, at, int(j.period/ms))
				break
			}
			mixedStep(kind, &r)
		}
		if r.N(4) == 0 { // somebody without a reservation may have it
			torturedLock(int(r.N(3)), &r)
		}
		jobs++
		yield() // the job is done
	}
	c := preemptOff()
	u := here().sched.Current().Usage()
	c.PreemptEnable()
	m.jobs.Add(jobs)
	m.misses.Add(u.Misses)
	m.overruns.Add(u.Overruns)
	m.steps.Add(steps)
	return torturedEnds()
}

// mixedSpaces changes the two spaces, and reads and writes them from this CPU.
func mixedSpaces(arg uint64) uint64 {
	m, g, cpu := &mixed, &spacesTest, int(arg)
	w := &g.cpus[cpu]
	r := ktest.NewRand(scramble(m.t.Seed + arg<<16))
	g.sent[cpu] = here().shot
	for tortured() {
		for range 16 {
			w.step(m.t, cpu, &r)
		}
		jostle(m.t, &r)
		m.steps.Add(16)
	}
	drop()
	g.sent[cpu] = here().shot - g.sent[cpu]
	return torturedEnds()
}

// mixedFair does everything, wherever it is.
func mixedFair(arg uint64) uint64 {
	m := &mixed
	r := ktest.NewRand(scramble(m.t.Seed + arg<<24))
	for tortured() {
		for range 16 {
			mixedStep(int(r.N(mixedKinds)), &r)
		}
		m.steps.Add(16)
		if r.N(16) == 0 {
			yield()
		}
	}
	return torturedEnds()
}

func finishMixed(t *ktest.T) {
	m := &mixed
	ns := max(amd64.NowNs()-torture.start, 1)
	_, limit := tasks.Admission.Load(0)
	for cpu := range t.CPUs {
		used, _ := tasks.Admission.Load(cpu)
		t.Equal(cpu, used, 0, "what is reserved on a CPU at the end")
	}
	finishTasks(t)
	busy := uint64(0)
	for i := range m.objects {
		busy += uint64(m.objects[i].busy.Load())
	}
	t.Equal(0, m.ran.Load(), m.queued.Load(), "callbacks that ran, of those that were queued")
	t.Equal(0, busy, 0, "objects that still wait for their callback")
	finishSpaces(t)
	finishCap(t)
	theHazardTest.finish(t)
	finishQueue(t)
	finishFrames(t)
	finishTortureSlab(t)
	stacks, tables := mappedStacks()-m.stacks, kernelTables.Load()-m.tables
	kept := stacks*(amd64.KernelStackSize/mm.FrameSize) + tables
	t.Equal(0, allFreeFrames()+kept, m.frames, "free frames at the end, with those of new stacks, and before")
	t.Count(m.steps.Load() + m.queued.Load())
	var l text.Line
	l.Str("# torture/mixed:")
	putCounts(&l, counted{"reserved", m.used * 1000 / sched.WholeCPU}, counted{"of", limit * 1000 / sched.WholeCPU},
		counted{"jobs", m.jobs.Load()}, counted{"missed", m.misses.Load()}, counted{"overran", m.overruns.Load()},
		counted{"steps", m.steps.Load()})
	l.Reset().Str("# torture/mixed: callbacks:")
	putCounts(&l, counted{"queued", m.queued.Load()}, counted{"ran", m.ran.Load()}, counted{"late", m.late.Load()},
		counted{"rate", m.queued.Load() * 1_000_000 / (ns / 1000) / uint64(t.CPUs)}) // a second, on each CPU
	l.Reset().Str("# torture/mixed: free frames:")
	putCounts(&l, counted{"before", m.frames}, counted{"after", allFreeFrames()}, counted{"in-new-stacks", kept},
		counted{"slots", uint64(tasks.FreeSlots())}, counted{"callbacks-waiting", busy})
}

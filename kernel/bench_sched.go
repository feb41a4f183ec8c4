//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Benchmarks of the scheduler: its steps one at a time, by hand, and then in tasks on one CPU, while the boot stack waits. The
// baselines are sched.LockedSched with one queue for all CPUs and with one for each; bench_locked.go runs tasks by it.

// handSched is a scheduler that runs nothing: who tests or measures it does its steps by hand, on all of its CPUs. Its memory is
// the torture tests'.
var handSched struct {
	sched.Sched
	tasks []*sched.Task // ready ones, on no CPU yet
}

// handMachine is the machine that handSched believes to run on.
type handMachine struct{}

func (handMachine) NowNs() uint64 { return 0 }
func (handMachine) Kick(int)      {}

// startHandSched makes handSched, with so many CPUs at the distances that CPUs have here, and n tasks.
func startHandSched(cpus, n int) bool {
	h := &handSched
	slots := n + 1
	h.Init(&sched.Config{
		Tasks: room[sched.Task](slots), Links: room[sync.Link](slots), PoolCPUs: room[sync.PoolCPU](cpus),
		CPUs: room[sched.CPU](cpus), Rings: room[atom.Pointer[sched.Task]](cpus * sched.RingLength(slots)),
		Timers: room[sched.Timer](cpus), Victims: room[sched.Victim](cpus * cpus),
		Distance: cpuDistance, Machine: handMachine{}, RCU: &kernelRCU,
	})
	h.tasks = room[*sched.Task](n)
	for i := range h.tasks {
		id, _, err := h.New(0, &sched.Start{Name: "by hand"})
		if err != nil {
			return false
		}
		h.Go(0, id)
		h.tasks[i] = h.ByHand(0).Take()
	}
	return true
}

const (
	handTasks  = 12 // of which a few wait all the time
	handQueued = 8
)

// prepareSched makes what the benchmarks below do by hand, and the baselines.
func prepareSched() bool {
	if !startHandSched(2, handTasks) {
		return false
	}
	for _, b := range [...]*lockedKernel{&oneQueue, &queueEach} {
		b.prepare(b == &queueEach)
	}
	return true
}

// benchReadyPair queues a ready task, and takes the one that has waited longest.
func benchReadyPair(ops uint64) {
	c := handSched.ByHand(0)
	for i := range handQueued {
		c.Push(handSched.tasks[i])
	}
	t := handSched.tasks[handQueued]
	for range ops {
		c.Push(t)
		t = c.Take()
	}
	for c.Take() != nil {
	}
}

func benchReadyPairOne(ops uint64)  { oneQueue.readyPair(ops) }
func benchReadyPairEach(ops uint64) { queueEach.readyPair(ops) }

// benchStatePair makes a ready task run, and a running one ready.
func benchStatePair(ops uint64) {
	c, t := handSched.ByHand(0), handSched.tasks[0]
	for range ops {
		c.Claim(t)
		c.Unclaim(t)
	}
}

func benchStatePairOne(ops uint64)  { oneQueue.statePair(ops) }
func benchStatePairEach(ops uint64) { queueEach.statePair(ops) }

// benchStealTask: a CPU makes a task ready, and another, which has none, takes one of its two.
func benchStealTask(ops uint64) {
	victim, thief := handSched.ByHand(1), handSched.ByHand(0)
	victim.Push(handSched.tasks[0])
	t := handSched.tasks[1]
	victim.Claim(t)
	for range ops {
		victim.Unclaim(t)
		victim.Push(t)
		if t = thief.Steal(0); t == nil {
			panic("bench: there was nothing to steal")
		}
	}
	victim.Unclaim(t)
	victim.Take()
}

func benchStealTaskOne(ops uint64)  { oneQueue.stealTask(ops) }
func benchStealTaskEach(ops uint64) { queueEach.stealTask(ops) }

// inTasks has n tasks do their part, and waits for them.
func inTasks(n int, fn func(arg uint64) uint64, arg uint64) {
	defer amd64.IRQRestore(interruptsOn())
	done.Store(0)
	bodyOfTest = fn
	for range n {
		spawn(&sched.Start{Name: "bench", Detached: true}, runPart, arg)
	}
	waitDone(uint32(n))
}

// waitDone has tasks run until so many are done.
func waitDone(n uint32) {
	for done.Load() != n {
		amd64.IRQDisable()
		here().halt()
		amd64.IRQRestore(flagsIF)
	}
}

func runPart(arg uint64) uint64 {
	bodyOfTest(arg)
	done.Add(1)
	return 0
}

// benchYield: two tasks, each yields to the other.
func benchYield(ops uint64) {
	inTasks(2, func(n uint64) uint64 {
		for range n {
			yield()
		}
		return 0
	}, ops/2)
}

// benchYieldAlone: nobody else is there.
func benchYieldAlone(ops uint64) {
	inTasks(1, func(n uint64) uint64 {
		for range n {
			yield()
		}
		return 0
	}, ops)
}

// benchBlockWake: one wakes the other, and blocks until it is its turn.
func benchBlockWake(ops uint64) {
	defer amd64.IRQRestore(interruptsOn())
	done.Store(0)
	benchTurn = 0
	for i := range benchOther {
		benchOther[i], _ = spawn(&sched.Start{Name: "bench", Detached: true}, takeTurns, ops/2<<1|uint64(i))
	}
	waitDone(2)
}

func takeTurns(arg uint64) uint64 {
	n, me := arg>>1, arg&1
	for range n {
		for benchTurn != me {
			park()
		}
		benchTurn = 1 - me
		wake(benchOther[1-me])
	}
	done.Add(1)
	return 0
}

var benchTurn uint64

var benchOther [2]sched.ID

func nothing(arg uint64) uint64 { return arg }

// benchSpawnJoin: a task makes another, and waits for its end.
func benchSpawnJoin(ops uint64) {
	inTasks(1, func(n uint64) uint64 {
		for i := range n {
			id, _ := spawn(&sched.Start{Name: "bench"}, nothing, i)
			join(id)
		}
		return 0
	}, ops)
}

func benchYieldOne(ops uint64)       { oneQueue.yields(2, ops) }
func benchYieldEach(ops uint64)      { queueEach.yields(2, ops) }
func benchYieldAloneOne(ops uint64)  { oneQueue.yields(1, ops) }
func benchYieldAloneEach(ops uint64) { queueEach.yields(1, ops) }
func benchBlockWakeOne(ops uint64)   { oneQueue.blockWake(ops) }
func benchBlockWakeEach(ops uint64)  { queueEach.blockWake(ops) }
func benchSpawnJoinOne(ops uint64)   { oneQueue.spawnJoin(ops) }
func benchSpawnJoinEach(ops uint64)  { queueEach.spawnJoin(ops) }

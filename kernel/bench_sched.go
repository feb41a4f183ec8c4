//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/sched"
)

// Benchmarks of the scheduler: in tasks on one CPU, while the boot stack waits.

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

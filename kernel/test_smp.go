//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sync"
)

var parallelHits [amd64.MaxCPUs]atomic.Uint64

// testParallel checks, from inside a call, that the calls before it ran once on each CPU.
func testParallel(t *ktest.T, cpu int) {
	parallelHits[cpu].Add(1)
	t.Barrier()
	first := parallelHits[0].Load()
	for i := range t.CPUs {
		t.Equal(cpu, parallelHits[i].Load(), first, "a CPU missed a call or made it twice")
	}
	t.Check(cpu, amd64.ThisCPU().Index == cpu, "a call came to the wrong CPU")
	t.Count(1)
}

var sum atomic.Uint64

func testAtomics(t *ktest.T, cpu int) {
	const n = 5_000
	if cpu == 0 {
		sum.Store(0)
	}
	t.Barrier()
	for range n {
		sum.Add(1)
		for {
			v := sum.Load()
			if sum.CompareAndSwap(v, v+2) {
				break
			}
		}
	}
	t.Count(2 * n)
	t.Barrier()
	t.Equal(cpu, sum.Load(), uint64(3*n*t.CPUs), "the sum")
}

var (
	ticketLock sync.Ticket
	mcsLock    sync.MCS
	guarded    [2]uint64 // equal whenever the lock is free
)

func testTicket(t *ktest.T, cpu int) {
	spins := 0
	relax := func() { // a ticket lock passes from waiter to waiter, so each must get a real CPU: halt while waiting
		machine.Relax(spins)
		spins++
	}
	testExclusion(t, cpu, func() {
		spins = 0
		ticketLock.Lock(relax)
	}, ticketLock.Unlock)
}

func testMCS(t *ktest.T, cpu int) {
	testExclusion(t, cpu, func() { mcsLock.Lock(cpu, machine.Relax) }, mcsLock.Unlock)
}

// testExclusion has all CPUs add under a lock.
func testExclusion(t *ktest.T, cpu int, lock, unlock func()) {
	rounds := uint64(4_000/(t.CPUs*t.CPUs) + 5)
	if cpu == 0 {
		guarded = [2]uint64{}
	}
	t.Barrier()
	for range rounds {
		lock()
		t.Check(cpu, guarded[0] == guarded[1], "a holder's writes were not all seen")
		v := guarded[0]
		for range 20 { // wide enough that a second holder would be seen
			amd64.Pause()
		}
		guarded[0], guarded[1] = v+1, v+1
		unlock()
	}
	t.Count(rounds)
	t.Barrier()
	t.Equal(cpu, guarded[0], rounds*uint64(t.CPUs), "additions under the lock")
}

//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
)

// benches is every benchmark, beside what it is to be compared with.
var benches = [...]ktest.Bench{
	{Name: "sync/counter", Ops: 10_000, Run: benchCounter, Baseline: benchCounterLocked},
	{Name: "sync/ticket", Ops: 10_000, Run: benchTicket, BaselineName: "irqs-off", Baseline: benchTicketIRQ},
	{Name: "runtime/memmove-4K", Ops: 500, Run: benchMove, BaselineName: "words", Baseline: benchMoveWords},
	{Name: "runtime/memclr-4K", Ops: 500, Run: benchClear, BaselineName: "words", Baseline: benchClearWords},
	{Name: "arch/this-cpu", Ops: 10_000, Run: benchThisCPU, BaselineName: "rdmsr", Baseline: benchThisCPUByMSR},
}

var (
	benchCount  atomic.Uint64
	benchPlain  uint64
	benchLock   = &ticketLock
	benchSource [512]uint64
	benchTarget [512]uint64
	benchCPU    *amd64.CPU
)

func benchCounter(ops uint64) {
	for range ops {
		benchCount.Add(1)
	}
}

func benchCounterLocked(ops uint64) {
	for range ops {
		benchLock.Lock(pause)
		benchPlain++
		benchLock.Unlock()
	}
}

func benchTicket(ops uint64) {
	for range ops {
		benchLock.Lock(pause)
		benchLock.Unlock()
	}
}

func benchTicketIRQ(ops uint64) {
	for range ops {
		flags := amd64.IRQDisable()
		benchLock.Lock(pause)
		benchLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchMove(ops uint64) {
	for range ops {
		copy(benchTarget[:], benchSource[:])
	}
}

func benchMoveWords(ops uint64) {
	for range ops {
		for i := range benchSource {
			benchTarget[i] = benchSource[i]
		}
	}
}

func benchClear(ops uint64) {
	for range ops {
		clear(benchTarget[:])
	}
}

func benchClearWords(ops uint64) {
	for n := range ops {
		for i := range benchTarget {
			benchTarget[i] = n >> 63 // a plain 0 would be compiled into a clear
		}
	}
}

func benchThisCPU(ops uint64) {
	for range ops {
		benchCPU = amd64.ThisCPU()
	}
}

func benchThisCPUByMSR(ops uint64) {
	for range ops {
		benchCPU = amd64.ThisCPUByMSR()
	}
}

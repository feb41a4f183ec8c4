//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
)

// Benchmarks of ring 3: samples that go to the kernel and back, again and again. Each round has two instructions more than what
// is measured.

var (
	benchRing3T ktest.T
	benchRand   = ktest.NewRand(1)

	benchRing3Ready bool
)

// inRing3 has n threads make ops rounds of a sample, together.
func inRing3(sample amd64.Sample, n int, call, ops uint64) {
	defer amd64.IRQRestore(interruptsOn())
	if benchRing3Ready {
		ring3.serve()
	} else if benchRing3Ready = makeRing(&benchRing3T, 0, 2); !benchRing3Ready {
		panic("bench: no memory for ring 3")
	}
	if call == benchYieldCall {
		ring3.call = func(*ringThread, *amd64.SysFrame) int64 { yield(); return benchYieldCall }
	}
	ring3.trap = func(*ringThread, *amd64.Frame) {}
	ring3.foreign = func(*ringThread, *amd64.Frame) {}
	for i := range n {
		d := ring3.threads[i].fill(&benchRand)
		d.GPR[0], d.GPR[3] = call, ops/uint64(n)
		if call == benchForeignCall {
			ring3.threads[i].user.SetText(d.Report, d.Report+64)
		}
		startRing(&benchRing3T, 0, i, ring3.at[sample], 1)
	}
	for i := range n {
		for ring3.threads[i].ended.Load() == 0 {
			amd64.IRQDisable()
			here().halt()
			amd64.IRQRestore(flagsIF)
		}
	}
	ring3.unserve()
}

const (
	benchYieldCall   = 2
	benchNoCall      = 3
	benchForeignCall = 1000
)

func benchNullCall(ops uint64) { inRing3(amd64.SampleCallRounds, 1, benchNoCall, ops) }

func benchRing3Trap(ops uint64) { inRing3(amd64.SampleTrapRounds, 1, 0, ops) }

func benchForeign(ops uint64) { inRing3(amd64.SampleCallRounds, 1, benchForeignCall, ops) }

// benchRing3Yield: two threads of one space, each yields to the other.
func benchRing3Yield(ops uint64) { inRing3(amd64.SampleCallRounds, 2, benchYieldCall, ops) }

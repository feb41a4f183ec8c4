//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/sched"
)

// Slices: a thread that wants to know gets an upcall when it runs again after others have, and how long that took; and one when its time is
// over and others wait. Then it has a moment to leave things in order, and yields; if it does not, it is preempted. (As an Aegis time slice:
// Engler, Kaashoek, O'Toole, "Exokernel", SOSP 1995, §5.1.1.)
//
// G1. Who is told that its slice ends runs for abi.SliceGrace more, at most, and is told once in a slice.
// G2. It is told while that is so: not after others have run.
//
// Not promised: that it is told. It is not if something more urgent is to run, or a timer comes at the same moment.

// preempt has others run instead of what was interrupted, if they should.
func (me *local) preempt() {
	t := me.thread
	if t == nil || t.start.Flags&(abi.ThreadSlices|abi.ThreadSliceEnds) == 0 {
		me.reschedule(sched.Preempted)
		return
	}
	now := amd64.NowNs()
	if t.start.Flags&abi.ThreadSliceEnds != 0 && me.sched.Linger(now, abi.SliceGrace) {
		me.resched = false
		me.arm(now)
		t.user.Pending.Or(pendSliceEnds)
		return
	}
	if me.reschedule(sched.Preempted) && t.start.Flags&abi.ThreadSlices != 0 {
		t.away += amd64.NowNs() - now
		t.user.Pending.Or(pendSlice)
	}
}

// sliceUpcall has the thread, which is about to go on in ring 3, know for how many ns it has not run.
func (t *thread) sliceUpcall(f *amd64.Frame) {
	t.user.Pending.And(^pendSlice)
	away := t.away
	if t.away = 0; t.env.slice.Load() != 0 {
		t.upcall(f, &t.env.slice, abi.SliceBegun, away, 0)
	}
}

// sliceEndsUpcall has it know that it is to yield, if that is still so.
func (t *thread) sliceEndsUpcall(f *amd64.Frame) {
	t.user.Pending.And(^pendSliceEnds)
	flags := amd64.IRQDisable()
	until := here().sched.Lingers()
	amd64.IRQRestore(flags)
	if until != 0 && t.env.slice.Load() != 0 {
		t.upcall(f, &t.env.slice, abi.SliceEnds, 0, until)
	}
}

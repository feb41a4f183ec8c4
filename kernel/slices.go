//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/sched"
)

// Slices: a thread that wants to know gets an upcall when it runs again after others have, and how long that took.

// preempt has others run instead of what was interrupted, if they should.
func (me *local) preempt() {
	t := me.thread
	if t == nil || t.start.Flags&abi.ThreadSlices == 0 {
		me.reschedule(sched.Preempted)
		return
	}
	left := amd64.NowNs()
	if me.reschedule(sched.Preempted) {
		t.away += amd64.NowNs() - left
		t.user.Pending.Or(pendSlice)
	}
}

// sliceUpcall has the thread, which is about to go on in ring 3, know for how many ns it has not run.
func (t *thread) sliceUpcall(f *amd64.Frame) {
	t.user.Pending.And(^pendSlice)
	away := t.away
	if t.away = 0; t.env.slice.Load() != 0 {
		t.upcall(f, &t.env.slice, 0, away, 0)
	}
}

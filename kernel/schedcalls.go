//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sched"
)

// The system call of CPU slices: a thread's class and share, or so much of each period of a CPU that the caller has a capability for. What is
// reserved is so when the call returns; the thread takes it over itself, before it is in ring 3 next. It loses it when that capability
// goes, and is as a new one then.

// sysThreadSchedule has a thread run on a CPU, in a class, with a weight or a reservation.
func sysThreadSchedule(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	me := threadOf(s)
	var a abi.Schedule
	if !copyIn(&a, f.RDX) {
		return int64(abi.BadAddress)
	}
	if a.Class > uint64(sched.RealTime) || a.Weight > sched.MaxWeight {
		return int64(abi.BadArgument)
	}
	start := sched.Start{Class: sched.Class(a.Class), Weight: uint32(a.Weight)}
	if start.Class == sched.RealTime {
		start.Reservation = sched.Reservation{Budget: a.Budget, Period: a.Period}
	}
	name := cap.Name(f.RSI)
	if name != 0 || start.Class == sched.RealTime {
		o, err := capTab.Lookup(name, me.env.holder(), cap.Kind(abi.KindCPU), cap.Execute)
		if err != nil {
			return int64(capErrno(err))
		}
		start.Affinity = 1 << o.First
	}
	change, err := tasks.Prepare(&start)
	switch err {
	case nil:
	case error(sched.ErrFull):
		return int64(abi.NotAdmitted)
	default:
		return int64(abi.BadArgument)
	}
	no := me.withThread(f.RDI, cap.Write, func(t *thread) { t.changes(change, name) })
	if no != abi.OK {
		tasks.Withdraw(&change)
		return int64(no)
	}
	if name != 0 && capTab.Check(name, me.env.holder(), cap.Kind(abi.KindCPU), 0) != nil { // it may have gone before anybody could see it there
		unschedule(name)
		return int64(abi.BadCap)
	}
	return 0
}

// changes has the thread be scheduled otherwise from when it looks, by a capability. Its environment's list is locked.
func (t *thread) changes(c sched.Change, by cap.Name) {
	t.unchanged()
	t.change = c
	t.scheduledBy.Store(uint64(by))
	t.user.Pending.Or(pendSchedule)
	t.nudge()
}

// unchanged is for a thread that is to change, and is about to do something else. Its environment's list is locked.
func (t *thread) unchanged() {
	if t.user.Pending.Load()&pendSchedule != 0 {
		t.user.Pending.And(^pendSchedule)
		tasks.Withdraw(&t.change)
	}
}

// takesOver is for the thread itself: it changes.
func (t *thread) takesOver() {
	c := this()
	t.env.lock.Lock(c)
	change := t.change
	due := t.user.Pending.Load()&pendSchedule != 0
	t.user.Pending.And(^pendSchedule)
	t.env.lock.Unlock(c)
	if due {
		flags := amd64.IRQDisable()
		here().sched.Becomes(&change)
		here().reschedule(sched.Moves)
		amd64.IRQRestore(flags)
	}
}

// tearCPU is the teardown of a capability for a CPU.
func tearCPU(_ int, name cap.Name, _ cap.Rights, _ cap.Object) {
	unschedule(name)
	unpaid(name, 0)
}

// unschedule has who is scheduled by a capability be as a new thread.
func unschedule(name cap.Name) {
	c := preemptOff()
	for i := range threadTable {
		t := &threadTable[i]
		if t.scheduledBy.Load() != uint64(name) {
			continue
		}
		e := t.env
		e.lock.Lock(c)
		if t.env == e && t.scheduledBy.Load() == uint64(name) { // it has not ended
			usual, _ := tasks.Prepare(&sched.Start{})
			t.changes(usual, 0)
		}
		e.lock.Unlock(c)
	}
	c.PreemptEnable()
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sched"
)

// System calls: threads. 0 for a thread is the caller itself.

const threadFlags = abi.ThreadSuspended | abi.ThreadSlices | abi.ThreadNameless | abi.ThreadSliceEnds

func sysThreadCreate(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	me := threadOf(s)
	var a abi.ThreadStart
	if !copyIn(&a, f.RSI) {
		return int64(abi.BadAddress)
	}
	const top = abi.UserTop
	if max(a.RIP, a.RSP, a.FS, a.GS, a.UpcallHigh) >= top || a.UpcallLow > a.UpcallHigh || a.Flags&^threadFlags != 0 ||
		a.Weight > sched.MaxWeight {
		return int64(abi.BadArgument)
	}
	ended := told{}
	if a.Ended != 0 {
		var no abi.Errno
		if ended, no = me.tells(a.Ended, a.EndedBits); no != abi.OK {
			return int64(no)
		}
	}
	c := preemptOff()
	e, no := me.pinEnv(f.RDI, cap.Write)
	c.PreemptEnable()
	if no != abi.OK {
		return int64(no)
	}
	t, no := e.newThread()
	e.unpin() // it is not swept while it has a thread
	if no != abi.OK {
		return int64(no)
	}
	number := uint64(e.number.Load())
	t.start, t.ended = a, ended
	if a.Flags&abi.ThreadSuspended != 0 {
		t.user.Pending.Or(pendSuspend)
	}
	if a.Flags&abi.ThreadNameless != 0 {
		return int64(t.run(a.CPUs, uint32(a.Weight)))
	}
	life := t.life.Load()
	if no := me.env.charge(0); no != abi.OK {
		t.forget()
		return int64(no)
	}
	c = preemptOff()
	name, no := me.env.create(c.CPU, abi.KindThread, cap.AllRights&^owns, cap.Object{First: life, Second: number})
	c.PreemptEnable()
	if no != abi.OK {
		t.forget()
		return int64(no)
	}
	if no := t.run(a.CPUs, uint32(a.Weight)); no != abi.OK {
		me.delete(uint64(name))
		return int64(no)
	}
	return int64(name)
}

// forget is the end of a thread that never ran.
func (t *thread) forget() {
	if e := t.env; t.remove() {
		e.tryReap()
	}
}

func sysThreadExit(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	t.exited = true
	t.user.Pending.Or(pendEnd)
	return 0
}

func sysThreadSuspend(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	me := threadOf(s)
	for first := true; ; first = false {
		runs := false
		no := me.withThread(f.RDI, cap.Write, func(t *thread) {
			if first {
				t.user.Pending.Or(pendSuspend)
				t.nudge()
			}
			runs = t != me && t.runs()
		})
		switch {
		case no != abi.OK:
			return int64(no)
		case !runs:
			return 0
		case me.interrupted():
			return int64(abi.Interrupted)
		}
		sleepUntil(amd64.NowNs() + waitNs)
	}
}

// runs says whether a thread that is to be suspended may still be in ring 3. Its environment's list is locked.
func (t *thread) runs() bool {
	id := t.task.Load()
	if id == 0 || t.stopped.Load() != 0 {
		return false // it looks at Pending before it begins
	}
	task := tasks.Task(sched.ID(id))
	return task != nil && task.State() == sched.Running
}

func sysThreadResume(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	return int64(threadOf(s).withThread(f.RDI, cap.Write, func(t *thread) {
		t.user.Pending.And(^pendSuspend)
		t.nudge()
	}))
}

func sysThreadInspect(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	var out abi.ThreadInfo
	no := threadOf(s).withThread(f.RDI, cap.Read, func(t *thread) {
		if t.stopped.Load() != 0 {
			out.RIP, out.RSP = t.rip, t.rsp
		}
		u := t.usage()
		out.State, out.RanNs, out.Switches, out.CPU = t.state(), u.Ran, u.Switches, uint64(t.cpu.Load())
	})
	switch {
	case no != abi.OK:
		return int64(no)
	case !copyOut(f.RSI, &out):
		return int64(abi.BadAddress)
	}
	return 0
}

// usage is what the thread has had of CPUs so far, about. Its environment's list is locked, so it has not ended.
func (t *thread) usage() sched.Usage {
	if task := tasks.Task(sched.ID(t.task.Load())); task != nil {
		return task.Usage()
	}
	return sched.Usage{}
}

func (t *thread) state() uint64 {
	if task := tasks.Task(sched.ID(t.task.Load())); task != nil {
		return uint64(task.State())
	}
	return uint64(sched.New)
}

// sysThreadDestroy ends a thread and waits until it has.
func sysThreadDestroy(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	me := threadOf(s)
	for first := true; ; first = false {
		self := false
		no := me.withThread(f.RDI, cap.Delete, func(t *thread) {
			if first {
				t.user.Pending.Or(pendEnd)
				t.nudge()
			}
			self = t == me
			t.waiter.CompareAndSwap(0, me.task.Load())
		})
		switch {
		case no == abi.Dead && f.RSI == 1: // however it ended
			return int64(me.delete(f.RDI))
		case no == abi.Dead && !first || self:
			return 0
		case no != abi.OK:
			return int64(no)
		case me.interrupted():
			return int64(abi.Interrupted)
		}
		me.pause()
	}
}

// pause waits to be woken, or a moment.
func (t *thread) pause() { sleepUntil(amd64.NowNs() + waitNs) }

// sysThreadBases sets the bases of FS and GS, of the caller.
func sysThreadBases(s *amd64.UserState, f *amd64.SysFrame) int64 {
	if max(f.RDI, f.RSI) >= abi.UserTop {
		return int64(abi.BadArgument)
	}
	s.SetBases(f.RDI, f.RSI)
	return 0
}

// sysYield lets others run. Where a thread is named, and it waits on this CPU, that has the rest of the caller's quantum.
func sysYield(s *amd64.UserState, f *amd64.SysFrame) int64 {
	if f.RDI != 0 {
		o, err := capTab.Lookup(cap.Name(f.RDI), threadOf(s).env.holder(), cap.Kind(abi.KindThread), 0)
		if err != nil {
			return int64(capErrno(err))
		}
		of := &threadTable[uint32(o.First)]
		to := of.task.Load() // order: before life is; if that is the same the task is that one's, or has ended, and its ID is nobody's
		if of.life.Load() != o.First {
			return int64(abi.Dead)
		}
		if yieldTo(sched.ID(to)) {
			return 0
		}
	}
	yield()
	return 0
}

func sysSleep(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	for amd64.NowNs() < f.RDI {
		if t.interrupted() {
			return int64(abi.Interrupted)
		}
		flags := amd64.IRQDisable()
		here().sched.WakeAt(f.RDI)
		if !t.interrupted() {
			here().reschedule(sched.Parks)
		}
		here().sched.Awake()
		amd64.IRQRestore(flags)
	}
	return 0
}

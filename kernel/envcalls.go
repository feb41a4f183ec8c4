//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	envs "exo/kernel/env"
)

// System calls: environments. 0 for an environment is the caller's own.

// pinEnv pins an environment that a capability is for, with its space and threads, or the caller's own. Errors: as of a lookup; Dead.
func (t *thread) pinEnv(name uint64, need cap.Rights) (*env, abi.Errno) {
	h := t.env.holder()
	if name != 0 {
		o, err := capTab.Lookup(cap.Name(name), h, cap.Kind(abi.KindEnv), need)
		if err != nil {
			return nil, capErrno(err)
		}
		h = cap.Holder(o.First)
	}
	e := pinLiving(h)
	if e == nil {
		return nil, abi.Dead
	}
	return e, abi.OK
}

func sysEnvCreate(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	me := t.env
	if err := t.account(f.RDI); err != abi.OK {
		return int64(err)
	}
	if err := me.charge(0); err != abi.OK { // for the new one's name
		return int64(err)
	}
	frames, caps := f.RSI, f.RDX
	if f.R10&abi.EnvPart != 0 {
		frames, caps = partOfRest(&me.frames, frames), partOfRest(&me.caps, caps)
	}
	if caps == 0 || !me.frames.Cut(frames) {
		me.discharge(0)
		return int64(abi.NoQuota)
	}
	if !me.caps.Cut(caps) {
		me.frames.Grow(frames)
		me.discharge(0)
		return int64(abi.NoQuota)
	}
	e, no := newEnv(me, frames, caps)
	if no != abi.OK {
		me.frames.Grow(frames)
		me.caps.Grow(caps)
		me.discharge(0)
		return int64(no)
	}
	if f.R10&abi.EnvAlike != 0 {
		e.like(me)
	}
	e.heir = f.R10&abi.EnvHeir != 0
	number := uint64(e.number.Load())
	c := preemptOff()
	account, no := e.giveAccount(c.CPU)
	if no != abi.OK { // as if its name had been deleted
		me.discharge(0)
		c.PreemptEnable()
		e.disown()
		return int64(no)
	}
	name, no := me.create(c.CPU, abi.KindEnv, cap.AllRights, cap.Object{First: number})
	c.PreemptEnable()
	if no != abi.OK {
		e.disown()
		return int64(no)
	}
	f.RDX, f.R8, f.R9, f.R10 = uint64(account), number, frames, caps
	return int64(name)
}

// partOfRest is so many 65,536th parts of what is left of a quota, at most all of it.
func partOfRest(q *envs.Quota, parts uint64) uint64 {
	limit, used := q.Read()
	return (limit - used) * min(parts, 1<<16) >> 16
}

// like makes a new environment's upcalls and name those of another.
func (e *env) like(o *env) {
	e.fault.StoreRelease(o.fault.Load())
	e.foreign.StoreRelease(o.foreign.Load())
	e.revoke.StoreRelease(o.revoke.Load())
	e.slice.StoreRelease(o.slice.Load())
	e.textLow.StoreRelease(o.textLow.Load())
	e.textHigh.StoreRelease(o.textHigh.Load())
	e.name = o.name
}

// giveAccount gives a new environment the capability for its account.
func (e *env) giveAccount(cpu int) (cap.Name, abi.Errno) {
	if err := e.charge(0); err != abi.OK {
		return 0, err
	}
	return e.create(cpu, abi.KindMemory, cap.AllRights&^(cap.Transfer|owns), cap.Object{First: uint64(e.number.Load())})
}

func sysEnvUpcalls(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	var u abi.Upcalls
	if !copyIn(&u, f.RSI) {
		return int64(abi.BadAddress)
	}
	const top = abi.UserTop
	if max(u.Fault, u.Foreign, u.Revoke, u.Slice, u.TextLow, u.TextHigh) >= top || u.TextLow > u.TextHigh {
		return int64(abi.BadArgument)
	}
	c := preemptOff()
	defer c.PreemptEnable()
	e, no := threadOf(s).pinEnv(f.RDI, cap.Write)
	if no != abi.OK {
		return int64(no)
	}
	defer e.unpin()
	e.lock.Lock(c)
	e.fault.Store(u.Fault)
	e.foreign.Store(u.Foreign)
	e.revoke.Store(u.Revoke)
	e.slice.Store(u.Slice)
	e.textLow.Store(u.TextLow)
	e.textHigh.Store(u.TextHigh)
	e.name = u.Name
	for t := e.first; t != nil; t = t.next {
		t.user.SetText(u.TextLow, u.TextHigh)
	}
	e.lock.Unlock(c)
	return 0
}

func sysEnvInspect(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	h := t.env.holder()
	if f.RDI != 0 {
		o, err := capTab.Lookup(cap.Name(f.RDI), h, cap.Kind(abi.KindEnv), cap.Read)
		if err != nil {
			return int64(capErrno(err))
		}
		h = cap.Holder(o.First)
	}
	var out abi.EnvInfo
	c := preemptOff()
	e := pin(h)
	if e != nil {
		e.inspect(&out)
		e.unpin()
	}
	c.PreemptEnable()
	switch {
	case e == nil:
		return int64(abi.Dead)
	case !copyOut(f.RSI, &out):
		return int64(abi.BadAddress)
	}
	return 0
}

// inspect says how it is. Preemption off.
func (e *env) inspect(out *abi.EnvInfo) {
	c := this()
	e.lock.Lock(c)
	sums := e.sums
	for t := e.first; t != nil; t = t.next {
		sums.faults += t.faults
		sums.calls += t.user.Calls
		sums.ranNs += t.usage().Ran
		out.Threads++
	}
	out.Name = e.name
	e.lock.Unlock(c)
	out.State = abi.EnvRunning
	switch {
	case e.state.Load() == envEnded:
		out.State = abi.EnvEnded
	case e.suspended.Load() != 0:
		out.State = abi.EnvSuspended
	}
	if e.state.Load() >= envEnding {
		out.Status = e.status.Load()
	}
	out.FrameLimit, out.Frames = e.frames.Read()
	out.CapLimit, out.Caps = e.caps.Read()
	out.Faults, out.Calls, out.RanNs, out.Lost = sums.faults, sums.calls, sums.ranNs, e.lost.Load()
	out.Number, out.Parent = uint64(e.number.Load()), uint64(e.parent)
}

func sysEnvSuspend(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	for first := true; ; first = false {
		c := preemptOff()
		e, no := t.pinEnv(f.RDI, cap.Write)
		if no != abi.OK {
			c.PreemptEnable()
			return int64(no)
		}
		running := e.suspend(t, first)
		e.unpin()
		c.PreemptEnable()
		switch {
		case !running:
			return 0
		case t.interrupted(): // it is suspended, or suspends itself
			return int64(abi.Interrupted)
		}
		sleepUntil(amd64.NowNs() + waitNs)
	}
}

// suspend has all threads but by wait, and says whether one still runs.
func (e *env) suspend(by *thread, first bool) (running bool) {
	c := this()
	e.lock.Lock(c)
	if first {
		e.suspended.Store(1)
	}
	for t := e.first; t != nil; t = t.next {
		if first {
			t.user.Pending.Or(pendEnvSuspend)
			t.nudge()
		}
		running = running || t != by && t.runs()
	}
	e.lock.Unlock(c)
	return running
}

func sysEnvResume(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	c := preemptOff()
	defer c.PreemptEnable()
	e, no := threadOf(s).pinEnv(f.RDI, cap.Write)
	if no != abi.OK {
		return int64(no)
	}
	e.lock.Lock(c)
	e.suspended.Store(0)
	for t := e.first; t != nil; t = t.next {
		t.user.Pending.And(^pendEnvSuspend)
		t.nudge()
	}
	e.lock.Unlock(c)
	e.unpin()
	return 0
}

// sysEnvDestroy ends an environment and waits until it has. The capability goes too, if it is the one that the environment was
// made with.
func sysEnvDestroy(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	me := t.env.holder()
	o := cap.Object{First: uint64(me)}
	if f.RDI != 0 {
		var err error
		if o, err = capTab.Lookup(cap.Name(f.RDI), me, cap.Kind(abi.KindEnv), cap.Delete); err != nil {
			return int64(capErrno(err))
		}
	}
	number := cap.Holder(o.First)
	c := preemptOff()
	e := pin(number)
	if e != nil {
		e.finish(abi.StatusKilled)
		e.unpin()
	}
	c.PreemptEnable()
	switch {
	case number == me:
		return 0 // it ends before it is back
	case e != nil:
		if no := waitEnded(number, t, abi.Forever); no != abi.OK {
			return int64(no)
		}
	}
	if info, err := capTab.Inspect(cap.Name(f.RDI), me); err == nil && info.Rights&owns != 0 {
		t.delete(f.RDI)
	}
	return 0
}

// sysEnvAwait waits until an environment has ended, and says how. Who says so gives up its capability at once.
func sysEnvAwait(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	me, need := t.env.holder(), cap.Read
	if f.RDX != 0 {
		need |= cap.Delete
	}
	o, err := capTab.Lookup(cap.Name(f.RDI), me, cap.Kind(abi.KindEnv), need)
	number := cap.Holder(o.First)
	switch {
	case err != nil:
		return int64(capErrno(err))
	case number == me:
		return int64(abi.Deadlock)
	}
	if no := waitEnded(number, t, f.RSI); no != abi.OK {
		return int64(no)
	}
	c := preemptOff()
	e := pin(number)
	if e != nil {
		f.RDX = uint64(e.status.Load())
		e.unpin()
	}
	c.PreemptEnable()
	if e == nil {
		return int64(abi.Dead)
	}
	if need&cap.Delete != 0 {
		t.delete(f.RDI)
	}
	return 0
}

func sysEnvExit(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	threadOf(s).env.finish(int64(f.RDI))
	return 0
}

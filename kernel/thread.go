//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/mm/paging"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Threads of environments: a task of the kernel's each, which is in ring 3 most of the time.
//
// Others tell a thread what to do by bits of user.Pending, which it looks at whenever it is about to go on in ring 3, and wherever
// it waits in the kernel. Who has set one calls nudge. So a thread ends by itself, in no call: nothing is half done.

// thread is the record of a thread: one after another.
type thread struct {
	user amd64.UserState // first, so that it is the record's address

	env   *env
	space *paging.Space // env's
	life  atom.Uint64   // which thread it is: index, and how many the record has been in the upper half
	task  atom.Uint64   // sched.ID, 0: not known yet
	cpu   atom.Uint32   // where it runs, or ran last
	index uint32
	top   uintptr // of its kernel stack

	stopped atom.Uint32 // 1: it waits for ThreadResume or EnvResume; then
	rip     uint64      // is where it goes on,
	rsp     uint64      // with that stack
	exited  bool        // it ended itself

	wait     waiting  // for others, in the kernel
	calls    usedGate // endpoints: that it called last,
	receives usedGate // and where it replied and waited
	ended    told     // who is told of its end
	away     uint64   // ns for which others ran, that it is to be told

	change      sched.Change // what it is to become
	scheduledBy atom.Uint64  // the capability for a CPU by which it is what it is, 0: none
	_           uint64

	start  abi.ThreadStart
	faults uint64  // upcalls for faults
	ranNs  uint64  // written when it ends
	prev   *thread // in its environment's list
	next   *thread
	waiter atom.Uint64 // the task that waits for its end
}

const _ = -(unsafe.Sizeof(thread{}) % 16)

// Bits of Pending.
const (
	pendEnd        uint32 = 1 << iota // it is to end
	pendSuspend                       // ThreadSuspend
	pendEnvSuspend                    // EnvSuspend
	pendRevoke                        // its environment is asked for something
	pendSlice                         // others have run
	pendSchedule                      // it is to change (schedcalls.go)
	pendSliceEnds                     // others are to run soon
)

// threadSums is what threads did, in all.
type threadSums struct{ faults, calls, ranNs uint64 }

var (
	threadTable []thread // threadTable[0] is never used
	threadPool  sync.Pool
	threadCount atom.Int64
)

// threadOf is the thread of a UserState.
//
// SAFETY: there are no UserStates but those of threads.
func threadOf(s *amd64.UserState) *thread { return (*thread)(unsafe.Pointer(s)) }

// newThread makes a thread of e, which does not run yet. It costs one of e's capabilities. Errors: NoQuota, NoSlots, Dead.
func (e *env) newThread() (*thread, abi.Errno) {
	if !e.caps.Take(1) {
		return nil, abi.NoQuota
	}
	e.threads.Add(1) // order: before the state is read; pairs with tryReap
	if e.state.Load() != envAlive {
		e.lessThreads()
		return nil, abi.Dead
	}
	c := preemptOff()
	i := threadPool.Get(c.CPU)
	c.PreemptEnable()
	if i == 0 {
		e.lessThreads()
		return nil, abi.NoSlots
	}
	t := &threadTable[i]
	t.user.Init()
	t.user.SetText(e.textLow.Load(), e.textHigh.Load())
	t.env, t.space, t.index = e, &e.space.Space, i
	t.task.Store(0)
	t.waiter.Store(0)
	t.stopped.Store(0)
	t.exited = false
	t.wait.caller, t.wait.until, t.ended, t.away = nil, 0, told{}, 0
	t.faults, t.ranNs, t.rip, t.rsp = 0, 0, 0, 0
	t.calls.forget()
	t.receives.forget()
	threadCount.Add(1)
	c = this()
	e.lock.Lock(c)
	t.life.Store((t.life.Load()>>32+1)<<32 | uint64(i))
	if e.suspended.Load() != 0 {
		t.user.Pending.Or(pendEnvSuspend)
	}
	if e.state.Load() != envAlive {
		t.user.Pending.Or(pendEnd) // who ends it may have gone through the list before
	}
	t.prev, t.next = nil, e.first
	if e.first != nil {
		e.first.prev = t
	}
	e.first = t
	e.lock.Unlock(c)
	return t, abi.OK
}

// lessThreads takes back what newThread has counted; if it was the last one of an environment that ends, somebody has to know.
func (e *env) lessThreads() {
	e.caps.Give(1)
	if e.threads.Add(-1) == 0 && e.state.Load() == envEnding {
		callReaper(e)
	}
}

// run starts the thread's task. If there is none, the thread is no more. Errors: NoSlots, NoMemory; BadArgument for CPUs or weight.
func (t *thread) run(cpus uint64, weight uint32) abi.Errno {
	id, err := spawn(&sched.Start{Name: "ring 3", Affinity: cpus, Weight: weight, Detached: true}, threadMain, uint64(t.index))
	switch err {
	case nil:
		t.task.CompareAndSwap(0, uint64(id))
		return abi.OK
	case error(sched.ErrAffinity), error(sched.ErrWeight):
		t.remove()
		return abi.BadArgument
	}
	t.remove()
	return abi.NoSlots
}

// threadMain is the task.
func threadMain(i uint64) uint64 {
	t := &threadTable[i]
	p := currentPart()
	t.task.Store(uint64(p.id))
	t.top = p.hi
	t.wait.task, t.wait.stack, t.wait.frame = tasks.Task(p.id), &p.stack, amd64.CallFrame(p.hi)
	t.user.SetBases(t.start.FS, t.start.GS)
	amd64.IRQDisable()
	p.thread = t
	here().switchUser(t)
	for t.user.Pending.Load()&(pendEnd|pendSuspend|pendEnvSuspend|pendSchedule) != 0 {
		amd64.IRQRestore(flagsIF)
		t.attend(t.start.RIP, t.start.RSP)
		amd64.IRQDisable()
	}
	amd64.EnterUser(t.start.RIP, t.start.RSP, t.start.Arg)
	return 0
}

// switchThread is switchUser for a task that comes next, nil: none.
func (me *local) switchThread(next *sched.Task) {
	if next == nil {
		me.switchUser(nil)
	} else {
		me.switchUser(partOf(next).thread)
	}
}

// switchUser is a CPU's part in running a thread, nil: a task of the kernel's own; interrupts off. It is on the way of a switch
// of tasks, if the one or the other is a thread's.
func (me *local) switchUser(to *thread) {
	from := me.thread
	me.thread = to
	var old *amd64.UserState
	if from != nil {
		old = &from.user
	}
	if to == nil {
		tlbs.Leave(me.cpu)
		amd64.SwitchUser(old, nil, 0)
		return
	}
	to.cpu.Store(uint32(me.cpu)) // order: before Pending is read on the way to ring 3; pairs with nudge
	tlbs.Enter(me.cpu, to.space)
	amd64.SwitchUser(old, &to.user, to.top)
}

// leaveUser makes the current task one of the kernel's own: nothing of ring 3 is used by it from here on.
func (t *thread) leaveUser() {
	p := currentPart()
	flags := amd64.IRQDisable()
	p.thread = nil
	here().switchUser(nil)
	amd64.IRQRestore(flags)
}

// nudge has a thread look at Pending soon: one that waits goes on, one in ring 3 is interrupted.
func (t *thread) nudge() {
	c := preemptOff()
	if id := t.task.Load(); id != 0 {
		tasks.Wake(c.CPU, sched.ID(id), c.Interrupt())
	}
	if to := int(t.cpu.Load()); to != c.CPU {
		amd64.SendIPI(amd64.CPUByIndex(to).APICID, vectorKick)
	}
	c.PreemptEnable()
}

// beforeUser is called by arch/amd64 as long as something is pending, interrupts off.
func beforeUser(s *amd64.UserState, f *amd64.Frame) {
	amd64.IRQRestore(flagsIF)
	t := threadOf(s)
	t.attend(f.RIP, f.RSP)
	if p := t.user.Pending.Load(); p&pendRevoke != 0 {
		t.revokeUpcall(f)
	} else if p&pendSlice != 0 {
		t.sliceUpcall(f)
	} else if p&pendSliceEnds != 0 {
		t.sliceEndsUpcall(f)
	}
	amd64.IRQDisable()
}

// attend does what is pending.
func (t *thread) attend(rip, rsp uint64) {
	if t.user.Pending.Load()&pendEnd != 0 {
		t.end()
	}
	t.rip, t.rsp = rip, rsp
	t.stopped.Store(1) // order: after them, before the wake-up; pairs with waitStopped
	for p := t.user.Pending.Load(); p&(pendSuspend|pendEnvSuspend) != 0 && p&pendEnd == 0; p = t.user.Pending.Load() {
		park()
	}
	t.stopped.Store(0)
	if t.user.Pending.Load()&pendSchedule != 0 {
		t.takesOver()
	}
}

// interrupted says whether a thread that waits in the kernel is to stop doing so.
func (t *thread) interrupted() bool {
	return t.user.Pending.Load()&^(pendSlice|pendSliceEnds|pendSchedule) != 0
}

// end ends the thread that runs this.
func (t *thread) end() {
	amd64.IRQDisable()
	t.deserts()
	irqOn()
	t.leaveUser()
	hurry()
	e := t.env
	t.ranNs = t.ran()
	last := t.remove()
	if last {
		e.tryReap()
	}
	exit(0)
}

// hurry has the current task be a fair one, if it is of the class Batch: others wait for what it is about to do.
func hurry() {
	flags := amd64.IRQDisable()
	if here().sched.BecomesFair() {
		here().reschedule(sched.Moves)
	}
	amd64.IRQRestore(flags)
}

// ran is how long the current task has run.
func (t *thread) ran() uint64 {
	c := preemptOff()
	flags := amd64.IRQDisable()
	n := here().sched.Ran(amd64.NowNs())
	amd64.IRQRestore(flags)
	c.PreemptEnable()
	return n
}

// remove takes a thread that runs no more out of its environment, and says whether that can be swept now: it was the last.
func (t *thread) remove() bool {
	e := t.env
	e.caps.Give(1) // before anybody can see that it has ended
	c := this()
	e.lock.Lock(c)
	e.sums.faults += t.faults
	e.sums.calls += t.user.Calls
	e.sums.ranNs += t.ranNs
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		e.first = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	ended, status := t.ended, abi.StatusKilled
	if t.exited {
		status = 0
	}
	t.life.Store((t.life.Load()>>32 + 1) << 32) // nobody's
	t.unchanged()
	t.scheduledBy.Store(0)
	e.lock.Unlock(c)
	if w := t.waiter.Load(); w != 0 { // order: after life; pairs with waitGone
		wake(sched.ID(w))
	}
	c = preemptOff()
	threadPool.Put(c.CPU, t.index)
	c.PreemptEnable()
	threadCount.Add(-1)
	ended.tell()
	e.pins.Add(1) // when it has no thread it may be swept
	last := e.threads.Add(-1) == 0
	if last {
		e.finish(status)
	}
	e.unpin()
	return last
}

// withThread calls fn with the thread that a capability is for and its environment's list locked: so it does not end meanwhile. 0 is the
// caller's. Errors: as of a lookup; Dead.
func (t *thread) withThread(name uint64, need cap.Rights, fn func(of *thread)) abi.Errno {
	o := cap.Object{First: t.life.Load(), Second: uint64(t.env.number.Load())}
	if name != 0 {
		var err error
		if o, err = capTab.Lookup(cap.Name(name), t.env.holder(), cap.Kind(abi.KindThread), need); err != nil {
			return capErrno(err)
		}
	}
	c := preemptOff()
	defer c.PreemptEnable()
	e := pin(cap.Holder(o.Second))
	if e == nil {
		return abi.Dead
	}
	defer e.unpin()
	of := &threadTable[uint32(o.First)]
	e.lock.Lock(c)
	defer e.lock.Unlock(c)
	if of.life.Load() != o.First {
		return abi.Dead
	}
	fn(of)
	return abi.OK
}

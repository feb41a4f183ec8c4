//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sched"
	"exo/kernel/sync/atom"
)

// The end of an environment: whoever ends it tells its threads to; the last of them to end, or if there is none whoever comes
// first, sweeps up what it had. That is done by a task that is in no environment, in steps, others running in between.
//
//	alive ──finish──► ending ──tryReap, no thread──► sweeping ──► ended ──its capability is gone──► free

// finish has an environment end: its threads get to know. It does not wait. False: that has begun already. Anybody, teardowns too.
func (e *env) finish(status int64) bool {
	if !e.state.CompareAndSwap(envAlive, envEnding) {
		return false
	}
	e.status.Store(status)
	c := this()
	e.lock.Lock(c)
	for t := e.first; t != nil; t = t.next {
		t.user.Pending.Or(pendEnd)
		t.nudge()
	}
	e.lock.Unlock(c)
	if e.threads.Load() == 0 {
		callReaper(e)
	}
	return true
}

// tryReap sweeps up after an environment that is to end and has no threads, unless somebody else does. The caller is a task in no
// environment, or in another; the record may be another's by now, of which the same holds.
func (e *env) tryReap() bool {
	// order: the state is read before the count; pairs with newThread
	if e.state.Load() == envEnding && e.threads.Load() == 0 && e.state.CompareAndSwap(envEnding, envSweeping) {
		e.sweep()
		return true
	}
	return false
}

const (
	sweepPages = 512 // entries of tables that are looked at in one go
	sweepSlots = 64  // capabilities
)

// sweep gives back what it had, and tells who waits.
func (e *env) sweep() {
	e.frames.Close()
	e.caps.Close()
	e.waitUnpinned() // who changes its space has found it before
	e.unasked()
	e.sweepSpace()
	e.sweepCaps()
	e.giveBack()
	e.state.Store(envEnded) // order: before the waiter is read; pairs with waitEnded
	if w := e.waiter.Load(); w != 0 {
		wake(sched.ID(w))
	}
	e.tellEnded()
	e.unref()
}

// sweepSpace takes its address space away. A CPU may still be on its way out of it.
func (e *env) sweepSpace() {
	for spins := 0; ; spins++ {
		done, err := e.space.destroy(sweepPages, nil)
		if done {
			return
		}
		if err != nil {
			machine.Relax(spins)
		}
	}
}

// sweepCaps deletes what it holds. Who was giving it something just then has had it charged; so it holds nothing when it pays for
// nothing.
func (e *env) sweepCaps() {
	for spins := 0; ; spins++ {
		for i := range min(e.noted.Load(), firstNotes) {
			e.dropSlot(e.notes[i].Load())
		}
		if e.holdsNothing() {
			return
		}
		slot, at := e.lowSlot.Load(), cap.Name(0)
		for slot != 0 && slot <= e.highSlot.Load() {
			c := preemptOff()
			slot, at = capTab.Drop(c.CPU, e.holder(), slot, at, sweepSlots)
			c.PreemptEnable()
			if e.holdsNothing() {
				return
			}
		}
		if spins > 2 {
			machine.Relax(spins)
		}
	}
}

// holdsNothing says that it pays for no capability, nor thread.
func (e *env) holdsNothing() bool {
	_, used := e.caps.Read()
	return used == 0
}

// dropSlot deletes its capability in a slot, if that is its.
func (e *env) dropSlot(slot uint32) {
	for at, again := cap.Name(0), true; again; again = at != 0 {
		steps, before := sweepSlots, at
		c := preemptOff()
		at = capTab.DropSlot(c.CPU, e.holder(), slot, at, &steps)
		c.PreemptEnable()
		if at != 0 && at == before {
			return // somebody else's teardown is under way: the others first
		}
	}
}

// tearEnv ends the environment whose first capability is deleted.
func tearEnv(_ int, name cap.Name, rights cap.Rights, o cap.Object) {
	if rights&owns != 0 {
		recordOf(cap.Holder(o.First)).disown()
	}
	unpaid(name, 0)
}

// disown ends it, for nobody can name it any more.
func (e *env) disown() {
	e.finish(abi.StatusKilled)
	e.unref()
}

// waitEnded returns OK when the environment of a number has ended, or is no more, TimedOut if the time comes first, Interrupted if the
// caller is to do something else.
func waitEnded(number cap.Holder, t *thread, until uint64) abi.Errno {
	for !t.interrupted() {
		c := preemptOff()
		e := pin(number)
		if e == nil {
			c.PreemptEnable()
			return abi.OK
		}
		e.waiter.CompareAndSwap(0, t.task.Load())
		ended := e.state.Load() == envEnded // order: after waiter; pairs with sweep
		woken := e.waiter.Load() == t.task.Load()
		late := !ended && until != abi.Forever && amd64.NowNs() >= until
		if (ended || late) && woken {
			e.waiter.CompareAndSwap(t.task.Load(), 0)
		}
		e.unpin()
		c.PreemptEnable()
		switch {
		case ended:
			return abi.OK
		case late:
			return abi.TimedOut
		case recordOf(number).tryReap():
		case woken:
			parkUntil(until)
		default:
			parkUntil(min(amd64.NowNs()+waitNs, until)) // somebody else is to be woken
		}
	}
	return abi.Interrupted
}

// waitNs is how long a task sleeps between two looks, where nobody wakes it.
const waitNs = 50_000

// The reaper sweeps up where no thread is left to do it, and who has seen that may not.
var reaper struct {
	task    atom.Uint64
	waiting [maxEnvs / 64]atom.Uint64 // bit i: record i
}

func callReaper(e *env) {
	reaper.waiting[e.slot/64].Or(1 << (e.slot % 64))
	callTask(&reaper.task)
}

func reap(uint64) uint64 {
	reaper.task.Store(uint64(currentPart().id))
	for {
		for i := range reaper.waiting {
			w := reaper.waiting[i].Swap(0)
			for j := range 64 {
				if w>>j&1 != 0 {
					envTable[i*64+j].tryReap()
				}
			}
		}
		park()
	}
}

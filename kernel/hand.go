//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sched"
	"exo/kernel/sync/atom"
)

// The short way from a thread to one that waits for it: IPCCall and IPCReplyWait in their usual case. The other one waits already, was here
// last, and nothing is more urgent; neither capability nor time limit is in the call; and the thread has used the same capability before.
// Everything is checked before anything is changed: else ipc.go does it all.
//
// G1 of endpoint.go: a gate's lock is held from the check of the capability until the message has been brought and, by who receives, the wait
// has begun. The teardown of the capability, or of the one that the gate was made with, which is later than those of what was derived from
// it, begins after the check has failed, and takes that lock.
//
// G2 of endpoint.go: who sets Pending wakes the thread afterwards. If that finds it running there is a permit, and its task's word is not what it
// was to be when its stack has been left; then, in handLate, it is ready at once, and looks at Pending in handResumed.
//
// It is no quiescent state of RCU's, as other switches are: the next tick, or one that finds ring 3, is.
//
// Nothing is held where hand is called but that lock: a system call begins with none, in no section, and preemption on.

// usedGate is a capability for an endpoint that the thread has used: what it names is gate as long as it is alive.
type usedGate struct {
	name uint64
	who  cap.Holder
	gate *gate
	is   cap.Known
}

func (k *usedGate) forget() {
	k.name, k.gate = 0, &gateTable[0]
	k.is.Forget()
}

// learn remembers a capability that the thread has just used. Errors do not matter: it looks it up again then.
//
//go:noinline
func (t *thread) learn(k *usedGate, name uint64, need cap.Rights) {
	is, o, ok := capTab.Know(cap.Name(name), t.env.holder(), cap.Kind(abi.KindEndpoint), need)
	if ok && amd64.MayHand() {
		*k = usedGate{name, t.env.holder(), &gateTable[o.First], is}
	}
}

// sysIPCCall calls.
//
//go:nosplit
func sysIPCCall(s *amd64.UserState, f *amd64.SysFrame) int64 {
	if t := threadOf(s); t.calls.name^f.RDI|f.R9 == 0 && int64(f.RSI) >= 0 {
		now, f1, s1 := amd64.NowNsWith(unsafe.Pointer(s), unsafe.Pointer(f))
		f, s = (*amd64.SysFrame)(f1), (*amd64.UserState)(s1)
		t := threadOf(s)
		if p := t.calls.gate; p.lock.TryLock() {
			if t.calls.is.Alive() {
				if r := p.receivers.first; r != nil {
					me, task := here(), r.wait.task
					if c := me.sched; c.RanHere(task) {
						if c.MayHandOver(task, now) {
							if task.TakeOver(task.Word()) {
								prev := c.HandedOver(task, now)
								if next := r.wait.next; next != nil {
									p.receivers.first, next.wait.prev = next, nil
								} else {
									p.receivers = waitList{}
								}
								g := r.wait.frame
								g.RSI, g.RDX, g.R8, g.R9, g.R10 = uint64(t.calls.who), f.RDX, f.R10, f.R8, 0
								r.wait.caller, r.wait.asked = t, t.wait.following()
								t.wait.word.StoreRelease(r.wait.asked | stageAnswer)
								p.lock.Unlock()
								return t.hand(me, r, prev, int64(f.RSI))
							}
						}
					}
				}
			}
			p.lock.Unlock()
		}
	}
	return threadOf(s).callSlowly(f)
}

// sysIPCReplyWait replies and waits.
//
//go:nosplit
func sysIPCReplyWait(s *amd64.UserState, f *amd64.SysFrame) int64 {
	if t := threadOf(s); t.receives.name^f.RDI|f.R9 == 0 {
		now, f1, s1 := amd64.NowNsWith(unsafe.Pointer(s), unsafe.Pointer(f))
		f, s = (*amd64.SysFrame)(f1), (*amd64.UserState)(s1)
		t := threadOf(s)
		if p := t.receives.gate; p.lock.TryLock() {
			if c := t.wait.caller; c != nil {
				task, w := c.wait.task, c.wait.task.Word() // order: before the wait is looked at; if it is that one, it is so until TakeOver
				if asked := t.wait.asked; c.wait.word.Load() == asked|stageAnswer {
					if t.receives.is.Alive() {
						if p.waiters.first == nil {
							me := here()
							if cpu := me.sched; cpu.RanHere(task) {
								if cpu.MayHandOver(task, now) {
									if task.TakeOver(w) { // and nobody else ends its wait: it does not run, and is t's to answer
										prev, result := cpu.HandedOver(task, now), int64(f.RSI) // order: before another CPU's caller may bring t its message
										g := c.wait.frame
										g.RDX, g.R8, g.R9, g.R10 = f.RDX, f.R10, f.R8, 0
										c.wait.word.StoreRelease(asked | stageNone) // deadlock.go looks
										t.wait.caller, t.wait.name = nil, cap.Name(f.RDI)
										t.wait.word.StoreRelease(t.wait.following() + stageReceives)
										if p.receivers.first == nil {
											p.receivers, t.wait.next, t.wait.prev = waitList{t, t}, nil, nil
										} else {
											p.receivers.pushFront(t)
										}
										p.lock.Unlock()
										return t.hand(me, c, prev, result)
									}
								}
							}
						}
					}
				}
			}
			p.lock.Unlock()
		}
	}
	return threadOf(s).replySlowly(f)
}

// hand goes on with another thread, whose task is this CPU's current one already, in place of the caller's, prev; in ring 3 at once, with
// a result, if that one has been left by hand, too: its wait's result does not matter then. It ran on this CPU last. Interrupts
// are off.
//
//exo:inline
func (t *thread) hand(me *local, to *thread, prev *sched.Task, result int64) int64 {
	if !to.wait.stack.AtCall() {
		t.handSlowly(me, to, prev, result)
		return 0
	}
	me.thread = to
	cr3 := uint64(0)
	if s, tlb := to.space, me.tlb; !tlb.Runs(s) {
		var set *atom.Uint64
		cr3, set = tlb.Change(s.Local(me.cpu), s)
		*amd64.ThisCPU().Leaves() = unsafe.Pointer(set)
	}
	word, old := prev.ParkWord()
	amd64.Hand(&to.user, to.wait.frame, to.wait.stack, word, old, t.wait.stack, result, cr3)
	return 0
}

// handSlowly is hand for one that has been left otherwise. It does not return.
//
//go:noinline
func (t *thread) handSlowly(me *local, to *thread, prev *sched.Task, result int64) {
	to.over(result)
	me.switchUser(to)
	amd64.HandOver(unsafe.Pointer(prev), unsafe.Pointer(me.sched), uintptr(sched.Parks|passed), to.wait.stack, t.wait.stack)
}

// goesOn waits on, or is done.
func (t *thread) goesOn() int64 {
	if t.wait.word.Load()&(stages-1) == stageDone {
		return t.wait.result
	}
	return t.await(t.receives.gate, nil, abi.Forever) // a caller's has no part in it
}

// handResumed is the end of a system call that hand has left, if it is not by hand that it ends.
func handResumed(prev, c unsafe.Pointer, why uintptr) int64 {
	finishSwitch(prev, c, why)
	return here().thread.goesOn()
}

// handLates counts them, for tests.
var handLates atom.Uint64

// handLate is for a task that hand has left, and that was woken before.
func handLate(word unsafe.Pointer) {
	handLates.Add(1)
	here().sched.Return(sched.OfWord(word), sched.Parks)
}

const _ = -(amd64.Parking ^ sched.Parking)

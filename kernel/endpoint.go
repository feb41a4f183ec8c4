//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/mm"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Gates, where threads meet: endpoints, where calls are made and received (ipc.go), and notifications, bits that are waited for
// (notify.go). And how a thread waits at one.
//
//	                              message, bits
//	queued  receives  answered ───────────────────► done      by who brings it
//	   └───────┴─────────┴────────────────────────► nothing   by the thread itself: told to go on, or too late
//
// Guarantees:
//
// G1. A wait ends once: by what was waited for, by the end of the gate or of the capability that led there (Revoked), by the time
// (TimedOut), by what is pending for the thread (Interrupted), or by the end of who was to answer (Dead). What was brought to it
// has been taken from who brought it, and is not lost.
// G2. No wake-up is lost: who waits is in a list, under the gate's lock, before it blocks; a thread looks at Pending after
// that, and who sets that wakes it afterwards.
// G3. A gate lives as long as the capability that it was made with, and costs its holder that one. Its record is another's later:
// who comes late finds another life.
//
// The lock of a gate is taken with interrupts off, by handlers too, and nothing waits while it is held. Under it come a task's state and
// a CPU's queues, and no other lock.

// gate is an endpoint or a notification: one after another.
type gate struct {
	lock      sync.Ticket
	slot      uint32
	life      atom.Uint64 // which one: changes when it is no more
	owner     cap.Name    // of the capability that it was made with
	waiters   waitList    // who has called and not been received, or waits for bits: oldest first
	receivers waitList    // newest first: what that thread uses is near
	bits      uint64      // of a notification, that nobody has taken

	when  uint64      // of its timer (timers.go)
	rings uint64      // the bits that it sets
	whose uint64      // in which life
	known atom.Uint64 // whose thread.life has received here, 0: nobody's, severalKnown: several (deadlock.go)
	_     [16]byte    // 128 bytes in all
	at    atom.Uint32 // 1 + where it is among the timers; 0: it is not
}

var (
	gateTable []gate // gateTable[0] is never used
	gatePool  sync.Pool
)

const maxGates = 4096

// reserveGates takes the memory for so many.
func reserveGates() {
	bytes := physical.Intersect(0, uint64(mm.PhysLimit))
	n := int(min(max(bytes>>18, 256), maxGates))
	gateTable = pieces[gate](n, mm.Range{})
	gatePool.Init(pieces[sync.Link](n, mm.Range{}), pieces[sync.PoolCPU](ncpu, mm.Range{}))
	timers.heap = pieces[*gate](n, mm.Range{})
	for i := range gateTable {
		gateTable[i].slot = uint32(i)
	}
}

// waiting is a thread's part in waits.
type waiting struct {
	word   atom.Uint64     // the stage, and how many waits there have been in all lives of the record
	task   *sched.Task     // the thread's
	frame  *amd64.SysFrame // of its calls: where the message is that it brings, and where one goes to
	result int64           // what the call returns
	next   *thread
	prev   *thread
	name   cap.Name // of the capability by which it came
	mask   uint64   // of a notification: the bits

	stack *amd64.Thread // the task's

	caller *thread // whom it is to answer, nil: nobody
	asked  uint64  // and in which of that one's waits
	until  uint64  // of the next call, 0: no limit
}

// Stages.
const (
	stageNone     uint64 = iota
	stageQueued          // in gate.waiters; changed under the gate's lock
	stageReceives        // in gate.receivers; so too
	stageAnswer          // received; changed by who answers, or by the thread itself, by compare-and-swap
	stageTaken           // somebody is about to answer: with interrupts off, so not for long
	stageDone
	stages = 8
)

// following is the word of its next wait, without a stage.
func (w *waiting) following() uint64 { return w.word.Load()&^(stages-1) + stages }

// begin begins a wait.
func (w *waiting) begin(stage uint64) uint64 {
	n := w.following()
	w.word.Store(n | stage)
	return n
}

// waitList is a list of threads.
type waitList struct{ first, last *thread }

//go:noinline
func (l *waitList) push(t *thread) {
	t.wait.next, t.wait.prev = nil, l.last
	if l.last != nil {
		l.last.wait.next = t
	} else {
		l.first = t
	}
	l.last = t
}

func (l *waitList) pushFront(t *thread) {
	first := l.first
	t.wait.next, t.wait.prev, l.first = first, nil, t
	if first != nil {
		first.wait.prev = t
	} else {
		l.last = t
	}
}

//go:noinline
func (l *waitList) remove(t *thread) {
	if t.wait.prev != nil {
		t.wait.prev.wait.next = t.wait.next
	} else {
		l.first = t.wait.next
	}
	if t.wait.next != nil {
		t.wait.next.wait.prev = t.wait.prev
	} else {
		l.last = t.wait.prev
	}
}

// wake has a thread look whether its wait is over.
//
//go:noinline
func (t *thread) wake() { wake(sched.ID(t.task.Load())) }

// over ends the wait of a thread that the caller has taken out of its list, or claimed. The thread is to be woken.
func (t *thread) over(result int64) {
	t.wait.result = result
	t.wait.word.Store(t.wait.word.Load()&^(stages-1) | stageDone) // order: after all that it is to find; pairs with await
}

// await waits until the wait that has begun is over, and returns what the call is to. next, unless it is nil, goes on: in the caller's
// place, if that can be. Interrupts are off.
func (t *thread) await(p *gate, next *thread, until uint64) int64 {
	for {
		no := abi.OK
		if t.interrupted() { // order: after the wait has begun; pairs with nudge (G2)
			no = abi.Interrupted
		} else if until != abi.Forever && amd64.NowNs() >= until {
			no = abi.TimedOut
		}
		if no != abi.OK {
			if next != nil {
				next.wake()
				next = nil
			}
			if t.cancel(p) {
				return int64(no)
			}
			break
		}
		if until == abi.Forever {
			t.pass(next)
		} else {
			t.passUntil(next, until)
		}
		next = nil
		if t.wait.word.Load()&(stages-1) == stageDone {
			break
		}
	}
	return t.wait.result
}

// pass has next go on, and waits to be woken; perhaps not for long enough.
func (t *thread) pass(next *thread) {
	me := here()
	if next != nil {
		if prev := me.sched.HandOver(next.wait.task, next.wait.task.Word(), amd64.NowNs()); prev != nil {
			to := me.sched.Current()
			me.switchThread(to)
			switchTo((*amd64.Thread)(prev.Part), (*amd64.Thread)(to.Part), prev, me.sched, sched.Parks|passed)
			return
		}
		next.wake()
	}
	if !me.sched.TakePermit() {
		me.reschedule(sched.Parks)
	}
}

// passUntil is pass for who waits no longer than until a time.
func (t *thread) passUntil(next *thread, until uint64) {
	if next != nil {
		next.wake()
	}
	here().sched.WakeAt(until)
	here().reschedule(sched.Parks)
	here().sched.Awake()
}

// cancel has the wait be over without result; false: it is over already. Interrupts are off.
//
//go:noinline
func (t *thread) cancel(p *gate) bool {
	for {
		w := t.wait.word.Load()
		switch w & (stages - 1) {
		case stageDone:
			return false
		case stageTaken:
			amd64.Pause()
		case stageAnswer:
			if t.wait.word.CompareAndSwap(w, w&^(stages-1)) {
				return true
			}
		default:
			p.enter()
			same := t.wait.word.Load() == w
			if same {
				if w&(stages-1) == stageQueued {
					p.waiters.remove(t)
				} else {
					p.receivers.remove(t)
				}
				t.wait.word.Store(w &^ (stages - 1))
			}
			p.lock.Unlock()
			if same {
				return true
			}
		}
	}
}

// enqueue puts the thread into a list of p, which is locked and then no more; a capability may have gone since it was looked up.
// Errors: Revoked.
func (t *thread) enqueue(p *gate, kind uint64, name cap.Name, stage uint64) abi.Errno {
	t.wait.name = name
	t.wait.begin(stage)
	if stage == stageQueued {
		p.waiters.push(t)
	} else {
		p.receivers.pushFront(t)
	}
	owner := p.owner
	p.lock.Unlock()
	// The teardown of what p was made with changes its life. That of others looks at the lists, perhaps before.
	if name != owner && capTab.Check(name, t.env.holder(), cap.Kind(kind), 0) != nil && t.cancel(p) {
		return abi.Revoked
	}
	return abi.OK
}

// meet finds a gate by a capability, and locks it. Interrupts are off. Errors: as of a lookup.
func (t *thread) meet(name uint64, kind uint64, need cap.Rights) (*gate, abi.Errno) {
	o, err := capTab.Lookup(cap.Name(name), t.env.holder(), cap.Kind(kind), need)
	if err != nil {
		return nil, capErrno(err)
	}
	p := &gateTable[o.First]
	if p.enter(); p.life.Load() != o.Second {
		p.lock.Unlock()
		return nil, abi.BadCap
	}
	return p, abi.OK
}

// enter locks the gate.
func (p *gate) enter() {
	if !p.lock.TryLock() {
		p.enterLate()
	}
}

//go:noinline
func (p *gate) enterLate() { p.lock.Lock(pause) }

// newGate makes one for the caller's environment.
func (t *thread) newGate(account, kind uint64) int64 {
	if no := t.account(account); no != abi.OK {
		return int64(no)
	}
	return t.env.newGate(kind)
}

func (e *env) newGate(kind uint64) int64 {
	if no := e.charge(0); no != abi.OK {
		return int64(no)
	}
	c := preemptOff()
	got := e.newGateOn(c.CPU, kind)
	c.PreemptEnable()
	return got
}

// newGateOn is newGate for who has been charged. Preemption off.
func (e *env) newGateOn(cpu int, kind uint64) int64 {
	i := gatePool.Get(cpu)
	if i == 0 {
		e.discharge(0)
		return int64(abi.NoSlots)
	}
	p := &gateTable[i]
	p.bits = 0
	p.known.Store(0)
	name, no := e.create(cpu, kind, cap.AllRights, cap.Object{First: uint64(i), Second: p.life.Load()})
	if no != abi.OK {
		gatePool.Put(cpu, i)
		return int64(no)
	}
	flags := amd64.IRQDisable()
	p.enter()
	p.owner = name
	p.lock.Unlock()
	amd64.IRQRestore(flags)
	return int64(name)
}

func sysEndpointCreate(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	return threadOf(s).newGate(f.RDI, abi.KindEndpoint)
}

// tearGate is the teardown of a capability for a gate: all who wait by it are told; if it is the one that the gate was made with,
// all who wait there, and the gate is no more.
func tearGate(cpu int, name cap.Name, rights cap.Rights, o cap.Object) {
	p := &gateTable[o.First]
	all := rights&owns != 0
	flags := amd64.IRQDisable()
	p.enter()
	if all {
		p.life.Add(1)
		p.owner = 0
	}
	p.revoke(&p.waiters, name, all)
	p.revoke(&p.receivers, name, all)
	p.lock.Unlock()
	if all {
		timers.set(p, 0, 0)
	}
	amd64.IRQRestore(flags)
	if all {
		gatePool.Put(cpu, uint32(o.First))
	}
	unpaid(name, 0)
}

// revoke ends the waits of a list, all or those by a name. The gate is locked.
func (p *gate) revoke(l *waitList, name cap.Name, all bool) {
	for t := l.first; t != nil; {
		next := t.wait.next // before it may go elsewhere
		if all || t.wait.name == name {
			l.remove(t)
			t.over(int64(abi.Revoked))
			t.wake()
		}
		t = next
	}
}

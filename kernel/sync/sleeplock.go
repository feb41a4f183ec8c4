// Package sync … sleeplock.go: a lock whose waiters give up the CPU, and lend the holder their priority meanwhile.
//
//	             Lock  TryLock  Unlock  SetPriority      X: callers exclude each other; -: may run together
//	Lock           X      X       -         -
//	TryLock        X      X       -         -
//	Unlock         -      -       X         -
//	SetPriority    -      -       -         -
//
// G1. Between Lock and Unlock the context is alone, and sees all that earlier holders wrote before they unlocked.
// G2. Unlock hands the lock to the most urgent waiter, and to the first of several. Nobody comes between.
// G3. No wake-up is lost: whoever waits for a lock that is released is woken when it becomes its own.
// G4. A holder is at least as urgent as whoever waits for one of its locks, and through them, transitively (basic priority
// inheritance: Sha, Rajkumar & Lehoczky, IEEE ToC 1990). When it unlocks, it keeps what the waiters of its other locks lend.
// G5. What may wait is refused where waiting is forbidden, also when it would not have had to wait: while preemption is off,
// under a spinlock, in a context that cannot sleep; and against lock order (order.go).
//
// How: the owner word is nil (free), the holder (nobody waits), or &contended (holder and waiters are in the other fields).
// With nobody waiting, Lock and Unlock are one CAS on it each. It becomes &contended, and stops being so, only under the
// guard, which is one for all sleeplocks. So a chain of who waits for whom stands still while priorities travel along it,
// and the chain ends: the declared order has no circles. The cost: contended Locks and Unlocks of unrelated sleeplocks
// wait for each other, each as long as a chain and its queues are. They are about to switch tasks anyway.
// And as nobody comes between, each lock under contention costs a switch per holder.
//
// Progress: blocking; without contention, one CAS. Callers: tasks, interrupts on. Unlock does not wait, but takes a spinlock
// of ClassPI: it is refused under those that this may not follow.
// Memory: a waiter's queue links are in its Context; a lock may go away when nobody holds it or waits for it.
// Not promised: a limit on the wait; that TryLock succeeds while the lock is being handed over.
package sync

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// Sleeplock is a mutual exclusion lock for tasks. Its class is given as Sleeplock{Class: …} or by Init.
type Sleeplock struct {
	Class Class
	owner atom.Pointer[Context]

	// Touched under the guard, and meaningful while owner is &contended.
	holder     *Context
	first      *Context   // who waits, linked by Context.next: the most urgent first, equals as they came
	nextWanted *Sleeplock // in holder.wanted
}

// guard protects all queues of waiters, and all priorities.
var guard = Spinlock{Class: ClassPI}

// contended stands in an owner word for a holder whose lock is waited for.
var contended Context

// Init sets the lock's class, before its first use.
func (l *Sleeplock) Init(class Class) { l.Class = class }

// Lock waits until the lock is c's.
//
//go:noinline
func (l *Sleeplock) Lock(c *Context) {
	var site uintptr
	if CallerPC != nil {
		site = CallerPC()
	}
	if c.doubtful(l.Class, kindSleep) {
		c.judge(l.Class, kindSleep, unsafe.Pointer(l), site)
	}
	c.assertMaySleep()
	if !l.owner.CompareAndSwap(nil, c) { // order: pairs with the CAS in Unlock (G1)
		l.wait(c)
	}
	c.push(l.Class, unsafe.Pointer(l), site)
}

// TryLock takes the lock if it is free. What forbids Lock forbids TryLock.
//
//go:noinline
func (l *Sleeplock) TryLock(c *Context) bool {
	var site uintptr
	if CallerPC != nil {
		site = CallerPC()
	}
	if c.doubtful(l.Class, kindSleep) {
		c.judge(l.Class, kindSleep, unsafe.Pointer(l), site)
	}
	c.assertMaySleep()
	if !l.owner.CompareAndSwap(nil, c) { // order: as in Lock
		return false
	}
	c.push(l.Class, unsafe.Pointer(l), site)
	return true
}

// Unlock releases the lock, which c holds.
func (l *Sleeplock) Unlock(c *Context) {
	if !c.popLast(unsafe.Pointer(l)) {
		c.popAny(unsafe.Pointer(l))
	}
	if c.held&rules[ClassPI].refuses != 0 { // handOver would be refused: so is what might have needed it
		c.judge(ClassPI, kindSpin, unsafe.Pointer(&guard), 0)
	}
	if !l.owner.CompareAndSwap(c, nil) { // order: pairs with the CAS in Lock and TryLock (G1)
		l.handOver(c)
	}
}

// assertMaySleep panics where waiting is forbidden.
func (c *Context) assertMaySleep() {
	if c.preempt != 0 {
		panic("sleeplock: taken while preemption is off")
	}
	if c.Sleeper == nil {
		panic("sleeplock: taken by a context that cannot sleep")
	}
}

// wait queues c, lends the holder its priority, and sleeps until the lock is c's.
func (l *Sleeplock) wait(c *Context) {
	guard.Lock(c)
	for spins := 0; !l.contend(); spins++ {
		if l.owner.CompareAndSwap(nil, c) { // it was released meanwhile
			guard.Unlock(c)
			return
		}
		if Relax != nil {
			Relax(spins)
		}
	}
	c.granted.Store(0)
	c.waitsFor = l
	l.enqueue(c)
	refresh(l.holder)
	guard.Unlock(c)
	for c.granted.Load() == 0 { // order: pairs with the store in handOver (G1)
		c.Sleeper.Park()
	}
}

// contend makes the owner word say that there are waiters, unless the lock is free or changes hands just now. From then
// on the holder cannot release the lock without the guard, which the caller has.
func (l *Sleeplock) contend() bool {
	o := l.owner.Load()
	if o == &contended {
		return true
	}
	if o == nil || !l.owner.CompareAndSwap(o, &contended) {
		return false
	}
	l.setHolder(o)
	return true
}

// setHolder makes o the holder of a lock that is waited for.
func (l *Sleeplock) setHolder(o *Context) {
	l.holder = o
	l.nextWanted, o.wanted = o.wanted, l
}

// handOver gives the lock, which c holds and others wait for, to the first of them.
func (l *Sleeplock) handOver(c *Context) {
	// From the guard's release to the Unpark c may be less urgent than a third party that is ready to run, while the one
	// that it must wake is more urgent: so c is not preempted until it has.
	c.PreemptDisable()
	guard.Lock(c)
	at := &c.wanted
	for *at != l {
		at = &(*at).nextWanted
	}
	*at = l.nextWanted
	w := l.first
	l.first = w.next
	w.waitsFor, w.next = nil, nil
	if l.first != nil {
		l.setHolder(w) // w's priority stays: nobody behind it in the queue is more urgent
	} else {
		l.holder, l.nextWanted = nil, nil
		l.owner.Store(w)
	}
	refresh(c)
	s := w.Sleeper
	w.granted.Store(1) // order: publishes what c wrote under the lock; pairs with the load in wait (G1)
	guard.Unlock(c)
	s.Unpark()
	c.PreemptEnable()
}

// enqueue puts c behind all waiters that are as urgent, or more.
func (l *Sleeplock) enqueue(c *Context) {
	p := c.EffectivePriority()
	at := &l.first
	for *at != nil && (*at).EffectivePriority() >= p {
		at = &(*at).next
	}
	c.next, *at = *at, c
}

// dequeue takes c out of the queue.
func (l *Sleeplock) dequeue(c *Context) {
	at := &l.first
	for *at != c {
		at = &(*at).next
	}
	*at = c.next
}

// refresh brings up to date the priority of c, whose own or one of whose waiters' has changed, and of whom it waits for,
// and so on. The caller has the guard.
func refresh(c *Context) {
	for {
		p := c.base.Load()
		for l := c.wanted; l != nil; l = l.nextWanted {
			p = max(p, l.first.effective.Load())
		}
		if p == c.effective.Load() {
			return
		}
		c.effective.Store(p)
		if PriorityChanged != nil {
			PriorityChanged(c)
		}
		l := c.waitsFor
		if l == nil {
			return
		}
		l.dequeue(c)
		l.enqueue(c)
		c = l.holder
	}
}

// SetPriority gives c a priority of its own; larger is more urgent. The caller is the context by, which may be c.
func (c *Context) SetPriority(priority int, by *Context) {
	guard.Lock(by)
	c.base.Store(int64(priority))
	refresh(c)
	guard.Unlock(by)
}

// Priority is what SetPriority gave c last. Anybody may ask.
func (c *Context) Priority() int { return int(c.base.Load()) }

// EffectivePriority is that, or the priority of the most urgent context that waits for a lock of c's, if this is more
// urgent. Anybody may ask.
func (c *Context) EffectivePriority() int { return int(c.effective.Load()) }

// Below says whether its effective priority is below p.
func (c *Context) Below(p int64) bool { return c.effective.Load() < p }

// BasePriority is what it was given.
func (c *Context) BasePriority() int { return int(c.base.Load()) }

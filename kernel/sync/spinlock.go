// Package sync … spinlock.go: a spinlock with a class: the queued lock of mcs.go, its order checked.
//
//	        Lock  TryLock  Unlock        X: callers exclude each other; -: may run together
//	Lock      X      X       -
//	TryLock   X      X       -
//	Unlock    -      -       X
//
// G1. Between Lock and Unlock the context is alone, and sees all that earlier holders wrote before they unlocked.
// G2. It is not preempted: it stays on its CPU, and its preempt count is up from before it begins to wait.
// G3. Lock order is checked before the wait (order.go).
//
// Progress: blocking. Callers: any context, for its own part; with interrupts off if the class is one that handlers take.
// Memory: the lock may go away once Unlock has returned to the last that used it.
// Not promised: order among those who wait, beyond what mcs.go says.
package sync

import "unsafe"

// Spinlock is a spinlock. Its class is given as Spinlock{Class: …} or by Init; a free lock has no other state.
type Spinlock struct {
	Class Class
	raw   MCS
}

// Init sets the lock's class, before its first use.
func (l *Spinlock) Init(class Class) { l.Class = class }

// Lock waits until the lock is c's.
//
//go:noinline
func (l *Spinlock) Lock(c *Context) {
	var site uintptr
	if CallerPC != nil {
		site = CallerPC()
	}
	if c.doubtful(l.Class, kindSpin) {
		c.judge(l.Class, kindSpin, unsafe.Pointer(l), site)
	}
	c.PreemptDisable()
	if !l.raw.TryLock() { // MCS.Lock, inlined
		l.raw.wait(c.CPU, Relax)
	}
	c.push(l.Class, unsafe.Pointer(l), site)
}

// TryLock takes the lock if it is free. The rules of order are those of Lock.
//
//go:noinline
func (l *Spinlock) TryLock(c *Context) bool {
	var site uintptr
	if CallerPC != nil {
		site = CallerPC()
	}
	if c.doubtful(l.Class, kindSpin) {
		c.judge(l.Class, kindSpin, unsafe.Pointer(l), site)
	}
	c.PreemptDisable()
	if !l.raw.TryLock() {
		c.PreemptEnable()
		return false
	}
	c.push(l.Class, unsafe.Pointer(l), site)
	return true
}

// TryHold takes the lock if it is free, for who has interrupts off and calls Drop within a few instructions, which take and wait for nothing:
// so the order of locks has nothing to say of it.
func (l *Spinlock) TryHold() bool { return l.raw.TryLock() }

// Drop ends that.
func (l *Spinlock) Drop() { l.raw.Unlock() }

// Unlock releases the lock, which c holds.
func (l *Spinlock) Unlock(c *Context) {
	if c.held&handlersTake != 0 {
		c.assertInterruptsOff(unsafe.Pointer(l))
	}
	if !c.popLast(unsafe.Pointer(l)) {
		c.popAny(unsafe.Pointer(l))
	}
	l.raw.Unlock()
	c.PreemptEnable()
}

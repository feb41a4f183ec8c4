//go:build exouser

package thread

import (
	"sync/atomic"
	"unsafe"

	"exo/libos/wait"
)

func bitOf[T any](at *T) uint64 { return wait.BitOf(uintptr(unsafe.Pointer(at))) }

// Mutex is a lock; its zero value is free. A thread that has it and takes it again waits forever.
type Mutex struct{ state atomic.Uint32 } // 0 free, 1 held, 2 held and maybe waited for

// Lock takes it.
func (m *Mutex) Lock() {
	for try := uint64(1); !m.state.CompareAndSwap(0, 1); try++ {
		if try > wait.Tries && m.state.Swap(2) == 0 {
			return
		}
		wait.For(try, wait.Own(), bitOf(m))
	}
}

// TryLock takes it if it is free.
func (m *Mutex) TryLock() bool { return m.state.CompareAndSwap(0, 1) }

// Unlock gives it up.
func (m *Mutex) Unlock() {
	switch m.state.Swap(0) {
	case 0:
		panic("thread: Unlock of a free Mutex")
	case 2:
		wait.Ring(wait.Own(), bitOf(m))
	}
}

// Cond is where threads wait for a change of what a Mutex guards; its zero value is ready.
type Cond struct {
	next   atomic.Uint64 // ticket of who waits next
	served atomic.Uint64 // tickets below may go on
	asleep atomic.Uint32 // not 0: some sleep
}

func (c *Cond) ring() {
	if c.asleep.Load() != 0 {
		wait.Ring(wait.Own(), bitOf(c))
	}
}

// Wait gives up m until somebody signals, and has it again when it returns. The caller has m.
func (c *Cond) Wait(m *Mutex) {
	ticket := c.next.Add(1) - 1
	m.Unlock()
	for try := uint64(1); c.served.Load() <= ticket; try++ {
		if try > wait.Tries {
			c.asleep.Store(1)
			if c.served.Load() > ticket {
				break
			}
		}
		wait.For(try, wait.Own(), bitOf(c))
	}
	if c.served.Load() > ticket+1 {
		c.ring() // the bell wakes one; the next one is to go on, too
	}
	m.Lock()
}

// Signal lets the one go on who waits longest.
func (c *Cond) Signal() {
	for {
		s := c.served.Load()
		if s == c.next.Load() || c.served.CompareAndSwap(s, s+1) {
			c.ring()
			return
		}
	}
}

// Broadcast lets all go on.
func (c *Cond) Broadcast() {
	for {
		s, n := c.served.Load(), c.next.Load()
		if s >= n || c.served.CompareAndSwap(s, n) {
			c.ring()
			return
		}
	}
}

// Once runs a function once.
type Once struct {
	done atomic.Uint32
	m    Mutex
}

// Do runs fn, unless it has been run; in any case it has when Do returns.
func (o *Once) Do(fn func()) {
	if o.done.Load() != 0 {
		return
	}
	o.m.Lock()
	defer o.m.Unlock()
	if o.done.Load() == 0 {
		defer o.done.Store(1)
		fn()
	}
}

// Package waiting sleeps where it must not.
package waiting

import "exo/kernel/sync"

var (
	spin  = sync.Spinlock{Class: sync.ClassQueue}
	sleep = sync.Sleeplock{Class: sync.ClassInode}
	rcu   sync.RCU
)

func underSpinlock(c *sync.Context) {
	spin.Lock(c)
	sleep.Lock(c) // want `class inode is taken while a spinlock of class queue is held since waiting/waiting.go:13: it may sleep`
	sleep.Unlock(c)
	spin.Unlock(c)
	sleep.Lock(c)
	spin.Lock(c)
	spin.Unlock(c)
	sleep.Unlock(c)
}

func grace(c *sync.Context) {
	rcu.Synchronize(c, func(int) {})
	spin.Lock(c)
	rcu.Synchronize(c, func(int) {}) // want `Synchronize may sleep, and a spinlock of class queue is held since waiting/waiting.go:25`
	spin.Unlock(c)
	c.ReadLock()
	synchronize(c)
	c.ReadUnlock()
	sleep.Lock(c)
	rcu.Synchronize(c, func(int) {})
	sleep.Unlock(c)
}

func synchronize(c *sync.Context) {
	rcu.Synchronize(c, nil) // want `Synchronize may sleep, and an RCU read section is open since waiting/waiting.go:28; called by waiting.grace \(waiting/waiting.go:29\)`
}

func sections(c *sync.Context) {
	c.ReadLock()
	spin.Lock(c)
	spin.Unlock(c)
	c.ReadLock()
	c.ReadUnlock()
	sleep.Lock(c) // want `class inode is taken while an RCU read section is open since waiting/waiting.go:41: it may sleep`
	sleep.Unlock(c)
	c.ReadUnlock()
	sleep.Lock(c)
	sleep.Unlock(c)
}

func inCallee(c *sync.Context) {
	begin(c)
	sleep.Lock(c) // want `an RCU read section is open since waiting/waiting.go:62: it may sleep`
	sleep.Unlock(c)
	end(c)
	sleep.Lock(c)
	sleep.Unlock(c)
}

func begin(c *sync.Context) { c.ReadLock() }
func end(c *sync.Context)   { c.ReadUnlock() }

func park(c *sync.Context, s sync.Sleeper) {
	s.Park()
	spin.Lock(c)
	s.Park() // want `Park may sleep, and a spinlock of class queue is held`
	s.Unpark()
	spin.Unlock(c)
}

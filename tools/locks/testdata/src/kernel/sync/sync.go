// Package sync stands in for the kernel's: the same names, no bodies to speak of.
package sync

type Context struct{ n int }

func (c *Context) ReadLock()   { c.n++ }
func (c *Context) ReadUnlock() { c.n-- }

type Spinlock struct {
	Class Class
	raw   MCS
}

func (l *Spinlock) Init(class Class)        { l.Class = class }
func (l *Spinlock) Lock(c *Context)         { l.raw.Lock(0, nil) }
func (l *Spinlock) TryLock(c *Context) bool { return l.raw.TryLock() }
func (l *Spinlock) Unlock(c *Context)       { l.raw.Unlock() }

type Sleeplock struct {
	Class Class
	owner *Context
}

// guard is taken inside of a sleeplock, as in the kernel.
var guard = Spinlock{Class: ClassPI}

func (l *Sleeplock) Init(class Class) { l.Class = class }

func (l *Sleeplock) Lock(c *Context) {
	guard.Lock(c)
	l.owner = c
	guard.Unlock(c)
}

func (l *Sleeplock) TryLock(c *Context) bool { return l.owner == nil }
func (l *Sleeplock) Unlock(c *Context)       { l.owner = nil }

type Ticket struct{ n int }

func (l *Ticket) Lock(relax func()) { l.n++ }
func (l *Ticket) Unlock()           { l.n-- }

type MCS struct{ n int }

func (l *MCS) Lock(cpu int, relax func(int)) { l.n++ }
func (l *MCS) TryLock() bool                 { return l.n == 0 }
func (l *MCS) Unlock()                       { l.n-- }

type RCU struct{ n int }

func (r *RCU) Synchronize(c *Context, wait func(int)) { wait(r.n) }

type Sleeper interface {
	Park()
	Unpark()
}

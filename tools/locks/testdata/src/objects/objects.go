// Package objects has locks whose class is missing, or not one.
package objects

import (
	"unsafe"

	"exo/kernel/sync"
)

var bare sync.Spinlock // want `Spinlock objects.bare has no class`

type node struct {
	lock  sync.Spinlock // want `Spinlock objects.node.lock has no class`
	other sync.Spinlock
}

var anonymous struct {
	lock sync.Sleeplock // want `Sleeplock objects.anonymous.lock has no class`
}

var slice []sync.Spinlock // want `Spinlock objects.slice has no class`

func two(a, b *node) {
	a.other.Init(sync.ClassQueue)
	b.other.Init(sync.ClassPI) // want `Spinlock objects.node.other is given class pi here and queue at objects/objects.go:24`
}

var (
	wrong   = sync.Spinlock{Class: sync.ClassInode} // want `Spinlock objects.wrong is given class inode, which is not one of spinlocks`
	none    = sync.Spinlock{Class: sync.ClassNone}  // want `is given number 0, which is no class` `has no class`
	big     = sync.Sleeplock{Class: 40}             // want `is given number 40, which is no class` `has no class`
	unclear sync.Spinlock                           // want `has no class`
)

func variable(c sync.Class) {
	unclear.Init(c + 1) // want `cannot tell which class is given to a lock here`
}

// numbered is given its class by its caller, which is a constant there.
func numbered(l *sync.Spinlock, class sync.Class) { l.Init(class) }

var byCaller sync.Spinlock

func callers() { numbered(&byCaller, sync.ClassQueue) }

func fromNumber(c *sync.Context, addr uintptr) {
	l := (*sync.Spinlock)(unsafe.Pointer(addr))
	l.Lock(c) // want `cannot tell which lock this is`
	l.Unlock(c)
}

func local(c *sync.Context) {
	var l sync.Spinlock // want `Spinlock objects.local.l has no class`
	l.Lock(c)
	l.Unlock(c)
	good := sync.Spinlock{Class: sync.ClassQueue}
	good.Lock(c)
	good.Unlock(c)
}

var raw sync.Ticket // want `sync.Ticket has no class and so no place in the lock order`

type device struct {
	mcs sync.MCS // want `sync.MCS has no class`
}

func use(c *sync.Context, n *node) {
	bare.Lock(c)
	n.lock.Lock(c)
	slice[0].Lock(c)
	raw.Lock(nil)
}

// Locks of many classes, said to be so.
var many = [2]sync.Sleeplock{{Class: sync.ClassBuffer}, {Class: sync.ClassLog}}

func manyClasses(c *sync.Context, class sync.Class) {
	many[0].Init(class)
	many[0].Lock(c)
	many[1].Lock(c)
}

// Package direct has nestings within one function.
package direct

import "exo/kernel/sync"

var (
	log     = sync.Sleeplock{Class: sync.ClassLog}
	inodes  [4]sync.Sleeplock
	buffer  = sync.Sleeplock{Class: sync.ClassBuffer}
	queue   = sync.Spinlock{Class: sync.ClassQueue}
	pi      = sync.Spinlock{Class: sync.ClassPI}
	console = sync.Spinlock{Class: sync.ClassConsole}
	pair    = [2]sync.Spinlock{{Class: sync.ClassPair}, {Class: sync.ClassPair}}
)

func setup() {
	for i := range inodes {
		inodes[i].Init(sync.ClassInode)
	}
}

func upward(c *sync.Context) {
	buffer.Lock(c)
	inodes[0].Lock(c) // want `a sleeplock of class inode is taken while a sleeplock of class buffer is held since direct/direct.go:23: the order has no path buffer < inode$`
	inodes[0].Unlock(c)
	buffer.Unlock(c)
}

func unrelated(c *sync.Context) {
	pi.Lock(c)
	pair[0].Lock(c) // want `the order has no path pi < pair$`
	pair[0].Unlock(c)
	pi.Unlock(c)
}

func deferred(c *sync.Context) {
	console.Lock(c)
	defer console.Unlock(c)
	queue.Lock(c) // want `the order has no path console < queue$`
	queue.Unlock(c)
}

func inDeferred(c *sync.Context) {
	defer func() {
		pi.Lock(c) // want `no path console < pi; called by direct.inDeferred \(direct/direct.go:44\)$`
		pi.Unlock(c)
	}()
	console.Lock(c)
	if log.TryLock(c) { // want `a sleeplock of class log is taken while a spinlock of class console is held since direct/direct.go:48: it may sleep`
		return
	}
}

func deferredTooEarly(c *sync.Context) {
	defer console.Unlock(c)
	console.Lock(c)
	pi.Lock(c) // want `no path console < pi`
	pi.Unlock(c)
}

func tried(c *sync.Context) {
	if !pi.TryLock(c) {
		queue.Lock(c)
		queue.Unlock(c)
		return
	}
	queue.Lock(c) // want `no path pi < queue`
	queue.Unlock(c)
	pi.Unlock(c)
}

func triedAndForgotten(c *sync.Context) {
	ok := pi.TryLock(c)
	_ = ok
	queue.Lock(c) // want `no path pi < queue`
	queue.Unlock(c)
}

func onOneWay(c *sync.Context, both bool) {
	if both {
		pi.Lock(c)
	}
	queue.Lock(c) // want `no path pi < queue`
	queue.Unlock(c)
	if both {
		pi.Unlock(c)
	}
}

func loop(c *sync.Context, n int) {
	for range n {
		queue.Lock(c) // want `class queue is held since direct/direct.go:92: the class does not nest` `no path pi < queue`
		pi.Lock(c)    // want `the class does not nest`
	}
}

func twice(c *sync.Context) {
	queue.Lock(c)
	queue.Lock(c) // want `the class does not nest`
	queue.Unlock(c)
}

func twiceOfANestingClass(c *sync.Context) {
	pair[1].Lock(c)
	pair[1].Lock(c) // want `the same lock is held since direct/direct.go:104`
	pair[1].Unlock(c)
}

func afterOneOfTwo(c *sync.Context) {
	pair[0].Lock(c)
	pair[1].Lock(c)
	pair[0].Unlock(c)
	queue.Lock(c) // want `class pair is held since direct/direct.go:111: the order has no path pair < queue`
	queue.Unlock(c)
	pair[1].Unlock(c)
	queue.Lock(c)
	queue.Unlock(c)
}

func closure(c *sync.Context) {
	within := func(l *sync.Spinlock) {
		l.Lock(c) // want `a spinlock of class queue is taken while a spinlock of class pi .*called by direct.closure \(direct/direct.go:126\)$`
		l.Unlock(c)
	}
	pi.Lock(c)
	within(&queue)
	within(&console)
	pi.Unlock(c)
	within(&queue)
}

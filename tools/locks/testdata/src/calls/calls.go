// Package calls has nestings that cross calls.
package calls

import "exo/kernel/sync"

type file struct {
	lock sync.Sleeplock
	next *file
	bad  bool
}

type block struct{ lock sync.Sleeplock }

type runQueue struct{ lock sync.Spinlock }

var (
	files  [8]file
	blocks [8]block
	queues [4]runQueue
	tty    sync.Spinlock
)

func setup() {
	for i := range files {
		files[i].lock.Init(sync.ClassInode)
		blocks[i].lock.Init(sync.ClassBuffer)
	}
	for i := range queues {
		queues[i].lock = sync.Spinlock{Class: sync.ClassQueue}
	}
	tty.Init(sync.ClassConsole)
}

// Through two calls.

func outer(c *sync.Context, b *block) {
	b.lock.Lock(c)
	middle(c, &files[0])
	b.lock.Unlock(c)
}

func middle(c *sync.Context, f *file) { inner(c, f) }

func inner(c *sync.Context, f *file) {
	f.lock.Lock(c) // want `class inode is taken while a sleeplock of class buffer is held since calls/calls.go:37: .*; called by calls.outer \(calls/calls.go:38\) → calls.middle \(calls/calls.go:42\)$`
	f.lock.Unlock(c)
}

// A function that returns with a lock held, and one that releases it.

func (f *file) acquire(c *sync.Context) *file {
	f.lock.Lock(c) // want `class inode is taken while a sleeplock of class buffer is held since calls/calls.go:66: .*; called by calls.keeps \(calls/calls.go:60\)$`
	return f
}

func (f *file) release(c *sync.Context) { f.lock.Unlock(c) }

func keeps(c *sync.Context, b *block) {
	b.acquire(c)
	files[0].acquire(c)
	files[0].release(c)
	b.release(c)
	files[1].acquire(c).release(c)
}

func (b *block) acquire(c *sync.Context) { b.lock.Lock(c) }
func (b *block) release(c *sync.Context) { b.lock.Unlock(c) }

func leaves(c *sync.Context, b *block) {
	b.acquire(c)
	queues[0].lock.Lock(c)
	b.release(c)
	b.lock.Lock(c) // want `class buffer is taken while a spinlock of class queue is held since calls/calls.go:71: it may sleep`
	b.lock.Unlock(c)
	queues[0].lock.Unlock(c)
	b.lock.Lock(c)
	b.lock.Unlock(c)
}

// Through an interface.

type device interface{ write(c *sync.Context, b byte) }

type serial struct{}

func (serial) write(c *sync.Context, b byte) {
	tty.Lock(c)
	queues[0].lock.Lock(c) // want `no path console < queue$` `class queue is held since calls/calls.go:96: the class does not nest; called by calls.print \(calls/calls.go:97\)`
	queues[0].lock.Unlock(c)
	tty.Unlock(c)
}

var out device = serial{}

func print(c *sync.Context) {
	queues[1].lock.Lock(c)
	out.write(c, 'x')
	queues[1].lock.Unlock(c)
}

// Through a table of functions.

var table = [...]struct {
	name string
	run  func(c *sync.Context)
}{
	{"nothing", func(c *sync.Context) {}},
	{"something", takesQueue},
}

func takesQueue(c *sync.Context) {
	queues[2].lock.Lock(c) // want `no path console < queue; called by calls.runAll \(calls/calls.go:119\)`
	queues[2].lock.Unlock(c)
}

func runAll(c *sync.Context) {
	tty.Lock(c)
	for i := range table {
		table[i].run(c)
	}
	tty.Unlock(c)
}

// The lock itself as an interface, and as a pointer: each call is for one lock.

type locker interface {
	Lock(*sync.Context)
	Unlock(*sync.Context)
}

func with(c *sync.Context, l locker, f func()) {
	l.Lock(c) // want `class queue is taken while a spinlock of class console .*called by calls.interfaces \(calls/calls.go:141\)`
	f()
	l.Unlock(c)
}

func interfaces(c *sync.Context) {
	with(c, &tty, func() {})
	with(c, &queues[0].lock, func() {})
	tty.Lock(c)
	with(c, &queues[0].lock, func() {})
	tty.Unlock(c)
}

// A generic function.

func both[A, B locker](c *sync.Context, a A, b B) {
	a.Lock(c)
	b.Lock(c) // want `class queue is taken while a spinlock of class console` `class inode is taken while a spinlock of class queue`
	b.Unlock(c)
	a.Unlock(c)
}

func generic(c *sync.Context) {
	both(c, &queues[0].lock, &files[0].lock)
	both(c, &tty, &queues[0].lock)
}

// A recursion.

func walk(c *sync.Context, b *block, depth int) {
	if depth == 0 {
		return
	}
	b.lock.Lock(c) // want `the class does not nest; called by calls.walk`
	walk(c, b, depth-1)
	b.lock.Unlock(c)
}

// A bound method, called later.

func bound(c *sync.Context) {
	tty.Lock(c)
	unlock := tty.Unlock
	queues[3].lock.Lock(c) // want `no path console < queue`
	queues[3].lock.Unlock(c)
	unlock(c)
	queues[3].lock.Lock(c)
	queues[3].lock.Unlock(c)
}

// A lock that a function chooses, and one that is captured.

func queueOf(cpu int) *sync.Spinlock { return &queues[cpu].lock }

func chosen(c *sync.Context, cpu int) {
	tty.Lock(c)
	queueOf(cpu).Lock(c) // want `no path console < queue`
	queueOf(cpu).Unlock(c)
	tty.Unlock(c)
}

func captured(c *sync.Context, which bool) {
	l := &tty
	if which {
		l = queueOf(1)
	}
	later := func() {
		l.Lock(c) // want `class queue is taken while a spinlock of class console .*called by calls.captured` `class console is taken while a spinlock of class console .*: the class does not nest`
		l.Unlock(c)
	}
	tty.Lock(c)
	later()
	tty.Unlock(c)
}

// Callbacks that are stored, and called later.

type callback struct {
	fn   func(c *sync.Context)
	next *callback
}

var pending *callback

func later(b *callback, fn func(c *sync.Context)) {
	b.fn, b.next = fn, pending
	pending = b
}

func queueIt(b *callback) {
	later(b, func(c *sync.Context) {
		files[2].lock.Lock(c) // want `class inode is taken while a spinlock of class console .*it may sleep; called by calls.runCallbacks`
		files[2].lock.Unlock(c)
	})
}

func runCallbacks(c *sync.Context) {
	tty.Lock(c)
	for b := pending; b != nil; b = b.next {
		b.fn(c)
	}
	tty.Unlock(c)
}

// A goroutine holds nothing of its parent's.
func spawns(c *sync.Context) {
	tty.Lock(c)
	go takesNothingBefore(c)
	tty.Unlock(c)
}

func takesNothingBefore(c *sync.Context) {
	queues[0].lock.Lock(c)
	queues[0].lock.Unlock(c)
}

// A function as an iterator: the body of the loop runs inside of it.

func eachFile(c *sync.Context) func(func(*file) bool) {
	return func(yield func(*file) bool) {
		tty.Lock(c)
		for i := range files {
			if !yield(&files[i]) {
				break
			}
		}
		tty.Unlock(c)
	}
}

func ranges(c *sync.Context) {
	for range eachFile(c) {
		queues[0].lock.Lock(c) // want `no path console < queue; called by .*calls.eachFile`
		queues[0].lock.Unlock(c)
	}
	queues[0].lock.Lock(c)
	queues[0].lock.Unlock(c)
}

// A pointer to a lock in a struct.

type user struct{ lock *sync.Spinlock }

var users = [...]user{{lock: &queues[0].lock}}

func useAll(c *sync.Context) {
	tty.Lock(c)
	for i := range users {
		users[i].lock.Lock(c) // want `no path console < queue`
		users[i].lock.Unlock(c)
	}
	tty.Unlock(c)
}

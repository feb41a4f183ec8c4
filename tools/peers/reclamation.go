package main

import (
	"sync/atomic"
	"unsafe"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// batch is how many callbacks are queued from one grace period to the next, as in peers.c.
const batch = 256

// noMachine is a machine for an RCU of threads that are never late.
type noMachine struct{}

func (noMachine) Interrupt(int)               {}
func (noMachine) NowNs() uint64               { return 0 }
func (noMachine) Stalled(int, uint64, uint64) {}

func newRCU(cpus int) *sync.RCU {
	r := new(sync.RCU)
	r.Init(make([]sync.RCUCPU, cpus), noMachine{}, 0)
	return r
}

// section opens a read section, follows a pointer to a 1, and closes it.
type section struct {
	ctx    *sync.Context
	shared *atom.Pointer[int]
}

func newSection(int) body {
	one := 1
	s := section{new(sync.Context), new(atom.Pointer[int])}
	s.shared.Store(&one)
	return s
}

func (b section) run(_, n int) (done int) {
	c, shared := b.ctx, b.shared
	for range n {
		c.ReadLock()
		done += *shared.Load()
		c.ReadUnlock()
	}
	return done
}

type quiescent struct{ r *sync.RCU }

func newQuiescent(cpus int) body {
	r := newRCU(cpus)
	r.IdleExit(0)
	return quiescent{r}
}

func (b quiescent) run(_, n int) int {
	r := b.r
	for range n {
		r.Quiescent(0)
	}
	return n
}

// synchronize has thread 0 wait for grace periods while thread 1 reads without a break.
type synchronize struct {
	r    *sync.RCU
	ctx  *[2]sync.Context
	over *atomic.Bool
	section
}

func newSynchronize(cpus int) body {
	return synchronize{newRCU(cpus), new([2]sync.Context), new(atomic.Bool), newSection(cpus).(section)}
}

func (b synchronize) run(id, n int) int {
	r, c := b.r, &b.ctx[id]
	if id == 0 {
		wait := func(int) {}
		for range n { // CPU 0 is idle as far as RCU knows, like liburcu's thread that is offline
			r.Synchronize(c, wait)
		}
		b.over.Store(true)
		return n
	}
	r.IdleExit(1)
	sum := 0
	for !b.over.Load() {
		c.ReadLock()
		sum += *b.shared.Load()
		c.ReadUnlock()
		r.Quiescent(1)
	}
	r.IdleEnter(1)
	b.over.Store(false)
	return min(sum, 0)
}

// call queues callbacks, each for an object that is used again when it has run.
type call struct{ c *caller }

type caller struct {
	rcu  *sync.RCU
	free *object
	ran  int
}

type object struct {
	sync.Head // first
	next      *object
	by        *caller
	_         [24]byte
}

func newCall(cpus int) body {
	c := &caller{rcu: newRCU(cpus)}
	for range slots {
		c.free = &object{next: c.free, by: c}
	}
	c.rcu.IdleExit(0)
	return call{c}
}

func called(_ int, h *sync.Head) {
	o := (*object)(unsafe.Pointer(h)) // SAFETY: Call was given the first field of an object
	c := o.by
	o.next, c.free = c.free, o
	c.ran++
}

func (b call) run(_, n int) int {
	c := b.c
	c.ran = 0
	for i := range n {
		for c.free == nil {
			c.turn()
		}
		o := c.free
		c.free = o.next
		c.rcu.Call(0, &o.Head, called)
		if i%batch == batch-1 {
			c.turn()
		}
	}
	for c.rcu.Pending(0) {
		c.turn()
	}
	return c.ran
}

// turn is what a CPU does at each tick.
func (c *caller) turn() {
	c.rcu.Quiescent(0)
	c.rcu.Advance(0, 2*batch)
}

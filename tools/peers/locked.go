package main

import (
	std "sync"

	"exo/kernel/sync"
)

// kind is what a store is.
type kind int

const (
	fifo       kind = iota // a linked list, its free nodes in another
	lifo                   // so too
	ringArray              // a circular array
	dequeArray             // so too; out takes the newest
	handOver               // so too; out takes the oldest, one thread puts in and the other takes out
	words                  // what a seqlock or a read section would guard: out reads it
)

// store is a structure without atomics, for one thread at a time.
type store struct {
	kind kind

	nodes      []node
	head, tail uint32 // of the elements, 0 if there are none
	free       uint32

	words       []uint64
	first, last uint64
}

type node struct {
	value uint64
	next  uint32
}

func newStore(k kind) *store {
	s := &store{kind: k}
	switch k {
	case fifo, lifo:
		s.nodes = make([]node, slots)
		for i := range uint32(slots) {
			s.nodes[i].next, s.free = s.free, i
		}
	case ringArray:
		s.words = make([]uint64, ringN)
	case dequeArray, handOver:
		s.words = make([]uint64, dequeN)
	}
	for i := 0; i < prefill && k != handOver && k != words; i++ {
		must(s.in(uint64(i)))
	}
	return s
}

func (s *store) in(v uint64) bool {
	switch s.kind {
	case fifo, lifo:
		i := s.free
		if i == 0 {
			return false
		}
		n := &s.nodes[i]
		s.free = n.next
		n.value = v
		switch {
		case s.kind == lifo:
			n.next, s.head = s.head, i
		case s.head == 0:
			n.next, s.head, s.tail = 0, i, i
		default:
			n.next = 0
			s.nodes[s.tail].next, s.tail = i, i
		}
	case ringArray, dequeArray, handOver:
		size := uint64(len(s.words))
		if s.last-s.first == size {
			return false
		}
		s.words[s.last&(size-1)] = v
		s.last++
	}
	return true
}

func (s *store) out() (v uint64, ok bool) {
	switch s.kind {
	case fifo, lifo:
		i := s.head
		if i == 0 {
			return 0, false
		}
		n := &s.nodes[i]
		s.head = n.next
		n.next, s.free = s.free, i
		return n.value, true
	case words:
		return s.first + s.last, true
	}
	size := uint64(len(s.words))
	if s.last == s.first {
		return 0, false
	}
	if s.kind == dequeArray {
		s.last--
		return s.words[s.last&(size-1)], true
	}
	v = s.words[s.first&(size-1)]
	s.first++
	return v, true
}

// spinlocked is a store under a spinlock of kernel/sync, whose order is checked.
type spinlocked struct {
	*store
	lock *sync.Spinlock
	ctx  *[8]sync.Context
}

func newSpinlocked(k kind) spinlocked {
	b := spinlocked{newStore(k), new(sync.Spinlock), new([8]sync.Context)}
	b.lock.Init(sync.ClassTestSpin)
	for i := range b.ctx {
		b.ctx[i].CPU = i
	}
	return b
}

func (b spinlocked) in(c *sync.Context, v uint64) bool {
	b.lock.Lock(c)
	ok := b.store.in(v)
	b.lock.Unlock(c)
	return ok
}

func (b spinlocked) out(c *sync.Context) bool {
	b.lock.Lock(c)
	_, ok := b.store.out()
	b.lock.Unlock(c)
	return ok
}

func (b spinlocked) run(id, n int) (done int) {
	c := &b.ctx[id]
	switch {
	case b.kind == words:
		for range n {
			if b.out(c) {
				done++
			}
		}
	case b.kind != handOver:
		for i := range n {
			b.in(c, uint64(i))
			if b.out(c) {
				done++
			}
		}
	case id == 0:
		for i := 0; i < n; {
			if b.in(c, uint64(i)) {
				i++
			}
		}
	default:
		for done < n {
			if b.out(c) {
				done++
			}
		}
	}
	return done
}

// mutexed is a store under a mutex of Go's, for reference: those who wait sleep, which code in ring 0 cannot.
type mutexed struct {
	*store
	lock *std.Mutex
}

func newMutexed(k kind) mutexed { return mutexed{newStore(k), new(std.Mutex)} }

func (mutexed) blocks() {}

func (b mutexed) in(v uint64) bool {
	b.lock.Lock()
	ok := b.store.in(v)
	b.lock.Unlock()
	return ok
}

func (b mutexed) out() bool {
	b.lock.Lock()
	_, ok := b.store.out()
	b.lock.Unlock()
	return ok
}

func (b mutexed) run(id, n int) (done int) {
	switch {
	case b.kind == words:
		for range n {
			if b.out() {
				done++
			}
		}
	case b.kind != handOver:
		for i := range n {
			b.in(uint64(i))
			if b.out() {
				done++
			}
		}
	case id == 0:
		for i := 0; i < n; {
			if b.in(uint64(i)) {
				i++
			}
		}
	default:
		for done < n {
			if b.out() {
				done++
			}
		}
	}
	return done
}

// The locks alone, around a counter.

type spinlock struct {
	lock *sync.Spinlock
	ctx  *[2]sync.Context
	n    *int
}

func newSpinlock(int) body {
	b := spinlock{new(sync.Spinlock), new([2]sync.Context), new(int)}
	b.lock.Init(sync.ClassTestSpin)
	b.ctx[1].CPU = 1
	return b
}

func (b spinlock) run(id, n int) int {
	l, c, counter := b.lock, &b.ctx[id], b.n
	for range n {
		l.Lock(c)
		*counter++
		l.Unlock(c)
	}
	return n
}

type mcs struct {
	lock *sync.MCS
	n    *int
}

func newMCS(int) body { return mcs{new(sync.MCS), new(int)} }

func (b mcs) run(id, n int) int {
	l, counter := b.lock, b.n
	for range n {
		l.Lock(id, pause)
		*counter++
		l.Unlock()
	}
	return n
}

type ticket struct {
	lock *sync.Ticket
	n    *int
}

func newTicket(int) body { return ticket{new(sync.Ticket), new(int)} }

func (b ticket) run(_, n int) int {
	l, counter := b.lock, b.n
	relax := func() { pause(0) }
	for range n {
		l.Lock(relax)
		*counter++
		l.Unlock()
	}
	return n
}

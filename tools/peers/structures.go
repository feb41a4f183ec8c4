package main

import (
	"fmt"
	"unsafe"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// The sizes of the structures, as in peers.c.
const (
	prefill = 64 // elements in a structure before the run
	slots   = 1024
	dequeN  = 1024
	ringN   = 256
)

// pool is slots for queues and stacks, and who has which.
type pool struct {
	sync.Pool
	slots []sync.Slot
}

func newPool(cpus int) *pool {
	p := &pool{slots: make([]sync.Slot, slots)}
	p.Init(make([]sync.Link, slots), make([]sync.PoolCPU, cpus))
	return p
}

type queue struct{ q *sync.Queue }

func newQueue(cpus int) body { return newPool(cpus).queue(0) }

func (p *pool) queue(cpu int) queue {
	q := new(sync.Queue)
	must(q.Init(cpu, p.slots, &p.Pool))
	for i := range prefill {
		must(q.Enqueue(cpu, uint64(i)))
	}
	return queue{q}
}

func (b queue) run(id, n int) (done int) {
	q := b.q
	for i := range n {
		q.Enqueue(id, uint64(i))
		if _, ok := q.Dequeue(id); ok {
			done++
		}
	}
	return done
}

type hazardQueue struct{ q *sync.HazardQueue }

func newHazardQueue(cpus int) body {
	nodes := new(sync.HazardNodes)
	nodes.Init(make([]sync.HazardNode, slots), make([]sync.Link, slots), make([]sync.PoolCPU, cpus), make([]sync.HazardCPU, cpus))
	q := new(sync.HazardQueue)
	must(q.Init(0, nodes))
	for i := range prefill {
		must(q.Enqueue(0, uint64(i)))
	}
	return hazardQueue{q}
}

func (b hazardQueue) run(id, n int) (done int) {
	q := b.q
	for i := range n {
		q.Enqueue(id, uint64(i))
		if _, ok := q.Dequeue(id); ok {
			done++
		}
	}
	return done
}

type stack struct{ s *sync.Stack }

func newStack(cpus int) body {
	p, s := newPool(cpus), new(sync.Stack)
	s.Init(p.slots, &p.Pool)
	for i := range prefill {
		must(s.Push(0, uint64(i)))
	}
	return stack{s}
}

func (b stack) run(id, n int) (done int) {
	s := b.s
	for i := range n {
		s.Push(id, uint64(i))
		if _, ok := s.Pop(id); ok {
			done++
		}
	}
	return done
}

type ring struct{ r *sync.Ring }

func newRing(int) body {
	r := new(sync.Ring)
	r.Init(make([]atom.Uint64, sync.RingWords(ringN)), 2)
	for i := range prefill {
		must(r.Enqueue(uint64(i)))
	}
	return ring{r}
}

func (b ring) run(_, n int) (done int) {
	r := b.r
	for i := range n {
		for !r.Enqueue(uint64(i)) {
		}
		if _, ok := r.Dequeue(); ok {
			done++
		}
	}
	return done
}

// deque is pushed to and popped from by one thread, and stolen from by the other if there are two.
type deque struct {
	d   *sync.Deque
	ctx *[2]sync.Context
	two bool
}

// oneBuffer is all that a deque here gets: peers.c's does not grow either.
type oneBuffer struct{ taken bool }

func (s *oneBuffer) Get(elements int) *sync.Buffer {
	if s.taken {
		return nil
	}
	s.taken = true
	return &sync.Buffer{Elements: make([]atom.Uint64, elements)}
}

func (*oneBuffer) Put(*sync.Buffer) {}

func newDeque(cpus int) body {
	d := deque{new(sync.Deque), new([2]sync.Context), cpus == 2}
	must(d.d.Init(dequeN, new(oneBuffer), newRCU(cpus)))
	if !d.two {
		for i := range prefill {
			must(d.d.Push(0, uint64(i)))
		}
	}
	return d
}

func (b deque) run(id, n int) (done int) {
	d, c := b.d, &b.ctx[id]
	switch {
	case !b.two:
		for i := range n {
			d.Push(0, uint64(i))
			if _, ok := d.Pop(); ok {
				done++
			}
		}
	case id == 0:
		for i := 0; i < n; {
			if d.Push(0, uint64(i)) {
				i++
			}
		}
	default:
		for done < n {
			c.ReadLock()
			if _, how := d.Steal(); how == sync.Taken {
				done++
			}
			c.ReadUnlock()
		}
	}
	return done
}

// protect sets and clears a hazard pointer.
type protect struct {
	h *sync.Hazards
	o *sync.Retired
}

func newProtect(cpus int) body {
	h := new(sync.Hazards)
	h.Init(make([]sync.HazardCPU, cpus), nil)
	return protect{h, new(sync.Retired)}
}

func (b protect) run(id, n int) int {
	h, o := b.h, b.o
	for range n {
		h.Protect(id, 0, o)
		h.Clear(id, 0)
	}
	return n
}

// seqlock reads two words.
type seqlock struct{ s *seqData }

type seqData struct {
	lock sync.Seqlock
	a, b atom.Uint64
	_    [40]byte
}

func newSeqlock(int) body {
	s := new(seqData)
	s.a.Store(1)
	return seqlock{s}
}

func (b seqlock) run(_, n int) (done int) {
	s := b.s
	for range n {
		for {
			v := s.lock.Read(nil)
			x, y := s.a.Load(), s.b.Load()
			if !s.lock.Retry(v) {
				done += int(x + y)
				break
			}
		}
	}
	return done
}

func must(ok bool) {
	if !ok {
		panic("peers: a structure is too small")
	}
}

// padded lists what must fill whole cache lines, for CPUs have one each.
func padded() (report []string, ok bool) {
	ok = true
	for _, t := range []struct {
		name string
		size uintptr
	}{
		{"PoolCPU", unsafe.Sizeof(sync.PoolCPU{})},
		{"HazardCPU", unsafe.Sizeof(sync.HazardCPU{})},
		{"RCUCPU", unsafe.Sizeof(sync.RCUCPU{})},
		{"Queue", unsafe.Sizeof(sync.Queue{})},
		{"HazardQueue", unsafe.Sizeof(sync.HazardQueue{})},
		{"Stack", unsafe.Sizeof(sync.Stack{})},
		{"Deque", unsafe.Sizeof(sync.Deque{})},
	} {
		report = append(report, fmt.Sprintf("%s %d", t.name, t.size))
		ok = ok && t.size%64 == 0
	}
	return report, ok
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/queue: two queues and a stack over one pool, so that slots wander between them; slots are also taken and given back
// for nothing. The pool is small enough to run dry now and then.

const slotsEach = 12 // for each CPU

type queueTorture struct {
	pool   sync.Pool
	slots  int
	queues [2]sync.Queue
	flows  [2]flow
	stack  sync.Stack
	heap   flow
	owner  []atom.Uint32 // of a slot that churn has: 1 + the CPU
	churns []churned
}

type churned struct {
	got uint64
	_   [56]byte
}

var queueTest queueTorture

func prepareQueue(t *ktest.T) {
	q := &queueTest
	q.slots = 1 + len(q.queues) + t.CPUs*slotsEach
	q.pool.Init(room[sync.Link](q.slots), room[sync.PoolCPU](t.CPUs))
	slots := room[sync.Slot](q.slots)
	for i := range q.queues {
		t.Check(0, q.queues[i].Init(0, slots, &q.pool), "there is a slot for a queue's dummy")
		q.flows[i].init(t.CPUs)
	}
	q.stack.Init(slots, &q.pool)
	q.heap.init(t.CPUs)
	q.owner = room[atom.Uint32](q.slots)
	q.churns = room[churned](t.CPUs)
}

func testTortureQueue(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/queue", prepareQueue, nil) {
		return
	}
	q, r := &queueTest, t.Rand(cpu)
	for {
		for range 8 {
			jostle(t, r)
			where, burst := int(r.N(4)), 1+r.N(12)
			if r.N(4) != 0 { // what most are at just now, in short turns
				where, burst = int(amd64.NowNs()>>22&3), 1+r.N(2)
			}
			if where == 3 {
				q.churn(t, cpu, r)
				continue
			}
			for range 1 + 8/burst {
				in := r.N(2) == 0
				for range burst {
					q.step(t, cpu, in, where)
				}
			}
			spend(r)
		}
		if !going(t, cpu) {
			break
		}
	}
	endTorture(t, cpu)
	if cpu == 0 {
		finishQueue(t)
	}
}

// churn takes some slots, as long as there are any, and gives them back in another order.
func (q *queueTorture) churn(t *ktest.T, cpu int, r *ktest.Rand) {
	var slots [slotsEach]uint32
	c := preemptOff()
	n := uint64(0)
	for want := r.N(slotsEach + 1); n < want; n++ {
		i := q.pool.Get(cpu)
		if i == 0 {
			break
		}
		t.Check(cpu, q.owner[i].CompareAndSwap(0, uint32(cpu)+1), "a slot was given to two")
		slots[n] = i
	}
	q.churns[cpu].got += n
	for ; n > 0; n-- {
		at := r.N(n)
		i := slots[at]
		slots[at] = slots[n-1]
		t.Check(cpu, q.owner[i].Swap(0) == uint32(cpu)+1, "a slot that was taken is somebody else's")
		q.pool.Put(cpu, i)
	}
	c.PreemptEnable()
}

// step enqueues or dequeues one element; it says whether it could. Queues are numbered, and the stack comes after them.
func (q *queueTorture) step(t *ktest.T, cpu int, in bool, where int) (ok bool) {
	c := preemptOff()
	defer c.PreemptEnable()
	f := &q.heap
	if where < len(q.queues) {
		f = &q.flows[where]
	}
	if in {
		v := f.element(cpu)
		if where < len(q.queues) {
			ok = q.queues[where].Enqueue(cpu, v)
		} else {
			ok = q.stack.Push(cpu, v)
		}
		f.enqueued(cpu, v, ok)
		return ok
	}
	var v uint64
	if where < len(q.queues) {
		v, ok = q.queues[where].Dequeue(cpu)
	} else {
		v, ok = q.stack.Pop(cpu)
	}
	if ok {
		f.dequeued(t, cpu, cpu, v, where < len(q.queues))
	} else {
		f.nothing(cpu)
	}
	return ok
}

func finishQueue(t *ktest.T) {
	q := &queueTest
	for where := range len(q.queues) + 1 {
		for q.step(t, 0, false, where) {
		}
	}
	var l text.Line
	for i := range q.queues {
		q.queues[i].Close(0)
		said(&l, "queue").Str("queue ").Int(i).Str(":")
		t.Count(q.flows[i].finish(t, &l))
		put(&l)
	}
	t.Check(0, q.stack.Empty(), "the stack is empty at the end")
	said(&l, "queue").Str("stack:")
	t.Count(q.heap.finish(t, &l))
	put(&l)
	var got uint64
	for i := range q.churns {
		got += q.churns[i].got
	}
	t.Count(got)
	put(said(&l, "queue").Str("slots taken for nothing: ").Uint(got))
	t.Equal(0, uint64(q.pool.Free()), uint64(q.slots-1), "slots that are free at the end")
}

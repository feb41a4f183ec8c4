// Package sync … hqueue.go: Michael & Scott's queue over nodes that hazard pointers protect (Michael, IEEE TPDS 2004, §4).
//
//	head ──► ○ ──► ● ──► ●        ○ the dummy: its element is gone
//	                     ▲        tail may be one behind; whoever notices moves it
//	tail ────────────────┘
//
//	         Enqueue  Dequeue      X: callers exclude each other; -: may run together
//	Enqueue     -        -
//	Dequeue     -        -
//
// G1. An element that was enqueued once is dequeued at most once, and not before.
// G2. Dequeue sees all that Enqueue's caller wrote before it enqueued.
// G3. Elements come out in the order in which their Enqueues took effect; so those of one producer, in its order.
// G4. Dequeue fails only if the queue was empty at some moment of the call. Enqueue fails only if the pool had no node.
// G5. No node is given back to the pool between the moment when an operation has found it to be protected and the
// operation's last use of it.
//
// Progress: lock-free. Callers: a task on its CPU, preemption off; not interrupt handlers.
// Memory: nodes stay nodes, for Dequeue looks at one before it knows that it is protected. A node leaves with the Dequeue
// that makes it no longer the dummy; it is retired, and goes to that CPU's pool after a scan that finds it in no slot. The
// queue uses slots 0 and 1 of the CPU that makes the call.
// Not promised: fairness between producers.
//
// Proof sketch. Enqueue touches one node that is not its own: the last. It is protected and then found to be tail still,
// so it has not been retired (a node is retired after head has passed it, and tail is never behind head). Dequeue
// touches two, the dummy and its successor, and pays one fence for both: it sets the slot of the dummy, looks at next
// (that may be a node of another life, which is read but not trusted), sets the slot of the successor, fence, and then
// finds head and next as they were. If head is still the dummy, the dummy is not retired, and from here on will not
// be reclaimed; if its next is still the same, so that is for the successor, which can be retired only after it was
// head. As long as neither is reclaimed, their numbers cannot come round (no ABA), so the compare-and-swaps need no
// generation. head never passes tail: Dequeue looks at tail before it moves head, unless the successor has one itself,
// for then tail was at the successor when that was linked.
package sync

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// HazardQueue is a first-in-first-out queue of words. Init it before use.
type HazardQueue struct {
	*HazardNodes
	_ [56]byte

	head atom.Uint64 // number of the dummy
	_    [56]byte
	tail atom.Uint64 // number of the last node or the one before it
	_    [56]byte
}

// HazardNode is a node of HazardQueues.
type HazardNode struct {
	Retired             // first: a hazard slot that points at it points at the node
	next    atom.Uint64 // number of the next node, 0: none
	value   uint64      // written before the node is linked, read while it is protected
}

// HazardNodes is the memory of HazardQueues: nodes, who has which, and what protects them.
type HazardNodes struct {
	nodes   []HazardNode
	pool    Pool
	hazards Hazards
}

// Init makes all nodes but 0 free.
func (n *HazardNodes) Init(nodes []HazardNode, links []Link, stocks []PoolCPU, cpus []HazardCPU) {
	if len(nodes) != len(links) || len(stocks) != len(cpus) {
		panic("sync: hazard nodes need as many links as nodes, and as many stocks as CPUs")
	}
	n.nodes = nodes
	n.pool.Init(links, stocks)
	n.hazards.Init(cpus, n)
}

// Reclaim gives a node back to the pool, for Hazards.
func (n *HazardNodes) Reclaim(cpu int, o *Retired) {
	// SAFETY: o is the first field of a node of n.nodes; only those are retired here.
	offset := uintptr(unsafe.Pointer(o)) - uintptr(unsafe.Pointer(&n.nodes[0]))
	n.pool.Put(cpu, uint32(offset/unsafe.Sizeof(HazardNode{})))
}

// Drain gives back what the CPU has retired and nobody protects, and returns how many nodes are left.
func (n *HazardNodes) Drain(cpu int) int { return n.hazards.Drain(cpu) }

// Free counts the free nodes. Nothing else may run.
func (n *HazardNodes) Free() int { return n.pool.Free() }

// get takes a node, or returns 0. Retired ones are scanned early if it cannot be helped.
func (n *HazardNodes) get(cpu int) uint32 {
	i := n.pool.Get(cpu)
	if i == 0 {
		n.hazards.Drain(cpu)
		i = n.pool.Get(cpu)
	}
	return i
}

// Init makes q empty, over nodes that queues may share. It takes one for the dummy, as a call from cpu, and fails if there
// is none.
func (q *HazardQueue) Init(cpu int, nodes *HazardNodes) bool {
	q.HazardNodes = nodes
	i := nodes.get(cpu)
	if i == 0 {
		return false
	}
	q.nodes[i].next.StoreRelease(0)
	q.head.Store(uint64(i))
	q.tail.Store(uint64(i))
	return true
}

// Enqueue adds v at the end; false: no node.
func (q *HazardQueue) Enqueue(cpu int, v uint64) bool {
	i := uint64(q.get(cpu))
	if i == 0 {
		return false
	}
	n := &q.nodes[i]
	n.value = v
	n.next.StoreRelease(0)
	for {
		t := q.tail.Load()
		last := &q.nodes[t]
		q.hazards.Protect(cpu, 0, &last.Retired)
		if q.tail.Load() != t {
			continue
		}
		if next := last.next.Load(); next != 0 {
			q.tail.CompareAndSwap(t, next) // help the one who linked it
			continue
		}
		if last.next.CompareAndSwap(0, i) { // order: publishes the node; pairs with Dequeue's load of next (G2)
			q.tail.CompareAndSwap(t, i) // or somebody helped
			q.hazards.Clear(cpu, 0)
			return true
		}
	}
}

// Dequeue takes the oldest element; false: there is none.
func (q *HazardQueue) Dequeue(cpu int) (v uint64, ok bool) {
	for {
		h := q.head.Load()
		dummy := &q.nodes[h]
		q.hazards.ProtectBefore(cpu, 0, &dummy.Retired)
		n := dummy.next.Load() // nodes stay nodes, so this may be read; not used before it is found again
		if n == 0 {
			q.hazards.Protect(cpu, 0, &dummy.Retired)
			if q.head.Load() == h && dummy.next.Load() == 0 {
				q.clear(cpu)
				return 0, false
			}
			continue
		}
		first := &q.nodes[n]
		q.hazards.Protect(cpu, 1, &first.Retired)
		if q.head.Load() != h || dummy.next.Load() != n {
			continue
		}
		if first.next.Load() == 0 { // otherwise tail was at n when that was linked
			if t := q.tail.Load(); t == h {
				q.tail.CompareAndSwap(t, n) // head must not pass tail
				continue
			}
		}
		v = first.value
		if q.head.CompareAndSwap(h, n) {
			q.clear(cpu)
			q.hazards.Retire(cpu, &dummy.Retired)
			return v, true
		}
	}
}

func (q *HazardQueue) clear(cpu int) {
	q.hazards.Clear(cpu, 0)
	q.hazards.Clear(cpu, 1)
}

// Close gives the dummy back, as a call from cpu. The queue must be empty, and nobody may use it any more.
func (q *HazardQueue) Close(cpu int) {
	h := &q.nodes[q.head.Load()]
	if h.next.Load() != 0 {
		panic("sync: a queue with elements was closed")
	}
	q.hazards.Retire(cpu, &h.Retired)
	q.Drain(cpu)
}

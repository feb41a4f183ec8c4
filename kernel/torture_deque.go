//go:build exokernel

package main

import (
	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/deque: each CPU has a deque, pushes and pops, and steals from the others. In rounds: at the start of each the
// deques are small, and grow; at its end they are emptied and closed, and their buffers come back through RCU. A buffer
// that comes back is filled with poison, which a thief that still looks at it would take for an element.

const (
	dequeSmallest = 1 // log₂ of the elements of the smallest buffer
	dequeLargest  = 8
	dequeEach     = 3 // buffers of each size for each CPU
)

type dequeTorture struct {
	cpus  []dequeTortured
	flow  flow
	again atom.Uint32 // 1: there is another round
	duels atom.Uint32 // how many duels are over
}

// dequeTortured is one CPU's part; all but the deque is its own. It is the deque's source of buffers.
type dequeTortured struct {
	deque sync.Deque
	_     [64]byte

	free  [dequeLargest + 1][dequeEach]*sync.Buffer
	nfree [dequeLargest + 1]int

	fresh                      uint64 // what was pushed last, if it was the last thing that happened
	below                      uint64 // elements pushed no later than this one are in the deque
	rounds, pops, steals, lost uint64
}

var dequeTest dequeTorture

// Get is Buffers'.
func (w *dequeTortured) Get(elements int) *sync.Buffer {
	for size := dequeSmallest; size <= dequeLargest; size++ {
		if elements == 1<<size && w.nfree[size] > 0 {
			w.nfree[size]--
			return w.free[size][w.nfree[size]]
		}
	}
	return nil
}

// Put is Buffers', called by RCU.
func (w *dequeTortured) Put(b *sync.Buffer) {
	for i := range b.Elements {
		b.Elements[i].StoreRelease(poison)
	}
	for size := dequeSmallest; size <= dequeLargest; size++ {
		if len(b.Elements) == 1<<size {
			w.free[size][w.nfree[size]] = b
			w.nfree[size]++
		}
	}
}

func prepareDeque(t *ktest.T) {
	d := &dequeTest
	d.cpus = room[dequeTortured](t.CPUs)
	d.flow.init(t.CPUs)
	for i := range d.cpus {
		for size := dequeSmallest; size <= dequeLargest; size++ {
			buffers := room[sync.Buffer](dequeEach)
			for j := range buffers {
				buffers[j].Elements = room[atom.Uint64](1 << size)
				d.cpus[i].Put(&buffers[j])
			}
		}
	}
	d.again.Store(1)
	d.duels.Store(0)
}

func testTortureDeque(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/deque", prepareDeque, nil) {
		return
	}
	d, r := &dequeTest, t.Rand(cpu)
	w := &d.cpus[cpu]
	for d.again.Load() != 0 {
		preemptOff()
		t.Check(cpu, w.deque.Init(1<<dequeSmallest, w, &kernelRCU), "there is a buffer for a new deque")
		this().PreemptEnable()
		t.Barrier()
		d.duel(t, cpu, r)
		for range 40 {
			d.push(t, cpu, r)
			for range 8 {
				d.steal(t, cpu, r)
			}
			d.pop(t, cpu, r)
			jostle(t, r)
			spend(r)
		}
		t.Barrier() // no thief is at it any more
		for d.popOne(t, cpu) {
		}
		preemptOff()
		w.deque.Close(cpu)
		this().PreemptEnable()
		w.rounds++
		kernelRCU.Barrier(this(), rcuWait)
		if cpu == 0 && !going(t, cpu) {
			d.again.Store(0)
		}
		t.Barrier()
	}
	endTorture(t, cpu)
	if cpu == 0 {
		finishDeque(t)
	}
}

// push pushes a few elements, or so many that the deque grows.
func (d *dequeTorture) push(t *ktest.T, cpu int, r *ktest.Rand) {
	n := r.N(10)
	if r.N(8) == 0 {
		n = r.N(2 << dequeLargest)
	}
	for range n {
		if !d.pushOne(cpu) {
			return
		}
	}
}

func (d *dequeTorture) pushOne(cpu int) bool {
	w, c := &d.cpus[cpu], preemptOff()
	v := d.flow.element(cpu)
	ok := w.deque.Push(cpu, v)
	d.flow.enqueued(cpu, v, ok)
	if ok {
		w.fresh, w.below = v, v
	}
	c.PreemptEnable()
	return ok
}

// duel has owner and thieves at the last element again and again, all at the same time. CPUs take turns at being the owner.
func (d *dequeTorture) duel(t *ktest.T, cpu int, r *ktest.Rand) {
	const thieves, elements = 3, 400
	round := uint32(d.cpus[cpu].rounds)
	owner := int(round) % t.CPUs
	if cpu == owner {
		for range elements {
			d.pushOne(cpu)
			if r.N(4) != 0 {
				for d.popOne(t, cpu) {
				}
			}
		}
		d.duels.Store(round + 1)
		return
	}
	if (cpu+t.CPUs-owner)%t.CPUs <= thieves {
		for d.duels.Load() <= round {
			d.stealFrom(t, cpu, owner)
		}
	}
}

func (d *dequeTorture) pop(t *ktest.T, cpu int, r *ktest.Rand) {
	for range r.N(12) {
		if !d.popOne(t, cpu) {
			return
		}
	}
}

// popOne pops an element: what was pushed last, if nobody has stolen it, and then what was pushed before.
func (d *dequeTorture) popOne(t *ktest.T, cpu int) bool {
	w := &d.cpus[cpu]
	c := preemptOff()
	v, ok := w.deque.Pop()
	if ok {
		d.flow.dequeued(t, cpu, cpu, v, false)
		t.Check(cpu, w.fresh == 0 || v == w.fresh, "Pop did not return what was pushed last")
		t.Check(cpu, v <= w.below, "Pop returned an element that is newer than one popped before")
		w.below = v - 1
		w.pops++
	} else {
		d.flow.nothing(cpu)
	}
	w.fresh = 0
	c.PreemptEnable()
	return ok
}

// steal takes an element from some other CPU.
func (d *dequeTorture) steal(t *ktest.T, cpu int, r *ktest.Rand) {
	if t.CPUs > 1 {
		d.stealFrom(t, cpu, (cpu+1+int(r.N(uint64(t.CPUs-1))))%t.CPUs)
	}
}

// stealFrom takes an element from a CPU. What one thief steals from one owner was pushed later and later.
func (d *dequeTorture) stealFrom(t *ktest.T, cpu, from int) {
	w, c := &d.cpus[cpu], this()
	c.ReadLock()
	v, how := d.cpus[from].deque.Steal()
	c.ReadUnlock()
	switch how {
	case sync.Taken:
		d.flow.dequeued(t, cpu, cpu, v, true)
		t.Equal(cpu, v>>56, uint64(from), "an element was stolen from a deque it was not in")
		w.steals++
	case sync.Lost:
		w.lost++
	}
}

func finishDeque(t *ktest.T) {
	d := &dequeTest
	var all dequeTortured
	for i := range d.cpus {
		w := &d.cpus[i]
		all.pops += w.pops
		all.steals += w.steals
		all.lost += w.lost
		for size := dequeSmallest; size <= dequeLargest; size++ {
			t.Equal(i, uint64(w.nfree[size]), dequeEach, "buffers that are free at the end")
		}
	}
	var l text.Line
	l.Str("# torture/deque: rounds=").Uint(d.cpus[0].rounds).Str(" popped=").Uint(all.pops).Str(" stolen=").Uint(all.steals).
		Str(" lost=").Uint(all.lost)
	t.Count(d.flow.finish(t, &l))
	put(&l)
}

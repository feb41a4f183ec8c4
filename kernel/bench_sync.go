//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Benchmarks of kernel/sync, on one CPU with nobody in the way. A pair is one element in and one out. Lock-free operations
// are measured with preemption off for each, as their callers have it; the baselines are the same structures, in plain
// words, under a ticket lock with interrupts off, as a kernel would have them if handlers or other CPUs may come.

const (
	benchSlots  = 64 // a power of two
	benchBatch  = 32
	benchFilled = 8 // elements that are in a structure all the time
)

// subjects are the structures that are measured.
var subjects struct {
	pool    sync.Pool
	queue   sync.Queue
	stack   sync.Stack
	nodes   sync.HazardNodes
	hqueue  sync.HazardQueue
	hazards sync.Hazards
	object  atom.Pointer[sync.Retired]
	retired sync.Retired
	deque   sync.Deque
	source  dequeTortured // of the deque's buffer
	ring    sync.Ring
	heads   [benchBatch]sync.Head
	spin    sync.Spinlock
	irq     sync.Spinlock
	sleep   sync.Sleeplock
	seq     sync.Seqlock
	words   [2]atom.Uint64
}

// plain is a queue, a stack or a deque in plain words; whoever uses it has the lock.
type plain struct {
	first, last uint64 // elements are at first … last-1
	words       [benchSlots]uint64
}

func (p *plain) pushLast(v uint64) bool {
	if p.last-p.first == benchSlots {
		return false
	}
	p.words[p.last%benchSlots] = v
	p.last++
	return true
}

func (p *plain) takeFirst() (v uint64, ok bool) {
	if p.first == p.last {
		return 0, false
	}
	v = p.words[p.first%benchSlots]
	p.first++
	return v, true
}

func (p *plain) takeLast() (v uint64, ok bool) {
	if p.first == p.last {
		return 0, false
	}
	p.last--
	return p.words[p.last%benchSlots], true
}

var (
	plainOnes  plain
	plainLock  sync.Ticket
	plainCount uint64
	plainWords [2]uint64
	benchSum   uint64
)

// prepareSubjects makes the structures; it says whether there was memory for them.
func prepareSubjects() bool {
	if !freshRoom() {
		return false
	}
	s := &subjects
	s.pool.Init(room[sync.Link](benchSlots), room[sync.PoolCPU](1))
	slots := room[sync.Slot](benchSlots)
	ok := s.queue.Init(0, slots, &s.pool)
	s.stack.Init(slots, &s.pool)
	s.nodes.Init(room[sync.HazardNode](benchSlots), room[sync.Link](benchSlots), room[sync.PoolCPU](1), room[sync.HazardCPU](1))
	ok = s.hqueue.Init(0, &s.nodes) && ok
	s.hazards.Init(room[sync.HazardCPU](1), &s.nodes)
	s.object.Store(&s.retired)
	s.ring.Init(room[atom.Uint64](sync.RingWords(benchSlots)), 1)
	buffer := &room[sync.Buffer](1)[0]
	buffer.Elements = room[atom.Uint64](1 << dequeLargest)
	s.source.Put(buffer)
	ok = s.deque.Init(1<<dequeLargest, &s.source, &kernelRCU) && ok
	for i := range uint64(benchFilled) {
		ok = s.queue.Enqueue(0, i) && s.stack.Push(0, i) && s.hqueue.Enqueue(0, i) && s.ring.Enqueue(i) && s.deque.Push(0, i) &&
			plainOnes.pushLast(i) && ok
	}
	s.spin.Init(sync.ClassTestSpin)
	s.irq.Init(sync.ClassTestIRQ)
	s.sleep.Init(sync.ClassTestNest)
	return prepareSpace() && prepareSched() && ok
}

func benchQueue(ops uint64) {
	for i := range ops {
		c := preemptOff()
		subjects.queue.Enqueue(0, i)
		c.PreemptEnable()
		c = preemptOff()
		v, _ := subjects.queue.Dequeue(0)
		c.PreemptEnable()
		benchSum += v
	}
}

func benchHazardQueue(ops uint64) {
	for i := range ops {
		c := preemptOff()
		subjects.hqueue.Enqueue(0, i)
		c.PreemptEnable()
		c = preemptOff()
		v, _ := subjects.hqueue.Dequeue(0)
		c.PreemptEnable()
		benchSum += v
	}
}

func benchRing(ops uint64) {
	for i := range ops {
		subjects.ring.Enqueue(i)
		v, _ := subjects.ring.Dequeue()
		benchSum += v
	}
}

func benchPlainFIFO(ops uint64) {
	for i := range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		plainOnes.pushLast(i)
		plainLock.Unlock()
		amd64.IRQRestore(flags)
		flags = amd64.IRQDisable()
		plainLock.Lock(nil)
		v, _ := plainOnes.takeFirst()
		plainLock.Unlock()
		amd64.IRQRestore(flags)
		benchSum += v
	}
}

func benchStack(ops uint64) {
	for i := range ops {
		c := preemptOff()
		subjects.stack.Push(0, i)
		c.PreemptEnable()
		c = preemptOff()
		v, _ := subjects.stack.Pop(0)
		c.PreemptEnable()
		benchSum += v
	}
}

func benchPlainLIFO(ops uint64) {
	for i := range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		plainOnes.pushLast(i)
		plainLock.Unlock()
		amd64.IRQRestore(flags)
		flags = amd64.IRQDisable()
		plainLock.Lock(nil)
		v, _ := plainOnes.takeLast()
		plainLock.Unlock()
		amd64.IRQRestore(flags)
		benchSum += v
	}
}

func benchDeque(ops uint64) {
	for i := range ops {
		c := preemptOff()
		subjects.deque.Push(0, i)
		c.PreemptEnable()
		c = preemptOff()
		v, _ := subjects.deque.Pop()
		c.PreemptEnable()
		benchSum += v
	}
}

func benchSteal(ops uint64) {
	c := this()
	for i := range ops {
		c.PreemptDisable()
		subjects.deque.Push(0, i)
		c.PreemptEnable()
		c.ReadLock()
		v, _ := subjects.deque.Steal()
		c.ReadUnlock()
		benchSum += v
	}
}

func benchProtect(ops uint64) {
	h := &subjects.hazards
	for range ops {
		c := preemptOff()
		p := subjects.object.Load()
		for {
			h.Protect(0, 0, p)
			q := subjects.object.Load()
			if p == q {
				break
			}
			p = q
		}
		h.Clear(0, 0)
		c.PreemptEnable()
	}
}

// benchPlainCount counts a reference up and down, under the lock.
func benchPlainCount(ops uint64) {
	for range ops {
		for _, by := range [...]uint64{1, ^uint64(0)} {
			flags := amd64.IRQDisable()
			plainLock.Lock(nil)
			plainCount += by
			plainLock.Unlock()
			amd64.IRQRestore(flags)
		}
	}
}

func benchReadSection(ops uint64) {
	c := this()
	for range ops {
		c.ReadLock()
		benchSum += subjects.words[0].Load()
		c.ReadUnlock()
	}
}

func benchQuiescent(ops uint64) {
	for range ops {
		c := preemptOff()
		kernelRCU.Quiescent(0)
		c.PreemptEnable()
	}
}

// benchPlainRead reads a word under the lock.
func benchPlainRead(ops uint64) {
	for range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		benchSum += plainWords[0]
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

// benchCall queues callbacks and runs them, a batch for each grace period.
func benchCall(ops uint64) {
	for range ops / benchBatch {
		c := preemptOff()
		for i := range subjects.heads {
			kernelRCU.Call(0, &subjects.heads[i], countCallback)
		}
		for kernelRCU.Pending(0) {
			kernelRCU.Quiescent(0)
			kernelRCU.Advance(0, benchBatch)
		}
		c.PreemptEnable()
	}
}

func countCallback(int, *sync.Head) { plainCount++ }

// benchPlainFree is what could be done at once if the readers had the lock, too.
func benchPlainFree(ops uint64) {
	for i := range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		countCallback(0, &subjects.heads[i%benchBatch])
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchSynchronize(ops uint64) {
	c := this()
	for range ops {
		kernelRCU.Synchronize(c, rcuWait)
	}
}

func benchMCS(ops uint64) {
	for range ops {
		mcsLock.Lock(0, nil)
		mcsLock.Unlock()
	}
}

func benchSpinlock(ops uint64) {
	c := this()
	for range ops {
		subjects.spin.Lock(c)
		subjects.spin.Unlock(c)
	}
}

// benchSpinlockIRQ is a lock that handlers take, too.
func benchSpinlockIRQ(ops uint64) {
	c := this()
	for range ops {
		flags := amd64.IRQDisable()
		subjects.irq.Lock(c)
		subjects.irq.Unlock(c)
		amd64.IRQRestore(flags)
	}
}

func benchSleeplock(ops uint64) {
	c := this()
	for range ops {
		subjects.sleep.Lock(c)
		subjects.sleep.Unlock(c)
	}
}

// benchNested takes the second of two sleeplocks, which has something to check against.
func benchNested(ops uint64) {
	c := this()
	crashLocks[1].Lock(c)
	for range ops {
		crashLocks[0].Lock(c)
		crashLocks[0].Unlock(c)
	}
	crashLocks[1].Unlock(c)
}

func benchSeqlock(ops uint64) {
	s := &subjects
	for range ops {
		for {
			n := s.seq.Read(nil)
			sum := s.words[0].Load() + s.words[1].Load()
			if !s.seq.Retry(n) {
				benchSum += sum
				break
			}
		}
	}
}

func benchPlainReadTwo(ops uint64) {
	for range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		benchSum += plainWords[0] + plainWords[1]
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchThis(ops uint64) {
	for range ops {
		benchContext = this()
	}
}

var benchContext *sync.Context

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// torture/order: every task holds any set of locks that the declared order allows, taken one after the other and released
// in any order, while handlers take theirs. None of that may be refused: a refusal is a panic. What is refused and should
// be is tested by crash=lockorder, and on the host.

type orderTorture struct {
	sleep [7]sync.Sleeplock
	spin  [4]sync.Spinlock
	data  [11]struct {
		one, two uint64 // plain, under the lock; equal while nobody is at it
		_        [48]byte
	}
	after [sync.NumClasses]uint64 // what the declaration leads to from a class, by this test's own reckoning
	cpus  []orderTortured
}

// orderTortured is one CPU's part, its own.
type orderTortured struct {
	taken, handlers, illegal, deepest uint64
	handler                           ktest.Rand
	counts                            [11]uint64
	_                                 [16]byte
}

var orderTest orderTorture

// orderClasses are those of the locks, in the order of their numbers.
var orderClasses = [11]sync.Class{sync.ClassTestA, sync.ClassTestB, sync.ClassTestC, sync.ClassTestD,
	sync.ClassTestNest, sync.ClassTestNest, sync.ClassTestNest,
	sync.ClassTestSpin, sync.ClassTestSpin, sync.ClassTestIRQ, sync.ClassTestIRQ}

const (
	firstSpin = 7
	firstIRQ  = 9
)

// takesPart says whether the CPU takes locks. Few do: they wait with interrupts off, and a lock that is handed from one to the
// next in the order of their coming waits for each until the host runs that CPU.
func takesPart(cpu int) bool { return cpu < 4 }

func prepareOrder(t *ktest.T) {
	o := &orderTest
	o.cpus = room[orderTortured](t.CPUs)
	for i, class := range orderClasses {
		o.data[i].one, o.data[i].two = 0, 0
		if i < firstSpin {
			o.sleep[i].Init(class)
		} else {
			o.spin[i-firstSpin].Init(class)
		}
	}
	for c := range o.after {
		o.after[c] = sync.Class(c).Before()
	}
	for range o.after { // each round at least doubles how far it leads
		for c := range o.after {
			for d := range o.after {
				if o.after[c]>>d&1 != 0 {
					o.after[c] |= o.after[d]
				}
			}
		}
	}
	for i := range o.cpus {
		o.cpus[i].handler = ktest.NewRand(t.Rand(i).Uint64())
	}
	amd64.Handle(vectorTest, func(*amd64.Frame) { tickOrder(here()) })
}

// tickOrder takes a lock in a handler.
func tickOrder(me *local) {
	o, c := &orderTest, this()
	w := &o.cpus[me.cpu]
	if !takesPart(me.cpu) {
		return
	}
	i := firstIRQ + int(w.handler.N(2))
	o.spin[i-firstSpin].Lock(c)
	o.change(torture.t, me.cpu, i, 0)
	o.spin[i-firstSpin].Unlock(c)
	w.handlers++
	torture.t.Check(me.cpu, len(c.Held()) == 0, "a handler holds a lock that it released")
}

// change changes what lock i guards.
func (o *orderTorture) change(t *ktest.T, cpu, i int, pauses uint64) {
	d := &o.data[i]
	t.Equal(cpu, d.one, d.two, "a holder's writes were not all seen")
	d.one++
	for range pauses {
		amd64.Pause()
	}
	d.two++
	o.cpus[cpu].counts[i]++
}

func testTortureOrder(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/order", prepareOrder, tickOrder) {
		return
	}
	o, r, c := &orderTest, t.Rand(cpu), this()
	for {
		for range 8 {
			if takesPart(cpu) {
				o.walk(t, cpu, c, r)
			}
		}
		if r.N(4) == 0 {
			amd64.SendIPI(amd64.CPUByIndex(int(r.N(uint64(t.CPUs)))).APICID, vectorTest)
		}
		spend(r)
		if !going(t, cpu) {
			break
		}
	}
	c.AssertNoLocks()
	t.Check(cpu, c.Preemptible() && !amd64.InterruptsOff(), "preemption or interrupts stayed off")
	endTorture(t, cpu)
	t.Barrier()
	if cpu == 0 {
		o.finish(t)
	}
}

// legal says whether lock i may be taken by who holds the locks in held.
func (o *orderTorture) legal(held uint64, i int) bool {
	class := orderClasses[i]
	for h := range orderClasses {
		other := orderClasses[h]
		switch {
		case held>>h&1 == 0:
		case other == class:
			if !class.Nests() || h >= i {
				return false
			}
		case class.Sleeps() && !other.Sleeps():
			return false
		case !class.Sleeps() && other.Sleeps():
		case o.after[other]>>class&1 == 0:
			return false
		}
	}
	return held>>i&1 == 0
}

// walk takes and releases locks at random until none is left.
func (o *orderTorture) walk(t *ktest.T, cpu int, c *sync.Context, r *ktest.Rand) {
	w := &o.cpus[cpu]
	var held, n uint64
	var flags uintptr // before interrupts went off
	const irqs = 3 << firstIRQ
	for steps := r.N(30); steps > 0 || held != 0; {
		i := int(r.N(uint64(len(orderClasses))))
		switch {
		case steps > 0 && r.N(3) != 0:
			steps--
			if !o.legal(held, i) {
				w.illegal++
				continue
			}
			if i >= firstIRQ {
				flags = amd64.IRQDisable()
			}
			if !o.take(c, i, r.N(4) == 0) {
				if i >= firstIRQ {
					amd64.IRQRestore(flags)
				}
				continue
			}
			held |= 1 << i
			n++
			w.taken++
			w.deepest = max(w.deepest, n)
			o.change(t, cpu, i, r.N(20))
		case held>>i&1 == 0 || i < firstSpin && held&irqs != 0: // a sleeplock is not released under what ClassPI may not follow
			steps -= min(steps, 1)
			continue
		default:
			held &^= 1 << i
			n--
			if i < firstSpin {
				o.sleep[i].Unlock(c)
			} else {
				o.spin[i-firstSpin].Unlock(c)
			}
			if i >= firstIRQ {
				amd64.IRQRestore(flags)
			}
		}
		t.Equal(cpu, uint64(len(c.Held())), n, "locks held")
	}
	t.Count(1)
}

func (o *orderTorture) take(c *sync.Context, i int, try bool) bool {
	switch {
	case i < firstSpin && try:
		return o.sleep[i].TryLock(c)
	case i < firstSpin:
		o.sleep[i].Lock(c)
	case try:
		return o.spin[i-firstSpin].TryLock(c)
	default:
		o.spin[i-firstSpin].Lock(c)
	}
	return true
}

func (o *orderTorture) finish(t *ktest.T) {
	for a := range o.after {
		for b := range o.after {
			from, to := sync.Class(a), sync.Class(b)
			if a == b || from.Name() == "none" || to.Name() == "none" {
				continue
			}
			want := o.after[a]>>b&1 != 0 || from.Sleeps() && !to.Sleeps()
			t.Check(0, sync.MayTake(from, to) == want, "what may be taken under what is not what is declared")
		}
	}
	var taken, handlers, illegal, deepest uint64
	least, most := ^uint64(0), uint64(0)
	for i := range o.cpus {
		if !takesPart(i) {
			break
		}
		w := &o.cpus[i]
		taken += w.taken
		handlers += w.handlers
		illegal += w.illegal
		deepest = max(deepest, w.deepest)
		least, most = min(least, w.taken), max(most, w.taken)
	}
	for i := range o.data {
		sum := uint64(0)
		for j := range o.cpus {
			sum += o.cpus[j].counts[i]
		}
		t.Equal(0, o.data[i].one, sum, "additions under a lock")
	}
	var l text.Line
	put(l.Str("# torture/order: taken=").Uint(taken).Str(" by-handlers=").Uint(handlers).Str(" not-asked-for=").Uint(illegal).
		Str(" deepest=").Uint(deepest).Str(" least=").Uint(least).Str(" most=").Uint(most))
}

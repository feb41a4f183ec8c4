//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/ring: one ring that every task and every interrupt handler fills and empties; handlers interrupt operations of
// their own CPU's task. Timers tick, and the CPUs interrupt each other.

// ringElements is at least the number of those who may be in the middle of an operation: a task and a handler for each CPU.
const ringElements = 2 * amd64.MaxCPUs

type ringTorture struct {
	ring sync.Ring
	flow flow // CPU i's task is part i, its handlers are part CPUs + i
	cpus []ringTortured
}

// ringTortured is one CPU's part, of its handlers.
type ringTortured struct {
	rand  ktest.Rand
	ticks atom.Uint64
	ipis  uint64
	_     [40]byte
}

var ringTest ringTorture

func prepareRing(t *ktest.T) {
	g := &ringTest
	g.ring.Init(room[atom.Uint64](sync.RingWords(ringElements)), 2*t.CPUs)
	g.flow.init(2 * t.CPUs)
	g.cpus = room[ringTortured](t.CPUs)
	for i := range g.cpus {
		g.cpus[i].rand = ktest.NewRand(t.Rand(i).Uint64())
	}
	amd64.Handle(vectorTest, func(*amd64.Frame) {
		me := here()
		ringTest.cpus[me.cpu].ipis++
		ringTest.handle(me)
	})
}

func tickRing(me *local) {
	ringTest.cpus[me.cpu].ticks.Add(1)
	ringTest.handle(me)
}

func (g *ringTorture) handle(me *local) {
	stumble(me)
	r := &g.cpus[me.cpu].rand
	g.steps(torture.t, me.cpu, torture.t.CPUs+me.cpu, r.N(2) == 0, 1+r.N(4))
}

func testTortureRing(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/ring", prepareRing, tickRing) {
		return
	}
	g, r := &ringTest, t.Rand(cpu)
	for {
		for range 8 {
			g.steps(t, cpu, cpu, r.N(2) == 0, 1+r.N(8))
			spend(r)
		}
		if r.N(8) == 0 {
			amd64.SendIPI(amd64.CPUByIndex(int(r.N(uint64(t.CPUs)))).APICID, vectorTest)
		}
		if !going(t, cpu) {
			break
		}
	}
	t.Until(cpu, func() bool { return g.cpus[cpu].ticks.Load() > 0 }, "handlers take part")
	endTorture(t, cpu)
	t.Barrier() // interrupts that were on their way have come
	if cpu == 0 {
		finishRing(t)
	}
}

func (g *ringTorture) steps(t *ktest.T, cpu, who int, in bool, n uint64) {
	for range n {
		if in {
			v := g.flow.element(who)
			g.flow.enqueued(who, v, g.ring.Enqueue(v))
		} else if v, ok := g.ring.Dequeue(); ok {
			g.flow.dequeued(t, cpu, who, v, true)
		} else {
			g.flow.nothing(who)
		}
	}
}

func finishRing(t *ktest.T) {
	g := &ringTest
	for v, ok := g.ring.Dequeue(); ok; v, ok = g.ring.Dequeue() {
		g.flow.dequeued(t, 0, 0, v, true)
	}
	for i := range uint64(ringElements) {
		t.Check(0, g.ring.Enqueue(i), "the empty ring takes as many elements as it was made for")
	}
	t.Check(0, !g.ring.Enqueue(0), "the full ring takes no more")
	var ticks, ipis uint64
	for i := range g.cpus {
		ticks += g.cpus[i].ticks.Load()
		ipis += g.cpus[i].ipis
	}
	var l text.Line
	l.Str("# torture/ring: ticks=").Uint(ticks).Str(" interrupts=").Uint(ipis)
	t.Count(g.flow.finish(t, &l))
	put(&l)
}

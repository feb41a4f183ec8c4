//go:build exokernel

package main

import (
	"math/bits"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sched"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// tuneTest is what testQuantum's and testHome's tasks share. It is CPU 0's, but for arrived.
var tuneTest tuneTested

type tuneTested struct {
	start        uint64
	least, most  [3]uint64 // quanta seen at the end of each phase, ns
	wakes, waits uint64    // of the task that sleeps; ns
	longest      uint64
	frame        mm.Frame
	home         int
	arrived      atom.Uint64 // CPUs that the task ran on
}

const tunePhase = 150 * ms

// testQuantum: three tasks compute on CPU 0, and in the second of three phases another wakes every 5 ms. The quantum is long,
// short, and long again; the one that wakes waits for less than it would if the quantum stayed what it was.
func testQuantum(t *ktest.T, _ int) {
	resetSched(t, 3*tunePhase)
	g := &tuneTest
	g.start = amd64.NowNs()
	g.wakes, g.waits, g.longest = 0, 0, 0
	for i := range g.least {
		g.least[i], g.most[i] = never, 0
	}
	before := tasks.CPU(0).Counters
	for range 3 {
		spawn(&sched.Start{Name: "hog", Affinity: 1, Detached: true}, func(uint64) uint64 {
			g := &tuneTest
			for amd64.NowNs() < schedTest.end {
				compute()
				c := preemptOff()
				q, since := tasks.CPU(0).Quantum(), amd64.NowNs()-g.start
				if phase := since / tunePhase; phase < 3 && since%tunePhase > tunePhase*3/4 {
					g.least[phase], g.most[phase] = min(g.least[phase], q), max(g.most[phase], q)
				}
				c.PreemptEnable()
			}
			return ends(0)
		}, 0)
	}
	spawn(&sched.Start{Name: "sleeper", Affinity: 1, Detached: true}, func(uint64) uint64 {
		g := &tuneTest
		for next := g.start + tunePhase; next < g.start+2*tunePhase; next += 5 * ms {
			sleepUntil(next)
			wait := amd64.NowNs() - next
			g.wakes++
			g.waits += wait
			g.longest = max(g.longest, wait)
		}
		return ends(1)
	}, 0)
	waitFor(4)
	moves := tuning().Rules&sched.TuneQuantum != 0
	var l text.Line
	l.Str("# sched/quantum: at the ends of the phases, µs:")
	for i := range g.least {
		l.Byte(' ').Uint(g.least[i] / 1000).Str(" to ").Uint(g.most[i] / 1000)
		t.Check(0, g.most[i] <= sched.DefaultQuantum, "the quantum stays within its range")
		if !moves {
			t.Check(0, g.most[i] == 0 || g.least[i] == sched.DefaultQuantum, "with tune=none the quantum stays what it was")
		}
	}
	t.Count(g.wakes)
	mean := g.waits / max(g.wakes, 1)
	if options.Exact && moves {
		t.Check(0, g.least[0] == sched.DefaultQuantum && g.least[2] == sched.DefaultQuantum, "while nobody wakes the quantum is long")
		t.Equal(0, g.most[1], sched.DefaultQuantum/4, "the quantum with two that wait and one that wakes")
		t.Check(0, mean < sched.DefaultQuantum, "who wakes waits for less than it should at most, on average")
	}
	after := &tasks.CPU(0).Counters
	put(l.Str("; waited: mean=").Uint(mean / 1000).Str(" longest=").Uint(g.longest / 1000).Str("; shorter=").
		Uint(after.Shorter - before.Shorter).Str(" longer=").Uint(after.Longer - before.Longer))
}

// testHome: a task whose memory is on the node farthest from CPU 0 comes to run there. If there is no other node, or tune= does
// not say home, nobody moves.
func testHome(t *ktest.T, _ int) {
	g := &tuneTest
	moves := tuning().Rules&sched.TuneHome != 0
	far := moves && g.farFrame()
	resetSched(t, 0)
	g.arrived.Store(0)
	before, farArg := homeward(), uint64(0)
	if far {
		farArg = 1
	}
	spawn(&sched.Start{Name: "afar", Detached: true}, func(far uint64) uint64 {
		g := &tuneTest
		for i, at := 0, -1; i < 100 || far != 0 && at != g.home; i++ {
			c := preemptOff()
			at = nodeOfCPU(c.CPU)
			g.arrived.Or(1 << c.CPU)
			me := here().sched.Current()
			if c.PreemptEnable(); far != 0 {
				sampled(nil, g.frame, 1)
			} else {
				tasks.Accesses(me, nodeOfCPU(0), 1)
			}
			compute()
		}
		return ends(0)
	}, farArg)
	waitFor(1)
	if far {
		freeFrame(amd64.PhysAddr(g.frame.Addr()))
		t.Check(0, homeward() > before, "a task was sent to its memory")
	} else if !moves {
		t.Equal(0, homeward(), before, "tasks sent to their memory with tune=none")
	}
	t.Count(1)
	var l text.Line
	put(l.Str("# numa/home: ran on ").Int(bits.OnesCount64(g.arrived.Load())).Str(" CPUs, sent ").Uint(homeward() - before).Str(" times"))
}

// farFrame takes a frame of the last CPU's node that is not CPU 0's and has memory; false: there is none.
func (g *tuneTested) farFrame() bool {
	for cpu := ncpu - 1; cpu > 0; cpu-- {
		n := nodeOfCPU(cpu)
		if n == nodeOfCPU(0) {
			continue
		}
		c := preemptOff()
		f, err := frames.Alloc(c.CPU, n, mm.User, testOwner)
		c.PreemptEnable()
		switch {
		case err != nil:
		case int(topology.NodeOfAddr(f.Addr())) != n:
			freeFrame(amd64.PhysAddr(f.Addr()))
		default:
			g.frame, g.home = f, n
			return true
		}
	}
	return false
}

// homeward is how many tasks have been sent to their memory since boot.
func homeward() (n uint64) {
	for i := range ncpu {
		n += tasks.CPU(i).Counters.Homeward
	}
	return n
}

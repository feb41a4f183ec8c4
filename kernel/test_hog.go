//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/ktest"
	"exo/kernel/sched"
	"exo/kernel/text"
)

// Environments that take all that they can get, beside one that works, on the same CPU: it goes on, has its share of the CPU's time, and whatever
// it asks for within its quota; and when the other one is destroyed, all is back, to the frame and the slot.

const (
	hogMem    = 11 // words of the page: the account,
	hogOne    = 12 // 1,
	hogCount  = 13 // rounds,
	hogBad    = 14 // what was refused to who works,
	hogStart  = 15 // where a ThreadStart is, from word hogThread on
	hogUntil  = 16 // until when who is of the class Batch waits for a call
	hogThread = 32
)

// hogs is what they do, and what of the CPU's time is left to who works, in percent.
var hogs = [...]struct {
	name    string
	threads int
	leaves  uint64
	reserve bool // else it competes with each thread of the other
	code    func(a *assembler)
}{
	{"spin", 1, 45, false, func(*assembler) {}},
	{"frames", 1, 45, false, func(a *assembler) { a.call(abi.FrameAlloc, hogMem, none, none, hogOne, none) }},
	{"caps", 1, 45, false, func(a *assembler) { a.call(abi.CapDerive, hogMem, hogOne, none, none) }},
	{"upcalls", 1, 45, false, func(a *assembler) { a.put(0x0F, 0x0B) }}, // ud2
	{"fork", 1, 35, true, func(a *assembler) {
		a.call(abi.EnvCreate, hogMem, hogOne, hogOne)
		a.call(abi.ThreadCreate, none, hogStart)
	}},
	{"deadlock", 2, 90, false, func(a *assembler) { a.call(abi.IPCCall, wordGate, none, none, none, none, none) }},
}

// hogWorks has a frame, and gives it back.
func hogWorks(a *assembler) {
	a.call(abi.FrameAlloc, hogMem, none, none, hogOne, none)
	a.put(0x48, 0x89, 0xC7) // mov rdi, rax
	a.imm(rAX, uint64(abi.CapDelete))
	a.syscall()
	a.put(0x48, 0x85, 0xC0) // test rax, rax
	well := a.ahead(0x84)
	a.count(hogBad)
	a.here(well)
}

// makeHog makes an environment whose threads, bound to CPU 0, do something again and again, and count.
func makeHog(t *ktest.T, frames, caps uint64, threads int, code func(a *assembler)) puppet {
	fault := 0
	p, ok := makeProgram(t, nil, frames, caps, func(b []byte) {
		a := &fuzzAsm
		*a = assembler{b: b}
		a.put(0x49, 0x89, 0xFF) // mov r15, rdi
		loop := a.n
		a.count(hogCount)
		code(a)
		fault = a.n       // goes on, too; its stack is as the upcall has left it
		a.put(0x48, 0xBC) // mov rsp, imm64
		a.word32(pupStack)
		a.word32(0)
		a.jump(0xE9, loop)
	})
	if !ok {
		return p
	}
	e := p.env
	e.fault.Store(pupCode + uint64(fault))
	c := preemptOff()
	name, _ := e.giveAccount(c.CPU)
	c.PreemptEnable()
	for p.i = range threads {
		if !p.addThread(1, 0) {
			return p
		}
		p.data[wordGate].Store(uint64(e.newGate(abi.KindEndpoint)))
		p.data[hogMem].Store(uint64(name))
		p.data[hogOne].Store(1)
		p.data[hogStart].Store(p.place(hogThread))
		for i, v := range [...]uint64{pupCode, pupStack, p.place(0), 0, 0, pupUpLow, pupUpHi, 1} {
			p.data[hogThread+i].Store(v)
		}
	}
	e.goOn()
	return p
}

// usage is what its first thread has had.
func (p *puppet) usage() sched.Usage {
	c := preemptOff()
	defer c.PreemptEnable()
	p.env.lock.Lock(c)
	defer p.env.lock.Unlock(c)
	return p.env.first.usage()
}

// change has its first thread be scheduled otherwise.
func (p *puppet) change(to *sched.Start) {
	change, err := tasks.Prepare(to)
	p.t.Check(0, err == nil, "what a thread is to become can be had")
	c := preemptOff()
	p.env.lock.Lock(c)
	p.env.first.changes(change, 0)
	p.env.lock.Unlock(c)
	c.PreemptEnable()
}

func testHogs(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		for i := range hogs {
			h := &hogs[i]
			var before census
			before.count()
			w := makeHog(t, 40, 20, 1, hogWorks)
			if h.reserve {
				w.change(&sched.Start{Class: sched.RealTime, Affinity: 1, Reservation: sched.Reservation{Budget: 4 * ms, Period: 10 * ms}})
			}
			p := makeHog(t, 120, 60, h.threads, h.code)
			if t.Failed() {
				return 0
			}
			t.Check(0, eventually(func() bool { return p.data[hogCount].Load() > 20 || h.leaves == 90 }), "who takes all takes it")
			start, ran, rounds := amd64.NowNs(), w.usage().Ran, w.data[hogCount].Load()
			sleepUntil(start + testNs()/2)
			t.Check(0, eventually(func() bool { return w.data[hogCount].Load() > rounds+20 }), "who works goes on")
			time := amd64.NowNs() - start
			share := (w.usage().Ran - ran) * 100 / max(time, 1)
			t.Check(0, !options.Exact || share >= h.leaves, "and has its share of the time")
			t.Equal(0, w.data[hogBad].Load(), 0, "what it was refused")
			did := p.data[hogCount].Load()
			p.end()
			rounds = w.data[hogCount].Load() - rounds
			w.end()
			before.same(t)
			t.Count(did)
			var l text.Line
			put(l.Str("# hog/").Str(h.name).Str(": rounds=").Uint(did).Str(" of who works=").Uint(rounds).Str(" its share, in %: ").Uint(share))
		}
		return 0
	})
}

// testBatchEnds: a thread of the class Batch beside one that spins, on the same CPU: it goes on, a little, and when its environment is
// destroyed it ends, whether it computes, waits, or is suspended.
func testBatchEnds(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		for _, how := range [...]string{"computes", "waits", "is suspended"} {
			p := makeHog(t, 40, 20, 1, func(a *assembler) { a.call(abi.IPCReceive, wordGate, hogUntil) })
			if t.Failed() {
				return 0
			}
			of := p.env.first
			p.change(&sched.Start{Class: sched.Batch, Affinity: 1})
			t.Check(0, eventually(func() bool { return of.user.Pending.Load() == 0 }), "a thread becomes one of the class Batch")
			w := makeHog(t, 40, 20, 1, func(*assembler) {})
			if t.Failed() {
				return 0
			}
			t.Check(0, eventually(func() bool { return w.data[hogCount].Load() != 0 }), "another one spins")
			all, ran, start := w.usage().Ran, p.usage().Ran, p.data[hogCount].Load()
			goesOn := eventually(func() bool { return p.data[hogCount].Load() > start+2 && w.usage().Ran > all+200*ms })
			t.Check(0, goesOn, "both go on")
			all, ran = w.usage().Ran-all, p.usage().Ran-ran
			t.Check(0, !options.Exact || ran < all/16, "who is of the class Batch has little of the CPU")
			switch how {
			case "waits":
				p.data[hogUntil].Store(abi.Forever)
				t.Check(0, eventually(func() bool { return tasks.Task(sched.ID(of.task.Load())).State() == sched.Blocked }), "it waits")
			case "is suspended":
				of.user.Pending.Or(pendSuspend)
				of.nudge()
				t.Check(0, eventually(func() bool { return of.stopped.Load() != 0 }), "it stops")
			}
			start = w.data[hogCount].Load()
			p.end()
			t.Check(0, eventually(func() bool { return w.data[hogCount].Load() > start }), "who spins goes on")
			t.Count(w.data[hogCount].Load())
			w.end()
			var l text.Line
			put(l.Str("# hog/batch: who ").Str(how).Str(" had of the other's time, in 1/1000: ").Uint(ran * 1000 / max(all, 1)))
		}
		return 0
	})
}

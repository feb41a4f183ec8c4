//go:build exouser

package main

import (
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/sys"
	"exo/libos/thread"
)

// Threads of a process.

func threadJoin(t *T) {
	n := 0
	for i := range 20 {
		t.Go(func() { n += i }).Join()
	}
	t.Count(int64(n), 190, "the sum of what they did")
}

func threadMany(t *T) {
	var n atomic.Uint32
	var all [40]*thread.Thread
	for i := range all {
		all[i] = t.Go(func() { n.Add(1) })
	}
	for _, th := range all {
		th.Join()
	}
	t.Count(int64(n.Load()), int64(len(all)), "threads that ran")
	thread.Drain()
	t.Count(int64(envInfo(t, 0).Threads), 1, "threads that are left")
}

func threadMutex(t *T) {
	var m thread.Mutex
	var all [4]*thread.Thread
	n := 0
	for k := range all {
		all[k] = t.Go(func() {
			for i := range 1000 {
				m.Lock()
				v := n
				if i%100 == 0 {
					thread.Yield()
				}
				n = v + 1
				m.Unlock()
			}
		})
	}
	for _, th := range all {
		th.Join()
	}
	t.Count(int64(n), 4000, "4000 additions")
	t.That(m.TryLock(), "a free Mutex cannot be taken")
	t.That(!m.TryLock(), "a Mutex can be taken twice")
	m.Unlock()
	t.That(panics(m.Unlock), "a free Mutex can be given up")
}

func threadCond(t *T) {
	var m thread.Mutex
	var c thread.Cond
	turn := 0
	play := func(mine int) func() {
		return func() {
			for range 50 {
				m.Lock()
				for turn%2 != mine {
					c.Wait(&m)
				}
				turn++
				m.Unlock()
				c.Broadcast()
			}
		}
	}
	a, b := t.Go(play(0)), t.Go(play(1))
	a.Join()
	b.Join()
	t.Count(int64(turn), 100, "turns")
}

// signals: each Signal lets one go on.
func signals(t *T) {
	var m thread.Mutex
	var c thread.Cond
	var all [4]*thread.Thread
	waiting, woken := 0, 0
	for i := range all {
		all[i] = t.Go(func() {
			m.Lock()
			waiting++
			c.Wait(&m)
			woken++
			m.Unlock()
		})
	}
	count := func(p *int) int {
		m.Lock()
		defer m.Unlock()
		return *p
	}
	eventually(func() bool { return count(&waiting) == len(all) })
	for i := range all {
		c.Signal()
		eventually(func() bool { return count(&woken) > i })
		t.Count(int64(count(&woken)), int64(i+1), "threads that go on")
	}
	for _, th := range all {
		th.Join()
	}
}

func once(t *T) {
	var o thread.Once
	var all [6]*thread.Thread
	n := 0
	for i := range all {
		all[i] = t.Go(func() { o.Do(func() { thread.Yield(); n++ }) })
	}
	for _, th := range all {
		th.Join()
	}
	t.Count(int64(n), 1, "how often it ran")
}

func threadFaults(t *T) {
	var all [4]*thread.Thread
	var sums [4]int
	for k := range all {
		all[k] = t.Go(func() {
			b := make([]int, 50_000)
			for i := range b {
				b[i] = i % 7
			}
			for _, v := range b {
				sums[k] += v
			}
			sums[k] += deep(100)
		})
	}
	for _, th := range all {
		th.Join()
	}
	t.That(sums[0] > 0 && sums[0] == sums[3] && sums[1] == sums[2], "they count differently")
}

// floats: the registers of floating point are each thread's own, whatever runs in between.
func floats(t *T) {
	var all [3]*thread.Thread
	var sums [3]float64
	for k := range all {
		all[k] = t.Go(func() {
			x := float64(k + 1)
			for i := range 20_000 {
				sums[k] += x * 0.5
				if i%1000 == 0 {
					thread.Yield()
				}
			}
		})
	}
	for _, th := range all {
		th.Join()
	}
	for k, sum := range sums {
		t.That(sum == float64(k+1)*10_000, "a sum of thread "+number(int64(k))+" is wrong")
	}
}

// onItsCPU: a thread runs on the CPUs that it is made for.
func onItsCPU(t *T) {
	for cpu := range sys.Info().CPUs {
		n, stop := uint64(0), uint64(0)
		th, err := thread.GoOn(1<<cpu, func() {
			for load(&stop) == 0 {
				atomic.AddUint64(&n, 1)
				thread.Yield()
			}
		})
		t.OK(err, "GoOn")
		eventually(func() bool { return load(&n) > 0 })
		var info abi.ThreadInfo
		err2 := sys.ThreadInspect(th.Name(), &info)
		atomic.StoreUint64(&stop, 1)
		th.Join()
		t.OK(err2, "ThreadInspect")
		t.Count(int64(info.CPU), int64(cpu), "CPU")
	}
	_, err := thread.GoOn(1<<sys.Info().CPUs, func() {})
	t.That(err != nil || sys.Info().CPUs == 64, "a thread can be made for a CPU that is not there")
}

// suspended: a thread that is suspended does nothing, and goes on where it was.
func suspended(t *T) {
	n, stop := uint64(0), uint64(0)
	th := t.Go(func() {
		for load(&stop) == 0 {
			atomic.AddUint64(&n, 1)
		}
	})
	eventually(func() bool { return load(&n) > 0 })
	t.OK(sys.ThreadSuspend(th.Name()), "ThreadSuspend")
	before := load(&n)
	thread.Sleep(3_000_000)
	after := load(&n)
	var info abi.ThreadInfo
	no := sys.ThreadInspect(th.Name(), &info)
	t.OK(sys.ThreadResume(th.Name()), "ThreadResume")
	eventually(func() bool { return load(&n) > after })
	atomic.StoreUint64(&stop, 1)
	th.Join()
	t.Count(int64(after), int64(before), "its counter while it is suspended")
	t.OK(no, "ThreadInspect")
	t.That(info.RIP >= abi.LibOS && info.RIP < abi.UserTop && info.RSP != 0, "where it is suspended is nowhere")
}

// destroyed: a thread that spins can be ended, and the process goes on.
func destroyed(t *T) {
	p := t.Puppet(spin...)
	p.start(t)
	t.Count(int64(p.inspect(t).Threads), 1, "threads")
	t.OK(sys.ThreadDestroy(p.name), "ThreadDestroy")
	t.Is(sys.ThreadResume(p.name), abi.Dead, "ThreadResume of who has ended")
	t.Count(p.end(t), abi.StatusKilled, "status of an environment whose last thread was destroyed")
}

// oddThreads: what a thread cannot begin with.
func oddThreads(t *T) {
	good := abi.ThreadStart{RIP: puppetCode, RSP: puppetStack}
	for _, bad := range []func(s *abi.ThreadStart){
		func(s *abi.ThreadStart) { s.RIP = kernelText },
		func(s *abi.ThreadStart) { s.RIP = noAddress },
		func(s *abi.ThreadStart) { s.RSP = directMap },
		func(s *abi.ThreadStart) { s.FS = kernelText },
		func(s *abi.ThreadStart) { s.GS = noAddress },
		func(s *abi.ThreadStart) { s.UpcallHigh = abi.UserTop },
		func(s *abi.ThreadStart) { s.UpcallLow = 1 },
		func(s *abi.ThreadStart) { s.Flags = 1 << 20 },
		func(s *abi.ThreadStart) { s.Weight = 1 << 40 },
	} {
		s := good
		bad(&s)
		_, err := sys.ThreadCreate(0, &s)
		t.Is(err, abi.BadArgument, "ThreadCreate")
	}
	good.Ended, good.EndedBits = account(), 1
	_, err := sys.ThreadCreate(0, &good)
	t.Is(err, abi.BadKind, "ThreadCreate that tells an account of its end")
}

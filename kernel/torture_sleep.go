//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/sleeplock: every CPU's task takes some of a few sleeplocks in order, changes plain words under them, and has a
// priority that changes. Who waits halts its CPU until the lock is handed over. First of all one chain of waiters is built
// on purpose, to see priorities travel along it.

const sleepLocks = 4

type sleepTorture struct {
	locks [sleepLocks]struct {
		sync.Sleeplock
		// Plain words, under the lock.
		holder    int
		one, two  uint64 // equal while nobody is at it
		exchanges uint64 // how often another CPU had it before
	}
	cpus    []sleepTortured
	step    atom.Uint32 // of the chain
	changes [amd64.MaxCPUs]struct {
		n uint64 // how often PriorityChanged was called, on this CPU
		_ [56]byte
	}
}

type sleepTortured struct {
	locked               [sleepLocks]uint64
	tries, refused, lent uint64
	_                    [40]byte
}

var sleepTest sleepTorture

func prepareSleep(t *ktest.T) {
	s := &sleepTest
	s.cpus = room[sleepTortured](t.CPUs)
	for i := range s.locks {
		l := &s.locks[i]
		l.Init(sync.ClassTestNest)
		l.one, l.two, l.exchanges = 0, 0, 0
	}
	s.step.Store(0)
	for i := range s.changes {
		s.changes[i].n = 0
	}
	sync.PriorityChanged = func(*sync.Context) { sleepTest.changes[here().cpu].n++ } // with preemption off
}

func testTortureSleep(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/sleeplock", prepareSleep, nil) {
		return
	}
	s, r, c := &sleepTest, t.Rand(cpu), this()
	s.chain(t, cpu, c)
	t.Barrier()
	for {
		tickless := r.N(2) == 0 // then who waits is woken by Unpark or not at all
		if tickless {
			stopTimer()
		}
		for range 8 {
			s.round(t, cpu, c, r)
		}
		if tickless {
			startTicks()
		}
		jostle(t, r)
		if !going(t, cpu) {
			break
		}
	}
	c.SetPriority(0, c)
	c.AssertNoLocks()
	endTorture(t, cpu)
	if cpu == 0 {
		s.finish(t)
	}
}

// round takes some locks, in order of address, and releases them in any.
func (s *sleepTorture) round(t *ktest.T, cpu int, c *sync.Context, r *ktest.Rand) {
	w := &s.cpus[cpu]
	if r.N(4) == 0 {
		c.SetPriority(int(r.N(16)), c)
	}
	held := 0
	for i := range s.locks {
		l := &s.locks[i]
		if r.N(3) != 0 {
			continue
		}
		if r.N(4) == 0 {
			w.tries++
			if !l.TryLock(c) {
				w.refused++
				continue
			}
		} else {
			l.Lock(c)
		}
		held |= 1 << i
		if l.holder != cpu {
			l.exchanges++
		}
		l.holder = cpu
		t.Equal(cpu, l.one, l.two, "a holder's writes were not all seen")
		l.one++
		spend(r)
		l.two++
		w.locked[i]++
		t.Count(1)
	}
	t.Check(cpu, c.EffectivePriority() >= c.Priority(), "a context is less urgent than it was made")
	if c.EffectivePriority() > c.Priority() {
		w.lent++
	}
	for held != 0 {
		i := int(r.N(sleepLocks))
		if held>>i&1 == 0 {
			continue
		}
		held &^= 1 << i
		l := &s.locks[i]
		t.Check(cpu, l.holder == cpu && l.one == l.two, "somebody else was in a lock that was held")
		l.Unlock(c)
	}
	t.Equal(cpu, uint64(c.EffectivePriority()), uint64(c.Priority()), "a priority was kept that only held locks lent")
}

// chain: CPU 0 holds the last lock; CPU 1 holds the one before and waits for the last; CPU 2 waits for that one. So CPU 0
// becomes as urgent as CPU 1 and then as CPU 2.
func (s *sleepTorture) chain(t *ktest.T, cpu int, c *sync.Context) {
	inner, outer := &s.locks[sleepLocks-1].Sleeplock, &s.locks[sleepLocks-2].Sleeplock
	first := &localOf(amd64.CPUByIndex(0)).task
	priority := func(c *sync.Context, want int) func() bool {
		return func() bool { return c.EffectivePriority() == want }
	}
	step := func(n uint32) func() bool {
		return func() bool { return s.step.Load() >= n }
	}
	if t.CPUs == 1 {
		return
	}
	switch cpu {
	case 0:
		c.SetPriority(1, c)
		inner.Lock(c)
		s.step.Store(1)
		if t.CPUs == 2 {
			t.Until(cpu, priority(c, 50), "the holder became as urgent as who waits for its lock")
		} else {
			t.Until(cpu, priority(c, 80), "the holder became as urgent as who waits for who waits for its lock")
			t.Equal(cpu, uint64(localOf(amd64.CPUByIndex(1)).task.EffectivePriority()), 80, "the priority of the waiter between")
		}
		inner.Unlock(c)
		t.Equal(cpu, uint64(c.EffectivePriority()), 1, "the priority after the lock was released")
	case 1:
		t.Until(cpu, step(1), "CPU 0 has its lock")
		c.SetPriority(50, c)
		outer.Lock(c)
		s.step.Store(2)
		inner.Lock(c)
		inner.Unlock(c)
		outer.Unlock(c)
		t.Equal(cpu, uint64(c.EffectivePriority()), 50, "the priority after the locks were released")
	case 2:
		t.Until(cpu, step(2), "CPU 1 has its lock")
		t.Until(cpu, priority(first, 50), "CPU 0 became as urgent as CPU 1")
		c.SetPriority(80, c)
		outer.Lock(c)
		outer.Unlock(c)
		t.Equal(cpu, uint64(c.EffectivePriority()), 80, "the priority of who lent it")
	}
}

func (s *sleepTorture) finish(t *ktest.T) {
	sync.PriorityChanged = nil
	var locked, tries, refused, lent, exchanges, changes uint64
	for i := range s.locks {
		sum := uint64(0)
		for j := range s.cpus {
			sum += s.cpus[j].locked[i]
		}
		t.Equal(0, s.locks[i].one, sum, "additions under a lock")
		locked += sum
		exchanges += s.locks[i].exchanges
	}
	least, most := ^uint64(0), uint64(0)
	for i := range s.cpus {
		w := &s.cpus[i]
		tries += w.tries
		refused += w.refused
		lent += w.lent
		least, most = min(least, sumOf(w.locked[:])), max(most, sumOf(w.locked[:]))
		changes += s.changes[i].n
	}
	t.Check(0, t.CPUs == 1 || changes >= 4, "priorities travelled")
	var l text.Line
	put(l.Str("# torture/sleeplock: locked=").Uint(locked).Str(" from-another-cpu=").Uint(exchanges).Str(" tries=").Uint(tries).
		Str(" refused=").Uint(refused).Str(" priority-lent=").Uint(lent).Str(" priority-changes=").Uint(changes).
		Str(" least=").Uint(least).Str(" most=").Uint(most))
}

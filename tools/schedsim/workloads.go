package main

import "exo/kernel/sched"

// workload is a named way to use a machine.
type workload struct {
	name, about string
	boundNs     uint64 // a longer p99 of waiting makes it worse; 0: waiting does not count
	start       func(s *sim)
}

const (
	us = 1000
	ms = 1000 * us
)

// workloads is all of them. Amounts grow with the number of CPUs.
var workloads = []workload{
	{"cpu-bound", "4 tasks per CPU that only compute", 0, func(s *sim) {
		for i := range 4 * s.cpus {
			s.spawn(i/4, sched.Start{}, task{awaited: true, cold: 100, next: computes(s, 80*ms, 0)})
		}
	}},
	{"sleepers", "3 tasks per CPU that compute, and 2 that wake every 3 to 7 ms for 50 µs", 4 * ms, func(s *sim) {
		for i := range 3 * s.cpus {
			s.spawn(i/3, sched.Start{}, task{awaited: true, cold: 100, next: computes(s, 80*ms, 0)})
		}
		for i := range 2 * s.cpus {
			s.spawn(i/2, sched.Start{}, task{waits: true, cold: 12, next: sleeper(s, 3*ms, 7*ms, 50*us, 0)})
		}
	}},
	{"requests", "a client and a server per 2 CPUs that wake each other, 30 µs each, beside 2 tasks per CPU that compute", 4 * ms,
		func(s *sim) {
			for i := range 2 * s.cpus {
				s.spawn(i/2, sched.Start{}, task{awaited: true, cold: 100, next: computes(s, 120*ms, 0)})
			}
			for i := range (s.cpus + 1) / 2 {
				s.ring(2*i%s.cpus, 2, 1, 30*us, 250)
			}
		}},
	{"ping-pong", "a pair per 2 CPUs, 5 µs each, and nothing else", 4 * ms, func(s *sim) {
		for i := range (s.cpus + 1) / 2 {
			s.ring(2*i%s.cpus, 2, 1, 5*us, 3000)
		}
	}},
	{"chains", "each CPU: 6 tasks in a ring that wake the next, 8 µs each", 4 * ms, func(s *sim) {
		for cpu := range s.cpus {
			s.ring(cpu, 6, 1, 8*us, 2000)
		}
	}},
	{"bounce", "each second CPU: 4 tasks in a ring, 2 of which have their turn, 8 µs each", 4 * ms, func(s *sim) {
		for cpu := range (s.cpus + 1) / 2 {
			s.ring(2*cpu%s.cpus, 4, 2, 8*us, 2000)
		}
	}},
	{"fork-join", "one task wakes 8 per CPU, 300 µs each, and waits for all; 20 times", 0, func(s *sim) {
		s.forkJoin(8*s.cpus, 300*us, 20)
	}},
	{"fork-fine", "the same with 20 µs each; 60 times", 0, func(s *sim) { s.forkJoin(8*s.cpus, 20*us, 60) }},
	{"imbalanced", "one task makes 12 per CPU, of 1 to 20 ms", 0, func(s *sim) {
		s.spawn(0, sched.Start{}, task{awaited: true, next: s.spawner(12*s.cpus, func() step {
			return step{compute: s.uniform(1*ms, 20*ms)}
		})})
	}},
	{"afar", "2 tasks per CPU that compute with memory on the next node", 0, func(s *sim) {
		for i := range 2 * s.cpus {
			node := (s.nodeOf(i/2) + 1) % s.nodes
			s.spawn(i/2, sched.Start{}, task{awaited: true, cold: 100, node: node, share: 50, next: computes(s, 100*ms, 0)})
		}
	}},
	{"lonely", "a task per 2 CPUs, with memory on the next node", 0, func(s *sim) {
		for i := range s.cpus / 2 {
			node := (s.nodeOf(2*i) + 1) % s.nodes
			s.spawn(2*i, sched.Start{}, task{awaited: true, cold: 100, node: node, share: 50, next: computes(s, 100*ms, 0)})
		}
	}},
	{"moving", "as afar, but the memory goes on to the next node every 60 ms", 0, func(s *sim) {
		for i := range 2 * s.cpus {
			s.spawn(i/2, sched.Start{}, task{awaited: true, cold: 100, node: s.nodeOf(i / 2), share: 50,
				next: computes(s, 180*ms, 60*ms)})
		}
	}},
	{"everywhere", "the same, but another node's memory every 1 ms", 0, func(s *sim) {
		for i := range 2 * s.cpus {
			s.spawn(i/2, sched.Start{}, task{awaited: true, cold: 100, node: s.nodeOf(i / 2), share: 50,
				next: computes(s, 100*ms, 1*ms)})
		}
	}},
	{"crowded", "all memory is on node 0, 2 tasks per CPU", 0, func(s *sim) {
		for i := range 2 * s.cpus {
			s.spawn(i/2, sched.Start{}, task{awaited: true, cold: 100, share: 50, next: computes(s, 60*ms, 0)})
		}
	}},
	{"phases", "3 tasks per CPU that compute; for 50 of each 100 ms 2 more that sleep and wake", 4 * ms,
		func(s *sim) {
			for i := range 3 * s.cpus {
				s.spawn(i/3, sched.Start{}, task{awaited: true, cold: 100, next: computes(s, 100*ms, 0)})
			}
			for i := range 2 * s.cpus {
				s.spawn(i/2, sched.Start{}, task{waits: true, cold: 12, next: sleeper(s, 2*ms, 6*ms, 50*us, 50*ms)})
			}
		}},
}

// computes is a task that computes so long in all. moves is after how much of that its memory is on the next node; 0: never.
func computes(s *sim, ns, moves uint64) func(*task) step {
	done := uint64(0)
	ns += s.uniform(0, ns/20)
	return func(t *task) step {
		if done >= ns {
			return step{exit: true}
		}
		if moves != 0 && done != 0 && done%moves == 0 {
			t.node = (t.node + 1) % s.nodes
		}
		done += ms
		return step{compute: ms}
	}
}

// sleeper computes at random times, for ever, whether it is late or not; only in odd phases, if there are any.
func sleeper(s *sim, least, most, burst, phase uint64) func(*task) step {
	asleep, when := false, s.now
	return func(t *task) step {
		if asleep = !asleep; !asleep {
			return step{compute: burst}
		}
		if when += s.uniform(least, most); phase != 0 && when/phase%2 == 0 {
			when = when/phase*phase + phase + s.uniform(0, most)
		}
		return step{sleep: max(when, s.now+1)}
	}
}

// ring is n tasks each of which computes when it is its turn, and then wakes the next. tokens is how many of them have a turn
// at a time.
func (s *sim) ring(cpu, n, tokens int, burst uint64, rounds int) {
	all, due := make([]*task, n), make([]int, n)
	for i := range tokens {
		due[i*n/tokens] = 1
	}
	for i := range n {
		turns, computed := 0, false
		all[i] = s.spawn(cpu, sched.Start{}, task{waits: true, awaited: true, cold: 25, next: func(t *task) step {
			if computed {
				computed = false
				next := (i + 1) % n
				due[next]++
				s.wake(t, all[next])
				if turns++; turns == rounds {
					return step{exit: true}
				}
			}
			if due[i] == 0 {
				return step{}
			}
			due[i]--
			computed = true
			return step{compute: s.uniform(burst*3/4, burst*5/4)}
		}})
	}
}

// forkJoin has one task wake n others, and wait until all have computed; so many times.
func (s *sim) forkJoin(n int, burst uint64, rounds int) {
	var (
		root *task
		all  []*task
		left int
	)
	for range n {
		state := 0
		all = append(all, s.spawn(0, sched.Start{}, task{waits: true, cold: 25, next: func(t *task) step {
			switch state {
			case 0:
				state = 1
				return step{}
			case 1:
				state = 2
				return step{compute: s.uniform(burst/2, burst+burst/2)}
			}
			if left--; left == 0 {
				s.wake(t, root)
			}
			state = 1
			return step{}
		}}))
	}
	round, state := 0, 0
	root = s.spawn(0, sched.Start{}, task{awaited: true, cold: 25, next: func(t *task) step {
		switch {
		case state == 0: // the others are to be asleep first
			state = 1
			return step{sleep: s.now + 5*ms}
		case left > 0:
			return step{}
		case round == rounds:
			return step{exit: true}
		}
		round++
		left = n
		for _, w := range all {
			s.wake(t, w)
		}
		return step{}
	}})
}

// spawner makes n tasks, one every 10 µs, each of which computes as it says.
func (s *sim) spawner(n int, work func() step) func(*task) step {
	return func(t *task) step {
		if n == 0 {
			return step{exit: true}
		}
		n--
		one := work()
		s.spawn(t.on, sched.Start{}, task{awaited: true, cold: 50, next: func(*task) step {
			st := one
			one = step{exit: true}
			return st
		}})
		return step{compute: 10 * us}
	}
}

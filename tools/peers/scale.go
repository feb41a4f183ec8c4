package main

// Throughput of one thread with a queue of its own, and of two with one each, on one pool: what is per CPU scales. Beside
// it, two threads on one queue, which cannot.
type scaling struct {
	one, two, shared sample // million pairs a second, of all threads together
}

// ownQueues has each thread use a queue of its own, on one pool.
type ownQueues struct{ queues [2]queue }

func newOwnQueues() body {
	p := newPool(2)
	return ownQueues{[2]queue{p.queue(0), p.queue(1)}}
}

func (b ownQueues) run(id, n int) int { return b.queues[id].run(id, n) }

func (s *scaling) measure(rounds, n int) {
	own, shared := newOwnQueues(), newQueue(2)
	rate := func(b body, threads int) float64 {
		took, done := measure(b, threads, n)
		return float64(done) / took.Seconds() / 1e6
	}
	rate(own, 2) // warm up
	for range rounds {
		s.one = append(s.one, rate(own, 1))
		s.two = append(s.two, rate(own, 2))
		s.shared = append(s.shared, rate(shared, 2))
	}
}

package sched

// Stealing: a CPU that has nothing takes from one that has too much. It looks at the nearest CPUs first, and of those that
// are equally near takes from the one with the longest queue; and only if that has at least two tasks, running ones
// counted, more than itself: moving the last one would only move the problem.

// victim is a CPU to steal from.
type victim struct {
	*CPU
	rank uint // how many distances are smaller
}

const (
	stealMost = 32 // entries at once
	// MaxRanks is how many distances are told apart in Counters.
	MaxRanks = 8
)

// orderVictims sorts the other CPUs by distance: insertion sort, at boot.
func (c *CPU) orderVictims(distance func(a, b int) int) {
	v, n := c.victims, 0
	for cpu := range c.sched.cpus {
		if cpu == c.id {
			continue
		}
		i := n
		for ; i > 0 && distance(c.id, v[i-1].id) > distance(c.id, cpu); i-- {
			v[i] = v[i-1]
		}
		v[i] = victim{CPU: &c.sched.cpus[cpu]}
		n++
	}
	for i := 1; i < n; i++ {
		v[i].rank = v[i-1].rank
		if distance(c.id, v[i].id) > distance(c.id, v[i-1].id) && v[i].rank < MaxRanks-1 {
			v[i].rank++
		}
	}
	c.victims = v[:n]
}

// spare says how many tasks wait on a CPU that one without any might take some of, if there are at least two with the one
// that runs; and which CPUs might: of each queue, those on which its head may run.
func (c *CPU) spare() (n int, by uint64) {
	shared, batch := c.shared.len(), c.batch.len()
	n = shared + batch
	if n == 0 || n+int(c.busy.Load()) < c.sched.tuning.StealLeast {
		return 0, 0
	}
	if shared != 0 {
		by = c.shared.headMayRunOn()
	}
	if batch != 0 {
		by |= c.batch.headMayRunOn()
	}
	return n, by
}

// headMayRunOn is the affinity of a ring's oldest task, of another time if it has left: a guess.
//
//exo:inline
func (r *ring) headMayRunOn() uint64 {
	if t := r.peek(); t != nil {
		return t.affinity.Load()
	}
	return 0
}

// bit is a CPU's in a set of them.
func (c *CPU) bit() uint64 { return 1 << (c.id & 63) }

// worthStealing says whether steal would find something.
func (c *CPU) worthStealing() bool {
	for _, v := range c.victims {
		if _, by := v.spare(); by&c.bit() != 0 {
			return true
		}
	}
	return false
}

// steal takes tasks of the nearest CPU that has a surplus, of equally near ones the longest: half of its queue. One is returned,
// running, the others wait here.
func (c *CPU) steal(now uint64) *Task {
	mine := c.bit()
	for victims := c.victims; len(victims) != 0; {
		var best *CPU
		longest, rank := 0, victims[0].rank
		for ; len(victims) != 0 && victims[0].rank == rank; victims = victims[1:] {
			if n, by := victims[0].spare(); n > longest && by&mine != 0 {
				best, longest = victims[0].CPU, n
			}
		}
		if best == nil {
			continue
		}
		n := best.shared.grab(c.loot[:c.sched.tuning.StealMost], mine)
		if n == 0 {
			n = best.batch.grab(c.loot[:c.sched.tuning.StealMost], mine)
		}
		if n == 0 {
			c.Counters.FailedSteals++
			continue
		}
		c.Counters.Steals[rank] += uint64(n)
		if t := c.divide(c.loot[:n], now); t != nil {
			return t
		}
	}
	return nil
}

// divide runs the first of the stolen tasks, or one that has become urgent meanwhile, and files the others. nil: that one
// is not urgent any more, and filed.
//
//exo:inline
func (c *CPU) divide(loot []*Task, now uint64) *Task {
	for i := 1; i < len(loot); i++ {
		c.come(loot[i], now)
	}
	first := loot[0]
	c.enter(first)
	c.settle(first)
	if first.urgent() || c.rt.ready.n != 0 {
		c.file(first, now)
		return c.chooseUrgent(nil)
	}
	first.claim()
	return first
}

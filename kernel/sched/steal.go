package sched

// Stealing: a CPU that has nothing takes from one that has too much. It looks at the nearest CPUs first, and of those that
// are equally near takes from the one with the longest queue; and only if that has at least two tasks, running ones
// counted, more than itself: moving the last one would only move the problem.

// victim is a CPU to steal from.
type victim struct {
	cpu  uint8
	rank uint8 // how many distances are smaller
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
		for ; i > 0 && distance(c.id, int(v[i-1].cpu)) > distance(c.id, cpu); i-- {
			v[i] = v[i-1]
		}
		v[i] = victim{cpu: uint8(cpu)}
		n++
	}
	for i := 1; i < n; i++ {
		v[i].rank = v[i-1].rank
		if distance(c.id, int(v[i].cpu)) > distance(c.id, int(v[i-1].cpu)) && v[i].rank < MaxRanks-1 {
			v[i].rank++
		}
	}
	c.victims = v[:n]
}

// spare says how many tasks wait on a CPU that one without any might take some of, if there are at least two with the one
// that runs; and which CPUs might: of each queue, those on which its head may run.
func (c *CPU) spare() (n int, by uint64) {
	n = c.shared.len() + c.batch.len()
	if n == 0 || n+int(c.busy.Load()) < c.sched.tuning.StealLeast {
		return 0, 0
	}
	for _, r := range [...]*ring{&c.shared, &c.batch} {
		if t := r.peek(); t != nil {
			by |= t.affinity.Load() // another time's, if it has left: a guess
		}
	}
	return n, by
}

// mayRunOn says whether t's affinity lets it.
func (t *Task) mayRunOn(cpu int) bool { return t.affinity.Load()>>cpu&1 != 0 }

// worthStealing says whether steal would find something.
func (c *CPU) worthStealing() bool {
	for _, v := range c.victims {
		if _, by := c.sched.cpus[v.cpu].spare(); by>>c.id&1 != 0 {
			return true
		}
	}
	return false
}

// steal takes tasks of the nearest CPU that has a surplus, of equally near ones the longest: half of its queue. One is returned,
// running, the others wait here.
func (c *CPU) steal(now uint64) *Task {
	cpus := c.sched.cpus
	for i := 0; i < len(c.victims); {
		var best *CPU
		longest, rank := 0, c.victims[i].rank
		for ; i < len(c.victims) && c.victims[i].rank == rank; i++ {
			v := &cpus[c.victims[i].cpu]
			if n, by := v.spare(); n > longest && by>>c.id&1 != 0 {
				best, longest = v, n
			}
		}
		if best == nil {
			continue
		}
		n := best.shared.grab(c.loot[:c.sched.tuning.StealMost], c.id)
		if n == 0 {
			n = best.batch.grab(c.loot[:c.sched.tuning.StealMost], c.id)
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
func (c *CPU) divide(loot []*Task, now uint64) *Task {
	for _, t := range loot[1:] {
		c.come(t, now)
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

// Package sched … tune.go: settings that follow what a CPU counts.
//
//	each Tick, at most one per lookNs:
//
//	  somebody came lately?  no ──▶ longestQuantum
//	          │ yes
//	          ▼
//	  Wait / (tasks that wait + 1), not below 100 switches        what is to be
//	          │
//	          ├─ shorter than now: at once, by halves             what is
//	          └─ at least twice as long, patience times in a row: doubled
//
// A task that wakes goes to the end of its CPU's ring, so what it waits is, at worst, a quantum of each task before it and what
// is left of one more. So the quantum follows from how many wait: nothing is measured that the quantum itself changes, and
// there is no loop that could swing. What a task that computes loses by short quanta is the switches; so while nobody wakes
// the quantum is long, and it never is so short that switches take more than 1 % of the time.
//
// G1. The quantum is never below 100·Switch ns, and not above longestQuantum.
// G2. While as many wait as before, and tasks either come or do not, it changes at most until it is right, and then stays.
// G3. If tasks come, and n wait, the quantum is at most Wait/(n+1) after the next look, or 100·Switch; and what is left of the
// running one is cut to that.
// G4. It grows only after patience looks in a row at which it could, by a factor of 2; so who wakes every now and then, or a
// queue that goes up and down, does not make it change at each look.
//
// Callers: the CPU itself, interrupts off, from Tick. Memory: none.
// Not promised: that who wakes waits no longer than Wait. Luck and credit (fair.go) can have a task stand in line more than
// once, and many tasks make more quanta than there are in that time.
package sched

// Rules is which settings follow what is counted.
type Rules uint8

// The rules.
const (
	TuneQuantum Rules = 1 << iota // how long a fair task runs, from how many wait and whether any wake (tune.go)
	TuneHome                      // where a task runs, from where its memory is (home.go)

	// TuneDefault is what has been shown to help: docs/09-tuning-the-scheduler.md.
	TuneDefault = TuneQuantum | TuneHome
)

// Tuning is the settings, and which of them move. What is 0 is as usual.
type Tuning struct {
	Rules      Rules
	Quantum    uint64 // how long a fair task runs while others wait, ns; at first, if it moves. DefaultQuantum
	SwitchNs   uint64 // what a switch costs, with the caches that are cold after it: 10 µs
	WaitNs     uint64 // who wakes is to run after that time: 4 ms
	StealLeast int    // tasks on a CPU, a running one counted, for others to take some: 2
	StealMost  int    // tasks taken at once: 32, and it cannot be more
}

const (
	lookNs         = 1_000_000      // between two looks
	longestQuantum = DefaultQuantum // longer ones gain less by fewer switches than they lose when the last tasks run to their end
	calm           = 16             // looks without anybody who came, after which nobody is expected
	patience       = 8

	defaultSwitchNs = 10_000
	defaultWaitNs   = 4_000_000
	stealLeast      = 2
)

// setTuning is part of Init.
func (s *Sched) setTuning(t *Tuning) {
	s.tuning = Tuning{
		t.Rules, orElse(t.Quantum, DefaultQuantum), orElse(t.SwitchNs, defaultSwitchNs), orElse(t.WaitNs, defaultWaitNs),
		orElse(t.StealLeast, stealLeast), min(orElse(t.StealMost, stealMost), stealMost),
	}
	if t.Rules&TuneQuantum != 0 {
		s.tuning.Quantum = min(max(s.tuning.Quantum, s.shortestQuantum()), longestQuantum)
	}
}

func orElse[T uint64 | int](v, usual T) T {
	if v == 0 {
		return usual
	}
	return v
}

// tuner is what a CPU knows of how it is used. It is the CPU's own.
type tuner struct {
	next    uint64 // look then; never, if there is no rule
	came    uint64 // tasks made ready for this CPU, as counted at the last look
	idle    uint32 // looks since then at which nobody had come; calm: that or more
	wants   uint32 // looks in a row at which the quantum could have grown
	waiting uint64 // tasks that wait, mean of the last looks, in 1/256
}

// init has the CPU look, if there is anything to look for.
func (t *tuner) init(rules Rules) {
	*t = tuner{idle: calm}
	if rules == 0 {
		t.next = never
	}
}

// look adapts this CPU's settings.
func (c *CPU) look(now uint64) {
	c.tuner.next = now + lookNs
	rules := c.sched.tuning.Rules
	if rules&TuneQuantum != 0 {
		c.tuneQuantum(now)
	}
	if rules&TuneHome != 0 && c.current != nil && c.current.home.Load()&homeNews != 0 && c.sendsHome(c.current) {
		c.until = min(c.until, now) // Pick is to come at once
	}
}

// tuneQuantum has the quantum follow how many wait.
func (c *CPU) tuneQuantum(now uint64) {
	q, due := c.fair.quantum, c.dueQuantum()
	c.tuner.wants++
	switch {
	case due < q:
		for q > due {
			q /= 2
		}
		q = max(q, c.sched.shortestQuantum())
		c.until = min(c.until, now+q)
		c.Counters.Shorter++
	case due < 2*q:
		c.tuner.wants = 0
		return
	case c.tuner.wants < patience:
		return
	default:
		q *= 2
		c.Counters.Longer++
	}
	c.tuner.wants = 0
	c.fair.quantum = q
}

// dueQuantum counts who came and who waits, and says how long a quantum should be.
func (c *CPU) dueQuantum() uint64 {
	t := &c.tuner
	if came := c.Counters.WakesHere + c.Counters.Came; came != t.came {
		t.came, t.idle = came, 0
	} else if t.idle < calm {
		t.idle++
	}
	n := uint64(c.shared.len()+c.pinned.len()) << 8
	t.waiting = (3*t.waiting + n) / 4
	if t.idle == calm {
		return longestQuantum
	}
	due := c.sched.tuning.WaitNs << 8 / (max(t.waiting, n) + 1<<8)
	return min(max(due, c.sched.shortestQuantum()), longestQuantum)
}

// shortestQuantum is that of which a switch takes 1 %.
func (s *Sched) shortestQuantum() uint64 { return min(100*s.tuning.SwitchNs, longestQuantum) }

// Quantum is how long a fair task runs on this CPU just now while others wait, ns. Others than the CPU get a guess.
func (c *CPU) Quantum() uint64 { return c.fair.quantum }

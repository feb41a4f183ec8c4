// Package sched … home.go: a task goes to the node that its memory is on.
//
//	       Accesses ──▶ one word: home, candidate, score
//	                                │ score full, and another node: that is its home now, and it is news
//	                                ▼
//	on its CPU, at the next look, or when its quantum is over ─┐
//	when it is woken ──────────────────────────────────────────┴─▶ homeward: an idle CPU there;
//	                                                              if it is news, one with few tasks, if there is room
//
// Somebody samples memory accesses, by faults on pages or by the PMU, as for numa.Hints, and tells which node they went to.
// A sample of the candidate adds one to its score, any other takes three away, and below 0 the sample's node is the candidate:
// a majority vote (Boyer & Moore, 1981) for three quarters. Of a task that uses a node for less than that the score goes down
// more often than up, so a random walk to homeSamples is as good as out of the question; and one with two homes keeps the one
// that it has.
//
//	           Accesses  homeward        X: callers exclude each other; -: may run together
//	Accesses       -        -
//	homeward       -        -
//
// G1. A node becomes a task's home only if the task's last samples had at least homeSamples of that node, and at most a third as many
// others among them. So a move, which costs cold caches, is paid for by as many accesses again.
// G2. A home is left as late: between two changes of home there are more than homeSamples samples.
// G3. Where a task runs stays within its affinity, and a task with a reservation, or an urgent one, stays where it is.
// G4. News sends a task to a node only if that has, for each CPU, no more tasks than the one it leaves: homes do not crowd. Later
// it goes there only if a CPU there is idle. So it goes to and fro at most as often as home CPUs fall idle, at ends of quanta.
//
// Progress: Accesses lock-free; homeward takes a step for each CPU. Callers: Accesses any CPU and handlers; the rest the CPU that has
// the task. Memory: a word of each task.
// Not promised: that a task runs at home. An idle CPU elsewhere may steal it, as work is not to wait.
package sched

import "math/bits"

// MaxNodes is how many nodes there can be.
const MaxNodes = 16

const (
	homeSamples = 64 // a full score
	homeDoubt   = 3  // what a sample of another node takes away
)

// A task's word: home and candidate are numbers of nodes, and 1; 0 is none.
const (
	homeBits       = 1<<8 - 1
	homeNews       = 1 << 8
	candidateShift = 16
	scoreShift     = 32
)

// Accesses counts n samples of a task's memory accesses that went to a node. It may be called for a task that has ended.
func (s *Sched) Accesses(t *Task, node int, n uint32) {
	if s.tuning.Rules&TuneHome == 0 || uint(node) >= MaxNodes || s.nodes[node] == 0 {
		return
	}
	for {
		w := t.home.Load()
		if t.home.CompareAndSwap(w, vote(w, uint64(node+1), uint64(n))) {
			return
		}
	}
}

// vote is a task's word after n samples of node.
func vote(w, node, n uint64) uint64 {
	home, candidate, score := w&(homeNews|homeBits), w>>candidateShift&homeBits, w>>scoreShift
	switch {
	case candidate == node:
		score = min(score+n, homeSamples)
	case score >= homeDoubt*n:
		score -= homeDoubt * n
	default:
		candidate, score = node, min(n, homeSamples)
	}
	if score == homeSamples && candidate != home&homeBits {
		home = candidate | homeNews
	}
	return score<<scoreShift | candidate<<candidateShift | home
}

// Home is the node that a task's memory is on, as far as is known; ok is false if nothing is.
func (t *Task) Home() (node int, ok bool) {
	w := t.home.Load() & homeBits
	return int(w) - 1, w != 0
}

// homeward is where a task should go that has a home and that is on CPU to, or would go there. more is 1 if it is not counted in
// that CPU's load, as it neither runs nor waits.
func (s *Sched) homeward(t *Task, to, more int) int {
	w := t.home.Load()
	near := s.nodes[w&homeBits-1] & t.affinity.Load()
	if near == 0 || near>>to&1 != 0 || t.class == RealTime {
		return to
	}
	if idle := s.idle.Load() & near; idle != 0 {
		return s.nearest(to, idle)
	}
	here := s.nodes[s.nodeOf[to]]
	if w&homeNews == 0 || s.crowd(near)*bits.OnesCount64(here) > (s.crowd(here)+more)*bits.OnesCount64(near) {
		return to
	}
	best := bits.TrailingZeros64(near)
	for set := near; set != 0; set &= set - 1 {
		if cpu := bits.TrailingZeros64(set); s.cpus[cpu].load() < s.cpus[best].load() {
			best = cpu
		}
	}
	return best
}

// goesHome is homeward for a task that is about to be sent there: its home is no news any more.
func (s *Sched) goesHome(c *CPU, t *Task, to int) int {
	home := s.homeward(t, to, 1)
	if home == to {
		return to
	}
	c.Counters.Homeward++
	for w := t.home.Load(); w&homeNews != 0; w = t.home.Load() {
		if t.home.CompareAndSwap(w, w&^homeNews) {
			break
		}
	}
	return home
}

// sendsHome says whether the current task, which is a fair one, had better stop here and go home.
func (c *CPU) sendsHome(t *Task) bool {
	return t.class == Fair && !t.urgent() && c.sched.homeward(t, c.id, 0) != c.id
}

// sendHome is Finish for a fair task that goes home; false: it does not.
func (c *CPU) sendHome(t *Task) bool {
	to := c.sched.goesHome(c, t, c.id)
	if to == c.id {
		return false
	}
	c.queuePassed()
	c.sched.send(c, t, to)
	return true
}

// crowd is how many tasks wait or run on a set of CPUs: a guess.
func (s *Sched) crowd(set uint64) (n int) {
	for ; set != 0; set &= set - 1 {
		n += s.cpus[bits.TrailingZeros64(set)].load()
	}
	return n
}

func (c *CPU) load() int { return c.shared.len() + c.pinned.len() + c.batch.len() + int(c.busy.Load()) }

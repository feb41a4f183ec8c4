//go:build explore

package explore

import (
	"fmt"
	"runtime/debug"
	"testing"
)

// Config bounds an exhaustive search.
type Config struct {
	Preemptions int  // how many preemptions, and flushes in the middle of another's run, an execution may have; or Unbounded
	Plain       bool // threads also stop after operations, so that what they do to plain memory is seen half done; slower
	Steps       int  // how many steps it may have before it counts as a livelock; 0: 5000
	AtLeast     int  // how many executions there must be, for the search to be worth its name; 0: 2
	AtMost      int  // how many there may be: more are a failure, for a search that was not ended shows nothing; 0: 5 million
}

// Unbounded as Config.Preemptions: every interleaving of operations and flushes, once.
const Unbounded = -1

// Stats says what was explored.
type Stats struct {
	Executions int // of the last bound, which includes those of the lower ones
	Bound      int // preemptions
	Longest    int // steps
	Histories  int // different ones that a History was checked for
}

// Exhaustive explores all executions within the bounds, and fails t with a schedule if one fails. If EXO_SCHEDULE is set, it
// runs just that one.
func Exhaustive(t testing.TB, cfg Config, program Program) Stats {
	t.Helper()
	stats, f := Find(cfg, program)
	conclude(t, stats, f)
	t.Logf("%d executions, all with at most %s preemptions; the longest has %d steps", stats.Executions, bound(stats.Bound),
		stats.Longest)
	return stats
}

func bound(n int) string {
	if n == Unbounded {
		return "any number of"
	}
	return fmt.Sprint(n)
}

// Find explores like Exhaustive and returns the first failure, nil if there is none. With the fewest preemptions: bounds
// are tried from 0 upwards.
func Find(cfg Config, program Program) (Stats, *Failure) {
	if schedule, ok := scheduleToReplay(); ok {
		return replay(cfg.Steps, cfg.Plain, program, schedule)
	}
	s := newSearch(cfg.Steps, cfg.Plain, program)
	defer s.x.close()
	defer collectRarely()()
	if cfg.AtMost == 0 {
		cfg.AtMost = 5_000_000
	}
	first := 0
	if cfg.Preemptions == Unbounded {
		first, s.x.all = Unbounded, true
	}
	for b := first; b <= cfg.Preemptions; b++ {
		s.stats.Bound, s.stats.Executions = b, 0
		if f := s.depthFirst(b, cfg.AtMost); f != nil {
			return s.stats, f
		}
	}
	if s.stats.Executions < max(cfg.AtLeast, 2) {
		return s.stats, &Failure{Reason: fmt.Sprintf("implausibly few executions: %d. Do the threads do any operations "+
			"of package atom?", s.stats.Executions)}
	}
	s.stats.Histories = len(s.x.History.verdicts)
	return s.stats, nil
}

// search explores one program.
type search struct {
	x       *Run
	program Program
	stats   Stats
	stack   []branch // the choices of the present execution
	pos     int      // how many are made
}

// branch is a choice: alternative now, of those from 0 to n-1.
type branch struct{ now, n uint8 }

func newSearch(steps int, plain bool, program Program) *search {
	if steps == 0 {
		steps = 5000
	}
	s := &search{x: &Run{limit: steps, plain: plain}, program: program}
	s.x.choose = s.choose
	return s
}

// depthFirst walks the tree of all executions with a budget.
func (s *search) depthFirst(budget, atMost int) *Failure {
	if budget == Unbounded {
		budget = 1 << 30
	}
	for s.stack = s.stack[:0]; ; {
		s.pos = 0
		s.x.execute(s.program, budget)
		s.stats.Executions++
		s.stats.Longest = max(s.stats.Longest, s.x.clock)
		if s.x.failure != "" {
			return explain(s.x, s.program)
		}
		if s.stats.Executions > atMost {
			return &Failure{Reason: fmt.Sprintf("more than %d executions with %d preemptions: make the program smaller", atMost,
				s.stats.Bound)}
		}
		for len(s.stack) > 0 && s.stack[len(s.stack)-1].now+1 == s.stack[len(s.stack)-1].n {
			s.stack = s.stack[:len(s.stack)-1]
		}
		if len(s.stack) == 0 {
			return nil
		}
		s.stack[len(s.stack)-1].now++
	}
}

// choose repeats the choices on the stack, then takes the first alternative each time.
func (s *search) choose(alts []alternative) int {
	n := uint8(0)
	for _, a := range alts {
		if a.cost > s.x.budget {
			break // what costs more comes later
		}
		n++
	}
	if s.pos == len(s.stack) {
		s.stack = append(s.stack, branch{0, n})
	}
	b := s.stack[s.pos]
	s.pos++
	if b.n != n {
		s.x.fail("the program is not a function of its schedule: the same choices lead somewhere else")
		return -1
	}
	return int(b.now)
}

// collectRarely lets garbage grow: executions leave much of it and little else, and the collector's usual pace costs a third of the time.
func collectRarely() (asBefore func()) {
	old := debug.SetGCPercent(1000)
	return func() { debug.SetGCPercent(old) }
}

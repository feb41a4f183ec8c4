//go:build explore

package explore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// PCTConfig is for a random search.
type PCTConfig struct {
	Depth int    // how many ordering constraints a bug may need; 0: 3
	Runs  int    // how many executions; 0: 10000
	Seed  uint64 // of the first; EXO_SEED overrides it
	Plain bool   // these as in Config
	Steps int
}

// PCT runs the program under random priorities: of all threads that could run the one of highest priority does; at Depth-1
// random steps the running one falls below all others; one that spins does too. A store buffer is drained by a thread of
// its own. With n of them and k steps, a bug of that depth is found in an execution with probability 1/(n·k^(Depth-1)) at
// least (Burckhardt et al., ASPLOS 2010, theorem 9), which is why there should be many.
func PCT(t testing.TB, cfg PCTConfig, program Program) Stats {
	t.Helper()
	stats, f := FindByPCT(cfg, program)
	conclude(t, stats, f)
	t.Logf("%d random executions; the longest has %d steps", stats.Executions, stats.Longest)
	return stats
}

// FindByPCT is PCT that returns the first failure, nil if there is none.
func FindByPCT(cfg PCTConfig, program Program) (Stats, *Failure) {
	if schedule, ok := scheduleToReplay(); ok {
		return replay(cfg.Steps, cfg.Plain, program, schedule)
	}
	if cfg.Depth == 0 {
		cfg.Depth = 3
	}
	if cfg.Runs == 0 {
		cfg.Runs = 10_000
	}
	if s := os.Getenv("EXO_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			return Stats{}, &Failure{Reason: fmt.Sprintf("EXO_SEED must be a number: %v", err)}
		}
		cfg.Seed = seed
	}
	s := newSearch(cfg.Steps, cfg.Plain, program)
	defer s.x.close()
	defer collectRarely()()
	s.x.all = true
	s.stats.Bound = Unbounded
	p := priorities{x: s.x, length: 100}
	p.random = rand.New(&p.source)
	s.x.choose = p.choose
	for i := range cfg.Runs {
		seed := cfg.Seed + uint64(i)
		p.draw(seed, cfg.Depth)
		s.x.execute(program, 1<<30)
		s.stats.Executions++
		s.stats.Longest = max(s.stats.Longest, s.x.clock)
		p.length = s.stats.Longest
		if s.x.failure != "" {
			f := explain(s.x, program)
			f.Reason += fmt.Sprintf("\n(found with depth %d, seed %d)", cfg.Depth, seed)
			return s.stats, f
		}
	}
	s.stats.Histories = len(s.x.History.verdicts)
	return s.stats, nil
}

// priorities is a random scheduler.
type priorities struct {
	x        *Run
	source   rand.PCG
	random   *rand.Rand
	length   int                 // of the longest execution so far
	of       [2 * maxThreads]int // threads, then their buffers; larger is more urgent
	changeAt []int               // clocks at which the running one falls
	lowest   int
}

// draw starts a new execution.
func (p *priorities) draw(seed uint64, depth int) {
	p.source.Seed(seed, 0)
	for i, r := range p.random.Perm(len(p.of)) {
		p.of[i] = r
	}
	p.changeAt = p.changeAt[:0]
	for range depth - 1 {
		p.changeAt = append(p.changeAt, 1+p.random.IntN(p.length))
	}
	p.lowest = 0
}

func entity(a alternative) int {
	if a.flush != nil {
		return maxThreads + a.flush.id
	}
	return a.run.id
}

func (p *priorities) fall(i int) {
	p.lowest--
	p.of[i] = p.lowest
}

func (p *priorities) choose(alts []alternative) int {
	cur := p.x.cur
	if cur != nil && cur.paused() {
		p.fall(cur.id)
	}
	for i, at := range p.changeAt {
		if cur != nil && p.x.clock >= at {
			p.fall(cur.id)
			p.changeAt[i] = 1 << 62
		}
	}
	best := 0
	for i, a := range alts {
		if p.of[entity(a)] > p.of[entity(alts[best])] {
			best = i
		}
	}
	return best
}

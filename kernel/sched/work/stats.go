package work

import (
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// counters are written by their worker, and read by anybody.
type counters struct {
	executed, forked, inlined, submitted, leapt, failed, idles atom.Uint64
	stolen                                                     [MaxClasses]atom.Uint64
}

func bump(c *atom.Uint64) { c.StoreRelease(c.Load() + 1) }

// Stats is what workers have done since Init.
type Stats struct {
	Executed  uint64             // jobs that were run
	Forked    uint64             // jobs given away by Fork, Spawn and Post
	Inlined   uint64             // jobs that ran at once, for there was no room in the deque
	Submitted uint64             // jobs taken from inboxes
	Stolen    [MaxClasses]uint64 // jobs stolen, by distance: 0 are the nearest workers
	Leapt     uint64             // jobs stolen by a Join from who ran what it waited for
	Failed    uint64             // thefts for which somebody else was faster
	Idles     uint64             // times that a worker slept
	Wakes     uint64             // times that a worker was woken for a job; of a pool, not of a worker
}

// Stats is what the worker has done.
func (w *Worker) Stats() (s Stats) {
	c := &w.counters
	s.Executed, s.Forked, s.Inlined, s.Submitted = c.executed.Load(), c.forked.Load(), c.inlined.Load(), c.submitted.Load()
	s.Leapt, s.Failed, s.Idles = c.leapt.Load(), c.failed.Load(), c.idles.Load()
	for i := range s.Stolen {
		s.Stolen[i] = c.stolen[i].Load()
	}
	return s
}

// Stats is what all workers have done.
func (p *Pool) Stats() (s Stats) {
	for i := range p.workers {
		o := p.workers[i].Stats()
		s.Executed += o.Executed
		s.Forked += o.Forked
		s.Inlined += o.Inlined
		s.Submitted += o.Submitted
		s.Leapt += o.Leapt
		s.Failed += o.Failed
		s.Idles += o.Idles
		for c := range s.Stolen {
			s.Stolen[c] += o.Stolen[c]
		}
	}
	s.Wakes = p.wakes.Load()
	return s
}

// Thefts is how many jobs were stolen, from near or far.
func (s *Stats) Thefts() uint64 {
	n := s.Leapt
	for _, k := range s.Stolen {
		n += k
	}
	return n
}

// Print appends the counters.
func (s *Stats) Print(l *text.Line) {
	l.Str("executed=").Uint(s.Executed).Str(" forked=").Uint(s.Forked).Str(" inlined=").Uint(s.Inlined)
	l.Str(" submitted=").Uint(s.Submitted).Str(" stolen=")
	last := 0
	for c, n := range s.Stolen {
		if n != 0 {
			last = c
		}
	}
	for c := range last + 1 {
		if c > 0 {
			l.Byte('/')
		}
		l.Uint(s.Stolen[c])
	}
	l.Str(" leapt=").Uint(s.Leapt).Str(" failed=").Uint(s.Failed).Str(" idles=").Uint(s.Idles).Str(" wakes=").Uint(s.Wakes)
}

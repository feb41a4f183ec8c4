package sched

// ByHand does the steps that Pick, Finish and Wake are made of one at a time: for benchmarks, and for tests in which one CPU
// plays several. Nobody runs on the CPUs of that scheduler.
type ByHand struct{ c *CPU }

// ByHand is the CPU by hand.
func (s *Sched) ByHand(cpu int) ByHand { return ByHand{&s.cpus[cpu]} }

// Push puts a ready task at the end of the CPU's ring.
func (h ByHand) Push(t *Task) { h.c.shared.push(t) }

// Take takes the oldest; nil: there is none.
func (h ByHand) Take() *Task { return h.c.shared.take() }

// Steal takes a task of another CPU, which is running then; nil: none has too many.
func (h ByHand) Steal(now uint64) *Task { return h.c.steal(now) }

// Queued is how many tasks wait in the CPU's ring.
func (h ByHand) Queued() int { return h.c.shared.len() }

// Claim makes a ready task a running one, Unclaim a running one ready.
func (ByHand) Claim(t *Task) { t.claim() }

// Unclaim is above.
func (ByHand) Unclaim(t *Task) { t.becomeReady() }

// Package sched … change.go: a task becomes one of another class, weight or affinity, or gets a reservation.
//
//	           Prepare  Withdraw  Becomes        -: may run together; own: the CPU itself, for its current task
//	Prepare       -        -         -          Becomes: BecomesFair too
//	Withdraw      -        -         -
//	Becomes       -        -        own
//
// G1. What Prepare has reserved is the task's from the switch on that follows Becomes, and is given back when it ends or changes again; or
// by Withdraw. What it had before is given back then. So at no moment is more reserved than admit.go allows.
// G2. After that switch the task runs only where it may then.
//
// How: a task changes while it runs, itself: nobody else files it, takes it, or looks at what changes. Its CPU leaves it (Pick and
// Finish with Moves), changes it when its stack is at rest, and sends it to where it goes on.
//
// Progress: lock-free. Callers: Prepare and Withdraw any; Becomes the task's CPU, interrupts off. Memory: none.
package sched

// ErrClass is for what is no class.
const ErrClass = Error("sched: there is no such class")

// Change is what a task is to become.
type Change struct {
	class       Class
	weight      uint32
	affinity    uint64
	cpu         int // where its reservation is
	reservation Reservation
}

// Prepare checks what a task is to become, and reserves what that needs. Errors: ErrClass, ErrWeight, ErrAffinity, Admit's.
func (s *Sched) Prepare(a *Start) (c Change, err error) {
	c = Change{class: a.Class, weight: a.Weight, affinity: a.Affinity & s.all}
	if a.Affinity == 0 {
		c.affinity = s.all
	}
	if c.weight == 0 {
		c.weight = DefaultWeight
	}
	switch {
	case a.Class > RealTime:
		return c, ErrClass
	case c.affinity == 0:
		return c, ErrAffinity
	case c.weight > MaxWeight:
		return c, ErrWeight
	case a.Class == RealTime:
		c.reservation = a.Reservation
		if c.cpu, err = s.Admission.Admit(c.affinity, a.Reservation); err == nil {
			c.affinity = 1 << c.cpu
		}
	}
	return c, err
}

// Withdraw is for a change that no task makes.
func (s *Sched) Withdraw(c *Change) {
	if c.class == RealTime {
		s.Admission.Release(c.cpu, c.reservation)
	}
}

// Becomes has the current task be something else when it goes on. It holds no lock; the caller calls Pick with Moves at once.
func (c *CPU) Becomes(to *Change) { c.becomes = *to }

// BecomesFair is Becomes, and Prepare, for one of the class Batch, which is to be a fair one where it may run now; false: it is none.
func (c *CPU) BecomesFair() bool {
	t := c.current
	if t.class != Batch {
		return false
	}
	c.becomes = Change{class: Fair, weight: t.weight, affinity: t.affinity.Load()}
	return true
}

// change is Finish with Moves.
func (c *CPU) change(t *Task) {
	s, to := c.sched, &c.becomes
	if t.class == RealTime {
		s.Admission.Release(c.id, t.reservation)
	}
	t.class, t.weight, t.reservation = to.class, to.weight, to.reservation
	t.affinity.StoreRelease(to.affinity)
	t.pinned = to.affinity&(to.affinity-1) == 0 && to.affinity != s.all
	t.fair, t.fresh = share{}, true
	t.Context.Rebase(priorityOf(t.class, &t.reservation))
	t.becomeReadySlowly()
	s.send(c, t, s.nearest(c.id, to.affinity))
}

// priorityOf is what a task of a class competes with, and lends: the shorter the period, the more.
func priorityOf(class Class, r *Reservation) int {
	if class != RealTime {
		return 0
	}
	return Urgent + int(maxPeriod/max(r.Period, 1))
}

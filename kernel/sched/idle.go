// Package sched … idle.go: the set of idle CPUs, and who is called out of it. cpu.go has the guarantees (G4) and the proof.
package sched

import "math/bits"

// EnterIdle puts the CPU into the idle set; false: there is something to do, and it is not in it.
func (c *CPU) EnterIdle() bool {
	c.sched.idle.Or(1 << c.id) // order: before looking for work; pairs with send (G4)
	if !c.hasWork() && !c.worthStealing() {
		return true
	}
	c.LeaveIdle()
	return false
}

// hasWork says whether there is anything for Pick on this CPU.
func (c *CPU) hasWork() bool {
	return !c.inbox.empty() || c.urgent.Load() != 0 || c.rt.ready.n+c.shared.len()+c.pinned.len()+c.batch.len() != 0
}

// LeaveIdle takes it out, if it still is in it.
func (c *CPU) LeaveIdle() { c.sched.leaveIdle(c.id) }

// leaveIdle takes a CPU out of the idle set; false: it is not in it.
func (s *Sched) leaveIdle(cpu int) bool {
	for old := s.idle.Load(); old>>cpu&1 != 0; old = s.idle.Load() {
		if s.idle.CompareAndSwap(old, old&^(1<<cpu)) {
			return true
		}
	}
	return false
}

// share has the nearest idle CPU come and steal, if more waits here than is good.
func (c *CPU) share() {
	s := c.sched
	for {
		_, by := c.spare()
		idle := s.idle.Load() & by
		if idle == 0 {
			return
		}
		if to := s.nearest(c.id, idle); s.leaveIdle(to) {
			c.kick(to)
			return
		}
	}
}

// kick has another CPU call Pick.
func (c *CPU) kick(to int) {
	c.Counters.Kicks++
	c.sched.machine.Kick(to)
}

// nearest is the CPU of a set, which is not empty, that is nearest to one.
func (s *Sched) nearest(cpu int, set uint64) int {
	if set>>cpu&1 != 0 {
		return cpu
	}
	for _, v := range s.cpus[cpu].victims {
		if set&v.bit() != 0 {
			return v.id
		}
	}
	return bits.TrailingZeros64(set)
}

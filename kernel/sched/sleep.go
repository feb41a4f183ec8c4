package sched

// WakeAt has the current task woken at a time, in ns, if it parks now. AwakeFrom must follow, on whatever CPU, when Park has
// returned: until then it is asleep.
func (c *CPU) WakeAt(when uint64) {
	t := c.current
	number := t.sleep.Load() + 1
	t.sleep.StoreRelease(number)
	if !c.timers.add(when, t.ID(), number, c.sched.asleep) {
		panic("sched: more tasks sleep than there are")
	}
	c.noteEvent()
}

// Awake ends the current task's sleep: its timer is void.
func (c *CPU) Awake() {
	t := c.current
	t.sleep.StoreRelease(t.sleep.Load() + 1)
}

// asleep says whether a task is in that sleep.
func (s *Sched) asleep(id ID, number uint64) bool {
	t := s.Task(id)
	return t != nil && t.sleep.Load() == number
}

// expire wakes those whose time has come.
func (c *CPU) expire(now uint64) {
	for {
		id, number, ok := c.timers.due(now)
		if !ok {
			return
		}
		if c.sched.asleep(id, number) {
			c.sched.Wake(c.id, id, false)
		}
	}
}

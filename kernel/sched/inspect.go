package sched

// State is where the task stands: by the time it is looked at, where it stood.
func (t *Task) State() State { return word(t.word.Load()).state() }

// Waiting is about how many tasks wait on the CPU. Anybody.
func (c *CPU) Waiting() int { return c.shared.len() + c.pinned.len() + c.batch.len() }

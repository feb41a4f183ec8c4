package sched

// Linger has the current task, a fair one whose quantum is over while others wait, go on for so many ns: who wants to leave what it does in
// order. It may once in a quantum. What it runs for is its own, as else. If false, Pick is to come now: something comes first, or nobody
// waits, or it has had that.
func (c *CPU) Linger(now, ns uint64) bool {
	t := c.current
	if t == nil || t.class != Fair || now < c.until || c.event <= now || c.rt.ready.n != 0 || c.urgent.Load() != 0 || !c.inbox.empty() {
		return false
	}
	if c.shared.len()+c.pinned.len() == 0 || t.lingered == t.turnNumber() {
		return false
	}
	t.lingered = t.turnNumber()
	c.until = now + ns
	return true
}

// Lingers is until when the current task does, ns; 0: it does not.
func (c *CPU) Lingers() uint64 {
	if t := c.current; t == nil || t.lingered != t.turnNumber() {
		return 0
	}
	return c.until
}

// turnNumber is another one each time the task is switched to, or has another quantum; never 0 while it runs.
func (t *Task) turnNumber() uint64 { return t.switches + t.quanta }

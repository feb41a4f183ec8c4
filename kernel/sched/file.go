// Package sched … file.go: where a task waits on a CPU. All of it is the CPU's own, interrupts off; cpu.go has the guarantees.
package sched

// settle says that a task that nobody runs is this CPU's from now on.
//
// order: a fence, before its priority is read; pairs with Reprioritize. None is needed if it is this CPU's already: whoever made it
// ready, or put it into the inbox, did so by a locked instruction.
//
//exo:inline
func (c *CPU) settle(t *Task) {
	if t.cpu.Load() != c.number || t.Context.CPU != c.id {
		t.Context.CPU = c.id
		t.cpu.Store(c.number)
	}
}

// file puts a task that has become ready where it waits on this CPU.
func (c *CPU) file(t *Task, now uint64) {
	c.settle(t)
	switch {
	case t.urgent():
		t.reservation.lent = t.lent()
		if c.rt.release(t, now) {
			c.noteEvent()
			return
		}
	case t.class == Batch:
		c.fileBatch(t, now)
		return
	}
	c.queue(t)
}

// come files a task that has not competed here just now: it is new, or was blocked, or stolen.
func (c *CPU) come(t *Task, now uint64) {
	c.enter(t)
	c.file(t, now)
}

// enter has its share count from now on.
func (c *CPU) enter(t *Task) {
	if t.fresh {
		t.fresh = false
		c.fair.join(t)
	} else {
		c.fair.enter(t)
	}
}

// queue puts a fair task at the end. Its turn is how many have been put into either ring before.
//
//exo:inline
func (c *CPU) queue(t *Task) {
	if at := c.shared.tail.Load(); !t.pinned {
		t.turn.StoreRelease(at + c.pinned.tail.Load())
		c.shared.put(at, t)
	} else {
		t.turn.StoreRelease(at + c.pinned.tail.Load())
		c.pinned.push(t)
	}
}

// queuePassed queues those that were passed over, in the order in which they stood.
func (c *CPU) queuePassed() {
	var first *Task
	for t := c.passed; t != nil; {
		t, t.next, first = t.next, first, t
	}
	c.passed = nil
	for t := first; t != nil; {
		next := t.next
		c.queue(t)
		t = next
	}
}

// oldest takes the fair task that has waited longest; nil: there is none.
func (c *CPU) oldest() *Task {
	if p := c.pinned.peek(); p != nil {
		if t := c.shared.peek(); t == nil || p.turn.Load() < t.turn.Load() {
			return c.pinned.take()
		}
	}
	return c.shared.take()
}

// refile takes all that waits here and files it again, for somebody's priority has changed.
func (c *CPU) refile(now uint64) {
	c.urgent.Store(0) // order: before priorities are read again
	for _, r := range [...]*ring{&c.shared, &c.pinned, &c.batch} {
		for n := r.len(); n > 0; n-- {
			t := r.take()
			if t == nil {
				break
			}
			c.file(t, now)
		}
	}
	c.relend(&c.rt.ready, now)
	c.relend(&c.rt.throttled, now)
}

// relend files those in a heap again that have been lent urgency, or given it back, while they stood there.
func (c *CPU) relend(h *taskHeap, now uint64) {
	for i := 0; i < h.n; {
		t := h.tasks[i]
		lent := t.lent()
		if lent == t.reservation.lent {
			i++
			continue
		}
		if i = 0; !c.rt.lend(t, lent) { // the heap is another
			c.file(t, now)
		}
	}
}

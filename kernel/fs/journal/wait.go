package journal

import "exo/kernel/fs/errno"

// wait.go: who waits for the gate to open, for open operations to end, or for a commit, and who commits. All wait in one
// list and are woken together: what they wait for is one commit.

// await waits once, if still says that there is something to wait for.
func (j *Journal) await(t *Task, still func(j *Journal) bool) {
	j.lock.Lock(t.C)
	if !still(j) {
		j.lock.Unlock(t.C)
		return
	}
	t.woken.Store(0)
	t.next, j.waiting = j.waiting, t
	j.lock.Unlock(t.C)
	for t.woken.Load() == 0 { // order: pairs with the store in wake
		t.C.Sleeper.Park()
	}
}

// wake wakes all who wait.
func (j *Journal) wake(t *Task) {
	j.lock.Lock(t.C)
	w := j.waiting
	j.waiting = nil
	j.lock.Unlock(t.C)
	for w != nil {
		next, s := w.next, w.C.Sleeper // before it may wait again
		w.woken.Store(1)
		s.Unpark()
		w = next
	}
}

// lead makes the caller the one who commits, or waits until the one who does is done, and says false.
func (j *Journal) lead(t *Task) bool {
	j.lock.Lock(t.C)
	mine := !j.leading
	j.leading = true
	j.lock.Unlock(t.C)
	if !mine {
		j.await(t, func(j *Journal) bool { return j.leading })
	}
	return mine
}

func (j *Journal) unlead(t *Task) {
	j.lock.Lock(t.C)
	j.leading = false
	j.lock.Unlock(t.C)
	j.wake(t)
}

// Commit returns when transaction seq lasts, or cannot (errno.IO, then errno.Stopped). The caller has no operation open.
func (j *Journal) Commit(t *Task, seq uint64) errno.Errno {
	for j.committed.Load() < seq {
		if j.Failed() {
			return errno.Stopped
		}
		if !j.lead(t) {
			continue
		}
		e := errno.OK
		if j.committed.Load() < seq && !j.Failed() {
			if e = j.commit(t); e == errno.OK && j.crowded() {
				e = j.checkpoint(t)
			}
			if e != errno.OK {
				j.failed.Store(1)
			}
		}
		j.unlead(t)
		if e != errno.OK {
			return e
		}
	}
	return errno.OK
}

// Stop has nothing more committed (G6).
func (j *Journal) Stop() { j.failed.Store(1) }

// Close commits everything and empties the log. Nobody else uses the journal.
func (j *Journal) Close(t *Task) errno.Errno {
	e := j.Commit(t, j.running.Load())
	for e == errno.OK && j.first != 0 {
		for !j.lead(t) {
		}
		e = j.checkpoint(t)
		j.unlead(t)
	}
	return e
}

// close closes the gate, and returns when no operation is open.
func (j *Journal) close(t *Task) {
	j.gate.Or(gateClosed)
	for j.gate.Load()&gateOps != 0 { // order: pairs with End's (G1)
		j.await(t, func(j *Journal) bool { return j.gate.Load()&gateOps != 0 })
	}
}

package work

import "exo/kernel/sync/atom"

// Job is one piece of work, in a slot that New hands out. Who has it, and so may touch the exported fields: the caller of
// New until the job is given away (Fork, Spawn, Post, Submit), then who runs it, then, after Join or Wait, the caller again,
// who gives the slot back with Free.
type Job struct {
	// Fn does the work, on the worker that runs the job. It is a function, no closure: ring 0 has no heap for one.
	Fn func(w *Worker, j *Job)
	// Body is the part of a Range's loop; other jobs may use it as they like.
	Body func(w *Worker, lo, hi, arg uint64)
	// Of is what the job is about: a pointer. nil at first.
	Of any
	// Arg is for arguments and results; 0 at first.
	Arg [4]uint64

	pending atom.Uint32 // 1 until Fn has returned, and 1 for each thing that Fn spawned or held; 0: the job is done
	waiter  atom.Uint32 // who sleeps until pending is 0, plus 1; 0: nobody
	syncer  atom.Uint32 // 1: the job's own worker sleeps until pending is 1
	runner  atom.Uint32 // the worker that runs it, plus 1; 0: it has not begun; or returned

	// Written by who gives the job away, before it does.
	parent uint32 // the slot of the job whose pending counts this one; 0: none
	next   uint32 // the slot that is behind it in an inbox
	frees  bool   // nobody waits for it: its slot is given back when it is done

	open int32  // how many jobs it has forked and not joined; touched by its worker
	self uint32 // its own slot
	_    [28]byte
}

// returned as Job.runner: Fn has returned.
const returned = ^uint32(0)

// Done says whether the job, and all that it spawned, has been done; then its results can be seen.
func (j *Job) Done() bool { return j.pending.Load() == 0 }

// begin makes a slot a job that nobody has run. Others may still look at waiter and syncer, of the slot's life before, and
// wake somebody for nothing.
func (j *Job) begin(self uint32, fn func(w *Worker, j *Job)) {
	j.Fn, j.Body, j.Of, j.Arg = fn, nil, nil, [4]uint64{}
	j.self, j.parent, j.next, j.open, j.frees = self, 0, 0, 0, false
	j.waiter.StoreRelease(0)
	j.syncer.StoreRelease(0)
	j.runner.StoreRelease(0)
	j.pending.StoreRelease(1)
}

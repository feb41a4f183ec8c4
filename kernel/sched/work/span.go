package work

// Range calls body for pieces of lo … hi-1 that together are all of it, each number once, each piece of at most grain
// numbers (at least 1), on whichever workers have time, and returns when all are done. body gets its piece as lo and hi,
// and arg. It halves the range and forks the upper half: a thief takes half of what is left.
func (w *Worker) Range(lo, hi, grain uint64, body func(w *Worker, lo, hi, arg uint64), arg uint64) {
	grain = max(grain, 1)
	if hi <= lo {
		return
	}
	if hi-lo > grain {
		if upper := w.New(runRange); upper != nil {
			middle := lo + (hi-lo)/2
			upper.Body, upper.Arg = body, [4]uint64{middle, hi, grain, arg}
			w.Fork(upper)
			w.Range(lo, middle, grain, body, arg)
			w.Join(upper)
			w.Free(upper)
			return
		}
	}
	for ; hi-lo > grain; lo += grain { // no slot for a job
		body(w, lo, lo+grain, arg)
	}
	body(w, lo, hi, arg)
}

func runRange(w *Worker, j *Job) { w.Range(j.Arg[0], j.Arg[1], j.Arg[2], j.Body, j.Arg[3]) }

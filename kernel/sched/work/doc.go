// Package work is fork and join on Chase-Lev deques: one worker on each CPU, jobs that make jobs, and idle workers that
// steal them (Blumofe & Leiserson, JACM 1999; Frigo, Leiserson & Randall, PLDI 1998).
//
//	            Submit                      Submit                    from elsewhere: never into a deque
//	              ▼                           ▼
//	  inbox 0  ● ─ ●             inbox 1    –
//	              │ take all                                  idle set: one word, a bit for each worker that sleeps
//	              ▼                                           ┌───┬───┬───┬───┐
//	  deque 0  ● ● ● ● ◄─ Fork   deque 1    –                 │ 0 │ 1 │ 0 │ 0 │
//	           │     └─► Join                ▲                └───┴─┬─┴───┴───┘
//	           └────────── steal ────────────┘          Fork ───────┘ clears a bit, and wakes that worker
//
//	job.go      Job: a piece of work, in a slot that the caller of Init gave
//	pool.go     Pool: Init, New, Submit, Wait, Stop
//	worker.go   Worker: Run; where the next job comes from
//	fork.go     Fork, Join; Spawn, Sync; Post; how the end of a job is told
//	idle.go     falling asleep and being woken, without a wake-up that is lost
//	span.go     Range: a loop in parallel
//	stats.go    what is counted
//
// A worker works on its own deque from the newest end, as a stack: with one worker, jobs run in the order in which calls
// would. Thieves take the oldest job, which tends to be the largest piece. Nothing here needs a heap: jobs are slots, and
// what a deque holds is their numbers.
//
// Start reading: fork.go for what is promised, then worker.go, then idle.go.
package work

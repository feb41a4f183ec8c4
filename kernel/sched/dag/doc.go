// Package dag runs tasks that depend on each other: each when those that it needs are done and there is room for it.
//
//	         read ──► parse ──┐             Check: no circle, and nothing that never fits
//	           │              ▼
//	           └──► count ──► join ──► write       Start: sources are ready
//	                                               end of a node: those that waited only for it are ready
//	ready ──► admitted? capacity, rate, number     if not: it waits, and is chosen by lottery or in golden order
//	             │
//	             ▼
//	          a worker's deque (kernel/sched/work): who has nothing to do steals
//
//	demand.go     Demand: what a node needs, eight numbers that never wrap
//	capacity.go   Capacity: how much there is, and what of it is in use
//	bucket.go     Bucket: how many nodes may begin in a time
//	graph.go      Graph, Node: the tasks and their order
//	check.go      Check: is it a DAG? If not, the circle by name
//	mix.go        which of several that fit: 80 % lottery, 20 % golden order
//	admit.go      a node from ready to admitted, and to its end
//	run.go        Start: all that on workers
//	report.go     critical path, speedup, and what they are compared with
//
// With P CPUs no order of the nodes is faster than work/P, nor than the critical path; and any order in which no CPU is
// idle while a node is ready takes at most work/P + critical path (Graham, BSTJ 1966; Brent, JACM 1974), so at most twice
// the best. Admission can keep nodes waiting; then only the two lower bounds hold.
//
// Start reading: graph.go, then admit.go.
package dag

// Package sched decides which task each CPU runs. It is portable: what a CPU does to go from one task to another is its
// Machine's affair, in the kernel that of kernel/tasks.go.
//
//	      Spawn          Pick                    Yield, preempted
//	NEW ────────▶ READY ──────▶ RUNNING ─────────────────────────▶ READY
//	                ▲              │ Park                   │ Exit
//	                │   Wake       ▼                        ▼
//	                └────────── BLOCKED                   DONE ──Join──▶ FREE
//
//	sched.go    Sched: the whole of it, and the Machine that it runs on
//	task.go     Task, its states, and the word in which each change is one compare-and-swap
//	ring.go     Ring: the ready queue of one CPU, which others steal from
//	inbox.go    Inbox: what other CPUs, and interrupt handlers, have made ready for a CPU
//	cpu.go      CPU: what is next here: Pick, Finish
//	wake.go     Wake, Spawn, Join: where a task that is ready goes
//	steal.go    who takes from whom: the nearest, the longest
//	fair.go     shares: lottery and a deterministic order, mixed
//	turn.go     that batch tasks do not starve
//	edf.go      reservations: earliest deadline first, admitted, enforced
//	tune.go     the quantum, by what is counted
//	home.go     to where its memory is
//	timer.go    sleeping until a time
//	linger.go   a moment more, for who wants to know that its quantum is over
//
// A task is in one place at a time: a ring, an inbox, a CPU. It changes hands only by its word, so nothing here needs a lock.
// Start reading in task.go, then cpu.go.
package sched

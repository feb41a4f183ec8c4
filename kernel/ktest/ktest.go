// Package ktest runs tests and benchmarks inside the kernel, from a static table, and reports them as TAP 14.
//
//	ok 7 - sync/queue: no element lost # cpus=4 ops=1000000 seed=0x2a
//	…
//	1..31
//
// A test is a function that every participating CPU runs at the same time. It fails by a check that does not hold, and
// also by doing nothing: a test that counted no operation did not test, unless it says by T.Skip that this machine lacks
// what it needs. The plan comes last, so that a run that stops short is a failure to whoever reads it.
//
// Start reading: Test and Run here; T, which a test is given, in t.go; benchmarks in bench.go.
package ktest

import "exo/kernel/text"

// All as Test.CPUs means every CPU there is.
const All = -1

// Test is one test. Run is called on CPUs 0 … n-1 at once with cpu = 0 … n-1, interrupts on.
type Test struct {
	Name string // package/subject: what is guaranteed
	CPUs int    // how many must take part; All takes what there is, one included
	Run  func(t *T, cpu int)
}

// Machine is what a run needs from the kernel (or, on the host, from a stand-in).
type Machine interface {
	CPUs() int
	// Parallel calls fn(0) … fn(n-1), each on its CPU, and returns when all have returned.
	Parallel(n int, fn func(cpu int))
	// Relax is called in waiting loops with a count that grows from 0.
	Relax(spins int)
	// Now is a clock in ticks.
	Now() uint64
	// Print prints a line.
	Print(l *text.Line)
}

// Result counts a run.
type Result struct{ Run, Failed, Skipped int }

// line is what is being printed: one runner prints at a time.
var line text.Line

// current is what Parallel's function works on: there is one test at a time.
var current struct {
	t  T
	fn func(t *T, cpu int)
}

func runCurrent(cpu int) { current.fn(&current.t, cpu) }

// Run runs the tests for which match is true, prints their TAP lines and the plan, and counts.
func Run(m Machine, tests []Test, seed uint64, match func(name string) bool) (r Result) {
	l := &line
	m.Print(l.Reset().Str("TAP version 14"))
	for i := range tests {
		test := &tests[i]
		if !match(test.Name) {
			continue
		}
		r.Run++
		n := test.CPUs
		if n == All {
			n = m.CPUs()
		}
		if n > m.CPUs() {
			r.Skipped++
			m.Print(l.Reset().Str("ok ").Int(r.Run).Str(" - ").Str(test.Name).Str(" # SKIP needs ").Int(n).Str(" CPUs"))
			continue
		}
		t := &current.t
		t.reset(m, n, mix(seed, test.Name))
		current.fn = test.Run
		m.Parallel(n, runCurrent)
		if t.Ops() == 0 && !t.Skipped() {
			t.fail(0, "the test counted no operation", 0, 1)
		}
		t.report(l)
		l.Reset()
		if t.Skipped() && !t.Failed() {
			r.Skipped++
			m.Print(l.Str("ok ").Int(r.Run).Str(" - ").Str(test.Name).Str(" # SKIP ").Str(t.why))
			continue
		}
		if t.Failed() {
			r.Failed++
			l.Str("not ")
		}
		l.Str("ok ").Int(r.Run).Str(" - ").Str(test.Name)
		m.Print(l.Str(" # cpus=").Int(n).Str(" ops=").Uint(t.Ops()).Str(" seed=").Hex(seed))
	}
	m.Print(l.Reset().Str("1..").Int(r.Run))
	return r
}

// mix gives each test a seed of its own that depends on nothing but the run's seed and the test's name (FNV-1a).
func mix(seed uint64, name string) uint64 {
	h := seed ^ 0xcbf29ce484222325
	for i := 0; i < len(name); i++ {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return h
}

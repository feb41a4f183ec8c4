package ktest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"exo/kernel/text"

	"github.com/stretchr/testify/require"
)

// machine stands in for the kernel: its CPUs are goroutines, and its clock ticks once each time it is read, and by
// whatever the work under measurement adds.
type machine struct {
	cpus    int
	ticks   atomic.Uint64
	relaxed atomic.Uint64
	lines   []string
}

func (m *machine) CPUs() int { return m.cpus }

func (m *machine) Parallel(n int, fn func(cpu int)) {
	var wg sync.WaitGroup
	for cpu := range n {
		wg.Go(func() { fn(cpu) })
	}
	wg.Wait()
}

func (m *machine) Relax(spins int) {
	m.relaxed.Add(1)
	runtime.Gosched()
}

func (m *machine) Now() uint64 { return m.ticks.Add(1) - 1 }

func (m *machine) Print(l *text.Line) { m.lines = append(m.lines, string(l.Bytes())) }

func every(string) bool { return true }

// run runs tests on a machine of so many CPUs and returns its lines between the version and the plan, both checked.
func run(t *testing.T, cpus int, tests ...Test) (Result, []string) {
	t.Helper()
	m := &machine{cpus: cpus}
	r := Run(m, tests, 0x2a, every)
	require.Equal(t, "TAP version 14", m.lines[0])
	require.Equal(t, fmt.Sprintf("1..%d", len(tests)), m.lines[len(m.lines)-1], "the plan comes last")
	return r, m.lines[1 : len(m.lines)-1]
}

func passes(t *T, cpu int) { t.Count(10) }

func TestAPassingTestReportsCPUsOpsAndTheRunsSeed(t *testing.T) {
	r, lines := run(t, 4, Test{"a/one: passes", 1, passes}, Test{"a/all: passes", All, passes}, Test{"a/some: passes", 3, passes})
	require.Equal(t, Result{Run: 3}, r)
	require.Equal(t, []string{
		"ok 1 - a/one: passes # cpus=1 ops=10 seed=0x2a",
		"ok 2 - a/all: passes # cpus=4 ops=40 seed=0x2a",
		"ok 3 - a/some: passes # cpus=3 ops=30 seed=0x2a",
	}, lines)
}

func TestAFailingCheckIsNotOkWithItsDiagnosticsBefore(t *testing.T) {
	r, lines := run(t, 2,
		Test{"a/check", 2, func(t *T, cpu int) {
			t.Count(1)
			if t.Check(cpu, cpu != 1, "CPU 1 is well") != (cpu != 1) {
				panic("Check returns what it was given")
			}
		}},
		Test{"a/equal", 1, func(t *T, cpu int) {
			t.Count(1)
			if !t.Equal(cpu, 7, 7, "sevens") || t.Equal(cpu, 255, 16, "numbers") {
				panic("Equal returns whether they are")
			}
		}},
		Test{"a/well: the next test starts afresh", 2, passes})
	require.Equal(t, Result{Run: 3, Failed: 2}, r)
	require.Equal(t, []string{
		"# cpu 1: CPU 1 is well",
		"not ok 1 - a/check # cpus=2 ops=2 seed=0x2a",
		"# cpu 0: numbers: got 0xff, want 0x10",
		"not ok 2 - a/equal # cpus=1 ops=1 seed=0x2a",
		"ok 3 - a/well: the next test starts afresh # cpus=2 ops=20 seed=0x2a",
	}, lines)
}

func TestATestThatCountsNothingFails(t *testing.T) {
	r, lines := run(t, 2, Test{"a/idle", All, func(*T, int) {}}, Test{"a/zero CPUs", 0, passes})
	require.Equal(t, Result{Run: 2, Failed: 2}, r)
	require.Len(t, lines, 4)
	for i := 0; i < len(lines); i += 2 {
		require.Contains(t, lines[i], "counted no operation")
		require.True(t, strings.HasPrefix(lines[i+1], "not ok "), lines[i+1])
	}
}

func TestATestThatNeedsMoreCPUsIsSkippedAndNotCalled(t *testing.T) {
	r, lines := run(t, 3, Test{"a/three", 3, passes}, Test{"a/four", 4, func(*T, int) { panic("called") }})
	require.Equal(t, Result{Run: 2, Skipped: 1}, r)
	require.Equal(t, "ok 2 - a/four # SKIP needs 4 CPUs", lines[1])
}

func TestSkipIsReportedWithItsReasonAndMayCountNothing(t *testing.T) {
	r, lines := run(t, 8,
		Test{"a/none", 1, func(t *T, cpu int) { t.Skip("no I/O APIC") }},
		Test{"a/some work", 1, func(t *T, cpu int) { t.Count(3); t.Skip("half of it is missing") }},
		Test{"a/all at once", All, func(t *T, cpu int) { t.Skip("same reason") }},
		Test{"a/the first reason counts", 1, func(t *T, cpu int) { t.Skip("first"); t.Skip("second") }},
		Test{"a/afresh", 1, passes},
		Test{"a/idle", 1, func(*T, int) {}})
	require.Equal(t, Result{Run: 6, Skipped: 4, Failed: 1}, r)
	require.Equal(t, []string{
		"ok 1 - a/none # SKIP no I/O APIC",
		"ok 2 - a/some work # SKIP half of it is missing",
		"ok 3 - a/all at once # SKIP same reason",
		"ok 4 - a/the first reason counts # SKIP first",
		"ok 5 - a/afresh # cpus=1 ops=10 seed=0x2a",
	}, lines[:5])
}

func TestACheckThatFailedIsAFailureEvenIfTheTestIsSkipped(t *testing.T) {
	r, lines := run(t, 2,
		Test{"a/check, then skip", 1, func(t *T, cpu int) { t.Check(cpu, false, "sound"); t.Skip("why") }},
		Test{"a/skip, and another CPU fails", 2, func(t *T, cpu int) {
			if cpu == 0 {
				t.Skip("why")
			} else {
				t.Equal(cpu, 1, 2, "sum")
			}
		}})
	require.Equal(t, Result{Run: 2, Failed: 2}, r)
	require.Equal(t, []string{
		"# cpu 0: sound",
		"not ok 1 - a/check, then skip # cpus=1 ops=0 seed=0x2a",
		"# cpu 1: sum: got 0x1, want 0x2",
		"not ok 2 - a/skip, and another CPU fails # cpus=2 ops=0 seed=0x2a",
	}, lines)
}

func TestThePlanEqualsTheNumberOfTestsThatMatched(t *testing.T) {
	m := &machine{cpus: 2}
	tests := []Test{{"a", 1, passes}, {"b", 1, passes}, {"c", 9, passes}, {"d", 1, func(*T, int) {}}}
	r := Run(m, tests, 1, func(name string) bool { return name != "a" })
	require.Equal(t, Result{Run: 3, Failed: 1, Skipped: 1}, r)
	require.Equal(t, "1..3", m.lines[len(m.lines)-1])
	require.Equal(t, "ok 1 - b # cpus=1 ops=10 seed=0x1", m.lines[1], "numbers have no gaps")
	m = &machine{cpus: 2}
	require.Zero(t, Run(m, tests, 1, func(string) bool { return false }))
	require.Equal(t, []string{"TAP version 14", "1..0"}, m.lines)
}

func TestMoreThanEightFailuresAreSummarised(t *testing.T) {
	const cpus, each = 16, 25
	r, lines := run(t, cpus, Test{"a/bad", All, func(t *T, cpu int) {
		for range each {
			t.Count(1)
			t.Equal(cpu, uint64(cpu), 99, "number")
		}
	}})
	require.Equal(t, Result{Run: 1, Failed: 1}, r)
	require.Len(t, lines, 8+2)
	for _, l := range lines[:8] {
		var cpu, got int
		n, err := fmt.Sscanf(l, "# cpu %d: number: got %v, want 0x63", &cpu, &got)
		require.NoError(t, err, l)
		require.Equal(t, 2, n)
		require.Equal(t, cpu, got, "a diagnostic is one CPU's, not a mixture: %s", l)
	}
	require.Contains(t, lines[8], "and 392 more")
	require.Contains(t, lines[9], "not ok 1 - a/bad # cpus=16 ops=400")

	_, lines = run(t, 1, Test{"a/eight", 1, func(t *T, cpu int) {
		for range 8 {
			t.Check(cpu, false, "number")
		}
		t.Count(1)
	}})
	require.Len(t, lines, 8+1, "eight are all said, and nothing is left to sum up")
}

// draws runs two tests with a seed and returns the seed and the first numbers of each test and CPU.
func draws(seed uint64) (out [2][8][5]uint64) {
	var which int
	record := func(t *T, cpu int) {
		t.Count(1)
		d := &out[which][cpu]
		d[0] = t.Seed
		for i := 1; i < len(d); i++ {
			d[i] = t.Rand(cpu).Uint64()
		}
	}
	m := &machine{cpus: 8}
	for which = range out {
		Run(m, []Test{{fmt.Sprint("a/", which), All, record}}, seed, every)
	}
	return out
}

func TestSeedsAreEachTestsOwnAndReplayable(t *testing.T) {
	a := draws(7)
	require.Equal(t, a, draws(7), "the same seed gives the same run")
	require.NotEqual(t, a, draws(8))
	require.NotEqual(t, a[0][0][0], a[1][0][0], "two tests have two seeds")

	// A test's numbers depend on its name and the seed alone, not on what runs before it.
	var alone, later uint64
	keep := func(to *uint64) func(*T, int) { return func(t *T, cpu int) { t.Count(1); *to = t.Seed } }
	run(t, 1, Test{"a/x", 1, keep(&alone)})
	run(t, 1, Test{"a/other", 1, passes}, Test{"a/x", 1, keep(&later)})
	require.Equal(t, alone, later)
}

func TestNoCPUSeesAnothersRandomNumbers(t *testing.T) {
	const n = 1000
	var numbers [maxCPUs][n]uint64
	_, lines := run(t, maxCPUs, Test{"a/rand", All, func(t *T, cpu int) {
		for i := range n {
			numbers[cpu][i] = t.Rand(cpu).Uint64()
		}
		t.Count(1)
	}})
	require.Contains(t, lines[0], "ok 1")
	seen := map[uint64]int{}
	for cpu := range numbers {
		for i, v := range numbers[cpu] {
			other, twice := seen[v]
			require.False(t, twice, "CPU %d, number %d: CPU %d had it too", cpu, i, other)
			seen[v] = cpu
		}
	}
}

func TestRandIsSplitMix64(t *testing.T) {
	r := NewRand(1234567) // the published test vector
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		require.Equal(t, want, r.Uint64())
	}
	var hits [7]int
	for range 7000 {
		hits[r.N(7)]++
	}
	for _, h := range hits {
		require.InDelta(t, 1000, h, 200)
	}
	require.Zero(t, r.N(1))
}

func TestBarrierLetsNobodyPassBeforeAllHaveCome(t *testing.T) {
	for _, cpus := range []int{1, 2, 7, maxCPUs} {
		const rounds = 50
		var inside [rounds]atomic.Int64
		var plain [rounds]int // written by one CPU per round, read by all after the barrier: the race detector watches
		r, lines := run(t, cpus, Test{"a/barrier", All, func(t *T, cpu int) {
			for round := range rounds {
				if round%t.CPUs == cpu {
					plain[round] = round + 1
				}
				inside[round].Add(1)
				t.Barrier()
				t.Equal(cpu, uint64(inside[round].Load()), uint64(t.CPUs), "who came")
				t.Equal(cpu, uint64(plain[round]), uint64(round+1), "what was written before")
				t.Count(1)
			}
		}})
		require.Equal(t, Result{Run: 1}, r, lines)
	}
}

func TestUntilWaitsAndGivesUpWithAFailure(t *testing.T) {
	var flag atomic.Bool
	r, lines := run(t, 2,
		Test{"a/until", 2, func(t *T, cpu int) {
			t.Count(1)
			if cpu == 0 {
				flag.Store(true)
			} else if !t.Until(cpu, flag.Load, "the flag rises") {
				panic("it rose")
			}
		}},
	)
	require.Equal(t, Result{Run: 1}, r, lines)

	m := &still{machine{cpus: 1}}
	r = Run(m, []Test{{"a/never", 1, func(t *T, cpu int) {
		t.Count(1)
		t.Check(cpu, !t.Until(cpu, func() bool { return false }, "the flag rises"), "Until returns false")
	}}}, 1, every)
	require.Equal(t, Result{Run: 1, Failed: 1}, r)
	require.Equal(t, "# cpu 0: the flag rises", m.lines[1])
	require.Len(t, m.lines, 4)
}

// still is a machine that loses no time in waiting loops.
type still struct{ machine }

func (*still) Relax(int) {}

func TestBenchmarkPrintsEachRowWithItsBaselineRightAfter(t *testing.T) {
	m := &machine{cpus: 1}
	var calls int
	costs := []uint64{900, 500, 300, 400} // the first call warms up
	work := func(ops uint64) {
		m.ticks.Add(costs[calls%4] - 1)
		calls++
	}
	slow := func(ops uint64) { m.ticks.Add(10*ops - 1) }
	n := Benchmark(m, []Bench{
		{Name: "sync/queue.pair", Ops: 250, Run: work, Baseline: slow},
		{Name: "left/out", Ops: 1, Run: func(uint64) { panic("called") }},
		{Name: "mm/clear", Ops: 7, Run: slow, BaselineName: "words", Baseline: func(ops uint64) { work(ops) }},
	}, func(name string) bool { return name != "left/out" })
	require.Equal(t, 2, n)
	require.Equal(t, 8, calls, "once to warm up and three times, each")
	require.Equal(t, []string{
		"bench sync/queue.pair ops=250 tsc=300 per=1.20", // the least of the three counts
		"bench sync/queue.pair/locked ops=250 tsc=2500 per=10.00",
		"bench mm/clear ops=7 tsc=70 per=10.00",
		"bench mm/clear/words ops=7 tsc=300 per=42.85",
	}, m.lines)
}

func TestALongNameIsCutAndNotLost(t *testing.T) {
	_, lines := run(t, 1, Test{strings.Repeat("long", 200), 1, passes})
	require.Len(t, lines[0], text.Max)
	require.True(t, strings.HasPrefix(lines[0], "ok 1 - long") && strings.HasSuffix(lines[0], "..."))
}

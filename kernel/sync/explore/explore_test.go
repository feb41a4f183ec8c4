//go:build explore

package explore

import (
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/atom"
)

func brokenCounter(*Run) ([]func(), func() error) {
	var n atom.Uint64
	add := func() { n.Store(n.Load() + 1) }
	return []func(){add, add}, func() error {
		if v := n.Load(); v != 2 {
			return fmt.Errorf("two additions to 0 made %d", v)
		}
		return nil
	}
}

func TestExplore_FindsALostUpdate(t *testing.T) {
	_, f := Find(Config{}, brokenCounter)
	require.Nil(t, f, "without preemption there is none")
	stats, f := Find(Config{Preemptions: 2}, brokenCounter)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "made 1")
	require.Equal(t, 1, stats.Bound, "one preemption is enough")
	require.Contains(t, f.Trace, "T0 is preempted; T1 runs")
	require.Regexp(t, `T0  word0 is 0 +explore_test\.go:\d+ brokenCounter\.func1`, f.Trace)

	_, f = FindByPCT(PCTConfig{Depth: 2, Runs: 1000}, brokenCounter)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "made 1")
}

// naiveStack is Treiber's without generations, and reuses slots at once.
type naiveStack struct {
	top  atom.Uint64
	next [4]atom.Uint64
}

func (s *naiveStack) push(i uint64) {
	for {
		t := s.top.Load()
		s.next[i].Store(t)
		if s.top.CompareAndSwap(t, i) {
			return
		}
	}
}

func (s *naiveStack) pop() uint64 {
	for {
		t := s.top.Load()
		if t == 0 || s.top.CompareAndSwap(t, s.next[t].Load()) {
			return t
		}
	}
}

func naiveStackProgram(x *Run) ([]func(), func() error) {
	s := new(naiveStack)
	x.Name("s", s)
	s.push(2)
	s.push(1)
	var owner [4]int
	take := func() uint64 {
		i := s.pop()
		if owner[i]++; i != 0 && owner[i] > 1 {
			panic(fmt.Sprintf("slot %d is taken twice", i))
		}
		return i
	}
	give := func(i uint64) { owner[i]--; s.push(i) }
	return []func(){
		func() { take(); take() },
		func() { a := take(); take(); give(a) },
	}, nil
}

func TestExplore_FindsABA(t *testing.T) {
	_, f := Find(Config{Preemptions: 2}, naiveStackProgram)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "is taken twice")
	require.Contains(t, f.Trace, "s.top: 1 → 2 done")
	require.Contains(t, f.Trace, "explore_test.go")
	_, f = FindByPCT(PCTConfig{Depth: 3, Runs: 20_000}, naiveStackProgram)
	require.NotNil(t, f)
}

func TestExplore_PlainSeesPlainMemoryHalfDone(t *testing.T) {
	program := func(x *Run) ([]func(), func() error) {
		var ready atom.Uint64
		var data int
		return []func(){
			func() { ready.Store(1); data = 1 }, // in the wrong order
			func() {
				if ready.Load() == 1 && data != 1 {
					panic("not there yet")
				}
			},
		}, nil
	}
	_, f := Find(Config{Preemptions: 2}, program)
	require.Nil(t, f)
	_, f = Find(Config{Preemptions: 2, Plain: true}, program)
	require.NotNil(t, f)
	_, f = FindByPCT(PCTConfig{Depth: 2, Runs: 1000, Plain: true}, program)
	require.NotNil(t, f)
}

func TestExplore_FindsUseAfterFree(t *testing.T) {
	program := func(touch func(*atom.Uint64)) Program {
		return func(x *Run) ([]func(), func() error) {
			var ready atom.Uint64
			object := new([2]atom.Uint64)
			return []func(){
				func() { ready.Load(); touch(&object[1]) },
				func() {
					ready.Store(1)
					x.Forbid("object", object)
				},
			}, nil
		}
	}
	_, f := Find(Config{Preemptions: 1}, program(func(w *atom.Uint64) { w.Load() }))
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "an operation on freed memory: object")
	_, f = Find(Config{Preemptions: 0}, program(func(w *atom.Uint64) { w.StoreRelease(1) }))
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "a delayed store reaches freed memory: object")
	_, f = Find(Config{Preemptions: 1}, program(func(w *atom.Uint64) {}))
	require.Nil(t, f)
}

// Dekker's entry protocol, with a store that may be late.
func dekker(store func(*atom.Uint64, uint64)) Program {
	return func(x *Run) ([]func(), func() error) {
		var want [2]atom.Uint64
		inside := 0
		x.Name("want", &want)
		thread := func(i int) func() {
			return func() {
				store(&want[i], 1)
				if want[1-i].Load() == 0 {
					inside++
					Step("enter")
					if inside != 1 {
						panic("two inside")
					}
					inside--
				}
				want[i].Store(0)
			}
		}
		return []func(){thread(0), thread(1)}, nil
	}
}

func TestExplore_FindsDekkerWithoutAFence(t *testing.T) {
	_, f := Find(Config{Preemptions: 2}, dekker((*atom.Uint64).StoreRelease))
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "two inside")
	require.Contains(t, f.Trace, "buffered")
	_, f = Find(Config{Preemptions: 4}, dekker((*atom.Uint64).Store))
	require.Nil(t, f)
}

func TestExplore_SpinningIsNotPreemption(t *testing.T) {
	for _, waiters := range []int{1, 2} {
		stats := Exhaustive(t, Config{Preemptions: 2}, func(x *Run) ([]func(), func() error) {
			var flag atom.Uint64
			var order [2]atom.Uint64
			threads := make([]func(), 0, 3)
			for i := range waiters {
				threads = append(threads, func() {
					for flag.Load() == 0 {
						Yield()
					}
					order[i].Store(1)
				})
			}
			return append(threads, func() { order[0].Load(); order[1].Load(); flag.StoreRelease(1) }), nil
		})
		require.Less(t, stats.Longest, 40)
	}
}

func TestExplore_ReportsDeadlock(t *testing.T) {
	spin := func(x *Run) ([]func(), func() error) {
		var a, b atom.Uint64
		wait := func(w *atom.Uint64) func() {
			return func() {
				for w.Load() == 0 {
					Yield()
				}
			}
		}
		return []func(){wait(&a), wait(&b)}, nil
	}
	_, f := Find(Config{Preemptions: 1}, spin)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "deadlock: T0 spins; T1 spins;")
	_, f = FindByPCT(PCTConfig{Runs: 2}, spin)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "deadlock")

	_, f = Find(Config{Preemptions: 1}, func(x *Run) ([]func(), func() error) {
		var a atom.Uint64
		return []func(){
			func() { a.Load() },
			func() { a.Load(); Wait(func() bool { return a.Load() == 1 }) },
		}, nil
	})
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "deadlock: T0 has ended; T1 is blocked;")
}

func TestExplore_ReportsALoopWithoutEnd(t *testing.T) {
	_, f := Find(Config{Preemptions: 1, Steps: 100}, func(x *Run) ([]func(), func() error) {
		var a atom.Uint64
		return []func(){func() {
			for a.Load() == 0 {
			}
		}, func() {}}, nil
	})
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "no end after 100 steps")
}

func TestExplore_WaitEndsWhenItsStoreArrives(t *testing.T) {
	var woke int
	Exhaustive(t, Config{Preemptions: 2}, func(x *Run) ([]func(), func() error) {
		var a, b atom.Uint64
		return []func(){
			func() { a.StoreRelease(1); b.Load(); b.Load() },
			func() { b.Load(); Wait(func() bool { return a.Load() == 1 }); woke++ },
		}, nil
	})
	require.Positive(t, woke)
}

func TestExplore_ReportsPanics(t *testing.T) {
	_, f := Find(Config{Preemptions: 1}, func(x *Run) ([]func(), func() error) {
		var a atom.Uint64
		list := make([]int, 1)
		return []func(){
			func() { list[a.Load()]++ },
			func() { a.Store(1) },
		}, nil
	})
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "T0 panicked: runtime error: index out of range [1] with length 1")
	require.Contains(t, f.Reason, "explore_test.go")
}

func TestExplore_ReportsProgramsThatAreNot(t *testing.T) {
	_, f := Find(Config{Preemptions: 1}, func(x *Run) ([]func(), func() error) { return []func(){func() {}}, nil })
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "implausibly few")

	runs := 0
	_, f = Find(Config{Preemptions: 2}, func(x *Run) ([]func(), func() error) {
		var a atom.Uint64
		runs++
		n := 1 + runs%3
		thread := func() {
			for range n {
				a.Add(1)
			}
		}
		return []func(){thread, thread}, nil
	})
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "not a function of its schedule")

	_, f = Find(Config{Preemptions: 2, AtMost: 3}, brokenCounterThatNobodyChecks)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "more than 3 executions")
}

func brokenCounterThatNobodyChecks(x *Run) ([]func(), func() error) {
	threads, _ := brokenCounter(x)
	return threads, nil
}

// testing.TB that notes what a test says.
type recorder struct {
	testing.TB
	name string
	said string
}

type stopped struct{}

func (r *recorder) Helper()             {}
func (r *recorder) Name() string        { return r.name }
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Fatal(args ...any)   { r.said = fmt.Sprint(args...); panic(stopped{}) }

func record(name string, f func(t testing.TB)) (said string) {
	r := &recorder{name: name}
	defer func() {
		if p := recover(); p != nil && p != (stopped{}) {
			panic(p)
		}
		said = r.said
	}()
	f(r)
	return
}

func TestExplore_PrintsACommandThatReplays(t *testing.T) {
	for name, search := range map[string]func(testing.TB, Program){
		"exhaustive": func(t testing.TB, p Program) { Exhaustive(t, Config{Preemptions: 2}, p) },
		"unbounded":  func(t testing.TB, p Program) { Exhaustive(t, Config{Preemptions: Unbounded}, p) },
		"random":     func(t testing.TB, p Program) { PCT(t, PCTConfig{}, p) },
	} {
		for _, program := range []Program{
			brokenCounter, naiveStackProgram, dekker((*atom.Uint64).StoreRelease),
		} {
			said := record("TestX/sub", func(t testing.TB) { search(t, program) })
			line := regexp.MustCompile(`replay: EXO_SCHEDULE=(\S+) go test -tags explore (\S+) -run '(\S+)'`).FindStringSubmatch(said)
			require.NotNil(t, line, "%s: %s", name, said)
			require.Equal(t, "./kernel/sync/explore", line[2])
			require.Equal(t, "^TestX$/^sub$", line[3])

			t.Setenv("EXO_SCHEDULE", line[1])
			runs := 0
			again := record("TestX/sub", func(t testing.TB) {
				search(t, func(x *Run) ([]func(), func() error) { runs++; return program(x) })
			})
			require.Equal(t, 1, runs)
			require.Contains(t, again, line[0])
			trace := regexp.MustCompile(`(?m)^ +\d+  T.*$`)
			require.Equal(t, trace.FindAllString(said, -1), trace.FindAllString(again, -1))
			require.NotEmpty(t, trace.FindAllString(said, -1))
			t.Setenv("EXO_SCHEDULE", "")
		}
	}
}

func TestExplore_TheCommandNamesTheTest(t *testing.T) {
	require.Equal(t, `EXO_SCHEDULE=0 go test -tags explore ./kernel/sync/explore -run '^TestX$/^1\+p\|f$/^\[r w\]$'`,
		command("TestX/1+p|f/[r w]", "0"))
}

func TestExplore_SchedulesAreReadAsWritten(t *testing.T) {
	for _, all := range []bool{false, true} {
		s, err := parse(format([]uint8{0, 3, 0, 0, 1, 0}, all))
		require.NoError(t, err)
		require.Equal(t, schedule{all: all, choices: map[int]int{1: 3, 4: 1}}, s)
	}
	s, err := parse(format([]uint8{0, 0}, false))
	require.NoError(t, err)
	require.Empty(t, s.choices)
	for _, bad := range []string{"1", "x:1", "1:x", "-1:1", "1:-1", "1:1,,2:1"} {
		_, err := parse(bad)
		require.Error(t, err, bad)
	}
	t.Setenv("EXO_SCHEDULE", "0:7")
	_, f := Find(Config{}, brokenCounter)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "not for this program")
}

func TestExplore_OutsideOfARunOperationsArePlain(t *testing.T) {
	var w atom.Uint64
	w.StoreRelease(3)
	require.EqualValues(t, 3, w.Load())
	require.EqualValues(t, 5, w.Add(2))
	require.Nil(t, atom.Hook)
	Yield()
	Step("nothing")
	Fence()
	Wait(func() bool { return true })
	_, f := Find(Config{Preemptions: 1}, func(x *Run) ([]func(), func() error) {
		var a atom.Uint64
		a.StoreRelease(1)
		require.EqualValues(t, 1, a.Load())
		return []func(){func() { a.Add(1) }, func() { a.Add(1) }}, func() error {
			if a.StoreRelease(a.Load() + 1); a.Load() != 4 {
				return errors.New("the check is part of the schedule")
			}
			return nil
		}
	})
	require.Nil(t, f)
	require.Nil(t, atom.Hook)
}

func TestExplore_ReportsACheckWithoutEnd(t *testing.T) {
	_, f := Find(Config{Preemptions: 1}, func(x *Run) ([]func(), func() error) {
		var a atom.Uint64
		return []func(){func() { a.Add(1) }, func() { a.Add(1) }}, func() error {
			for a.Load() != 0 {
			}
			return nil
		}
	})
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "the final check panicked: no end")
}

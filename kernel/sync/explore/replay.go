//go:build explore

package explore

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Failure is an execution that went wrong.
type Failure struct {
	Reason   string
	Schedule string // as EXO_SCHEDULE takes it
	Trace    string // one line per operation
}

// conclude ends a test by what was found.
func conclude(t testing.TB, stats Stats, f *Failure) {
	t.Helper()
	if f == nil {
		return
	}
	s := f.Reason
	if f.Schedule != "" {
		s += fmt.Sprintf("\n\nin execution %d with at most %s preemptions:\n\n%s\nreplay: %s", stats.Executions,
			bound(stats.Bound), f.Trace, command(t.Name(), f.Schedule))
	}
	t.Fatal(s)
}

// command is what runs one test under one schedule.
func command(test, schedule string) string {
	run := "^" + strings.ReplaceAll(regexp.QuoteMeta(test), "/", "$/^") + "$"
	return fmt.Sprintf("EXO_SCHEDULE=%s go test -tags explore %s -run '%s'", schedule, folder(), run)
}

// folder is the package under test, as seen from the module's root.
func folder() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for root := dir; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			path, _ := filepath.Rel(root, dir)
			return "./" + filepath.ToSlash(path)
		}
	}
	return "."
}

// A schedule is written as the choices that are not the first alternative: position:choice,… in that order. Two words may
// come first: "all", if alternatives were not thinned out (unbounded and random search), and it is "0" if nothing follows.

func format(choices []uint8, all bool) string {
	var words []string
	if all {
		words = append(words, "all")
	}
	for i, c := range choices {
		if c != 0 {
			words = append(words, fmt.Sprintf("%d:%d", i, c))
		}
	}
	if len(words) == 0 {
		return "0"
	}
	return strings.Join(words, ",")
}

type schedule struct {
	all     bool
	choices map[int]int
}

func parse(s string) (schedule, error) {
	sched := schedule{choices: map[int]int{}}
	for _, word := range strings.Split(s, ",") {
		switch at, choice, ok := strings.Cut(word, ":"); {
		case word == "all":
			sched.all = true
		case word == "0":
		case ok:
			i, err1 := strconv.Atoi(at)
			c, err2 := strconv.Atoi(choice)
			if err1 != nil || err2 != nil || i < 0 || c < 0 {
				return sched, fmt.Errorf("EXO_SCHEDULE: %q is not position:choice", word)
			}
			sched.choices[i] = c
		default:
			return sched, fmt.Errorf("EXO_SCHEDULE: %q is not position:choice", word)
		}
	}
	return sched, nil
}

func scheduleToReplay() (string, bool) {
	s := os.Getenv("EXO_SCHEDULE")
	return s, s != ""
}

// replay runs one execution, with a trace.
func replay(steps int, plain bool, program Program, text string) (Stats, *Failure) {
	sched, err := parse(text)
	if err != nil {
		return Stats{}, &Failure{Reason: err.Error()}
	}
	s := newSearch(steps, plain, program)
	defer s.x.close()
	s.x.all, s.x.tracing = sched.all, true
	s.x.choose = func(alts []alternative) int {
		c := sched.choices[len(s.x.choices)]
		if c >= len(alts) {
			s.x.fail("EXO_SCHEDULE is not for this program: it chooses what there is not")
			return -1
		}
		return c
	}
	s.x.execute(program, 1<<30)
	s.stats = Stats{Executions: 1, Bound: s.x.spent, Longest: s.x.clock}
	if s.x.failure == "" {
		return s.stats, nil
	}
	return s.stats, &Failure{Reason: s.x.failure, Schedule: text, Trace: s.x.trace()}
}

// explain runs the execution that has just failed again, to trace it.
func explain(x *Run, program Program) *Failure {
	f := &Failure{Reason: x.failure, Schedule: format(x.choices, x.all)}
	_, again := replay(x.limit, x.plain, program, f.Schedule)
	if again == nil {
		f.Trace = "the program is not a function of its schedule: run again, it does not fail\n"
		return f
	}
	f.Trace = again.Trace
	return f
}

package qemu

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// TAP is what the guest's tests reported, in TAP 14 (testanything.org) amid other lines:
//
//	TAP version 14
//	# a diagnostic, about the next test
//	ok 1 - sync/queue: no element lost # cpus=4 ops=1000000 seed=0x2a
//	not ok 2 - sync/queue: in order: 7 came after 9 # cpus=4 ops=96 seed=0x2a
//	ok 3 - arch: x2APIC # SKIP this CPU has none
//	1..3
//
// Feed it with Add, ask it with Err.
type TAP struct {
	Tests    []Test
	Plan     int      // N of the closing 1..N; -1 as long as there is none
	Trailing []string // diagnostics after the last test
	Panic    bool     // a panic report began
	Bailed   string   // the reason of a "Bail out!"

	started   bool
	planned   bool
	malformed []string // what is wrong with the lines themselves
}

// A Test is one in-kernel test's report.
type Test struct {
	Number      int
	Name        string // up to the #, such as "sync/queue: no element lost"
	OK          bool
	Skipped     bool
	Why         string            // of a skip
	Directives  map[string]string // cpus, ops, seed: what follows the #
	Diagnostics []string          // the # lines before it
}

// NoPlan is TAP.Plan as long as no plan was seen.
const NoPlan = -1

const (
	panicBegin = "=== PANIC ==="
	panicEnd   = "=== END PANIC ==="
)

var (
	tapTest     = regexp.MustCompile(`^(not )?ok (\d+) - (.*)$`)
	tapLikeTest = regexp.MustCompile(`^(not )?ok\b`)
	tapPlan     = regexp.MustCompile(`^1\.\.(\d+)(\s+#.*)?$`)
	tapVersion  = regexp.MustCompile(`^TAP version (\d+)$`)
	tapSkip     = regexp.MustCompile(`(?i)^skip\S*\s*(.*)$`)
)

// ParseTAP reads all of a serial output.
func ParseTAP(lines []string) *TAP {
	t := new(TAP)
	for _, line := range lines {
		t.Add(line)
	}
	return t
}

// Add reads one serial line; a line that is not TAP is passed over.
func (t *TAP) Add(line string) {
	if !t.planned {
		t.Plan = NoPlan
	}
	switch {
	case strings.Contains(line, panicBegin):
		t.Panic = true
	case line == "#" || strings.HasPrefix(line, "# "):
		t.Trailing = append(t.Trailing, strings.TrimSpace(strings.TrimPrefix(line, "#")))
	case strings.HasPrefix(line, "Bail out!"):
		t.Bailed = strings.TrimSpace(strings.TrimPrefix(line, "Bail out!"))
		if t.Bailed == "" {
			t.Bailed = "no reason given"
		}
	case tapVersion.MatchString(line):
		t.version(tapVersion.FindStringSubmatch(line)[1])
	case tapPlan.MatchString(line):
		t.plan(tapPlan.FindStringSubmatch(line)[1])
	case tapTest.MatchString(line):
		t.test(line)
	case tapLikeTest.MatchString(line):
		t.wrong("this looks like a test's line and is none: %q; the form is: ok 7 - NAME", line)
	}
}

func (t *TAP) wrong(format string, args ...any) {
	t.malformed = append(t.malformed, fmt.Sprintf(format, args...))
}

func (t *TAP) version(v string) {
	if t.started {
		t.wrong("a second TAP version line: the guest ran its tests, or booted, twice")
	}
	t.started = true
	if v != "14" {
		t.wrong("TAP version %s; this harness reads 14", v)
	}
}

func (t *TAP) plan(n string) {
	if t.planned {
		t.wrong("a second plan, 1..%s", n)
		return
	}
	plan, err := strconv.Atoi(n)
	if err != nil {
		t.wrong("the plan 1..%s is no number: %v", n, err)
		return
	}
	t.Plan, t.planned = plan, true
}

func (t *TAP) test(line string) {
	m := tapTest.FindStringSubmatch(line)
	number, err := strconv.Atoi(m[2])
	if err != nil {
		t.wrong("test number %s: %v", m[2], err)
		return
	}
	if !t.started {
		t.wrong("test %d comes before any TAP version line", number)
		t.started = true // said once
	}
	if t.planned {
		t.wrong("test %d comes after the plan, which closes the list", number)
	}
	test := Test{Number: number, OK: m[1] == "", Directives: map[string]string{}, Diagnostics: t.Trailing}
	t.Trailing = nil
	name, comment := cutComment(m[3])
	test.Name = name
	if m := tapSkip.FindStringSubmatch(comment); m != nil {
		test.Skipped, test.Why = true, m[1]
	} else {
		for word := range strings.FieldsSeq(comment) {
			if key, value, ok := strings.Cut(word, "="); ok {
				test.Directives[key] = value
			}
		}
	}
	if name == "" {
		t.wrong("test %d has no name", number)
	}
	t.Tests = append(t.Tests, test)
}

var unescape = strings.NewReplacer(`\\`, `\`, `\#`, `#`)

// cutComment splits a test's description from what follows the first unescaped " #".
func cutComment(s string) (name, comment string) {
	for i := range len(s) {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ') {
			return unescape.Replace(strings.TrimSpace(s[:i])), strings.TrimSpace(s[i+1:])
		}
	}
	return unescape.Replace(strings.TrimSpace(s)), ""
}

// Skipped returns the tests that were skipped, to be shown: a skip is no pass.
func (t *TAP) Skipped() []Test {
	var skipped []Test
	for _, test := range t.Tests {
		if test.Skipped {
			skipped = append(skipped, test)
		}
	}
	return skipped
}

// Err returns nil if the list of tests is whole and good: a plan, which the tests match one
// by one without gap or duplicate, at least min of them, none not ok, no panic, no bail-out.
// Otherwise it says all that is wrong, one thing a line.
func (t *TAP) Err(min int) error {
	wrong := append([]string(nil), t.malformed...)
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if t.Panic {
		say("the kernel panicked")
	}
	if t.Bailed != "" {
		say("the guest bailed out: %s", t.Bailed)
	}
	seen := map[int]string{}
	names := map[string]int{}
	last := 0
	for _, test := range t.Tests {
		if !test.OK {
			say("%v", test)
		}
		if earlier, ok := seen[test.Number]; ok {
			say("test number %d is there twice: %q and %q", test.Number, earlier, test.Name)
		} else if test.Number != last+1 {
			say("test %d follows test %d", test.Number, last)
		}
		if earlier, ok := names[test.Name]; ok && test.OK {
			say("tests %d and %d have the same name, %q", earlier, test.Number, test.Name)
		}
		seen[test.Number], names[test.Name] = test.Name, test.Number
		last = test.Number
	}
	switch {
	case !t.planned:
		say("no plan: the output stops short after %d tests", len(t.Tests))
	case t.Plan != len(t.Tests):
		say("the plan says %d tests, and %d reported", t.Plan, len(t.Tests))
	}
	if len(t.Tests) < min {
		say("%d tests reported, fewer than the %d that there must be", len(t.Tests), min)
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "\n"))
}

// String is the test's report in one paragraph, diagnostics last.
func (t Test) String() string {
	var b strings.Builder
	if !t.OK {
		b.WriteString("not ")
	}
	fmt.Fprintf(&b, "ok %d - %s", t.Number, t.Name)
	if t.Skipped {
		fmt.Fprintf(&b, " (skipped: %s)", t.Why)
	}
	for _, key := range []string{"cpus", "ops", "seed"} {
		if v, ok := t.Directives[key]; ok {
			fmt.Fprintf(&b, " %s=%s", key, v)
		}
	}
	for _, d := range t.Diagnostics {
		fmt.Fprintf(&b, "\n  # %s", d)
	}
	return b.String()
}

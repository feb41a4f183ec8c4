package qemu

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func tapOf(text string) *TAP { return ParseTAP(strings.Split(strings.TrimSpace(text), "\n")) }

const goodTAP = `
boot: 4 CPUs
TAP version 14
ok 1 - sync/queue: no element lost # cpus=4 ops=1000000 seed=0x2a
okay, a line of the log; so is 1..2..3
# slowest steal took 12 us
# on cpu 3
ok 2 - sched: steal is fair
ok 3 - arch: x2APIC # SKIP this CPU has none
ok 4 - odd \# name # seed=0x1
numa: dist 0: 10 21
# all done
1..4
`

func TestTAPGood(t *testing.T) {
	tap := tapOf(goodTAP)
	require.NoError(t, tap.Err(4))
	assert.Equal(t, 4, tap.Plan)
	require.Len(t, tap.Tests, 4)
	assert.Equal(t, Test{Number: 1, Name: "sync/queue: no element lost", OK: true,
		Directives: map[string]string{"cpus": "4", "ops": "1000000", "seed": "0x2a"}}, tap.Tests[0])
	assert.Equal(t, []string{"slowest steal took 12 us", "on cpu 3"}, tap.Tests[1].Diagnostics)
	assert.Equal(t, "odd # name", tap.Tests[3].Name)
	assert.Equal(t, []string{"all done"}, tap.Trailing)
}

func TestTAPSkipIsNoSilentPass(t *testing.T) {
	skipped := tapOf(goodTAP).Skipped()
	require.Len(t, skipped, 1)
	assert.Equal(t, "this CPU has none", skipped[0].Why)
	assert.Contains(t, skipped[0].String(), "skipped: this CPU has none")
}

// Every way in which a list of tests can be wrong is found, and named.
func TestTAPFailures(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing at all":      {"", "no plan: the output stops short after 0 tests"},
		"stops short":         {"TAP version 14\nok 1 - a\nok 2 - b", "no plan: the output stops short after 2 tests"},
		"stops mid-line":      {"TAP version 14\nok 1 - a\nok 2", `this looks like a test's line and is none: "ok 2"`},
		"too few tests":       {"TAP version 14\nok 1 - a\n1..1", "1 tests reported, fewer than the 2 that there must be"},
		"none":                {"TAP version 14\n1..0", "0 tests reported, fewer than the 2"},
		"plan too long":       {"TAP version 14\nok 1 - a\nok 2 - b\n1..3", "the plan says 3 tests, and 2 reported"},
		"plan too short":      {"TAP version 14\nok 1 - a\nok 2 - b\nok 3 - c\n1..2", "the plan says 2 tests, and 3 reported"},
		"gap":                 {"TAP version 14\nok 1 - a\nok 3 - b\n1..2", "test 3 follows test 1"},
		"starts at 2":         {"TAP version 14\nok 2 - a\nok 3 - b\n1..2", "test 2 follows test 0"},
		"duplicate number":    {"TAP version 14\nok 1 - a\nok 1 - b\n1..2", `test number 1 is there twice: "a" and "b"`},
		"duplicate name":      {"TAP version 14\nok 1 - a\nok 2 - a\n1..2", `tests 1 and 2 have the same name, "a"`},
		"not ok":              {"TAP version 14\n# got 7\nnot ok 1 - a: 7 is not 9 # cpus=2 seed=0x7\nok 2 - b\n1..2", "not ok 1 - a: 7 is not 9 cpus=2 seed=0x7\n  # got 7"},
		"panic mid-stream":    {"TAP version 14\nok 1 - a\n=== PANIC ===\npanic: cause: x\nok 2 - b\n1..2", "the kernel panicked"},
		"panic mid-line":      {"TAP version 14\nok 1 - a\nok 2 - b\n1..2\ncpu 3=== PANIC ===", "the kernel panicked"},
		"bail out":            {"TAP version 14\nok 1 - a\nBail out! no memory\n1..1", "the guest bailed out: no memory"},
		"bail out, no reason": {"TAP version 14\nok 1 - a\nok 2 - b\nBail out!\n1..2", "the guest bailed out: no reason given"},
		"booted twice":        {"TAP version 14\nok 1 - a\nTAP version 14\nok 2 - b\n1..2", "twice"},
		"two plans":           {"TAP version 14\nok 1 - a\nok 2 - b\n1..2\n1..2", "a second plan"},
		"test after the plan": {"TAP version 14\nok 1 - a\n1..2\nok 2 - b", "test 2 comes after the plan"},
		"no version":          {"ok 1 - a\nok 2 - b\n1..2", "before any TAP version line"},
		"other version":       {"TAP version 13\nok 1 - a\nok 2 - b\n1..2", "this harness reads 14"},
		"no number":           {"TAP version 14\nok - a\nok 2 - b\n1..2", "looks like a test's line"},
		"huge number":         {"TAP version 14\nok 99999999999999999999 - a\nok 2 - b\n1..2", "out of range"},
		"no name":             {"TAP version 14\nok 1 - # cpus=1\nok 2 - b\n1..2", "test 1 has no name"},
		"empty name":          {"TAP version 14\nok 1 -  # cpus=1\nok 2 - b\n1..2", "test 1 has no name"},
	} {
		t.Run(name, func(t *testing.T) { assert.ErrorContains(t, tapOf(c.text).Err(2), c.want) })
	}
}

func TestTAPNoTestsAskedFor(t *testing.T) {
	assert.NoError(t, tapOf("TAP version 14\n1..0").Err(0))
	assert.NoError(t, tapOf("TAP version 14\n1..0 # SKIP tests=none").Err(0))
}

func FuzzTAP(f *testing.F) {
	f.Add(goodTAP)
	f.Add("not ok 1 - # # SKIP\n1..\nTAP version")
	f.Fuzz(func(t *testing.T, text string) {
		tap := ParseTAP(strings.Split(text, "\n"))
		_ = tap.Err(1)
		for _, test := range tap.Tests {
			_ = test.String()
		}
	})
}

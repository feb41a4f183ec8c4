package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(b)
}

// header is a model's first comment.
func header(t *testing.T, model string) string {
	text := read(t, "models/"+model+".pml")
	h, _, ok := strings.Cut(text, "*/")
	require.True(t, ok, model)
	return h
}

var faultLine = regexp.MustCompile(`(?m)^ \*   ([A-Z][A-Z0-9_]+) +[A-Za-z]`)

func TestEachModelIsChecked(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "models/*.pml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		model := strings.TrimSuffix(filepath.Base(f), ".pml")
		if model == "tso" { // which the others include
			continue
		}
		proved := ""
		for _, c := range checks {
			assert.Empty(t, c.fault, c.String())
			if c.model == model {
				proved += " " + c.proves
			}
		}
		promised := regexp.MustCompile(`(?m)^ \*   ((?:G\d+|Progress)(?:, (?:G\d+|Progress))*)\. `).FindAllStringSubmatch(header(t, model), -1)
		require.NotEmpty(t, promised, model)
		for _, p := range promised {
			for _, g := range strings.Split(p[1], ", ") {
				assert.Contains(t, strings.Fields(proved), g, "%s promises it, and no check names it", model)
			}
		}
		for _, g := range strings.Fields(proved) {
			assert.Regexp(t, `(?m)^ \*   [^.]*\b`+g+`\b`, header(t, model), "a check of %s names what it does not promise", model)
		}
	}
}

func TestEachFaultIsTried(t *testing.T) {
	tried := map[string]bool{}
	for _, f := range faults {
		require.NotEmpty(t, f.fault)
		assert.Empty(t, f.proves, f.String())
		tried[f.model+" "+f.fault] = true
		assert.Regexp(t, `(?m)^#ifn?def `+f.fault+`$`, read(t, "models/"+f.model+".pml"), "%s has no such fault", f.model)
	}
	listed := 0
	for _, model := range []string{"rcu", "hqueue", "deque", "sleeplock", "sched", "cap", "litmus"} {
		for _, m := range faultLine.FindAllStringSubmatch(header(t, model), -1) {
			listed++
			assert.True(t, tried[model+" "+m[1]], "%s lists %s, and no run tries it", model, m[1])
			delete(tried, model+" "+m[1])
		}
	}
	assert.NotZero(t, listed)
	assert.Empty(t, tried, "these are tried, and not in a model's header")
}

// The names that a model shares with the code are in both.
func TestModelsFollowTheCode(t *testing.T) {
	for _, f := range follows {
		model, code := read(t, "models/"+f.model+".pml"), read(t, f.file)
		assert.Contains(t, header(t, f.model), filepath.Base(f.file))
		for _, name := range strings.Fields(f.names) {
			assert.Regexp(t, `(?m)^(inline `+name+`\(|`+name+`:)`, model, "%s has no step %s", f.model, name)
			assert.Regexp(t, `(?m)^func (\([^)]*\) )?`+name+`\(`, code, "%s has no function %s", f.file, name)
		}
	}
}

const panFine = `pan: ltl formula runs
Depth=   34770 States=    1e+06 Transitions= 2.07e+06 Memory=   176.996	t=     1.11 R=   9e+05

(Spin Version 6.5.2 -- 6 December 2019)
State-vector 116 byte, depth reached 368, errors: 0
  5252220 states, stored (6.1e+06 visited)
  3167884 states, matched
  8420104 transitions (= stored+matched)
  348.839	total actual memory usage


unreached in proctype Drain
	tso.pml:72, state 21, "-end-"
	(1 of 21 states)
unreached in proctype Setter
	sleeplock.pml:358, state 4, "turn = (turn+1)"
	(1 of 147 states)
unreached in init
	(0 of 38 states)
unreached in claim runs
	_spin_nvr.tmp:3, state 5, "(1)"
	(1 of 13 states)

`

const panWrong = `pan:1: assertion violated (olderSync==0) (at depth 528)
pan: wrote rcu.pml.trail

Warning: Search not completed
State-vector 88 byte, depth reached 678, errors: 1
     2263 states, stored
     3000 transitions (= stored+matched)
`

func TestParse(t *testing.T) {
	o, err := parse([]byte(panFine))
	require.NoError(t, err)
	assert.Equal(t, outcome{states: 5252220, transitions: 8420104, depth: 368, megabytes: 348.839,
		unreached: []unreached{{"Setter", `sleeplock.pml:358, state 4, "turn = (turn+1)"`}}}, o)

	o, err = parse([]byte(panWrong))
	require.NoError(t, err)
	assert.Equal(t, "assertion violated (olderSync==0)", o.errorText)
	assert.Empty(t, o.cutShort)

	o, err = parse([]byte("error: max search depth too small\n" + panFine))
	require.NoError(t, err)
	assert.Equal(t, "error: max search depth too small", o.cutShort)

	o, err = parse([]byte("pan: reached -DMEMLIM bound\n" + panFine))
	require.NoError(t, err)
	assert.NotEmpty(t, o.cutShort)

	o, err = parse([]byte("Warning: Search not completed\n" + panFine))
	require.NoError(t, err)
	assert.NotEmpty(t, o.cutShort)

	_, err = parse([]byte("Segmentation fault\n"))
	assert.Error(t, err)
	_, err = parse([]byte(strings.Replace(panFine, "errors: 0", "errors: 1", 1)))
	assert.Error(t, err, "an error that is not named")
}

func TestJudge(t *testing.T) {
	fine := outcome{states: 1}
	sound, broken := check{model: "m", method: safety}, check{model: "m", fault: "F", method: safety}
	assert.NoError(t, sound.judge(fine))
	assert.ErrorContains(t, sound.judge(outcome{}), "no state")
	assert.ErrorContains(t, sound.judge(outcome{states: 1, errorText: "invalid end state"}), "invalid end state")
	assert.ErrorContains(t, sound.judge(outcome{states: 1, cutShort: "no memory"}), "cut short")
	assert.ErrorContains(t, broken.judge(fine), "not found")
	assert.ErrorContains(t, broken.judge(outcome{states: 1, cutShort: "no memory"}), "not found")
	assert.NoError(t, broken.judge(outcome{states: 1, errorText: "assertion violated (a==b)"}))
	assert.Error(t, broken.judge(outcome{states: 1, errorText: "assertion violated - invalid array index"}))

	some := outcome{states: 1, unreached: []unreached{{"P", "x = 1"}}}
	assert.ErrorContains(t, sound.judge(some), "never reached: P")
	assert.NoError(t, check{model: "m", method: safety, partly: "P"}.judge(some))
	assert.NoError(t, check{model: "m", method: ends}.judge(some))
}

package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// outcome is what a verifier (pan) said.
type outcome struct {
	errorText   string // "" if there was none
	cutShort    string // why not everything was visited
	states      int64
	transitions int64
	depth       int64
	megabytes   float64
	seconds     float64 // of CPU time
	unreached   []unreached
}

// unreached is a statement of a proctype that no execution came to.
type unreached struct{ proctype, state string }

func (o outcome) size() string {
	return fmt.Sprintf("%d states, %d transitions, depth %d, %.0f MB, %.1f s", o.states, o.transitions, o.depth, o.megabytes, o.seconds)
}

var (
	panError       = regexp.MustCompile(`(?m)^pan:\d+: (.*) \(at depth \d+\)`)
	panTrouble     = regexp.MustCompile(`(?m)^(error: max search depth too small.*|pan: reached -DMEMLIM bound.*|pan: out of memory.*|Interrupted.*|pan: error: .*)$`)
	panStates      = regexp.MustCompile(`(?m)^\s*([\d.e+]+) states, stored`)
	panTransitions = regexp.MustCompile(`(?m)^\s*([\d.e+]+) transitions`)
	panSummary     = regexp.MustCompile(`(?m)depth reached (\d+), errors: (\d+)`)
	panMegabytes   = regexp.MustCompile(`(?m)^\s*([\d.]+)\s+total actual memory usage`)
	panUnreached   = regexp.MustCompile(`^unreached in (\w+ ?\w*)$`)
)

// parse reads what pan printed.
func parse(text []byte) (o outcome, err error) {
	s := string(text)
	if m := panTrouble.FindString(s); m != "" {
		o.cutShort = m
	}
	if m := panError.FindStringSubmatch(s); m != nil {
		o.errorText = strings.Join(strings.Fields(m[1]), " ")
	}
	summary := panSummary.FindStringSubmatch(s)
	if summary == nil {
		if o.cutShort != "" {
			return o, nil
		}
		return o, fmt.Errorf("pan's output has no summary:\n%s", s)
	}
	o.depth, _ = strconv.ParseInt(summary[1], 10, 64)
	if (summary[2] != "0") != (o.errorText != "") {
		return o, errors.New("pan counts " + summary[2] + " errors, but says which as \"" + o.errorText + "\":\n" + s)
	}
	if o.errorText == "" && o.cutShort == "" && strings.Contains(s, "Search not completed") {
		o.cutShort = "pan does not say why"
	}
	number := func(re *regexp.Regexp) (v float64) {
		if m := re.FindStringSubmatch(s); m != nil {
			v, _ = strconv.ParseFloat(m[1], 64)
		}
		return v
	}
	o.states, o.transitions = int64(number(panStates)), int64(number(panTransitions))
	o.megabytes = number(panMegabytes)
	o.unreached = parseUnreached(s)
	return o, nil
}

// parseUnreached leaves out proctypes' ends, which who runs for ever does not reach, and claims.
func parseUnreached(s string) (list []unreached) {
	in := ""
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		if m := panUnreached.FindStringSubmatch(line); m != nil {
			in = strings.TrimPrefix(m[1], "proctype ")
			continue
		}
		if !strings.HasPrefix(line, "\t") {
			in = ""
			continue
		}
		if in == "" || strings.HasPrefix(in, "claim ") || strings.HasPrefix(line, "\t(") || strings.HasSuffix(line, `"-end-"`) {
			continue
		}
		list = append(list, unreached{in, strings.TrimSpace(line)})
	}
	return list
}

package qemu

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"exo/internal/baselines"
)

// A Bench is one line of a benchmark:
//
//	bench sync/queue.pair ops=100000 tsc=1250000 per=12.50
//	bench sync/queue.pair/locked ops=100000 tsc=4100000 per=41.00
//
// The second is the first's baseline: its name is the other's, a slash, and one word more.
type Bench struct {
	Name string
	Ops  uint64
	TSC  uint64 // ticks for all operations; instructions under icount
}

// Per returns the ticks for one operation.
func (b Bench) Per() float64 { return float64(b.TSC) / float64(b.Ops) }

var benchLine = regexp.MustCompile(`^bench (\S+) ops=(\d+) tsc=(\d+) per=(\d+(?:\.\d{1,2})?)$`)

// ParseBench finds the benchmarks in serial output. A line that starts like one and does
// not add up is an error, for a wrong figure is worse than none.
func ParseBench(lines []string) ([]Bench, error) {
	var benches []Bench
	seen := map[string]bool{}
	for _, line := range lines {
		if !strings.HasPrefix(line, "bench ") || !strings.Contains(line, " ops=") {
			continue
		}
		m := benchLine.FindStringSubmatch(line)
		if m == nil {
			return benches, fmt.Errorf("reading benchmark line %q: the form is: bench NAME ops=N tsc=T per=T/N", line)
		}
		ops, err1 := strconv.ParseUint(m[2], 10, 64)
		tsc, err2 := strconv.ParseUint(m[3], 10, 64)
		per, err3 := strconv.ParseFloat(m[4], 64)
		for _, err := range []error{err1, err2, err3} {
			if err != nil {
				return benches, fmt.Errorf("reading benchmark line %q: %w", line, err)
			}
		}
		b := Bench{Name: m[1], Ops: ops, TSC: tsc}
		if ops == 0 {
			return benches, fmt.Errorf("reading benchmark line %q: it did nothing (ops=0)", line)
		}
		unit := 1.0 // of per's last printed place; the kernel may round or cut
		if _, places, ok := strings.Cut(m[4], "."); ok {
			unit = math.Pow10(-len(places))
		}
		if math.Abs(b.Per()-per) > unit*1.001 {
			return benches, fmt.Errorf("reading benchmark line %q: tsc/ops is %.4f, not %s", line, b.Per(), m[4])
		}
		if seen[b.Name] {
			return benches, fmt.Errorf("reading benchmark line %q: the name is there twice", line)
		}
		seen[b.Name] = true
		benches = append(benches, b)
	}
	return benches, nil
}

// baselineOf returns the index of the benchmark that b is a baseline of, or -1.
func baselineOf(b Bench, all []Bench) int {
	i := strings.LastIndexByte(b.Name, '/')
	if i < 0 {
		return -1
	}
	for j, other := range all {
		if other.Name == b.Name[:i] {
			return j
		}
	}
	return -1
}

// Instructions is the unit of ticks under icount.
const Instructions = "instructions"

// FormatBench makes one aligned table, each benchmark beside its baselines, its target if the unit is Instructions, and what others
// need for the like; the ratio says how many times less ours needs than the baseline.
func FormatBench(benches []Bench, unit string) string {
	rows := [][]string{{"benchmark", "ops", unit, "baseline", "its", "ratio", "target", "Linux 6.1", "xv6", ""}}
	for i, b := range benches {
		if baselineOf(b, benches) >= 0 || strings.HasPrefix(b.Name, userBench) { // those are FormatPrimitives'
			continue
		}
		name, ops, per := b.Name, strconv.FormatUint(b.Ops, 10), fmt.Sprintf("%.2f", b.Per())
		rest := []string{"-", "-", "-", ""}
		if unit == Instructions {
			rest[0], rest[3] = b.target()
		}
		if p := baselines.Of(b.Name); p != nil {
			rest[1], rest[2] = number(p.Linux), number(p.XV6)
		}
		alone := true
		for _, base := range benches {
			if baselineOf(base, benches) != i {
				continue
			}
			ratio := "-"
			if b.TSC > 0 {
				ratio = fmt.Sprintf("%.2f", base.Per()/b.Per())
			}
			rows = append(rows, append([]string{name, ops, per, base.Name[len(b.Name)+1:], fmt.Sprintf("%.2f", base.Per()), ratio}, rest...))
			name, ops, per, alone = "", "", "", false // further baselines follow below
			rest = []string{"", "", "", ""}
		}
		if alone {
			rows = append(rows, append([]string{name, ops, per, "-", "-", "-"}, rest...))
		}
	}
	return align(rows, []bool{true, false, false, true, false, false, false, false, false, true})
}

// userBench is what the names of the benchmarks in ring 3 begin with (user/bench).
const userBench = "user/"

// FormatPrimitives makes a table of the benchmarks in ring 3 beside what Linux and xv6 need for the same; empty, if there are none.
func FormatPrimitives(benches []Bench, unit string) string {
	rows := [][]string{{"primitive", unit, "target", "Linux 6.1", "xv6", "", "there"}}
	for _, b := range benches {
		name, ok := strings.CutPrefix(b.Name, userBench)
		if !ok {
			continue
		}
		row := []string{name, fmt.Sprintf("%.0f", b.Per()), "-", "-", "-", "", ""}
		if unit == Instructions {
			row[2], row[5] = b.target()
		}
		if p := baselines.Of(name); p != nil {
			row[3], row[4], row[6] = number(p.Linux), number(p.XV6), p.What
		}
		rows = append(rows, row)
	}
	if len(rows) == 1 {
		return ""
	}
	return align(rows, []bool{true, false, false, false, false, true, true})
}

// number is a figure of others; 0: there is none.
func number(v uint64) string {
	if v == 0 {
		return "-"
	}
	return strconv.FormatUint(v, 10)
}

// align pads columns to equal width, the marked ones to the left and the others to the right.
func align(rows [][]string, left []bool) string {
	width := make([]int, len(left))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			if left[i] {
				fmt.Fprintf(&line, "%-*s", width[i], cell)
			} else {
				fmt.Fprintf(&line, "%*s", width[i], cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	svg "github.com/ajstarks/svgo"
)

// report is all that came of a run of this program.
type report struct {
	machine string
	results []*result
	tails   []*tailRow
	scaling *scaling
	frames  []*framesRow
}

// table is a heading and lines of cells.
type table struct {
	title, note string
	lines       [][]string
}

// scalesBy is how much two threads must get done, for each thing that one alone does.
const scalesBy = 1.9

func (r *report) tables() (tables []table) {
	for threads := 1; threads <= 2; threads++ {
		t := table{
			title: fmt.Sprintf("Nanoseconds per operation, threads: %d", threads),
			note:  "A pair for structures and locks, an item for push→steal; of two threads together. Medians of alternating runs, (smallest–largest).",
			lines: [][]string{{"operation", "Exo", "peer", "its ns", "ratio", "target", "", "under spinlock", "under mutex"}},
		}
		for _, res := range r.results {
			if res.threads == threads {
				t.lines = append(t.lines, res.lines()...)
			}
		}
		if len(t.lines) > 1 {
			tables = append(tables, t)
		}
	}
	if len(r.tails) > 0 {
		t := table{
			title: "Latency beside preempted threads",
			note: fmt.Sprintf("One pair due each %v on CPU 1, alone there; %d threads share CPU 0, each doing %d pairs on the same structure and something else for %v, and the system preempts them anywhere.",
				time.Duration(dueNs), hammers, hammerPairs, hammerRest),
			lines: [][]string{{"structure", "", "p50", "p99", "p99.9", "largest", "over 1 ms"}},
		}
		for _, tail := range r.tails {
			t.lines = append(t.lines, latencyLine(tail.name, "lock-free", tail.free), latencyLine("", "under a spinlock", tail.spin))
		}
		tables = append(tables, t)
	}
	if s := r.scaling; s != nil {
		report, ok := padded()
		verdict := map[bool]string{true: "whole cache lines", false: "NOT all whole cache lines"}
		tables = append(tables, table{
			title: "Throughput, million pairs a second, all threads together",
			note:  "Bytes, " + verdict[ok] + ": " + strings.Join(report, ", "),
			lines: [][]string{
				{"", "1 thread", "2 threads", "ratio", "target"},
				{"a queue for each CPU, one pool", figure(s.one.median()), figure(s.two.median()), fmt.Sprintf("%.2f", s.ratio()),
					fmt.Sprintf("≥ %.1f %s", scalesBy, mark(s.ratio() >= scalesBy && ok))},
				{"one queue for both", "", figure(s.shared.median()), fmt.Sprintf("%.2f", s.shared.median()/s.one.median()), ""},
			},
		})
	}
	if len(r.frames) > 0 {
		tables = append(tables, framesTable(r.frames))
	}
	return tables
}

func (s *scaling) ratio() float64 { return s.two.median() / s.one.median() }

func mark(met bool) string {
	if met {
		return "✓"
	}
	return "missed"
}

func figure(ns float64) string {
	switch {
	case ns < 10:
		return fmt.Sprintf("%.2f", ns)
	case ns < 100:
		return fmt.Sprintf("%.1f", ns)
	}
	return fmt.Sprintf("%.0f", ns)
}

func spread(s sample) string {
	if len(s) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s–%s)", figure(s.median()), figure(s.min()), figure(s.max()))
}

func (r *result) lines() (lines [][]string) {
	for i, p := range r.row.peers {
		line := []string{"", "", p.peer, spread(r.peers[i]), fmt.Sprintf("%.2f", r.ratio(i)), "", "", "", ""}
		if met, is := r.met(i); is {
			line[5], line[6] = fmt.Sprintf("≤ %.2f", p.ratio), mark(met)
		}
		if i == 0 {
			line[0], line[1], line[7], line[8] = r.name, spread(r.exo), spread(r.spin), spread(r.mutex)
		}
		lines = append(lines, line)
	}
	return lines
}

func latencyLine(name, how string, l []time.Duration) []string {
	long := len(l) - first(l, time.Millisecond)
	return []string{name, how, latency(quantile(l, .5)), latency(quantile(l, .99)), latency(quantile(l, .999)), latency(l[len(l)-1]),
		fmt.Sprintf("%.2f %%", 100*float64(long)/float64(len(l)))}
}

// first is the index of the first latency of at least d.
func first(l []time.Duration, d time.Duration) int {
	i, _ := slices.BinarySearch(l, d)
	return i
}

func latency(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// tailWins is how many times longer the longest waits, p99.9, must be under a spinlock: two orders of magnitude.
const tailWins = 100

// verdict says how many targets were met, and which were not.
func (r *report) verdict(w io.Writer) (missed int) {
	all := 0
	judge := func(met bool, what string) {
		all++
		if !met {
			missed++
			fmt.Fprintln(w, "missed: "+what)
		}
	}
	for _, res := range r.results {
		for i, p := range res.row.peers {
			if met, is := res.met(i); is {
				judge(met, fmt.Sprintf("%s beside %s: %.2f times, target %.2f", res.label(), p.peer, res.ratio(i), p.ratio))
			}
		}
	}
	for _, t := range r.tails {
		free, spin := quantile(t.free, .999), quantile(t.spin, .999)
		judge(spin >= tailWins*free, fmt.Sprintf("%s beside preempted threads: p99.9 %s, under a spinlock %s", t.name, latency(free), latency(spin)))
	}
	if s := r.scaling; s != nil {
		_, ok := padded()
		judge(ok && s.ratio() >= scalesBy, fmt.Sprintf("scaling: %.2f times with two threads, target %.1f", s.ratio(), scalesBy))
	}
	if all > 0 {
		fmt.Fprintf(w, "targets met: %d of %d\n", all-missed, all)
	}
	return missed
}

// text prints the tables in columns.
func (r *report) text(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", r.machine)
	for _, t := range r.tables() {
		fmt.Fprintf(w, "\n%s\n%s\n", t.title, t.note)
		width := make([]int, len(t.lines[0]))
		for _, line := range t.lines {
			for i, cell := range line {
				width[i] = max(width[i], utf8.RuneCountInString(cell))
			}
		}
		for _, line := range t.lines {
			var b strings.Builder
			for i, cell := range line {
				b.WriteString(cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
			}
			fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
		}
	}
	fmt.Fprintln(w)
}

// markdown prints them for docs.
func (r *report) markdown(w io.Writer) {
	verb := "bench-peers"
	if len(r.frames) > 0 && len(r.results) == 0 {
		verb = "bench-host"
	}
	fmt.Fprintf(w, "Written by `make %s`. %s.\n", verb, r.machine)
	for _, t := range r.tables() {
		fmt.Fprintf(w, "\n**%s.** %s\n\n", t.title, t.note)
		for i, line := range t.lines {
			fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
			if i == 0 {
				fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(line)))
			}
		}
	}
}

// chart draws the ratios: a bar for each peer, a line where the target is.
func (r *report) chart(w io.Writer) {
	const (
		left, bar, gap, unit, most = 470, 16, 6, 160, 3.0 // pixels; unit for a ratio of 1; longer bars are cut
	)
	lines := 0
	for _, res := range r.results {
		lines += len(res.peers)
	}
	bottom := 50 + lines*(bar+gap)
	s := svg.New(w)
	s.Start(left+unit*most+80, bottom+20, `font-family="sans-serif"`, `font-size="12"`)
	s.Rect(0, 0, left+unit*most+80, bottom+20, "fill:white")
	s.Text(10, 20, "Nanoseconds of Exo to those of its peer; shorter is faster", `font-size="14"`)
	for x := 0; x <= most; x++ {
		s.Line(left+x*unit, 40, left+x*unit, bottom, "stroke:#ddd")
		s.Text(left+x*unit, 38, fmt.Sprint(x), "text-anchor:middle;fill:#666")
	}
	y := 48
	for _, res := range r.results {
		for i, p := range res.row.peers {
			ratio := res.ratio(i)
			colour := "#9aa5b1" // no target
			if met, is := res.met(i); is && met {
				colour = "#2a9d5c"
			} else if is {
				colour = "#d1495b"
			}
			s.Text(left-8, y+12, res.label()+" – "+p.peer, "text-anchor:end")
			long := int(min(ratio, most) * unit)
			s.Rect(left, y, long, bar, "fill:"+colour)
			s.Text(left+long+4, y+12, fmt.Sprintf("%.2f", ratio))
			if p.ratio != 0 {
				x := left + int(p.ratio*unit)
				s.Line(x, y-2, x, y+bar+2, "stroke:black;stroke-width:2")
			}
			y += bar + gap
		}
	}
	s.End()
}

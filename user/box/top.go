//go:build exouser

package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/thread"
)

// view is what top shows: what has happened between two moments.
type view struct {
	now    uint64
	kernel abi.Info
	procs  []proc.Info
}

func look() *view {
	return &view{now: clock.Now(), kernel: *kernelState(), procs: proc.All()}
}

const (
	clearScreen = "\x1b[2J\x1b[?25l"
	homeCursor  = "\x1b[H"
	clearLine   = "\x1b[K"
	clearRest   = "\x1b[J"
	showCursor  = "\x1b[?25h"
)

func top(c *call) int {
	times, ok := c.count('n', 0)
	every, err := 1.0, error(nil)
	if v := c.values['d']; v != "" {
		every, err = strconv.ParseFloat(v, 64)
	}
	if !ok || err != nil || every < 0.1 || every > 3600 {
		return c.usage("-n wants a number, -d seconds")
	}
	before := &view{} // at boot
	if times == 1 {
		look().show(before, "\n")
		return 0
	}
	file.In.Raw(true)
	stdout.WriteString(clearScreen)
	for n := 0; times == 0 || n < times; n++ {
		v := look()
		stdout.WriteString(homeCursor)
		v.show(before, clearLine+"\n")
		stdout.WriteString(clearRest)
		stop(flush())
		before = v
		if !pause(uint64(every * 1e9)) {
			break
		}
	}
	stdout.WriteString(showCursor)
	file.In.Raw(false)
	return 0
}

// pause waits; false: somebody wants to leave.
func pause(ns uint64) bool {
	const step = 50_000_000
	var b [16]byte
	for end := clock.Now() + ns; clock.Now() < end; {
		if file.In.IsTerminal() {
			if n, _ := file.In.TryRead(b[:]); n > 0 && (slices.Contains(b[:n], 'q') || slices.Contains(b[:n], 'C'-'@')) {
				return false
			}
		}
		thread.Sleep(min(step, end-min(end, clock.Now())))
	}
	return true
}

// show writes it, each line with eol at its end.
func (v *view) show(before *view, eol string) {
	k, was := &v.kernel, &before.kernel
	ns := max(v.now-before.now, 1)
	line := func(parts ...string) {
		for _, p := range parts {
			stdout.WriteString(p)
		}
		stdout.WriteString(eol)
	}
	rate := func(now, before uint64) string { return number((now - before) * 1_000_000_000 / ns) }
	line("Exo, up ", seconds(v.now, 1), " s: ", number(k.CPUs), " CPUs, ", number(k.Nodes), " nodes, ", number(k.Envs), " environments, ",
		number(k.Threads), " threads")
	line("grace periods: ", number(k.GracePeriods), ", ", rate(k.GracePeriods, was.GracePeriods), "/s; callbacks that wait: ", number(k.Callbacks))
	for n := range k.Nodes {
		used := k.Frames[n] - k.Free[n]
		line("node ", number(n), ": cpus ", cpusOf(k, n), ", memory ", bar(used, k.Frames[n]), " ", mib(used), " of ", mib(k.Frames[n]))
	}
	line("")
	line("CPU  BUSY                       READY  SWITCHES/s  STEALS/s  RUNS")
	for i := range int(k.CPUs) {
		idle := min(k.IdleNs[i]-was.IdleNs[i], ns)
		busy := 100 - idle*100/ns
		line(right(number(i), 3), right(number(busy), 5), "% ", bar(busy, 100), right(number(k.Ready[i]), 6),
			right(rate(k.Switches[i], was.Switches[i]), 12), right(rate(k.Steals[i], was.Steals[i]), 10), "  ", v.name(k.Running[i]))
	}
	line("")
	line("     ID PARENT STATE    CPU%  FRAMES   CAPS THREADS   FAULTS    CALLS  NAME")
	type row struct {
		proc.Info
		share uint64
	}
	var rows []row
	for _, p := range v.procs {
		ran := p.RanNs
		if i := slices.IndexFunc(before.procs, func(b proc.Info) bool { return b.ID == p.ID }); i >= 0 {
			ran -= min(before.procs[i].RanNs, ran)
		}
		rows = append(rows, row{p, ran * 1000 / ns})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(b.share, a.share) })
	for _, p := range rows {
		line(right(number(uint64(p.ID)), 7), right(number(uint64(p.Parent)), 7), " ", left(p.State, 8), right(number(p.share/10)+"."+number(p.share%10), 5),
			right(number(p.Frames), 8), right(number(p.Caps), 7), right(number(p.Threads), 8), right(number(p.Faults), 9),
			right(number(p.Calls), 9), "  ", p.Name)
	}
}

// bar draws a part of a whole.
func bar(part, whole uint64) string {
	const width = 20
	n := 0
	if whole > 0 {
		n = int(min(part*width/whole, width))
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "]"
}

// name is what the environment of a number is called.
func (v *view) name(id uint32) string {
	if id == 0 {
		return ""
	}
	for _, p := range v.procs {
		if uint32(p.ID) == id {
			return number(id) + " " + p.Name
		}
	}
	return number(id)
}

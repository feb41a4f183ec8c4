package qemu

import (
	"fmt"
	"time"
)

// usage is what the host's kernel knows of QEMU at one moment.
type usage struct {
	cpu  time.Duration // CPU time consumed so far, all threads
	want bool          // some thread is running, waiting for a CPU, or stopped from outside
}

// watchdog tells a hung guest from a slow host. It is fed a sample now and then and keeps
// a clock of the guest's silence. The clock stands still while QEMU wanted a CPU and did
// not get one: that is the host's fault. It runs while QEMU computed (spinning) and while
// it slept (every guest CPU in HLT): a guest that says nothing then is hung.
//
// It reads no clock and no file itself, so that tests can.
type watchdog struct {
	limits Limits

	started  time.Time
	lastLine time.Time // when the current silence began
	lastCPU  time.Duration
	prev     time.Time // the sample before this one
	prevCPU  time.Duration
	lines    int
	starved  time.Duration // of the current silence
}

func newWatchdog(limits Limits, now time.Time) *watchdog {
	return &watchdog{limits: limits, started: now, lastLine: now, prev: now}
}

// look takes a sample: how many serial lines came so far, and QEMU's usage. It returns nil,
// or an [*Overdue] once a limit is passed.
func (w *watchdog) look(now time.Time, lines int, u usage) *Overdue {
	wall, cpu := now.Sub(w.prev), u.cpu-w.prevCPU
	w.prev, w.prevCPU = now, u.cpu
	if lines != w.lines {
		w.lines, w.lastLine, w.lastCPU, w.starved = lines, now, u.cpu, 0
	} else if u.want && cpu < wall {
		w.starved += wall - cpu
	}
	o := &Overdue{
		Silent:  now.Sub(w.lastLine),
		CPU:     u.cpu - w.lastCPU,
		Starved: w.starved,
		Elapsed: now.Sub(w.started),
		Limits:  w.limits,
	}
	if w.limits.Silence > 0 && o.Silent-o.Starved >= w.limits.Silence {
		o.Hung = true
		return o
	}
	if w.limits.Total > 0 && o.Elapsed >= w.limits.Total {
		return o
	}
	return nil
}

// Overdue says which limit was passed, and what QEMU did meanwhile.
type Overdue struct {
	Hung    bool          // the silence limit was passed; otherwise only the total one
	Silent  time.Duration // since the last serial line
	CPU     time.Duration // CPU time that QEMU consumed since that line
	Starved time.Duration // since that line, time in which QEMU wanted a CPU and had none
	Elapsed time.Duration // since the start
	Limits  Limits
}

func (o *Overdue) Error() string {
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
	switch {
	case o.Hung && o.CPU*3 < o.Silent-o.Starved:
		return fmt.Sprintf("hung: no serial line for %v, and QEMU idle (%v of CPU time): the guest halts and waits for what does not come",
			round(o.Silent), round(o.CPU))
	case o.Hung:
		return fmt.Sprintf("hung: no serial line for %v, while QEMU computed (%v of CPU time): the guest spins",
			round(o.Silent), round(o.CPU))
	case o.Starved*4 > o.Silent && o.Silent*4 > o.Limits.Silence:
		return fmt.Sprintf("slow: over the total limit of %v, and the host is overloaded: in %v since the last serial line QEMU got %v of CPU time and waited %v for more; set %s above 1",
			o.Limits.Total, round(o.Silent), round(o.CPU), round(o.Starved), TimeScale)
	default:
		return fmt.Sprintf("over the total limit of %v, last serial line %v ago: the guest goes on, but has too much to do or a slow host; set %s above 1 for the latter",
			o.Limits.Total, round(o.Silent), TimeScale)
	}
}

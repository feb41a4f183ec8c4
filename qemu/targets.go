package qemu

import (
	"fmt"
	"strings"
)

// targets is how many instructions an operation is to take at most, by the benchmark's name. They were set before anything was
// written, from what others need (docs/baselines.md) and from what the operation cannot do without.
var targets = map[string]float64{
	"mm/frame-pair":             60,
	"mm/huge-frame-pair":        80,
	"mm/map-unmap":              250,
	"mm/protect":                120,
	"sched/yield":               180,
	"sched/block-wake":          300,
	"sched/spawn-join":          1_500,
	"sched/steal":               250,
	"env/null":                  90,
	"ipc/call-reply":            600,
	"fs/create+write-4K+unlink": 18_000,
	"fs/read-64K":               14_000,
	"fs/write-64K":              18_000,
	"fs/open+close":             3_500,
	"fs/stat":                   2_000,
	"user/page-map+touch+unmap": 700,
	"user/thread-create+join":   4_000,
	"user/pipe-round-trip":      2_500,
	"user/fork+exit+wait":       25_000,
	"user/spawn+exit+wait":      60_000,
}

// behind says whether a benchmark has a target that it does not reach: a half instruction is none.
func (b Bench) behind() bool {
	target, ok := targets[b.Name]
	return ok && b.Per() >= target+0.5
}

// target is a benchmark's target, and what to say of it.
func (b Bench) target() (number, verdict string) {
	target, ok := targets[b.Name]
	switch {
	case !ok:
		return "-", ""
	case b.behind():
		return fmt.Sprintf("%.0f", target), "behind"
	}
	return fmt.Sprintf("%.0f", target), "ok"
}

// FormatVerdict counts the benchmarks, those with a target, and names those that are behind it. It is about instructions.
func FormatVerdict(benches []Bench) string {
	rows, with := 0, 0
	var late []string
	for _, b := range benches {
		if baselineOf(b, benches) >= 0 {
			continue
		}
		rows++
		if _, ok := targets[b.Name]; ok {
			with++
		}
		if b.behind() {
			late = append(late, b.Name)
		}
	}
	text := fmt.Sprintf("%d benchmarks, %d with a target, %d behind it", rows, with, len(late))
	if len(late) > 0 {
		text += ": " + strings.Join(late, ", ")
	}
	return text + "\n"
}

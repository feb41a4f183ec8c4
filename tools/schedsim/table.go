package main

import (
	"fmt"
	"math"
	"strings"

	"exo/kernel/sched"
)

// cost is what a workload cost with a setting, in relation to the best fixed one, or if there is none, to the best.
func (t *table) cost(w, st int) float64 {
	best, best2 := math.Inf(1), math.Inf(1)
	for i, r := range t.results[w] {
		if best2 = min(best2, r.cost); t.settings[i].Rules == 0 {
			best = min(best, r.cost)
		}
	}
	if math.IsInf(best, 1) {
		best = best2
	}
	return t.results[w][st].cost / best
}

// summary is the geometric mean of what the workloads cost with a setting, and the worst.
func (t *table) summary(st int) (mean, worst float64) {
	sum := 0.0
	for w := range t.workloads {
		sum += math.Log(t.cost(w, st))
		worst = max(worst, t.cost(w, st))
	}
	return math.Exp(sum / float64(len(t.workloads))), worst
}

func (t *table) print() {
	fmt.Printf("%-13s", "")
	for _, w := range t.workloads {
		fmt.Printf(" %10s", w.name)
	}
	fmt.Printf(" %7s %6s\n", "mean", "worst")
	for st := range t.settings {
		fmt.Printf("%-13s", t.settings[st].name)
		for w := range t.workloads {
			fmt.Printf(" %10.3f", t.cost(w, st))
		}
		mean, worst := t.summary(st)
		fmt.Printf(" %7.3f %6.2f\n", mean, worst)
	}
}

func (t *table) printLong() {
	for w := range t.workloads {
		fmt.Printf("%s: %s\n", t.workloads[w].name, t.workloads[w].about)
		fmt.Printf("%-13s %9s %7s %7s %7s %9s %7s %7s %7s %9s %7s %7s\n", "", "took ms", "p50 µs", "p99 µs", "max µs", "switches",
			"kicks", "steals", "failed", "homeward", "remote", "cold")
		for st, r := range t.results[w] {
			fmt.Printf("%-13s %9.2f %7d %7d %7d %9d %7d %7d %7d %9d %7.3f %7.3f\n", t.settings[st].name, float64(r.took)/ms, r.p50/us,
				r.p99/us, r.longest/us, r.switches, r.kicks, r.steals, r.failed, r.homeward, r.remote, r.cold)
		}
	}
}

// printScaling shows for each workload how much work per time and CPU is left on larger machines, in relation to 4 CPUs: the work
// of all workloads grows with the CPUs.
func printScaling(ws []workload, coldNs uint64, seeds int) {
	fmt.Println("Work per time and CPU, of that on 4 CPUs; a node for each 4 CPUs, tune=quantum,home")
	fmt.Printf("%6s", "CPUs")
	for _, w := range ws {
		fmt.Printf(" %10s", w.name)
	}
	fmt.Println()
	settings := []setting{{"", sched.Tuning{Rules: sched.TuneDefault}}}
	var first []float64
	for cpus := 4; cpus <= 64; cpus *= 2 {
		m := usual(cpus, max(cpus/4, 1))
		m.coldNs = coldNs
		t := measureAll(ws, settings, m, seeds)
		var line strings.Builder
		fmt.Fprintf(&line, "%6d", cpus)
		for w := range ws {
			took := float64(t.results[w][0].took)
			if cpus == 4 {
				first = append(first, took)
			}
			fmt.Fprintf(&line, " %10.3f", first[w]/took)
		}
		fmt.Println(line.String())
	}
}

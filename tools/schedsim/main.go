// Schedsim runs the scheduler of kernel/sched on simulated CPUs and simulated time, and shows what its settings are worth.
//
//	go run ./tools/schedsim [-workload NAME,…] [-tune NAME,…] [-cpus N] [-nodes N] [-cold µs] [-seeds N] [-v] [-scale]
//
// What decides is the kernel's own code; what is simulated is the machine (sim.go: costs of a switch, of cold caches, of far memory,
// of interrupts) and what tasks do (workloads.go). The same arguments print the same bytes.
//
// A table has a row for each setting and a column for each workload, with what the workload cost, in relation to the best of the
// fixed settings: the time until all was done, and if the workload has a bound on waiting, that time multiplied by p99 of the wait
// over the bound, if it is over. mean is the geometric mean of a row, worst its largest.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	var (
		only  = flag.String("workload", "", "only these `names`")
		tune  = flag.String("tune", "", "only these settings (`names` as in the tables)")
		cpus  = flag.Int("cpus", 16, "CPUs, 1 to 64")
		nodes = flag.Int("nodes", 0, "nodes, at most 16 (0: one for each 4 CPUs)")
		cold  = flag.Uint64("cold", 40, "what it takes to fill the caches for a task that computes, `µs`")
		seeds = flag.Int("seeds", 3, "runs of each, with different seeds; figures are means")
		long  = flag.Bool("v", false, "a line for each workload and setting")
		scale = flag.Bool("scale", false, "how it scales from 4 to 64 CPUs, instead")
	)
	flag.Parse()
	if *nodes == 0 {
		*nodes = min(max(*cpus/4, 1), 16)
	}
	if *cpus < 1 || *cpus > 64 || *nodes < 1 || *nodes > min(16, *cpus) || *seeds < 1 || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	chosen := choose(workloads, *only, func(w workload) string { return w.name })
	if len(chosen) == 0 {
		fmt.Fprintln(os.Stderr, "schedsim: there is no such workload")
		os.Exit(2)
	}
	if *scale {
		printScaling(chosen, *cold*us, *seeds)
		return
	}
	m := usual(*cpus, *nodes)
	m.coldNs = *cold * us
	for _, f := range families {
		if f.settings = choose(f.settings, *tune, func(s setting) string { return s.name }); len(f.settings) == 0 {
			continue
		}
		fmt.Printf("%s (%d CPUs, %d nodes)\n", f.title, *cpus, *nodes)
		t := measureAll(chosen, f.settings, m, *seeds)
		t.print()
		if *long {
			t.printLong()
		}
		fmt.Println()
	}
}

// choose is those whose name is in a list, or all if that is empty.
func choose[T any](all []T, names string, name func(T) string) (chosen []T) {
	for _, x := range all {
		if names == "" || strings.Contains(","+names+",", ","+name(x)+",") {
			chosen = append(chosen, x)
		}
	}
	return chosen
}

//go:build exouser

package main

import (
	"strings"
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/sys"
)

// kernelState is a copy of the kernel's page, all of one moment.
func kernelState() *abi.Info {
	i := new(abi.Info)
	for {
		before := atomic.LoadUint64(&sys.Info().Sequence)
		*i = *sys.Info()
		if after := atomic.LoadUint64(&sys.Info().Sequence); before == after && before%2 == 0 {
			return i
		}
		sys.Yield(0)
	}
}

// cpusOf lists the CPUs of a node.
func cpusOf(i *abi.Info, node uint64) string {
	var parts []string
	for cpu := 0; cpu < int(i.CPUs); cpu++ {
		if uint64(i.NodeOf[cpu]) != node {
			continue
		}
		first := cpu
		for cpu+1 < int(i.CPUs) && uint64(i.NodeOf[cpu+1]) == node {
			cpu++
		}
		part := number(first)
		if cpu > first {
			part += "-" + number(cpu)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

func mib(frames uint64) string { return number(frames/256) + " MiB" }

// nodes shows what the machine has.
func nodes(i *abi.Info) {
	for n := range i.Nodes {
		distances := ""
		for to := range i.Nodes {
			distances += " " + number(uint64(i.Distance[n][to]))
		}
		say("node " + number(n) + ": cpus " + cpusOf(i, n) + ", " + mib(i.Free[n]) + " of " + mib(i.Frames[n]) + " free, distances" + distances)
	}
}

//go:build exokernel

package main

import (
	"exo/kernel/cmdline"
	"exo/kernel/mm"
	"exo/kernel/numa"
	"exo/kernel/sched"
)

// tuning is which of the scheduler's settings move: what the command line says, else what has been shown to help.
func tuning() sched.Tuning {
	if !options.HasTune {
		return sched.Tuning{Rules: sched.TuneDefault}
	}
	rules := sched.Rules(0)
	if options.Tune&cmdline.TuneQuantum != 0 {
		rules |= sched.TuneQuantum
	}
	if options.Tune&cmdline.TuneHome != 0 {
		rules |= sched.TuneHome
	}
	return sched.Tuning{Rules: rules}
}

func nodeOfCPU(cpu int) int { return int(topology.NodeOf(numa.CPU(cpu))) }

// sampled notes n accesses of the current task to a frame, as whoever samples them has seen: h, unless it is nil, may have the
// memory move to the task, and the scheduler the task to the memory.
func sampled(h *numa.Hints, f mm.Frame, n uint32) {
	c := preemptOff()
	if h != nil {
		h.Count(numa.CPU(c.CPU), f, n)
	}
	if t := here().sched.Current(); t != nil {
		tasks.Accesses(t, int(topology.NodeOfAddr(f.Addr())), n)
	}
	c.PreemptEnable()
}

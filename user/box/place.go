//go:build exouser

package main

import (
	"strconv"
	"strings"

	"exo/libos/proc"
)

func place(c *call) int {
	var a proc.Attr
	i := kernelState()
	if list := c.values['c']; list != "" {
		cpus, ok := cpuList(list, int(i.CPUs))
		if !ok {
			return c.usage(list + " are no CPUs of this machine")
		}
		a.CPUs = cpus
	}
	if c.values['m'] != "" {
		node, ok := c.count('m', 0)
		if !ok || node >= int(i.Nodes) {
			return c.usage(c.values['m'] + " is no node of this machine")
		}
		a.Memory = proc.OnNode(node)
	}
	if c.values['w'] != "" {
		weight, ok := c.count('w', 0)
		if !ok || weight == 0 {
			return c.usage(c.values['w'] + " is no weight")
		}
		a.Weight = uint64(weight)
	}
	if len(c.args) == 0 {
		nodes(i)
		return 0
	}
	id, status := c.spawn(c.args, &a)
	if id != 0 {
		_, status = await(id)
	}
	return status
}

// cpuList reads numbers and ranges, with commas between them.
func cpuList(list string, n int) (cpus uint64, ok bool) {
	for _, part := range strings.Split(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		a, err := strconv.Atoi(from)
		b := a
		if err == nil && isRange {
			b, err = strconv.Atoi(to)
		}
		if err != nil || a < 0 || b < a || b >= n {
			return 0, false
		}
		for ; a <= b; a++ {
			cpus |= 1 << a
		}
	}
	return cpus, true
}

//go:build exouser

package main

import (
	"slices"
	"strconv"
	"strings"

	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/thread"
)

// Programs that run others, or wait.

const (
	cannotRun = 126
	notFound  = 127
)

// spawn starts the program that args names, and gives it nearly all that is left.
func (c *call) spawn(args []string, a *proc.Attr) (proc.ID, int) {
	path, err := proc.Look(args[0], proc.Getenv("PATH"))
	if err != nil {
		c.fail(args[0], err)
		return 0, notFound
	}
	a.Part = proc.Whole * 7 / 8
	id, err := proc.Spawn(path, args, a)
	if err != nil {
		c.fail(args[0], err)
		return 0, cannotRun
	}
	return id, 0
}

// await waits for a program and returns its status as the shell has it.
func await(id proc.ID) (proc.Info, int) {
	i, err := proc.WaitInfo(id)
	switch {
	case err != nil:
		return i, cannotRun
	case i.Status == abi.StatusKilled:
		return i, 137
	case i.Status == abi.StatusFault:
		return i, 139
	}
	return i, int(i.Status & 0xff)
}

func timed(c *call) int {
	if len(c.args) == 0 {
		return c.usage("which program?")
	}
	begin := clock.Now()
	id, status := c.spawn(c.args, &proc.Attr{})
	if id == 0 {
		return status
	}
	i, status := await(id)
	file.Err.WriteString("real " + seconds(clock.Now()-begin, 3) + " s, cpu " + seconds(i.RanNs, 3) + " s, " + number(i.Faults) + " faults, " +
		number(i.Calls) + " calls\n")
	return status
}

func env(c *call) int {
	all, args := proc.Environ(), c.args
	for len(args) > 0 && strings.IndexByte(args[0], '=') > 0 {
		name, _, _ := strings.Cut(args[0], "=")
		all = slices.DeleteFunc(all, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		all = append(all, args[0])
		args = args[1:]
	}
	if len(args) == 0 {
		for _, e := range all {
			say(e)
		}
		return 0
	}
	id, status := c.spawn(args, &proc.Attr{Env: all})
	if id != 0 {
		_, status = await(id)
	}
	return status
}

func sleep(c *call) int {
	if len(c.args) != 1 {
		return c.usage("how long?")
	}
	s, err := strconv.ParseFloat(c.args[0], 64)
	if err != nil || s < 0 || s > 1e9 {
		return c.usage(c.args[0] + " is no time")
	}
	thread.Sleep(uint64(s * 1e9))
	return 0
}

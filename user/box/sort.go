//go:build exouser

package main

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
)

func sorted(c *call) int {
	var all []string
	status := c.inputs(c.args, func(_ string, r io.Reader) error {
		return lines(r, func(line []byte) bool {
			all = append(all, string(line))
			return true
		})
	})
	compare := strings.Compare
	if c.flags['n'] {
		compare = func(a, b string) int {
			if d := cmp.Compare(value(a), value(b)); d != 0 {
				return d
			}
			return strings.Compare(a, b)
		}
	}
	slices.SortStableFunc(all, compare)
	if c.flags['u'] {
		all = slices.Compact(all)
	}
	if c.flags['r'] {
		slices.Reverse(all)
	}
	for _, l := range all {
		stdout.WriteString(l)
		stop(stdout.WriteByte('\n'))
	}
	return status
}

// value is the number that a line begins with, 0 if with none.
func value(line string) float64 {
	line = strings.TrimLeft(line, " \t")
	n := 0
	for n < len(line) && (line[n] >= '0' && line[n] <= '9' || line[n] == '.' || n == 0 && line[n] == '-') {
		n++
	}
	v, _ := strconv.ParseFloat(line[:n], 64)
	return v
}

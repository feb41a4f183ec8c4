//go:build exouser

package main

import (
	"io"

	"exo/user/box/match"
)

func grep(c *call) int {
	if len(c.args) == 0 {
		return c.usage("there is no pattern")
	}
	var p *match.Pattern
	var err error
	if c.flags['F'] {
		p = match.Literal(c.args[0], c.flags['i'])
	} else if p, err = match.Compile(c.args[0], c.flags['i']); err != nil {
		c.fail(c.args[0], err)
		return wrong
	}
	names := c.args[1:]
	found := false
	status := c.inputs(names, func(name string, r io.Reader) error {
		before := ""
		if len(names) > 1 {
			before = name + ":"
		}
		n, matched := 0, 0
		err := lines(r, func(line []byte) bool {
			n++
			if p.Match(line) == c.flags['v'] {
				return true
			}
			matched++
			found = true
			switch {
			case c.flags['q']:
				return false
			case !c.flags['c']:
				stdout.WriteString(before)
				if c.flags['n'] {
					stdout.WriteString(number(n) + ":")
				}
				stdout.Write(line)
				stop(stdout.WriteByte('\n'))
			}
			return true
		})
		if c.flags['c'] {
			say(before + number(matched))
		}
		return err
	})
	switch {
	case status != 0:
		return wrong
	case found:
		return 0
	}
	return 1
}

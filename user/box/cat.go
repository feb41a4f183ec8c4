//go:build exouser

package main

import (
	"io"
	"strings"

	"exo/libos/file"
)

func cat(c *call) int {
	var b [4096]byte
	return c.inputs(c.args, func(_ string, r io.Reader) error {
		if fd, ok := r.(file.FD); ok && file.Same(fd, file.Out) {
			return errSame // it would have no end
		}
		for {
			n, err := r.Read(b[:])
			if n > 0 {
				_, broken := stdout.Write(b[:n])
				if broken == nil {
					broken = flush() // who types sees it
				}
				stop(broken)
			}
			if err != nil {
				return err
			}
		}
	})
}

func echo(c *call) int {
	stdout.WriteString(strings.Join(c.args, " "))
	if !c.flags['n'] {
		stdout.WriteByte('\n')
	}
	return 0
}

func yes(c *call) int {
	text := "y"
	if len(c.args) > 0 {
		text = strings.Join(c.args, " ")
	}
	text += "\n"
	for {
		_, err := stdout.WriteString(text)
		stop(err)
	}
}

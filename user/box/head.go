//go:build exouser

package main

import "io"

func head(c *call) int {
	n, ok := c.count('n', 10)
	if !ok {
		return c.usage("-n wants a number")
	}
	return c.inputs(c.args, func(_ string, r io.Reader) error {
		left := n
		if left == 0 {
			return nil
		}
		return whole(r, func(line []byte) bool {
			_, broken := stdout.Write(line)
			stop(broken)
			left--
			return left > 0
		})
	})
}

func tail(c *call) int {
	n, ok := c.count('n', 10)
	if !ok {
		return c.usage("-n wants a number")
	}
	return c.inputs(c.args, func(_ string, r io.Reader) error {
		var last [][]byte // a ring
		at := 0
		err := whole(r, func(line []byte) bool {
			switch {
			case n == 0:
			case len(last) < n:
				last = append(last, append([]byte(nil), line...))
			default:
				last[at] = append(last[at][:0], line...)
				at = (at + 1) % n
			}
			return true
		})
		for i := range last {
			_, broken := stdout.Write(last[(at+i)%len(last)])
			stop(broken)
		}
		return err
	})
}

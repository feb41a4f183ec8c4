//go:build exouser

package main

import "io"

type counts struct{ lines, words, bytes int }

func wc(c *call) int {
	var total counts
	var b [4096]byte
	if !c.flags['l'] && !c.flags['w'] && !c.flags['c'] {
		c.flags['l'], c.flags['w'], c.flags['c'] = true, true, true
	}
	status := c.inputs(c.args, func(name string, r io.Reader) error {
		var n counts
		in := false
		for {
			k, err := r.Read(b[:])
			n.bytes += k
			for _, ch := range b[:k] {
				if ch == '\n' {
					n.lines++
				}
				blank := ch == ' ' || ch >= '\t' && ch <= '\r'
				if !blank && !in {
					n.words++
				}
				in = !blank
			}
			if err != nil {
				if name == "-" {
					name = ""
				}
				c.count3(n, name)
				total.lines += n.lines
				total.words += n.words
				total.bytes += n.bytes
				return err
			}
		}
	})
	if len(c.args) > 1 {
		c.count3(total, "total")
	}
	return status
}

func (c *call) count3(n counts, name string) {
	line := ""
	for _, f := range [...]struct {
		flag byte
		n    int
	}{{'l', n.lines}, {'w', n.words}, {'c', n.bytes}} {
		if c.flags[f.flag] {
			line += right(number(f.n), 7) + " "
		}
	}
	say(line + name)
}

//go:build exouser

package main

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"exo/libos/file"
	"exo/libos/proc"
)

// What the programs share: flags, output, files, lines.

// wrong is the status of a program that was called in a wrong way.
const wrong = 2

// call is what a program was called with.
type call struct {
	program *program
	flags   [128]bool   // those without a value
	values  [128]string // and with one
	args    []string    // what follows them
}

// start reads the flags that the usage shows, [-abc] without and [-n VALUE] with a value, and runs the program.
func (c *call) start(args []string) int {
	if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
		say("usage: " + strings.TrimSpace(c.program.name+" "+c.program.usage) + "\n" + c.program.what)
		return 0
	}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.IndexByte(c.program.usage, '-') >= 0 && c.program.name != "find" {
		word := args[0][1:]
		args = args[1:]
		if word == "-" {
			break
		}
		for word != "" {
			f := word[0]
			word = word[1:]
			known, valued := c.knows(f)
			switch {
			case !known && c.program.run != nil && c.literal():
				args = append([]string{"-" + string(rune(f)) + word}, args...)
				c.args = args
				return c.program.run(c)
			case !known:
				return c.usage("there is no flag -" + string(rune(f)))
			case !valued:
				c.flags[f] = true
			case word != "":
				c.values[f], word = word, ""
			case len(args) == 0:
				return c.usage("-" + string(rune(f)) + " wants a value")
			default:
				c.values[f], args = args[0], args[1:]
			}
		}
	}
	c.args = args
	return c.program.run(c)
}

// literal says that what is no flag is text: echo -x.
func (c *call) literal() bool { return c.program.name == "echo" }

// knows looks a flag up in the usage.
func (c *call) knows(flag byte) (known, valued bool) {
	for _, part := range strings.Split(c.program.usage, "[-")[1:] {
		inside, _, _ := strings.Cut(part, "]")
		letters, value, _ := strings.Cut(inside, " ")
		if strings.IndexByte(letters, flag) >= 0 && flag < 128 {
			return true, value != ""
		}
	}
	return false, false
}

func (c *call) usage(why string) int {
	complain(c.program.name + ": " + why + "; usage: " + c.program.name + " " + c.program.usage)
	return wrong
}

func (c *call) fail(what string, err error) int {
	complain(c.program.name + ": " + what + ": " + err.Error())
	return 1
}

// count is the value of a flag that is a number.
func (c *call) count(flag byte, otherwise int) (int, bool) {
	v := c.values[flag]
	if v == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(v)
	return n, err == nil && n >= 0
}

func complain(text string) {
	flush()
	file.Err.WriteString(text + "\n")
}

// stdout is written to at the end, or when it is full.
var stdout = bufio.NewWriter(file.Out)

func say(text string) {
	stdout.WriteString(text)
	stdout.WriteByte('\n')
}

func flush() error { return stdout.Flush() }

// stop ends the program if nobody reads what it writes.
func stop(err error) {
	if err != nil {
		if err != error(file.ErrBroken) {
			file.Err.WriteString("writing: " + err.Error() + "\n")
		}
		proc.Exit(1)
	}
}

// inputs calls do for each file that was named, or else for what the program is given to read.
func (c *call) inputs(names []string, do func(name string, r io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		fd := file.In
		if name != "-" {
			var err error
			if fd, err = file.Open(name, file.Read); err != nil {
				status = c.fail(name, err)
				continue
			}
		}
		if err := do(name, fd); err != nil && err != io.EOF {
			status = c.fail(name, err)
		}
		if name != "-" {
			fd.Close()
		}
	}
	return status
}

// lines calls do for each line, without its end; do keeps none of them, and returns false for enough.
func lines(r io.Reader, do func(line []byte) bool) error {
	return whole(r, func(line []byte) bool {
		if n := len(line) - 1; line[n] == '\n' {
			line = line[:n]
		}
		return do(line)
	})
}

// whole is lines with their ends, which the last may not have.
func whole(r io.Reader, do func(line []byte) bool) error {
	b := bufio.NewReader(r)
	var long []byte
	for {
		part, err := b.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			long = append(long, part...)
			continue
		}
		if len(long) > 0 {
			long = append(long, part...)
			part = long
		}
		if len(part) > 0 {
			if !do(part) {
				return nil
			}
			long = long[:0]
		}
		if err != nil {
			return err
		}
	}
}

func number[T int | int64 | uint64 | uint32](n T) string { return strconv.FormatInt(int64(n), 10) }

// right is a text on the right of a column, left on the left.
func right(text string, width int) string {
	return strings.Repeat(" ", max(width-len(text), 0)) + text
}

func left(text string, width int) string {
	return text + strings.Repeat(" ", max(width-len(text), 0))
}

// seconds is a time with so many digits behind the point.
func seconds(ns uint64, digits int) string {
	return strconv.FormatFloat(float64(ns)/1e9, 'f', digits, 64)
}

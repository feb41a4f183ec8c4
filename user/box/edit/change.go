package edit

import (
	"slices"
	"strconv"
	"strings"
)

// insert puts lines behind the at-th, and makes their last the current one.
func (e *Editor) insert(at int, lines []string) {
	e.lines = slices.Insert(e.lines, at, lines...)
	e.dot, e.Changed = at+len(lines), true
}

// remove removes lines; the next one is the current one, if there is one.
func (e *Editor) remove(from, to int) {
	e.lines = slices.Delete(e.lines, from-1, to)
	e.dot, e.Changed = min(from, len(e.lines)), true
}

// change does what a command says to the lines of r. It has changed nothing if it returns an error.
func (e *Editor) change(op byte, c *cursor, r lineRange) error {
	switch op {
	case 'a', 'i':
		if c.text != "" {
			return ErrEnd
		}
		if e.at = r.to; op == 'i' {
			e.at = max(r.to-1, 0)
		}
		e.entry = true
		return nil
	case '=':
		if r.given == 0 {
			r.to = len(e.lines)
		}
		e.Out(strconv.Itoa(r.to))
		return nil
	case 0:
		if r.given == 0 { // Enter shows the next line
			r.to = e.dot + 1
		}
		if r.to < 1 || r.to > len(e.lines) {
			return ErrLine
		}
		e.show(r.to, r.to, false)
		return nil
	case 's', 'm', 'd', 'c', 'j', 'p', 'n':
	default:
		return ErrCommand
	}
	if r.from < 1 {
		return ErrLine
	}
	switch op {
	case 's':
		return e.replace(c, r)
	case 'm':
		return e.move(c, r)
	}
	if c.text != "" {
		return ErrEnd
	}
	switch op {
	case 'd':
		e.remove(r.from, r.to)
	case 'c':
		e.remove(r.from, r.to)
		e.at, e.entry = r.from-1, true
	case 'j':
		if r.given < 2 {
			r.to = r.from + 1
		}
		if r.to > len(e.lines) {
			return ErrLine
		}
		whole := strings.Join(e.lines[r.from-1:r.to], "")
		e.remove(r.from, r.to)
		e.insert(r.from-1, []string{whole})
	case 'p', 'n':
		e.show(r.from, r.to, op == 'n')
	}
	return nil
}

func (e *Editor) show(from, to int, numbers bool) {
	for i := from; i <= to; i++ {
		line := e.lines[i-1]
		if numbers {
			line = strconv.Itoa(i) + "\t" + line
		}
		e.Out(line)
	}
	e.dot = to
}

// move is m: the lines come behind another.
func (e *Editor) move(c *cursor, r lineRange) error {
	to, ok, err := c.address()
	switch {
	case err != nil:
		return err
	case c.text != "":
		return ErrEnd
	case !ok || to < 0 || to > len(e.lines) || to >= r.from && to < r.to:
		return ErrLine
	}
	lines := slices.Clone(e.lines[r.from-1 : r.to])
	e.remove(r.from, r.to)
	if to >= r.to {
		to -= len(lines)
	}
	e.insert(to, lines)
	return nil
}

// replace is s.
func (e *Editor) replace(c *cursor, r lineRange) error {
	end := c.next()
	if end == 0 || end == ' ' {
		return ErrText
	}
	old, closed := c.until(end)
	text, _ := c.until(end)
	if old == "" {
		old = e.looked
	}
	if old == "" || !closed {
		return ErrText
	}
	times, show := 1, false
	for c.text != "" {
		switch c.next() {
		case 'g':
			times = -1
		case 'p':
			show = true
		default:
			return ErrEnd
		}
	}
	e.looked = old
	found := 0
	for i := r.from - 1; i < r.to; i++ {
		if strings.Contains(e.lines[i], old) {
			e.lines[i] = strings.Replace(e.lines[i], old, text, times)
			found = i + 1
		}
	}
	if found == 0 {
		return ErrFound
	}
	e.dot, e.Changed = found, true
	if show {
		e.show(found, found, false)
	}
	return nil
}

package edit

import "strings"

// lineRange is the lines that a command is for: from .. to, both of them; given says how many addresses there were.
type lineRange struct{ from, to, given int }

// cursor reads a command.
type cursor struct {
	text string
	e    *Editor
}

func (c *cursor) blanks() { c.text = strings.TrimLeft(c.text, " \t") }

// next is the next byte, 0 at the end.
func (c *cursor) next() byte {
	if c.text == "" {
		return 0
	}
	b := c.text[0]
	c.text = c.text[1:]
	return b
}

// has takes a byte if it is the next.
func (c *cursor) has(b byte) bool {
	if c.text == "" || c.text[0] != b {
		return false
	}
	c.text = c.text[1:]
	return true
}

// until is the text up to a byte that is not quoted, which is taken; closed: it was there.
func (c *cursor) until(end byte) (text string, closed bool) {
	var b []byte
	for c.text != "" {
		k := c.next()
		switch {
		case k == end:
			return string(b), true
		case k == '\\' && c.text != "":
			k = c.next()
		}
		b = append(b, k)
	}
	return string(b), false
}

// lines reads addresses; of none, both are the current line.
func (c *cursor) lines() (r lineRange, err error) {
	last := len(c.e.lines)
	r.from, r.to = c.e.dot, c.e.dot
	c.blanks()
	if c.has('%') {
		return lineRange{min(1, last), last, 2}, nil
	}
	at, ok, err := c.address()
	if err != nil {
		return r, err
	}
	if ok {
		r = lineRange{at, at, 1}
	}
	c.blanks()
	if c.has(',') {
		if !ok {
			r.from = min(1, last)
		}
		if at, ok, err = c.address(); err != nil {
			return r, err
		}
		if r.given, r.to = 2, last; ok {
			r.to = at
		}
	}
	if r.from < 0 || r.from > r.to || r.to > last {
		return r, ErrLine
	}
	return r, nil
}

// address reads one: a line, and how many on or back.
func (c *cursor) address() (at int, ok bool, err error) {
	c.blanks()
	ok = true
	switch {
	case c.text == "":
		return 0, false, nil
	case c.has('.'):
		at = c.e.dot
	case c.has('$'):
		at = len(c.e.lines)
	case c.text[0] >= '0' && c.text[0] <= '9':
		at = c.number()
	case c.text[0] == '/' || c.text[0] == '?':
		back := c.next() == '?'
		text, _ := c.until(map[bool]byte{false: '/', true: '?'}[back])
		if at, err = c.e.look(text, back); err != nil {
			return 0, false, err
		}
	case c.text[0] == '+' || c.text[0] == '-':
		at = c.e.dot
	default:
		return 0, false, nil
	}
	for c.text != "" && (c.text[0] == '+' || c.text[0] == '-') {
		sign, n := 1, 1
		if c.next() == '-' {
			sign = -1
		}
		if c.text != "" && c.text[0] >= '0' && c.text[0] <= '9' {
			n = c.number()
		}
		at += sign * n
	}
	return at, ok, nil
}

func (c *cursor) number() (n int) {
	for c.text != "" && c.text[0] >= '0' && c.text[0] <= '9' {
		n = min(n*10+int(c.next()-'0'), 1<<40)
	}
	return n
}

// look finds the next line with a text, or the one before; of an empty text, with that of the last time.
func (e *Editor) look(text string, back bool) (int, error) {
	if text == "" {
		text = e.looked
	}
	if text == "" {
		return 0, ErrText
	}
	e.looked = text
	n := len(e.lines)
	for i := 1; i <= n; i++ {
		at := (e.dot - 1 + i) % n
		if back {
			at = ((e.dot-1-i)%n + n) % n
		}
		if strings.Contains(e.lines[at], text) {
			return at + 1, nil
		}
	}
	return 0, ErrFound
}

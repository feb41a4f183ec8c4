// Package edit is a line editor in the tradition of ed. It knows nothing of programs and terminals, and so runs anywhere.
//
//	a i c    lines behind, before, instead of; a line with nothing but a dot ends them
//	d j m    remove; join; move behind a line      s/old/new/g p    replace a text, g: wherever it is, p: and show it
//	p n =    show; show with numbers; a number     r w f            read a file behind; write; the name of the file
//	q Q wq   leave; leave without having written; write and leave
//
// Before a command there may be a line or a range: numbers, . (the current line), $ (the last), + and -, /text/ and ?text? (the next
// line with it, the one before, around the end), A,B and % (all). Texts are texts, not patterns; \ quotes a character.
//
// Start reading: Line, then address.go (which lines), and change.go (what is done to them).
package edit

import (
	"strconv"
	"strings"
)

// Files are where lines come from and go to.
type Files interface {
	Read(name string) ([]byte, error)
	// Write returns when the file is that, or an error, and then it is what it was.
	Write(name string, data []byte) error
}

// Editor is a text that is being edited. The zero value, with Files and Out, is ready.
type Editor struct {
	Files Files
	Out   func(line string)

	Name    string // of the file
	Changed bool   // since it was written
	Refused bool   // a command was
	lines   []string
	dot     int // the current line, from 1 on; 0: there is none
	looked  string
	warned  bool // that what was changed has not been written
	entry   bool // lines come in, at
	at      int
}

// Error is why a command was refused.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons, beside those of files.
const (
	ErrCommand = Error("no such command")
	ErrLine    = Error("no such line")
	ErrFound   = Error("not found")
	ErrChanged = Error("not written; Q leaves nevertheless")
	ErrName    = Error("which file?")
	ErrEnd     = Error("there is more than the command")
	ErrText    = Error("which text?")
)

// Entering says that lines are text, not commands.
func (e *Editor) Entering() bool { return e.entry }

// Line takes a line, without its end; false: that was the last.
func (e *Editor) Line(line string) (more bool) {
	if e.entry {
		if line == "." {
			e.entry = false
			return true
		}
		e.insert(e.at, []string{line})
		e.at++
		return true
	}
	warned := e.warned
	e.warned = false
	more, err := e.command(line, warned)
	if err != nil {
		e.Refused = true
		e.Out("? " + err.Error())
	}
	return more
}

// Load begins with a file. One that is not there is made by the first w; who calls knows that by the error.
func (e *Editor) Load(name string) error {
	e.Name = name
	_, err := e.read(name, 0)
	e.Changed = false
	return err
}

func (e *Editor) command(line string, warned bool) (more bool, err error) {
	c := cursor{text: line, e: e}
	r, err := c.lines()
	if err != nil {
		return true, err
	}
	c.blanks()
	op := c.next()
	switch op {
	case 'q', 'Q':
		if r.given > 0 || c.text != "" {
			return true, ErrEnd
		}
		if op == 'q' && e.Changed && !warned {
			e.warned = true
			return true, ErrChanged
		}
		return false, nil
	case 'w':
		leave := strings.HasPrefix(c.text, "q")
		err := e.write(strings.TrimSpace(strings.TrimPrefix(c.text, "q")), r)
		return !leave || err != nil, err
	case 'f':
		if name := strings.TrimSpace(c.text); name != "" {
			e.Name = name
		}
		e.Out(e.Name)
		return true, nil
	case 'r':
		name := strings.TrimSpace(c.text)
		if name == "" {
			name = e.Name
		}
		if r.given == 0 {
			r.to = len(e.lines)
		}
		n, err := e.read(name, r.to)
		if err == nil {
			e.Out(strconv.Itoa(n) + " lines")
		}
		return true, err
	}
	return true, e.change(op, &c, r)
}

// read puts a file's lines behind the at-th.
func (e *Editor) read(name string, at int) (n int, err error) {
	if name == "" {
		return 0, ErrName
	}
	data, err := e.Files.Read(name)
	if err != nil || len(data) == 0 {
		return 0, err
	}
	text := string(data)
	if text[len(text)-1] != '\n' {
		e.Out("its last line has no end; it gets one")
	}
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	e.insert(at, all)
	return len(all), nil
}

func (e *Editor) write(name string, r lineRange) error {
	all, part := e.lines, r.given > 0
	if part {
		if r.from < 1 {
			return ErrLine
		}
		all = e.lines[r.from-1 : r.to]
	}
	if name == "" {
		name = e.Name
	}
	if name == "" {
		return ErrName
	}
	text := strings.Join(all, "\n")
	if len(all) > 0 {
		text += "\n"
	}
	if err := e.Files.Write(name, []byte(text)); err != nil {
		return err
	}
	if e.Name == "" {
		e.Name = name
	}
	if !part || len(all) == len(e.lines) {
		e.Changed = false
	}
	e.Out(strconv.Itoa(len(all)) + " lines, " + strconv.Itoa(len(text)) + " bytes")
	return nil
}

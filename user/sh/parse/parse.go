// Package parse is the shell's grammar: a line becomes commands, and words become what programs get. It knows nothing of
// programs and files, and so runs anywhere.
//
//	script   = and-or { (";" | "&" | newline) and-or }
//	and-or   = pipeline { ("&&" | "||") pipeline }
//	pipeline = ["!"] command { "|" command }
//	command  = { NAME=word | word | redirection } or "(" script ")" { redirection }
//	redirection = [number] ("<" | ">" | ">>") word or [number] ">&" number
//
// Start reading: parse.go (commands), lex.go (words), expand.go ($NAME), glob.go (* and ?).
package parse

// Script is what a line says: one list after the other.
type Script []AndOr

// AndOr is a list of pipelines: the first one runs; each other one if the one before it ended as Then says.
type AndOr struct {
	Pipelines  []Pipeline
	Background bool   // it is not waited for
	Text       string // as it was written
}

// Then is how a pipeline is tied to the one before it.
type Then byte

// The ways. The first pipeline of a list has Always.
const (
	Always  Then = iota
	IfTrue       // &&: if its status was 0
	IfFalse      // ||: if not
)

// Pipeline is commands, each of which reads what the one before it writes.
type Pipeline struct {
	Then     Then
	Not      bool // its status is turned round
	Commands []Command
	Text     string
}

// Command is a program or builtin and what it gets.
type Command struct {
	Assigns   []Assign
	Words     []Word
	Redirects []Redirect
	Group     string // what stands between parentheses: another script; then there are neither words nor assignments
	Text      string
}

// Assign is NAME=value.
type Assign struct {
	Name  string
	Value Word
}

// Redirect says where a descriptor leads.
type Redirect struct {
	FD   int
	Op   Op
	File Word // none of Dup
	From int  // of Dup: the descriptor that it becomes a copy of
}

// Op is a kind of redirection.
type Op byte

// The kinds.
const (
	ReadFrom Op = iota // <
	WriteTo            // >
	AppendTo           // >>
	Dup                // >&
)

// Error is what is wrong with a line, and where.
type Error struct {
	At   int // byte of the line
	What string
}

func (e *Error) Error() string { return e.What }

// maxDepth is how deep parentheses may nest.
const maxDepth = 20

// Parse reads a line, or several.
func Parse(line string) (Script, error) {
	p := &parser{lexer: lexer{line: line}}
	if err := p.next(); err != nil {
		return nil, err
	}
	s, err := p.script()
	if err == nil && p.kind != end {
		err = p.unexpected()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

type parser struct {
	lexer
	depth int
}

func (p *parser) fail(what string) error { return &Error{p.from, what} }

func (p *parser) unexpected() error {
	if p.kind == end {
		return p.fail("the line ends too early")
	}
	return p.fail("unexpected " + p.name())
}

// script goes on to the end, or to a closing parenthesis.
func (p *parser) script() (s Script, err error) {
	for {
		for p.kind == newline {
			if err = p.next(); err != nil {
				return nil, err
			}
		}
		if p.kind == end || p.kind == closing {
			return s, nil
		}
		a, err := p.andOr()
		if err != nil {
			return nil, err
		}
		switch p.kind {
		case ampersand:
			a.Background = true
			fallthrough
		case semicolon, newline:
			if err = p.next(); err != nil {
				return nil, err
			}
		}
		s = append(s, a)
		if p.kind == semicolon || p.kind == ampersand {
			return nil, p.unexpected()
		}
	}
}

func (p *parser) andOr() (a AndOr, err error) {
	from, then := p.from, Always
	for {
		l, err := p.pipeline()
		if err != nil {
			return a, err
		}
		l.Then = then
		a.Pipelines = append(a.Pipelines, l)
		switch p.kind {
		case and:
			then = IfTrue
		case or:
			then = IfFalse
		case end, newline, semicolon, ampersand, closing:
			a.Text = p.line[from:p.before]
			return a, nil
		default:
			return a, p.unexpected()
		}
		if err := p.command("missing command after " + p.name()); err != nil {
			return a, err
		}
	}
}

// command goes on to a command that must follow, newlines in between.
func (p *parser) command(without string) error {
	if err := p.next(); err != nil {
		return err
	}
	for p.kind == newline {
		if err := p.next(); err != nil {
			return err
		}
	}
	if p.kind == end || p.kind == closing {
		return p.fail(without)
	}
	return nil
}

func (p *parser) pipeline() (l Pipeline, err error) {
	from := p.from
	for p.kind == word && p.line[p.from:p.at] == "!" {
		l.Not = !l.Not
		if err = p.command("missing command after !"); err != nil {
			return l, err
		}
	}
	for {
		c, err := p.simple()
		if err != nil {
			return l, err
		}
		l.Commands = append(l.Commands, c)
		if p.kind != bar {
			l.Text = p.line[from:p.before]
			return l, nil
		}
		if err := p.command("missing command after |"); err != nil {
			return l, err
		}
	}
}

func (p *parser) simple() (c Command, err error) {
	from := p.from
	if p.kind == opening {
		if err = p.group(&c); err != nil {
			return c, err
		}
	}
	for {
		switch p.kind {
		case word:
			if c.Group != "" {
				return c, p.unexpected()
			}
			if a, ok := assignment(p.word); ok && len(c.Words) == 0 {
				c.Assigns = append(c.Assigns, a)
			} else {
				c.Words = append(c.Words, p.word)
			}
		case redirect:
			r := p.redirect
			if r.Op != Dup {
				what := "missing file after " + p.name()
				if err = p.next(); err != nil {
					return c, err
				}
				if p.kind != word {
					return c, p.fail(what)
				}
				r.File = p.word
			}
			c.Redirects = append(c.Redirects, r)
		default:
			if len(c.Words)+len(c.Assigns)+len(c.Redirects) == 0 && c.Group == "" {
				return c, p.unexpected()
			}
			c.Text = p.line[from:p.before]
			return c, nil
		}
		if err = p.next(); err != nil {
			return c, err
		}
	}
}

// group reads what is in parentheses: it is parsed to see that it can be, and kept as text, for another shell runs it.
func (p *parser) group(c *Command) error {
	if p.depth++; p.depth > maxDepth {
		return p.fail("too many parentheses")
	}
	from := p.at
	if err := p.next(); err != nil {
		return err
	}
	s, err := p.script()
	switch {
	case err != nil:
		return err
	case p.kind != closing:
		return p.fail("missing )")
	case len(s) == 0:
		return p.fail("nothing in parentheses")
	}
	c.Group = p.line[from:p.from]
	p.depth--
	return p.next()
}

// assignment takes a word apart that begins with NAME=.
func assignment(w Word) (a Assign, ok bool) {
	if len(w) == 0 || w[0].Kind != Plain {
		return a, false
	}
	text := w[0].Text
	n := 0
	for n < len(text) && isName(text[n], n == 0) {
		n++
	}
	if n == 0 || n == len(text) || text[n] != '=' {
		return a, false
	}
	a.Name = text[:n]
	if rest := text[n+1:]; rest != "" {
		a.Value = append(a.Value, Part{Kind: Plain, Text: rest})
	}
	a.Value = append(a.Value, w[1:]...)
	return a, true
}

func isName(c byte, first bool) bool {
	return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || !first && c >= '0' && c <= '9'
}

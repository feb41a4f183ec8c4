package parse

// Word is what stands between blanks: parts with and without quotes, one behind the other.
type Word []Part

// Part is a piece of a word.
type Part struct {
	Kind Kind
	Text string // of Variable and QuotedVariable: the name
}

// Kind is what a part is.
type Kind byte

// The kinds of parts.
const (
	Plain          Kind = iota // as it was written; * and ? stand for names of files
	Quoted                     // by '…', "…" or \
	Variable                   // $NAME: its value may become several words
	QuotedVariable             // "$NAME": it becomes one
)

// What the line is made of.
type token byte

const (
	end token = iota
	word
	redirect
	newline
	semicolon // ;
	ampersand // &
	and       // &&
	or        // ||
	bar       // |
	opening   // (
	closing   // )
)

var names = [...]string{
	end: "end", word: "word", redirect: "redirection", newline: "end of line", semicolon: ";", ampersand: "&", and: "&&", or: "||",
	bar: "|", opening: "(", closing: ")",
}

// lexer has one token at a time.
type lexer struct {
	line     string
	at       int // behind the token
	from     int // where it begins
	before   int // behind the token before it
	kind     token
	word     Word
	redirect Redirect
}

func (l *lexer) name() string {
	if l.kind == word || l.kind == redirect {
		return l.line[l.from:l.at]
	}
	return names[l.kind]
}

func (l *lexer) peek(n int) byte {
	if l.at+n < len(l.line) {
		return l.line[l.at+n]
	}
	return 0
}

func (l *lexer) fail(what string) error { return &Error{l.from, what} }

// next goes on to the next token.
func (l *lexer) next() error {
	l.before = l.at
	for c := l.peek(0); c == ' ' || c == '\t' || c == '\r'; c = l.peek(0) {
		l.at++
	}
	if l.peek(0) == '#' {
		for l.at < len(l.line) && l.line[l.at] != '\n' {
			l.at++
		}
	}
	l.from = l.at
	if l.at == len(l.line) {
		l.kind = end
		return nil
	}
	l.kind, l.word = word, nil
	switch c := l.peek(0); c {
	case '\n':
		l.take(newline, 1)
	case ';':
		l.take(semicolon, 1)
	case '(':
		l.take(opening, 1)
	case ')':
		l.take(closing, 1)
	case '&':
		if l.peek(1) == '&' {
			l.take(and, 2)
		} else {
			l.take(ampersand, 1)
		}
	case '|':
		if l.peek(1) == '|' {
			l.take(or, 2)
		} else {
			l.take(bar, 1)
		}
	case '<', '>':
		return l.redirection(b2i(c == '>'))
	default:
		if n := l.peek(1); c >= '0' && c <= '9' && (n == '<' || n == '>') {
			l.at++
			return l.redirection(int(c - '0'))
		}
		return l.words()
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (l *lexer) take(t token, n int) {
	l.kind = t
	l.at += n
}

func (l *lexer) redirection(fd int) error {
	l.redirect = Redirect{FD: fd, Op: WriteTo}
	switch {
	case l.peek(0) == '<':
		l.redirect.Op = ReadFrom
		l.take(redirect, 1)
	case l.peek(1) == '>':
		l.redirect.Op = AppendTo
		l.take(redirect, 2)
	case l.peek(1) == '&':
		l.take(redirect, 2)
		c := l.peek(0)
		if c < '0' || c > '9' {
			return l.fail("missing number after >&")
		}
		l.redirect.Op, l.redirect.From = Dup, int(c-'0')
		l.at++
	default:
		l.take(redirect, 1)
	}
	return nil
}

// special says that a byte ends a word.
func special(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ';', '&', '|', '<', '>', '(', ')':
		return true
	}
	return false
}

// words reads one word.
func (l *lexer) words() error {
	var plain []byte
	add := func(k Kind, text string) {
		if len(plain) > 0 {
			l.word = append(l.word, Part{Plain, string(plain)})
			plain = nil
		}
		if k != Plain {
			l.word = append(l.word, Part{k, text})
		}
	}
	for l.at < len(l.line) && !special(l.line[l.at]) {
		switch c := l.line[l.at]; c {
		case '\\':
			if l.at+1 == len(l.line) {
				return l.fail("nothing after \\")
			}
			if l.line[l.at+1] != '\n' { // which goes on with the next line
				add(Quoted, l.line[l.at+1:l.at+2])
			}
			l.at += 2
		case '\'':
			n := l.at + 1
			for n < len(l.line) && l.line[n] != '\'' {
				n++
			}
			if n == len(l.line) {
				return l.fail("missing '")
			}
			add(Quoted, l.line[l.at+1:n])
			l.at = n + 1
		case '"':
			add(Quoted, "") // an empty one is a word, too
			if err := l.quoted(); err != nil {
				return err
			}
		case '$':
			name, n, err := l.variable()
			switch {
			case err != nil:
				return err
			case n == 0:
				plain = append(plain, '$')
				l.at++
			default:
				add(Variable, name)
				l.at += n
			}
		default:
			plain = append(plain, c)
			l.at++
		}
	}
	add(Plain, "")
	return nil
}

// quoted reads "…": in it $NAME is a value, and \ quotes $, ", and itself.
func (l *lexer) quoted() error {
	l.at++
	var text []byte
	add := func() {
		if len(text) > 0 {
			l.word = append(l.word, Part{Quoted, string(text)})
			text = nil
		}
	}
	for l.at < len(l.line) {
		switch c := l.line[l.at]; {
		case c == '"':
			add()
			l.at++
			return nil
		case c == '\\' && (l.peek(1) == '"' || l.peek(1) == '\\' || l.peek(1) == '$'):
			text = append(text, l.peek(1))
			l.at += 2
		case c == '$':
			name, n, err := l.variable()
			if err != nil {
				return err
			}
			if n == 0 {
				text = append(text, '$')
				n = 1
			} else {
				add()
				l.word = append(l.word, Part{QuotedVariable, name})
			}
			l.at += n
		default:
			text = append(text, c)
			l.at++
		}
	}
	return l.fail("missing \"")
}

// variable is the name behind a $, and how long it is with that; 0: there is none.
func (l *lexer) variable() (name string, n int, err error) {
	rest := l.line[l.at+1:]
	if rest == "" {
		return "", 0, nil
	}
	switch c := rest[0]; {
	case c == '?' || c == '$' || c == '!' || c == '#' || c >= '0' && c <= '9':
		return rest[:1], 2, nil
	case c == '{':
		for i := 1; i < len(rest); i++ {
			if rest[i] == '}' && i > 1 {
				return rest[1:i], i + 2, nil
			}
			if !isName(rest[i], i == 1) && !(i == 1 && rest[i] == '?') {
				break
			}
		}
		return "", 0, l.fail("bad name after ${")
	}
	for n < len(rest) && isName(rest[n], n == 0) {
		n++
	}
	if n == 0 {
		return "", 0, nil
	}
	return rest[:n], n + 1, nil
}

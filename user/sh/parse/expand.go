package parse

import "strings"

// Field is what a word becomes: a text, which may stand for names of files.
type Field struct {
	Text    string
	Pattern string // for Match, "": it stands for itself
}

// Expand puts the values of variables into a word. A word of nothing but an empty variable is no field.
func Expand(w Word, value func(name string) string) []Field {
	e := expander{}
	for _, p := range w {
		switch p.Kind {
		case Plain:
			e.plain(p.Text)
		case Quoted:
			e.quoted(p.Text)
		case QuotedVariable:
			e.quoted(value(p.Text))
		case Variable:
			v := value(p.Text)
			for i := 0; i < len(v); {
				j := i
				for j < len(v) && !blank(v[j]) {
					j++
				}
				e.plain(v[i:j])
				for i = j; i < len(v) && blank(v[i]); i++ {
					e.end()
				}
			}
		}
	}
	e.end()
	return e.fields
}

// Text is the whole word as one text, whatever is in it: for values and names of files.
func Text(w Word, value func(name string) string) string {
	var b strings.Builder
	for _, p := range w {
		if p.Kind == Variable || p.Kind == QuotedVariable {
			b.WriteString(value(p.Text))
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

type expander struct {
	fields        []Field
	text, pattern []byte
	some, wild    bool // there is a field, and it is a pattern
}

func (e *expander) plain(s string) {
	e.some = e.some || s != ""
	e.text = append(e.text, s...)
	for i := range len(s) {
		switch s[i] {
		case '*', '?', '[':
			e.wild = true
		case '\\':
			e.pattern = append(e.pattern, '\\')
		}
		e.pattern = append(e.pattern, s[i])
	}
}

func (e *expander) quoted(s string) {
	e.some = true
	e.text = append(e.text, s...)
	for i := range len(s) {
		switch s[i] {
		case '*', '?', '[', '\\':
			e.pattern = append(e.pattern, '\\')
		}
		e.pattern = append(e.pattern, s[i])
	}
}

func (e *expander) end() {
	if !e.some {
		return
	}
	f := Field{Text: string(e.text)}
	if e.wild {
		f.Pattern = string(e.pattern)
	}
	e.fields = append(e.fields, f)
	e.text, e.pattern, e.some, e.wild = nil, nil, false, false
}

// Package match finds patterns in lines, as grep wants it: literal bytes, . for any, [a-z] and [^a-z], * + ? behind those, ^ and $,
// ( ) and |, \ before what is to be taken literally.
//
// A pattern becomes a program for a machine that is in many states at once (Thompson, CACM 1968), so the time is at most the length
// of the pattern times that of the line, whatever they are.
package match

// op is what an instruction does.
type op byte

const (
	accept op = iota
	one       // a byte of set, then x
	split     // to x and to y
	begin     // x, if the line begins here
	end       // x, if it ends here
)

type instruction struct {
	op   op
	x, y int
	set  [4]uint64 // of one: a bit for each byte
}

// Pattern is ready to be looked for.
type Pattern struct {
	prog  []instruction
	first int
	// The states that the machine is in, before a byte and behind it, and when each was noted.
	now, next []int
	noted     []int
	round     int
}

// Error is what is wrong with a pattern.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons.
const (
	ErrParenthesis = Error("missing parenthesis")
	ErrBracket     = Error("missing ]")
	ErrRange       = Error("bad range in [ ]")
	ErrRepeat      = Error("nothing to repeat")
	ErrBackslash   = Error("nothing after \\")
	ErrDepth       = Error("too many parentheses")
)

const maxDepth = 100

// Compile reads a pattern. fold: large and small letters are the same.
func Compile(text string, fold bool) (*Pattern, error) {
	c := compiler{text: text, fold: fold}
	c.emit(instruction{op: accept})
	first, err := c.choice(0)
	if err == nil && c.at < len(text) {
		err = ErrParenthesis
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{prog: c.prog, first: first, noted: make([]int, len(c.prog))}, nil
}

// Literal is a pattern of a text as it is.
func Literal(text string, fold bool) *Pattern {
	c := compiler{fold: fold}
	to := c.emit(instruction{op: accept})
	for i := len(text) - 1; i >= 0; i-- {
		to = c.emit(instruction{op: one, x: to, set: c.folded(set(text[i], text[i]))})
	}
	return &Pattern{prog: c.prog, first: to, noted: make([]int, len(c.prog))}
}

// Match says whether a line has the pattern in it.
func (p *Pattern) Match(line []byte) bool {
	p.now = p.now[:0]
	for at := 0; ; at++ {
		p.round++
		now := p.now
		p.now, p.next = p.next[:0], now
		// p.next has the states behind the byte before; they and a new start are followed to where they wait for a byte.
		for _, s := range p.next {
			if p.add(s, at, len(line)) {
				return true
			}
		}
		if p.add(p.first, at, len(line)) {
			return true
		}
		if at == len(line) {
			return false
		}
		p.next = p.next[:0]
		for _, s := range p.now {
			i := &p.prog[s]
			if b := line[at]; i.set[b>>6]>>(b&63)&1 != 0 {
				p.next = append(p.next, i.x)
			}
		}
		p.now, p.next = p.next, p.now
	}
}

// add notes a state, and all that it leads to without a byte; true: the pattern is found.
func (p *Pattern) add(s, at, length int) bool {
	if p.noted[s] == p.round {
		return false
	}
	p.noted[s] = p.round
	switch i := &p.prog[s]; i.op {
	case accept:
		return true
	case one:
		p.now = append(p.now, s)
	case split:
		return p.add(i.x, at, length) || p.add(i.y, at, length)
	case begin:
		return at == 0 && p.add(i.x, at, length)
	case end:
		return at == length && p.add(i.x, at, length)
	}
	return false
}

package match

// compiler writes instructions from the back: each part knows what follows it. So a part is first read into a tree.
type compiler struct {
	text  string
	at    int
	fold  bool
	depth int
	prog  []instruction
}

func (c *compiler) emit(i instruction) int {
	c.prog = append(c.prog, i)
	return len(c.prog) - 1
}

// node is a part of a pattern.
type node struct {
	kind byte // 0: set; ^ $ * + ?; & one after the other; | one of them
	set  [4]uint64
	sub  []node
}

// choice reads a pattern and writes it so that to follows.
func (c *compiler) choice(to int) (int, error) {
	n, err := c.alternatives()
	if err != nil {
		return 0, err
	}
	return c.write(&n, to), nil
}

func (c *compiler) alternatives() (node, error) {
	if c.depth++; c.depth > maxDepth {
		return node{}, ErrDepth
	}
	defer func() { c.depth-- }()
	n := node{kind: '|'}
	for {
		s, err := c.sequence()
		if err != nil {
			return n, err
		}
		n.sub = append(n.sub, s)
		if c.at == len(c.text) || c.text[c.at] != '|' {
			return n, nil
		}
		c.at++
	}
}

func (c *compiler) sequence() (node, error) {
	n := node{kind: '&'}
	for c.at < len(c.text) {
		b := c.text[c.at]
		if b == '|' || b == ')' && c.depth > 1 {
			break
		}
		a, err := c.atom()
		if err != nil {
			return n, err
		}
		for c.at < len(c.text) && (c.text[c.at] == '*' || c.text[c.at] == '+' || c.text[c.at] == '?') {
			a = node{kind: c.text[c.at], sub: []node{a}}
			c.at++
		}
		n.sub = append(n.sub, a)
	}
	return n, nil
}

func (c *compiler) atom() (node, error) {
	b := c.text[c.at]
	c.at++
	switch b {
	case '(':
		n, err := c.alternatives()
		if err == nil && (c.at == len(c.text) || c.text[c.at] != ')') {
			err = ErrParenthesis
		}
		c.at++
		return n, err
	case ')':
		return node{}, ErrParenthesis
	case '^', '$':
		return node{kind: b}, nil
	case '*', '+', '?':
		return node{}, ErrRepeat
	case '.':
		return node{set: set(0, 255)}, nil
	case '[':
		return c.brackets()
	case '\\':
		if c.at == len(c.text) {
			return node{}, ErrBackslash
		}
		b = c.text[c.at]
		c.at++
	}
	return node{set: c.folded(set(b, b))}, nil
}

// brackets reads [ … ]; a ] at its beginning is itself.
func (c *compiler) brackets() (node, error) {
	not := false
	if c.at < len(c.text) && c.text[c.at] == '^' {
		not = true
		c.at++
	}
	var all [4]uint64
	for first := c.at; ; c.at++ {
		if c.at == len(c.text) {
			return node{}, ErrBracket
		}
		low := c.text[c.at]
		if low == ']' && c.at > first {
			break
		}
		high := low
		if c.at+2 < len(c.text) && c.text[c.at+1] == '-' && c.text[c.at+2] != ']' {
			high = c.text[c.at+2]
			c.at += 2
		}
		if high < low {
			return node{}, ErrRange
		}
		for i, w := range set(low, high) {
			all[i] |= w
		}
	}
	c.at++
	all = c.folded(all)
	if not {
		for i := range all {
			all[i] = ^all[i]
		}
	}
	return node{set: all}, nil
}

// set has the bytes from low to high.
func set(low, high byte) (s [4]uint64) {
	for b := int(low); b <= int(high); b++ {
		s[b>>6] |= 1 << (b & 63)
	}
	return s
}

// folded adds the other case of letters.
func (c *compiler) folded(s [4]uint64) [4]uint64 {
	if c.fold {
		const letters = (1<<26 - 1) << 1
		s[1] |= s[1] & letters << 32
		s[1] |= s[1] >> 32 & letters
	}
	return s
}

// write writes a part so that to follows, and returns where it begins.
func (c *compiler) write(n *node, to int) int {
	switch n.kind {
	case 0:
		return c.emit(instruction{op: one, x: to, set: n.set})
	case '^':
		return c.emit(instruction{op: begin, x: to})
	case '$':
		return c.emit(instruction{op: end, x: to})
	case '?':
		return c.emit(instruction{op: split, x: c.write(&n.sub[0], to), y: to})
	case '*', '+':
		loop := c.emit(instruction{op: split, y: to})
		first := c.write(&n.sub[0], loop)
		c.prog[loop].x = first
		if n.kind == '+' {
			return first
		}
		return loop
	case '&':
		for i := len(n.sub) - 1; i >= 0; i-- {
			to = c.write(&n.sub[i], to)
		}
		return to
	}
	first := c.write(&n.sub[0], to)
	for i := range n.sub[1:] {
		first = c.emit(instruction{op: split, x: first, y: c.write(&n.sub[i+1], to)})
	}
	return first
}

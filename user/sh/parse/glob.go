package parse

// Match says whether a name is what a pattern stands for: * any bytes, ? any one, [a-z] and [^a-z] one of a set, \ quotes.
func Match(pattern, name string) bool {
	star, back := -1, 0 // the last *, and where the name goes on behind it
	p, n := 0, 0
	for n < len(name) || p < len(pattern) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, back = p, n
				p++
				continue
			}
			if n < len(name) {
				if width, ok := one(pattern[p:], name[n]); ok {
					p, n = p+width, n+1
					continue
				}
			}
		}
		if star < 0 || back >= len(name) {
			return false
		}
		back++
		p, n = star+1, back
	}
	return true
}

// one says whether a pattern begins with something that a byte fits, and how long that is.
func one(pattern string, c byte) (width int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == c
		}
	case '[':
		i, not := 1, false
		if i < len(pattern) && (pattern[i] == '^' || pattern[i] == '!') {
			i, not = 2, true
		}
		in := false
		for first := i; i < len(pattern); i++ {
			if pattern[i] == ']' && i > first {
				return i + 1, in != not
			}
			low, high := pattern[i], pattern[i]
			if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
				high = pattern[i+2]
				i += 2
			}
			in = in || c >= low && c <= high
		}
	}
	return 1, pattern[0] == c
}

// Package text builds lines of text in a fixed buffer: ring 0 has no fmt and no heap.
//
//	var l text.Line
//	l.Str("cpu: ").Uint(3).Str(" at ").Addr(pc)
//	print(l.Bytes())
//
// What does not fit is cut, and the last three bytes become dots: a line is never lost for being long.
package text

// Max is how many bytes a line holds.
const Max = 480

// Line is a line of text under construction; the zero Line is empty. It belongs to one task.
type Line struct {
	n   int
	cut bool
	buf [Max]byte
}

// Bytes is the text so far, valid until the line changes.
func (l *Line) Bytes() []byte { return l.buf[:l.n] }

// Len is the number of bytes so far.
func (l *Line) Len() int { return l.n }

// Reset empties the line.
func (l *Line) Reset() *Line {
	l.n, l.cut = 0, false
	return l
}

// Byte appends one byte.
func (l *Line) Byte(b byte) *Line {
	if l.n < Max {
		l.buf[l.n] = b
		l.n++
	} else if !l.cut {
		l.cut = true
		copy(l.buf[Max-3:], "...")
	}
	return l
}

// Str appends s.
func (l *Line) Str(s string) *Line {
	for i := 0; i < len(s); i++ {
		l.Byte(s[i])
	}
	return l
}

// Text appends b.
func (l *Line) Text(b []byte) *Line {
	for _, c := range b {
		l.Byte(c)
	}
	return l
}

// Printable appends b with a dot for every byte that a terminal might act on: for text that came from outside.
func (l *Line) Printable(b string) *Line {
	for i := 0; i < len(b); i++ {
		if c := b[i]; c < ' ' || c > '~' {
			l.Byte('.')
		} else {
			l.Byte(c)
		}
	}
	return l
}

// Uint appends v in decimal.
func (l *Line) Uint(v uint64) *Line {
	var d [20]byte
	i := len(d)
	for {
		i--
		d[i] = byte('0' + v%10)
		if v /= 10; v == 0 {
			return l.Text(d[i:])
		}
	}
}

// Int appends v in decimal.
func (l *Line) Int(v int) *Line {
	if v < 0 {
		return l.Byte('-').Uint(-uint64(v))
	}
	return l.Uint(uint64(v))
}

// Hex appends 0x and v in as few digits as it has.
func (l *Line) Hex(v uint64) *Line {
	digits := 1
	for x := v >> 4; x != 0; x >>= 4 {
		digits++
	}
	return l.Str("0x").HexDigits(v, digits)
}

// Addr appends 0x and all 16 digits of v.
func (l *Line) Addr(v uint64) *Line { return l.Str("0x").HexDigits(v, 16) }

// HexDigits appends the lowest n hexadecimal digits of v.
func (l *Line) HexDigits(v uint64, n int) *Line {
	for i := n - 1; i >= 0; i-- {
		l.Byte("0123456789abcdef"[v>>(4*uint(i))&15])
	}
	return l
}

// Hundredths appends a quotient n/d with two digits after the point, cut, not rounded. d must not be 0, and n must be
// below 2^64/100.
func (l *Line) Hundredths(n, d uint64) *Line {
	h := n * 100 / d
	l.Uint(h / 100).Byte('.')
	return l.Byte(byte('0' + h/10%10)).Byte(byte('0' + h%10))
}

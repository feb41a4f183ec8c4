package line

// key is a key: a byte, or one of these.
type key int

const (
	none key = 0x100 + iota // of a sequence, there is more to come
	other
	up
	down
	right
	left
	home
	toEnd
	del
	wordLeft
	wordRight
	enter
	tab
	backspace
)

// ctrl is what Ctrl and a letter make.
func ctrl(letter byte) key { return key(letter - '@') }

// keys reads sequences of bytes as keys.
type keys struct {
	state   keyState
	numbers [2]int // what a sequence has between [ and its last byte
	n       int
	entered bool // the last byte was \r: a \n behind it is of the same Enter
}

type keyState byte

const (
	ground   keyState = iota
	escaped           // after ESC
	sequence          // after ESC [
	single            // after ESC O
)

func (k *keys) next(b byte) key {
	after := k.entered
	k.entered = b == '\r'
	switch k.state {
	case escaped:
		k.state = ground
		switch b {
		case '[':
			k.state, k.numbers, k.n = sequence, [2]int{}, 0
			return none
		case 'O':
			k.state = single
			return none
		case 'b':
			return wordLeft
		case 'f':
			return wordRight
		case 0x1b:
			k.state = escaped
			return none
		}
		return other
	case single:
		k.state = ground
		return letter(b)
	case sequence:
		switch {
		case b >= '0' && b <= '9':
			if n := &k.numbers[min(k.n, 1)]; *n < 1000 {
				*n = *n*10 + int(b-'0')
			}
			return none
		case b == ';':
			k.n++
			return none
		case b == 0x1b:
			k.state = escaped
			return none
		case b < 0x40: // intermediate bytes
			return none
		}
		k.state = ground
		if b == '~' {
			switch k.numbers[0] {
			case 1, 7:
				return home
			case 4, 8:
				return toEnd
			case 3:
				return del
			}
			return other
		}
		l := letter(b)
		if k.numbers[1] >= 3 && l == left { // with Alt or Ctrl
			return wordLeft
		} else if k.numbers[1] >= 3 && l == right {
			return wordRight
		}
		return l
	}
	switch b {
	case 0x1b:
		k.state = escaped
		return none
	case '\r':
		return enter
	case '\n':
		if after {
			return none
		}
		return enter
	case '\t':
		return tab
	case 0x7f:
		return backspace
	}
	return key(b)
}

func letter(b byte) key {
	switch b {
	case 'A':
		return up
	case 'B':
		return down
	case 'C':
		return right
	case 'D':
		return left
	case 'H':
		return home
	case 'F':
		return toEnd
	}
	return other
}

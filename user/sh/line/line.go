// Package line edits a line on a terminal (ECMA-48's sequences, as xterm has them): keys go in byte by byte, what is to be shown
// comes out. It keeps the lines of before.
//
//	Left Right Ctrl-B Ctrl-F    a character back, on       Ctrl-U Ctrl-K    throw away what is before, behind
//	Ctrl-Left Ctrl-Right        a word                     Ctrl-W           the word before
//	Home End Ctrl-A Ctrl-E      to the beginning, the end  Backspace Delete the character before, here
//	Up Down Ctrl-P Ctrl-N       lines of before            Ctrl-L           a clean screen
//	Ctrl-C                      another line               Ctrl-D           the end, on an empty line; else as Delete
//	Tab                         as Complete says
package line

// Event is what a key led to.
type Event int

// The events.
const (
	Nothing   Event = iota
	Entered         // Text is a line
	Interrupt       // Ctrl-C
	End             // Ctrl-D
)

// Most is how long a line may be, in bytes; History is how many lines are kept.
const (
	Most    = 1000
	History = 100
)

// Editor has one line at a time. The zero value, with Out, is ready.
type Editor struct {
	Prompt string
	Width  int               // columns that are used: at most as many as there are; 0: 80
	Out    func(text []byte) // shows it; it may not keep it
	// Complete returns what may stand instead of the word before the cursor, which begins at from; nil: there is no such thing.
	Complete func(text string) (from int, words []string)

	text []byte
	at   int    // of the cursor, in bytes
	row  int    // of the cursor, counted from the prompt's
	col  int    // and its column
	out  []byte // to be shown
	keys keys

	lines  [History][]byte
	n      int    // lines ever
	looked int    // lines back; 0: at the new one
	saved  []byte // the new one, meanwhile
}

// Start begins a line.
func (e *Editor) Start() {
	e.text, e.at, e.looked, e.saved = e.text[:0], 0, 0, e.saved[:0]
	e.begin()
	e.Flush()
}

// Text is the line as it is.
func (e *Editor) Text() string { return string(e.text) }

// Lines are those of before, the oldest first, with the number of the first.
func (e *Editor) Lines() (first int, lines []string) {
	first = max(0, e.n-History)
	for i := first; i < e.n; i++ {
		lines = append(lines, string(e.lines[i%History]))
	}
	return first + 1, lines
}

// Remember adds the line to those of before, unless it is empty or the same as the last one.
func (e *Editor) Remember() {
	if len(e.text) > 0 && (e.n == 0 || string(e.lines[(e.n-1)%History]) != string(e.text)) {
		at := &e.lines[e.n%History]
		*at = append((*at)[:0], e.text...)
		e.n++
	}
}

// Room is how many bytes the editor holds for what it keeps: if it is what it was, nothing has been allocated that stays.
func (e *Editor) Room() int {
	n := cap(e.text) + cap(e.out) + cap(e.saved)
	for _, l := range e.lines {
		n += cap(l)
	}
	return n
}

func (e *Editor) add(s string) { e.out = append(e.out, s...) }

// Flush shows what has changed.
func (e *Editor) Flush() {
	if len(e.out) > 0 {
		e.Out(e.out)
		e.out = e.out[:0]
	}
}

// Key takes a byte that was typed. What it changes is shown by Flush, or with an event.
func (e *Editor) Key(b byte) Event {
	ev := e.key(e.keys.next(b))
	if ev != Nothing || len(e.out) > Most {
		e.Flush()
	}
	return ev
}

func (e *Editor) key(k key) Event {
	switch k {
	case none, other:
	case enter:
		e.move(len(e.text))
		e.add("\r\n")
		return Entered
	case ctrl('C'):
		e.move(len(e.text))
		e.add("^C\r\n")
		return Interrupt
	case ctrl('D'):
		if len(e.text) == 0 {
			e.add("\r\n")
			return End
		}
		e.cut(e.at, e.next(e.at))
	case ctrl('A'), home:
		e.move(0)
	case ctrl('E'), toEnd:
		e.move(len(e.text))
	case ctrl('B'), left:
		e.move(e.prev(e.at))
	case ctrl('F'), right:
		e.move(e.next(e.at))
	case wordLeft:
		e.move(e.word())
	case wordRight:
		e.move(e.wordEnd())
	case ctrl('U'):
		e.cut(0, e.at)
	case ctrl('K'):
		e.cut(e.at, len(e.text))
	case ctrl('W'):
		e.cut(e.word(), e.at)
	case ctrl('H'), backspace:
		e.cut(e.prev(e.at), e.at)
	case del:
		e.cut(e.at, e.next(e.at))
	case ctrl('P'), up:
		e.look(e.looked + 1)
	case ctrl('N'), down:
		e.look(e.looked - 1)
	case ctrl('L'):
		e.add("\x1b[H\x1b[2J")
		e.row, e.col = 0, 0
		e.redraw()
	case tab:
		e.complete()
	default:
		if k >= ' ' && k < 0x100 {
			e.insert(byte(k))
		}
	}
	return Nothing
}

// look shows a line of before.
func (e *Editor) look(back int) {
	if back < 0 || back > min(e.n, History) {
		return
	}
	if e.looked == 0 {
		e.saved = append(e.saved[:0], e.text...)
	}
	if back == 0 {
		e.text = append(e.text[:0], e.saved...)
	} else {
		e.text = append(e.text[:0], e.lines[(e.n-back)%History]...)
	}
	e.looked = back
	e.at = len(e.text)
	e.redraw()
}

// complete puts in what all words have in common, and shows them if that is nothing more.
func (e *Editor) complete() {
	if e.Complete == nil {
		return
	}
	from, words := e.Complete(string(e.text[:e.at]))
	if len(words) == 0 {
		return
	}
	common := words[0]
	for _, w := range words[1:] {
		n := 0
		for n < len(common) && n < len(w) && common[n] == w[n] {
			n++
		}
		common = common[:n]
	}
	had := e.at - from
	if len(words) == 1 && len(common) > 0 && common[len(common)-1] != '/' {
		common += " "
	}
	if len(common) > had && common[:had] == string(e.text[from:e.at]) {
		for _, b := range []byte(common[had:]) {
			e.insert(b)
		}
		return
	}
	if len(words) > 1 {
		e.show(len(e.text))
		e.add("\r\n")
		for _, w := range words {
			e.add(w + "  ")
		}
		e.add("\r\n")
		e.row, e.col = 0, 0
		e.redraw()
	}
}

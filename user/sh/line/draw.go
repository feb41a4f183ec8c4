package line

// A character is one or more bytes (UTF-8) and takes a column.

func follows(b byte) bool { return b&0xC0 == 0x80 }

func (e *Editor) prev(at int) int {
	for at > 0 {
		at--
		if !follows(e.text[at]) {
			break
		}
	}
	return at
}

func (e *Editor) next(at int) int {
	for at < len(e.text) {
		at++
		if at == len(e.text) || !follows(e.text[at]) {
			break
		}
	}
	return at
}

// word is where the word before the cursor begins.
func (e *Editor) word() int {
	at := e.at
	for at > 0 && e.text[at-1] == ' ' {
		at--
	}
	for at > 0 && e.text[at-1] != ' ' {
		at--
	}
	return at
}

// wordEnd is where the word behind the cursor ends.
func (e *Editor) wordEnd() int {
	at := e.at
	for at < len(e.text) && e.text[at] == ' ' {
		at++
	}
	for at < len(e.text) && e.text[at] != ' ' {
		at++
	}
	return at
}

func columns(text []byte) (n int) {
	for _, b := range text {
		if !follows(b) {
			n++
		}
	}
	return n
}

// width is how many columns are used. Behind the last one a line goes on in the next row.
func (e *Editor) width() int {
	if e.Width == 0 {
		return 80
	}
	return e.Width
}

// place is the row and column of a byte of the text.
func (e *Editor) place(at int) (row, column int) {
	n := len(e.Prompt) + columns(e.text[:at])
	return n / e.width(), n % e.width()
}

// insert puts a byte in at the cursor.
func (e *Editor) insert(b byte) {
	if len(e.text) == Most {
		return
	}
	e.text = append(e.text, 0)
	copy(e.text[e.at+1:], e.text[e.at:])
	e.text[e.at] = b
	e.at++
	switch {
	case e.at == len(e.text): // mostly
		e.put(e.at - 1)
	case !follows(e.text[e.at]): // else the rest of the character is still to come
		e.redraw()
	}
}

// put writes a byte of the text at the cursor, and goes to the next row where one is full.
func (e *Editor) put(at int) {
	b := e.text[at]
	e.out = append(e.out, b)
	if from := e.prev(at + 1); b >= 0x80 && at+1-from != size(e.text[from]) {
		return // the rest of the character is still to come
	}
	row, column := e.place(at + 1)
	if row > e.row {
		e.add("\r\n")
	}
	e.row, e.col = row, column
}

// begin writes the prompt.
func (e *Editor) begin() {
	e.add(e.Prompt)
	e.row, e.col = e.place(0)
}

// size is how many bytes the character has that begins with b.
func size(b byte) int {
	switch {
	case b >= 0xF0:
		return 4
	case b >= 0xE0:
		return 3
	case b >= 0xC0:
		return 2
	}
	return 1
}

// cut throws away [from, to).
func (e *Editor) cut(from, to int) {
	if from == to {
		return
	}
	e.text = append(e.text[:from], e.text[to:]...)
	e.at = from
	e.redraw()
}

// move goes to a place.
func (e *Editor) move(at int) {
	e.at = at
	e.show(at)
}

// show puts the cursor at a byte of the text.
func (e *Editor) show(at int) {
	row, column := e.place(at)
	e.csi(e.row-row, 'A')
	e.csi(row-e.row, 'B')
	e.csi(e.col-column, 'D')
	e.csi(column-e.col, 'C')
	e.row, e.col = row, column
}

// csi adds a sequence that moves the cursor, if n is not 0.
func (e *Editor) csi(n int, what byte) {
	if n > 0 {
		e.add("\x1b[")
		e.number(n)
		e.out = append(e.out, what)
	}
}

func (e *Editor) number(n int) {
	if n >= 10 {
		e.number(n / 10)
	}
	e.out = append(e.out, byte('0'+n%10))
}

// redraw writes the line anew, and puts the cursor where it is.
func (e *Editor) redraw() {
	e.csi(e.row, 'A')
	e.add("\r")
	e.begin()
	e.add("\x1b[J")
	for i := range e.text {
		e.put(i)
	}
	e.show(e.at)
}

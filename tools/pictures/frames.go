package main

// frame is a moment of a structure's life.
type frame struct {
	title string
	rows  []row
}

// row is a chain of nodes, or an array of cells.
type row struct {
	label  string // at its left
	cells  []cell
	linked bool     // arrows lead from each cell to the next
	first  int      // number of the first cell, if numbered
	number bool     // cells have their numbers below
	above  []marker // what points at cells from above
	below  []marker
	note   string // at its right
	width  int    // of each cell; 0: as wide as the widest text
}

type cell struct {
	text string
	kind kind // "": full if there is text, else plain
}

// marker is a variable that points at a cell.
type marker struct {
	name string
	at   int // index of the cell; len(cells) is the place behind the last
}

func drawFrames(c *canvas, frames ...frame) {
	labels := 0
	for _, f := range frames {
		for _, r := range f.rows {
			labels = max(labels, textWidth(r.label))
		}
	}
	left := margin
	if labels > 0 {
		left += labels + 12
	}
	for i, f := range frames {
		if i > 0 {
			c.y += 10
		}
		if f.title != "" {
			c.say("head", f.title)
			c.y += 4
		}
		for _, r := range f.rows {
			r.draw(c, left)
		}
	}
}

func (r row) draw(c *canvas, left int) {
	const link, markerH = 30, 34
	w := r.width
	for _, e := range r.cells {
		w = max(w, textWidth(e.text)+16, 34)
	}
	step := w
	if r.linked {
		step += link
	}
	middle := func(i int) int { return left + i*step + w/2 }
	if len(r.above) > 0 {
		for _, m := range r.above {
			c.centred(middle(m.at), c.y+12, "label", m.name)
			c.arrow(middle(m.at), c.y+16, middle(m.at), c.y+markerH-3)
		}
		c.y += markerH
	}
	if r.label != "" {
		c.text(margin, c.y+boxH/2+5, "dim", r.label)
	}
	for i, e := range r.cells {
		k := e.kind
		if k == "" {
			k = plain
			if e.text != "" {
				k = full
			}
		}
		c.box(left+i*step, c.y, w, boxH, k, e.text)
		if r.linked && i+1 < len(r.cells) {
			c.arrow(left+i*step+w, c.y+boxH/2, left+(i+1)*step-2, c.y+boxH/2)
		}
	}
	if r.note != "" {
		c.text(left+(len(r.cells)-1)*step+w+14, c.y+boxH/2+5, "dim", r.note)
	}
	c.y += boxH + 4
	if r.number {
		for i := range r.cells {
			c.centred(middle(i), c.y+10, "dim", itoa(r.first+i))
		}
		c.y += lineStep
	}
	if len(r.below) > 0 {
		for _, m := range r.below {
			c.arrow(middle(m.at), c.y+markerH-16, middle(m.at), c.y)
			c.centred(middle(m.at), c.y+markerH-4, "label", m.name)
		}
		c.y += markerH + 2
	}
	c.y += 6
}

// cells makes one cell of each word; "-" is an empty one, and a word may begin with how it looks: "!" bad, "+" good, "~" gone,
// "?" waiting.
func cells(words ...string) []cell {
	looks := map[byte]kind{'!': bad, '+': good, '~': gone, '?': wait, '=': plain}
	var all []cell
	for _, w := range words {
		e := cell{text: w}
		if w == "-" {
			e.text = ""
		} else if k, ok := looks[w[0]]; ok {
			e = cell{w[1:], k}
		}
		all = append(all, e)
	}
	return all
}

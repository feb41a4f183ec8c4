package main

import (
	"fmt"
	"strconv"
)

// lanes shows what lasts how long: time to the right, one lane for each CPU or task.
type lanes struct {
	who   []string
	unit  int // pixels per unit of time
	until int
	bars  []bar
	marks []mark
	stars []star
}

type bar struct {
	who      int
	from, to int
	text     string
	kind     kind
}

// mark is a moment that concerns all lanes.
type mark struct {
	at   int
	text string
	row  int // of the text, from the top, so that texts do not meet
}

// star is a moment in a bar at which something takes effect, in tenths of the unit.
type star struct{ who, tenths int }

func (l lanes) draw(c *canvas) {
	const laneH = boxH + 12
	left := 0
	for _, w := range l.who {
		left = max(left, textWidth(w))
	}
	left += margin + 14
	at := func(t int) int { return left + t*l.unit }
	rows := 0
	for _, m := range l.marks {
		rows = max(rows, m.row+1)
	}
	top := c.y
	c.y += rows*lineStep + 6
	bottom := c.y + len(l.who)*laneH
	for _, m := range l.marks {
		y := top + m.row*lineStep
		c.svg.Line(at(m.at), y+16, at(m.at), bottom, class("life"))
		c.text(at(m.at)-3, y+12, "dim", m.text)
	}
	for i, w := range l.who {
		y := c.y + i*laneH
		c.text(margin, y+boxH/2+5, "head", w)
		c.svg.Line(left, y+boxH/2, at(l.until), y+boxH/2, class("life"))
	}
	c.reach(at(l.until))
	for i, b := range l.bars {
		if b.from >= b.to || b.to > l.until {
			panic(fmt.Sprintf("pictures: %s: bar %d does not lie in its lane", c.name, i))
		}
		c.box(at(b.from), c.y+b.who*laneH, (b.to-b.from)*l.unit, boxH, b.kind, b.text)
	}
	for _, s := range l.stars {
		c.svg.Circle(left+s.tenths*l.unit/10, c.y+s.who*laneH, 6, class("bad"))
	}
	c.y = bottom + 4
}

func itoa(n int) string { return strconv.Itoa(n) }

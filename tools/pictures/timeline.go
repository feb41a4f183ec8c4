package main

// timeline is an interleaving: one column for each thread of control, time downwards, and at the right what is so after
// each step.
type timeline struct {
	who   []string
	steps []step
	end   string // how it ends, if badly
}

type step struct {
	who  int // index; -1: no step of anybody's, just what is said
	does string
	then string
	kind kind // "": plain
}

func (t timeline) draw(c *canvas) {
	const gap, rowH = 14, boxH + 8
	widths := make([]int, len(t.who))
	for i, w := range t.who {
		widths[i] = textWidth(w) + 20
	}
	for _, s := range t.steps {
		if s.who >= 0 {
			widths[s.who] = max(widths[s.who], textWidth(s.does)+20)
		}
	}
	x := make([]int, len(t.who)+1)
	x[0] = margin
	for i, w := range widths {
		x[i+1] = x[i] + w + gap
	}
	top := c.y
	for i, w := range t.who {
		c.centred(x[i]+widths[i]/2, top+12, "head", w)
	}
	c.y += lineStep + 6
	bottom := c.y + len(t.steps)*rowH
	for i := range t.who {
		mid := x[i] + widths[i]/2
		c.svg.Line(mid, c.y-4, mid, bottom-4, class("life"))
	}
	for _, s := range t.steps {
		if s.who >= 0 {
			k := s.kind
			if k == "" {
				k = plain
			}
			c.box(x[s.who], c.y, widths[s.who], boxH, k, s.does)
		}
		classes := "dim"
		if s.kind == bad {
			classes = "alarm"
		}
		c.text(x[len(t.who)], c.y+boxH/2+5, classes, s.then)
		c.y += rowH
	}
	if t.end != "" {
		c.y += 4
		c.say("alarm", t.end)
	}
}

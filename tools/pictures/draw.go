package main

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	svg "github.com/ajstarks/svgo"
)

// Sizes, in pixels. All text is of one monospaced size, so it is known how wide it is: what does not fit is a panic.
const (
	margin   = 16
	maxWidth = 920
	lineStep = 18
	boxH     = 28
)

// textWidth is the most that s takes at 13 pixels in the fonts of style.
func textWidth(s string) int { return (utf8.RuneCountInString(s)*79 + 9) / 10 }

// A kind is how a box looks; each is a class of style.
type kind string

const (
	plain kind = "plain"
	full  kind = "full" // holds something
	gone  kind = "gone" // holds nothing any more
	good  kind = "good"
	bad   kind = "bad"
	wait  kind = "wait" // not done yet, waiting
)

// style has each colour twice. The picture brings its own background.
const style = `
text { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13px; fill: #1f2328 }
.dim { fill: #59636e } .head { font-weight: bold } .alarm { fill: #b31d28 }
.middle { text-anchor: middle } .end { text-anchor: end }
.back { fill: #ffffff; stroke: #d1d9e0 }
.line { stroke: #59636e; fill: none } .life { stroke: #9aa4ae; stroke-dasharray: 3 4 } .arrow { fill: #59636e }
.plain { fill: #f6f8fa; stroke: #59636e } .full { fill: #ddf4ff; stroke: #0969da }
.gone { fill: #ffffff; stroke: #9aa4ae; stroke-dasharray: 4 3 } .good { fill: #dafbe1; stroke: #1a7f37 }
.bad { fill: #ffebe9; stroke: #cf222e; stroke-width: 2 } .wait { fill: #fff8c5; stroke: #9a6700 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .dim { fill: #9ea7b3 } .alarm { fill: #ff8182 }
.back { fill: #0d1117; stroke: #3d444d }
.line { stroke: #9ea7b3 } .life { stroke: #656c76 } .arrow { fill: #9ea7b3 }
.plain { fill: #151b23; stroke: #9ea7b3 } .full { fill: #10294d; stroke: #4493f8 }
.gone { fill: #0d1117; stroke: #656c76 } .good { fill: #0f2e1a; stroke: #3fb950 }
.bad { fill: #42151a; stroke: #f85149 } .wait { fill: #382c0b; stroke: #d29922 }
}
`

// canvas is a picture being drawn, from the top downwards.
type canvas struct {
	name  string
	body  bytes.Buffer
	svg   *svg.SVG
	y     int // where the next thing goes
	right int // how far to the right anything reaches
}

// render makes the file.
func (p picture) render() []byte {
	c := &canvas{name: p.name, y: margin}
	c.svg = svg.New(&c.body)
	p.draw(c)
	width, height := c.right+margin, c.y+margin/2
	if width > maxWidth {
		panic(fmt.Sprintf("pictures: %s is %d pixels wide, more than %d", p.name, width, maxWidth))
	}
	var b bytes.Buffer
	s := svg.New(&b)
	s.Startview(width, height, 0, 0, width, height)
	s.Title(p.title)
	s.Style("text/css", style)
	s.Def()
	s.Marker("tip", 8, 4, 8, 8, `orient="auto"`, `markerUnits="userSpaceOnUse"`)
	s.Path("M0,0 L8,4 L0,8 z", `class="arrow"`)
	s.MarkerEnd()
	s.DefEnd()
	s.Roundrect(0, 0, width, height, 6, 6, class("back"))
	b.Write(c.body.Bytes())
	s.End()
	return b.Bytes()
}

func class(names string) string { return `class="` + names + `"` }

func (c *canvas) reach(x int) { c.right = max(c.right, x) }

// text writes s with its left end at x, on the base line y.
func (c *canvas) text(x, y int, classes, s string) {
	c.svg.Text(x, y, s, class(classes))
	c.reach(x + textWidth(s))
}

// centred writes s around x.
func (c *canvas) centred(x, y int, classes, s string) {
	c.svg.Text(x, y, s, class(classes+" middle"))
	c.reach(x + textWidth(s)/2)
	if x-textWidth(s)/2 < margin/2 {
		panic(fmt.Sprintf("pictures: %s: %q begins outside of the picture", c.name, s))
	}
}

// box draws a box with text in its middle.
func (c *canvas) box(x, y, w, h int, k kind, s string) {
	if textWidth(s) > w-6 {
		panic(fmt.Sprintf("pictures: %s: %q does not fit into its box", c.name, s))
	}
	c.svg.Roundrect(x, y, w, h, 4, 4, class(string(k)))
	c.reach(x + w)
	if s == "" {
		return
	}
	classes := "label"
	if k == gone {
		classes = "dim"
	}
	c.centred(x+w/2, y+h/2+5, classes, s)
}

func (c *canvas) arrow(x1, y1, x2, y2 int) {
	c.svg.Line(x1, y1, x2, y2, class("line"), `marker-end="url(#tip)"`)
	c.reach(max(x1, x2))
}

// say writes lines of explanation at the left, and moves down.
func (c *canvas) say(classes string, lines ...string) {
	for _, s := range lines {
		c.text(margin, c.y+12, classes, s)
		c.y += lineStep
	}
}

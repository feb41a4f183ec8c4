package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	svg "github.com/ajstarks/svgo"
)

// runDraw makes the picture of the declared order.
func runDraw(root string) error {
	l, err := loadHost(root, nil, "./"+strings.TrimPrefix(syncPath, modulePath+"/"))
	if err != nil {
		return err
	}
	o, err := readOrder(l)
	if err != nil {
		return err
	}
	path := filepath.Join(root, filepath.FromSlash(picture))
	if err := os.WriteFile(path, draw(o), 0o644); err != nil {
		return err
	}
	fmt.Printf("made %s\n", picture)
	return nil
}

// Measures of the picture, in its own units.
const (
	boxW, boxH = 128, 46
	slotW      = boxW + 34 // a box and the room beside it
	laneW      = 40        // for an arrow that passes a layer
	layerH     = boxH + 52
	marginX    = 30
	headH      = 62
	gapH       = 78 // between sleeplocks and spinlocks
	footH      = 60
	minW       = 640 // for the words
)

// style has two sets of colours: the viewer says which.
const style = `
text { font: 13px sans-serif; fill: #1f2328; text-anchor: middle }
.head { font-size: 16px; font-weight: bold; text-anchor: start }
.note { font-size: 12px; fill: #59636e; text-anchor: start }
.kind { font-size: 11px; fill: #59636e }
.name { font-weight: bold }
.page { fill: #ffffff }
.box { stroke-width: 1.5 }
.sleep { fill: #dbeafe; stroke: #1d4ed8 }
.spin { fill: #ffedd5; stroke: #c2410c }
.irq { stroke-width: 3.5 }
.test { stroke-dasharray: 5 3 }
.edge { fill: none; stroke: #59636e; stroke-width: 1.5 }
.all { fill: none; stroke: #59636e; stroke-width: 5; opacity: 0.6 }
.tip { fill: #59636e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.note, .kind { fill: #9da7b3 }
.page { fill: #0d1117 }
.sleep { fill: #14274d; stroke: #79b0ff }
.spin { fill: #4a2410; stroke: #ffa657 }
.edge, .all { stroke: #9da7b3 }
.tip { fill: #9da7b3 }
}
`

// draw returns the order as an SVG: sleeplocks above, spinlocks below, each class under all that may be held when it is
// taken, the classes for tests on the right. The same order gives the same bytes.
func draw(o *order) []byte {
	sleep := layoutOf(o, true)
	spin := layoutOf(o, false)
	kernelW := max(sleep.width(false), spin.width(false))
	testW := max(sleep.width(true), spin.width(true))
	width := max(2*marginX+kernelW+testW+slotW/2, minW)
	spinTop := headH + len(sleep.layers)*layerH + gapH
	height := spinTop + len(spin.layers)*layerH + footH
	sleep.place(marginX, kernelW, marginX+kernelW+slotW/2, testW, headH)
	spin.place(marginX, kernelW, marginX+kernelW+slotW/2, testW, spinTop)

	var out bytes.Buffer
	s := svg.New(&out)
	s.Startview(width, height, 0, 0, width, height)
	s.Title("Exo's lock order")
	s.Desc("Drawn from kernel/sync/classes.go by tools/locks. " +
		"An arrow leads from a class to one that may be taken while it is held.")
	s.Def()
	s.Style("text/css", style)
	s.Marker("tip", 9, 5, 7, 7, `viewBox="0 0 10 10"`, `orient="auto"`, `markerUnits="userSpaceOnUse"`)
	s.Path("M0 0 L10 5 L0 10 z", `class="tip"`)
	s.MarkerEnd()
	s.DefEnd()
	s.Rect(0, 0, width, height, `class="page"`)
	s.Text(marginX, 28, "Lock order", `class="head"`)
	s.Text(marginX, 47, "a → b: b may be taken while a is held", `class="note"`)

	middle := headH + len(sleep.layers)*layerH
	x := marginX + 24
	s.Path(fmt.Sprintf("M%d %d V%d", x, middle-26, middle+gapH-34), `class="all"`)
	s.Path(fmt.Sprintf("M%d %d h24 l-12 16 z", x-12, middle+gapH-36), `class="tip"`)
	s.Text(x+24, middle+12, "every spin class may be taken under every sleep class, never the other way round", `class="note"`)

	for _, l := range []*layout{sleep, spin} {
		for _, e := range l.edges {
			s.Path(curve(e), `class="edge"`, `marker-end="url(#tip)"`)
		}
		for _, layer := range l.layers {
			for _, n := range layer {
				if n.class != nil {
					drawBox(s, n.class, n.x-boxW/2, n.y)
				}
			}
		}
	}
	drawLegend(s, height-footH)
	s.End()
	return out.Bytes()
}

// isTest says whether a class is for tests only.
func (c *class) isTest() bool { return strings.HasPrefix(c.name, "test-") }

func drawBox(s *svg.SVG, c *class, x, y int) {
	look := "box sleep"
	kind := "sleep"
	if !c.sleeps() {
		look, kind = "box spin", "spin"
	}
	if c.irq() {
		look, kind = look+" irq", "spin, handlers"
	}
	if c.nests {
		kind += ", nests"
	}
	if c.isTest() {
		look += " test"
	}
	s.Roundrect(x, y, boxW, boxH, 7, 7, `class="`+look+`"`)
	s.Text(x+boxW/2, y+20, c.name, `class="name"`)
	s.Text(x+boxW/2, y+36, kind, `class="kind"`)
}

func drawLegend(s *svg.SVG, y int) {
	for i, k := range []struct{ look, text string }{
		{"box sleep", "sleeplock: waiting gives up the CPU"},
		{"box spin irq", "spinlock that interrupt handlers take too"},
		{"box spin", "spinlock: waiting does not"},
		{"box sleep test", "for tests only"},
	} {
		x, y := marginX+i%2*300, y+i/2*24
		s.Roundrect(x, y, 22, 14, 3, 3, `class="`+k.look+`"`)
		s.Text(x+30, y+11, k.text, `class="note"`)
	}
}

// curve is the way of an arrow from the bottom of one box through its lanes to the top of another.
func curve(way []*node) string {
	var d strings.Builder
	x, y := way[0].x, way[0].y+boxH
	fmt.Fprintf(&d, "M%d %d", x, y)
	for _, n := range way[1:] {
		half := (n.y - y) / 2
		fmt.Fprintf(&d, " C%d %d %d %d %d %d", x, y+half, n.x, n.y-half, n.x, n.y)
		x, y = n.x, n.y
		if n.class == nil {
			y += boxH
			fmt.Fprintf(&d, " V%d", y)
		}
	}
	return d.String()
}

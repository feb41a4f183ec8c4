// Package sync … orderreport.go: what is printed before a context panics for breaking lock order.
//
//	lock order: cpu=0 takes inode@0xffffffff80256720(0xffffffff8020b4d1)     class@lock(where it is taken)
//	lock order: held 0 log@0xffffffff80256600(0xffffffff8020b3e0)            in order of acquisition
//	lock order: held 1 buffer@0xffffffff80256690(0xffffffff8020b42a)
//	lock order: declared inode < buffer                                      what each held class forbids
//
// G1. The lines of a report come together.
// G2. A report takes no lock, and a Report function that does is stopped rather than waited for.
//
// Progress: blocking; reports take turns. Callers: any context. Memory: one line, static.
package sync

import (
	"unsafe"

	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// reporting is the context whose report is being printed, and its line: a report has its lines together, and no line
// could be on the stack, for what is passed to a function variable escapes.
var reporting struct {
	by   atom.Pointer[Context]
	line text.Line
}

var nobody Context // prints reports that are no context's

// beginReport waits for its turn and returns an empty line, or nil if there is nobody to report to.
func beginReport(c *Context) *text.Line {
	if Report == nil {
		return nil
	}
	if c == nil {
		c = &nobody
	}
	for spins := 0; !reporting.by.CompareAndSwap(nil, c); spins++ {
		if reporting.by.Load() == c {
			panic("lock order: broken by what reports that it was broken")
		}
		if Relax != nil {
			Relax(spins)
		}
	}
	return reporting.line.Reset()
}

func endReport() {
	if reporting.line.Len() > 0 {
		Report(&reporting.line)
	}
	reporting.by.Store(nil)
}

// newLine prints the line so far and begins another.
func newLine() *text.Line {
	if reporting.line.Len() > 0 {
		Report(&reporting.line)
	}
	return reporting.line.Reset()
}

// explain reports what c does to which lock, what it holds, and what is declared about the two.
func (c *Context) explain(does string, class Class, lock unsafe.Pointer, site uintptr) {
	l := beginReport(c)
	if l == nil {
		return
	}
	l.Str("lock order: cpu=").Int(c.CPU)
	if c.Interrupt() {
		l.Str(" in an interrupt handler")
	}
	l.Byte(' ').Str(does)
	if lock != nil {
		h := HeldLock{lock: lock, site: site, class: class}
		h.Print(l)
	}
	for i := range c.Held() {
		c.locks[i].Print(newLine().Str("lock order: held ").Int(i).Byte(' '))
	}
	if c.n == 0 {
		newLine().Str("lock order: held none")
	}
	var said uint64
	for i := range c.Held() {
		if h := c.locks[i].class; class != ClassNone && said>>h&1 == 0 {
			said |= 1 << h
			declared(class, h)
		}
	}
	if class.kind() == kindSpinIRQ {
		newLine().Str("lock order: declared ").Str(class.Name()).Str(" for handlers: with interrupts off only")
	}
	if class.kind() == kindSpin && c.Interrupt() {
		newLine().Str("lock order: declared ").Str(class.Name()).Str(" not for handlers")
	}
	endReport()
}

// reportCircle reports the declared path from a class to itself.
func reportCircle(classes *[NumClasses]classInfo, c Class) {
	if l := beginReport(nil); l != nil {
		printPath(l.Str("lock order: declared "), classes, c, c)
		endReport()
	}
}

// declared prints what forbids to take wanted under held, if anything does.
func declared(wanted, held Class) {
	switch {
	case wanted == held && wanted.Nests():
		newLine().Str("lock order: declared ").Str(wanted.Name()).Str(" nesting: in ascending order of address only")
	case wanted == held:
		newLine().Str("lock order: declared ").Str(wanted.Name()).Str(" not nesting: one at a time")
	case MayTake(held, wanted):
	case wanted.Sleeps() && !held.Sleeps():
		newLine().Str("lock order: every sleep class < every spin class, so ").Str(wanted.Name()).Str(" < ").Str(held.Name())
	case MayTake(wanted, held):
		printPath(newLine().Str("lock order: declared "), &classes, wanted, held)
	default:
		newLine().Str("lock order: declared nothing about ").Str(held.Name()).Str(" and ").Str(wanted.Name())
	}
}

// printPath appends a shortest path of declared edges from one class to another, which must exist: from < … < to. If both
// are one, it is a circle.
func printPath(l *text.Line, classes *[NumClasses]classInfo, from, to Class) {
	// Backwards from the end: distance is 1 + how many edges lead from a class to it.
	var distance [NumClasses]int
	for round := 1; round <= NumClasses && distance[from] == 0; round++ {
		for c := range classes {
			for next := range classes {
				if distance[c] == 0 && classes[c].before>>next&1 != 0 &&
					(round == 1 && next == int(to) || round > 1 && distance[next] == round-1) {
					distance[c] = round
				}
			}
		}
	}
	l.Str(classes[from].name)
	at := int(from)
	for left := distance[from] - 1; left >= 0; left-- {
		for next := range classes {
			if classes[at].before>>next&1 != 0 && (left == 0 && next == int(to) || left > 0 && distance[next] == left) {
				at = next
				break
			}
		}
		l.Str(" < ").Str(classes[at].name)
	}
}

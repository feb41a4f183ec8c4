package dag

import "exo/kernel/text"

// Components of a Demand. The units are the caller's; a Capacity and what is demanded of it must agree.
const (
	CPU = iota
	Memory
	IO
	Net
	GPU
	Disk
	IRQ
	Caps
	Components
)

var componentNames = [Components]string{"cpu", "memory", "io", "net", "gpu", "disk", "irq", "caps"}

// Demand is how much of each resource somebody needs. Demands are compared component by component: of two, none may be the
// larger one. There is no product of them, and no component speaks for another.
type Demand [Components]uint32

// Fits says whether no component of d is larger than that of in.
func (d *Demand) Fits(in *Demand) bool {
	for i := range d {
		if d[i] > in[i] {
			return false
		}
	}
	return true
}

// Add returns d + e; false, and nothing, if a component would be larger than a component can be.
func (d *Demand) Add(e *Demand) (sum Demand, ok bool) {
	for i := range d {
		if sum[i] = d[i] + e[i]; sum[i] < d[i] {
			return Demand{}, false
		}
	}
	return sum, true
}

// Sub returns d - e; false, and nothing, if a component would be below 0.
func (d *Demand) Sub(e *Demand) (rest Demand, ok bool) {
	if !e.Fits(d) {
		return Demand{}, false
	}
	for i := range d {
		rest[i] = d[i] - e[i]
	}
	return rest, true
}

// Print appends the components that are not 0.
func (d *Demand) Print(l *text.Line) {
	n := 0
	for i, v := range d {
		if v != 0 {
			if n++; n > 1 {
				l.Byte(' ')
			}
			l.Str(componentNames[i]).Byte('=').Uint(uint64(v))
		}
	}
	if n == 0 {
		l.Str("nothing")
	}
}

// Package dag … capacity.go: how much there is of each resource, and how much of it is in use.
//
//	         Admit  Release  Free      X: callers exclude each other; -: may run together
//	Admit      -       -       -
//	Release    -       -       -
//
// G1. Of no resource is more in use than there is, at no moment.
// G2. Admit takes all that is demanded or, in the end, nothing.
// G3. Admit refuses only if a component did not fit at some moment of the call. It may be that another Admit had it, which
// was refused then; so who waits tries again after every Release and after every Admit that took something back: watchers
// are told.
//
// Progress: lock-free. Callers: anybody, preemption off; interrupt handlers too. Memory: its own words.
// Not promised: that what fits is admitted before what asked later.
//
// Proof sketch. Each component is moved by compare-and-swap, up only as far as the total (G1). They are taken in one order,
// and what was taken is given back if a later one is not there (G2). All are looked at first, so that a refusal that was
// clear from the start disturbs nobody.
package dag

import "exo/kernel/sync/atom"

// Capacity is how much there is. Init it before use.
type Capacity struct {
	total    Demand // never changed
	watchers *Graph // those that use it, by Graph.watcher; complete before any of them starts
	used     [Components]atom.Uint32
}

// Init makes c a capacity of which nothing is in use.
func (c *Capacity) Init(total Demand) {
	c.total, c.watchers = total, nil
	for i := range c.used {
		c.used[i].Store(0)
	}
}

// Total is how much there is.
func (c *Capacity) Total() Demand { return c.total }

// Free is how much is not in use, component by component at about this time.
func (c *Capacity) Free() (d Demand) {
	for i := range d {
		d[i] = c.total[i] - c.used[i].Load()
	}
	return d
}

// fits says whether d would be admitted, if nothing changes.
func (c *Capacity) fits(d *Demand) bool {
	for i := range d {
		if d[i] != 0 && d[i] > c.total[i]-c.used[i].Load() {
			return false
		}
	}
	return true
}

// Admit takes d; false: it does not fit now.
func (c *Capacity) Admit(d *Demand) bool { return c.admit(d, nil) }

func (c *Capacity) admit(d *Demand, who *Graph) bool {
	if !c.fits(d) {
		return false
	}
	for i := range d {
		if !c.take(i, d[i]) {
			for k := range i {
				c.put(k, d[k])
			}
			c.tell(who)
			return false
		}
	}
	return true
}

func (c *Capacity) take(i int, n uint32) bool {
	for n != 0 {
		u := c.used[i].Load()
		if n > c.total[i]-u {
			return false
		}
		if c.used[i].CompareAndSwap(u, u+n) {
			return true
		}
	}
	return true
}

func (c *Capacity) put(i int, n uint32) {
	for n != 0 {
		u := c.used[i].Load()
		if n > u {
			panic("dag: more was released than was admitted")
		}
		if c.used[i].CompareAndSwap(u, u-n) {
			return
		}
	}
}

// Release gives d back, which was admitted, and lets in who waited for it.
func (c *Capacity) Release(d *Demand) { c.release(d, nil) }

// release tells all watchers but one, which looks for itself.
func (c *Capacity) release(d *Demand, but *Graph) {
	for i := range d {
		c.put(i, d[i])
	}
	c.tell(but)
}

func (c *Capacity) tell(but *Graph) {
	for g := c.watchers; g != nil; g = g.watcher {
		if g != but {
			g.Kick()
		}
	}
}

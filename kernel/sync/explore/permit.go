//go:build explore

package explore

import "exo/kernel/sync/atom"

// Permit is a sync.Sleeper for explored threads: one of them parks, any of them unpark it, and one Unpark that comes first is
// kept. The zero value has no permit.
type Permit struct {
	set   atom.Uint32
	Parks *int // counts them, unless it is nil
}

// Park waits for a permit, and takes it.
func (p *Permit) Park() {
	if p.Parks != nil {
		*p.Parks++
	}
	Wait(func() bool { return p.set.Load() == 1 })
	p.set.Swap(0)
}

// Unpark gives one.
func (p *Permit) Unpark() { p.set.Store(1) }

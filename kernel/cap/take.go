package cap

// Take is Delete whatever the capability's rights, as Drop is for all that a holder has: for who takes something back. ErrNone: the
// holder has no such capability; or, from a later call, that it is done.
func (t *Table) Take(cpu int, name Name, from Holder, at Name, steps int) (Name, error) {
	r := t.caps.find(name.slot())
	if r == nil || !from.valid() || !r.lives(name) {
		return 0, ErrNone
	}
	begun := at != 0 && link(r.links().head.Load())&dead != 0
	return t.kill(cpu, name, name.key(from), begun, at, &steps)
}

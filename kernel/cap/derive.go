package cap

// Derivation says what is to be derived: for whom, with which rights, and if Narrow is set for which part of the object.
// A limit is for the capability and all below it; if there is one already, there cannot be a second.
type Derivation struct {
	To     Holder
	Rights Rights
	Narrow bool
	Object Object
	Limit  Limit
}

// Derive makes a capability below another. It needs the right to derive; and if it is for another holder, to transfer.
//
//	parent.head ──► new ──► first ──► …      two locked instructions: the parent's head, the new one's owner
//
// The errors are ErrNone, ErrRights, ErrHolder, ErrObject, ErrLimit, ErrNoMemory, and ErrRevoking: what is below the
// parent is being revoked. If it is revoked right after it was linked, a name is returned, which finds nothing any more.
func (t *Table) Derive(cpu int, parent Name, by Holder, d Derivation) (Name, error) {
	p, m, o, err := t.open(parent, by, Derive)
	switch {
	case err != nil:
		return 0, err
	case !d.To.valid():
		return 0, ErrHolder
	case d.Rights&^m.rights() != 0 || d.To != by && m.rights()&Transfer == 0:
		return 0, ErrRights
	case d.Narrow:
		within := t.kinds[m.kind()].Within
		if within == nil || !within(o, d.Object) {
			return 0, ErrObject
		}
		o = d.Object
	}
	pl := p.links()
	i, r, err := t.make(cpu, o, newMeta(m.kind(), d.Rights)|m&limited, parent, pl.bucket.Load(), d.Limit)
	if err != nil {
		return 0, err
	}
	l := r.links()
	embryo, fresh := r.owner.Load(), link(l.head.Load())
	for {
		h := link(pl.head.Load())
		if p.owner.Load() != parent.key(by) || h&dead != 0 { // after the head: so it is of no later life (G2)
			t.unmake(cpu, i, r)
			return 0, p.none(parent, h)
		}
		if h&closed != 0 {
			t.unmake(cpu, i, r)
			return 0, ErrRevoking
		}
		l.next.StoreRelease(uint64(link(l.next.Load()).to(h.slot(), 0)))
		if swap(&pl.head, h, h.to(i, 0)) { // order: publishes the record; pairs with the loads of revokers (G4)
			if first := h.slot(); first != 0 {
				t.caps.at(first).links().prev.StoreRelease(i)
			}
			break
		}
	}
	name := nameOf(i, embryo)
	if p.owner.Load() != parent.key(by) { // given away: its holder may have revoked before
		if t.takeBack(cpu, name, r, fresh) {
			return 0, ErrNone
		}
		return name, nil // no lookup is to find it, though who kills it may not have come to say so
	}
	r.owner.CompareAndSwap(embryo, name.key(d.To)) // order: pairs with Lookup's first load (G1). If not, it has been killed
	return name, nil
}

// takeBack undoes a derivation that is linked and that no lookup finds yet, unless a revoker has been faster: then it is a
// derivation that was revoked, and torn down.
//
//go:noinline
func (t *Table) takeBack(cpu int, n Name, r *record, fresh link) bool {
	l := r.links()
	if !swap(&l.head, fresh, fresh.to(0, dead|claimed)) {
		return false
	}
	t.detach(cpu, n, r, l)
	return true
}

// Transfer gives a capability to another holder, by its holder, who needs the right to. What is below it stays.
func (t *Table) Transfer(name Name, by, to Holder) error {
	r, _, _, err := t.open(name, by, Transfer)
	switch {
	case err != nil:
		return err
	case !to.valid():
		return ErrHolder
	case !r.owner.CompareAndSwap(name.key(by), name.key(to)): // G9
		return ErrNone
	}
	return nil
}

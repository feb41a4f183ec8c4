package cap

// revoke.go: how what is below a capability goes, from the leaves up, with no stack but the tree itself.
//
//	Revoke(R):   R closed             R closed             R closed         R open
//	            /      \             /      \                    \
//	           A        B          A dead    B    …  A is gone    B    …
//	          / \                 / \
//	         C   D        C claimed  D
//	             torn down, marked, out of the list, freed; then D, A, B
//
// A leaf costs three locked instructions (claim, mark, take out), an inner node one more.

// Revoke kills all that is below a capability, in at most so many steps. It returns 0 if that is done; otherwise where it
// is: call again with that, where the first call has 0. In between nothing can be derived from the capability. Revoke needs
// the right to. ErrNone: the capability is no more, so whoever killed it sees to what was below; or it has been given away
// between two calls, and nothing can be derived from it before its new holder revokes.
//
// A step looks at one capability; one that has no child takes one, another up to three.
func (t *Table) Revoke(cpu int, name Name, by Holder, at Name, steps int) (Name, error) {
	r, _, _, err := t.open(name, by, Revoke)
	if err != nil {
		return 0, err
	}
	for {
		h := link(r.head.Load())
		if r.owner.Load() != name.key(by) || h&dead != 0 {
			return 0, ErrNone
		}
		if h&closed == 0 && (h.slot() == 0 || t.revokeOnly(cpu, r, h)) {
			return 0, nil
		}
		if h&closed != 0 || swap(&r.head, h, h.to(h.slot(), closed)) { // order: no child is linked from now on (G4)
			break
		}
	}
	for {
		if at = t.reap(cpu, name, at, &steps); at != 0 {
			return at, nil
		}
		h := link(r.head.Load())
		switch {
		case !r.lives(name) || h&dead != 0 || h&closed == 0: // somebody else has ended it, with nothing below
			return 0, nil
		case h.slot() != 0: // and begun again
		case swap(&r.head, h, h.to(0, 0)):
			return 0, nil
		}
	}
}

// revokeOnly kills the only child, if that is what there is and it has none itself: then nothing need be closed, for what
// is derived meanwhile comes after.
func (t *Table) revokeOnly(cpu int, r *record, h link) bool {
	c := t.caps.at(h.slot())
	ch, next := link(c.head.Load()), link(c.next.Load())
	child := nameOf(h.slot(), c.owner.Load())
	if ch.slot() != 0 || ch&claimed != 0 || next.slot() != 0 || link(r.head.Load()) != h { // else it was the only one when next was read
		return false
	}
	if !swap(&c.head, ch, ch.to(0, dead|claimed)) { // order: as in kill
		return false
	}
	t.finish(cpu, child, c)
	return true
}

// Delete kills a capability and all below it, as Revoke does. It needs the right to delete. The capability itself is dead at
// once. ErrNone from a later call says that it is done, too.
func (t *Table) Delete(cpu int, name Name, by Holder, at Name, steps int) (Name, error) {
	r := t.caps.find(name.slot())
	if r == nil || by == Nobody {
		return 0, ErrNone
	}
	m, h := meta(r.meta.Load()), link(r.head.Load())
	begun := at != 0 && h&dead != 0 // then whoever holds it by now, it is to be ended
	switch lacks := m.rights()&Delete == 0; {
	case begun && !r.lives(name):
		return 0, ErrNone
	case begun:
	case r.owner.Load() != name.key(by) || lacks && h&dead != 0:
		return 0, ErrNone
	case lacks:
		return 0, ErrRights
	}
	return t.kill(cpu, name, name.key(by), begun, at, &steps)
}

// Drop deletes what a holder has, found in the slots from one on, whatever its rights: for when the holder is no more. Each
// slot looked at is a step too. It returns slot 0 when there is no more, and otherwise what to call it with again, where the
// first call has 0 and 0. What is given to the holder meanwhile may be missed: keep others from that first.
func (t *Table) Drop(cpu int, h Holder, slot uint32, at Name, steps int) (uint32, Name) {
	end := t.caps.slots()
	for i := max(slot, 1); i < end; i++ {
		if steps <= 0 {
			return i, at
		}
		steps--
		r := t.caps.at(i)
		begun := at != 0 && link(r.head.Load())&dead != 0
		owner := r.owner.Load()
		if h != Nobody && (Holder(owner) == h || begun && Holder(owner) != Nobody) {
			if at, _ = t.kill(cpu, nameOf(i, owner), owner, begun, at, &steps); at != 0 {
				return i, at
			}
		}
		at = 0
	}
	return 0, 0
}

// kill marks a capability dead, so long as it has the owner word, if that has not begun yet; reaps what is below it; and
// then tears it down, unless somebody else does. From when it has begun the holder does not matter, for a transfer may
// come late.
func (t *Table) kill(cpu int, name Name, key uint64, begun bool, at Name, steps *int) (Name, error) {
	r := t.caps.at(name.slot())
	for {
		h := link(r.head.Load())
		switch {
		case begun && !r.lives(name):
			return 0, nil // somebody else has ended it
		case !begun && r.owner.Load() != key:
			return 0, ErrNone
		case h&claimed != 0:
			return name, nil // its teardown is under way
		case h.slot() == 0:
			if swap(&r.head, h, h.to(0, dead|claimed)) { // order: no lookup succeeds from now on (G1, G3)
				t.finish(cpu, name, r)
				return 0, nil
			}
		case h&dead != 0:
			begun = true
			if at = t.reap(cpu, name, at, steps); at != 0 {
				return at, nil
			}
		default:
			begun = swap(&r.head, h, h.to(h.slot(), dead))
		}
	}
}

// reap kills and frees what is below a closed or dead capability, from the leaves up. It goes on at a place where an earlier
// call left off; any other does no harm, for it kills only what has a dead parent, or the root for one. It returns 0 when there
// is nothing, or the capability is gone, or open again; otherwise where it is: the steps are used up, or a teardown is under
// way elsewhere.
func (t *Table) reap(cpu int, root, at Name, steps *int) Name {
	n := at
	if n == 0 || t.caps.find(n.slot()) == nil {
		n = root
	}
	for ; *steps > 0; *steps-- {
		r := t.caps.at(n.slot())
		h := link(r.head.Load())
		up := Name(r.parent.Load())
		switch {
		case n == root && (!r.lives(n) || h.slot() == 0 || h&(closed|dead) == 0):
			return 0
		case n != root && (!r.lives(n) || h&dead == 0): // after the head: so that is of no later life
			n = root
			continue
		case h.slot() == 0: // n is dead, so it stays childless
			if h&claimed != 0 {
				if !t.help(cpu, n, r) {
					return n
				}
			} else if swap(&r.head, h, h.to(0, dead|claimed)) {
				t.finish(cpu, n, r)
			}
			if n = up; n == 0 { // not below the root
				n = root
			}
			continue
		}
		c := t.caps.at(h.slot())
		ch := link(c.head.Load())
		child := nameOf(h.slot(), c.owner.Load())
		if link(r.head.Load()) != h { // else c was n's first child all the time, and ch and the name are that child's
			continue
		}
		switch {
		case ch&claimed != 0:
			if !t.help(cpu, child, c) {
				return n
			}
		case ch.slot() != 0:
			if ch&dead != 0 || swap(&c.head, ch, ch.to(ch.slot(), dead)) {
				n = child
			}
		case swap(&c.head, ch, ch.to(0, dead|claimed)): // order: as in kill
			t.finish(cpu, child, c)
		}
	}
	return n
}

// help takes a capability out that somebody else has claimed, if there is nothing but that left to do.
func (t *Table) help(cpu int, n Name, r *record) bool {
	k := meta(r.meta.Load()).kind()
	next := link(r.next.Load())
	if !r.lives(n) {
		return true
	}
	if next&marked == 0 && t.kinds[k].Teardown != nil {
		return false
	}
	t.remove(cpu, n, r)
	return true
}

// finish tears down what the caller has claimed, and takes it out.
func (t *Table) finish(cpu int, n Name, r *record) {
	m, o := meta(r.meta.Load()), Object{r.object[0].Load(), r.object[1].Load()}
	if !r.lives(n) {
		return // somebody has helped; so its kind had nothing to do
	}
	if down := t.kinds[m.kind()].Teardown; down != nil {
		down(cpu, n, m.rights(), o)
	}
	t.remove(cpu, n, r)
}

// remove takes a capability that is torn down out of its parent's list, and frees it, unless somebody else does.
func (t *Table) remove(cpu int, n Name, r *record) {
	parent := Name(r.parent.Load())
	x := link(r.next.Load())
	for {
		if !r.lives(n) {
			return
		}
		if parent == 0 {
			t.free(cpu, n, r) // in no list; nobody helps
			return
		}
		if x&marked != 0 {
			break
		}
		if m := x.to(x.slot(), marked); swap(&r.next, x, m) { // order: the successor stays (see Table)
			x = m
			break
		}
		x = link(r.next.Load())
	}
	p := t.caps.at(parent.slot())
	for {
		h := link(p.head.Load())
		if h.slot() != n.slot() || link(r.next.Load()) != x {
			break
		}
		if swap(&p.head, h, h.to(x.slot(), h.flags())) {
			t.free(cpu, n, r)
			return
		}
	}
	if r.lives(n) && !t.bypass(cpu, n, r, x) {
		t.sweep(cpu, n, parent)
	}
}

// bypass takes n, whose next is x, out behind the sibling that the hint names, if it does stand there.
func (t *Table) bypass(cpu int, n Name, r *record, x link) bool {
	i := r.prev.Load()
	if i == 0 {
		return false
	}
	q := t.caps.at(i)
	w := link(q.next.Load())
	switch {
	case w.slot() != n.slot() || w&marked != 0:
		return false
	case Holder(q.owner.Load()) == Nobody: // in no list yet, perhaps. Otherwise it is in one as long as its next is w
		return false
	case link(r.next.Load()) != x: // after w: so w leads to n, and not to a later life
		return false
	case !swap(&q.next, w, w.to(x.slot(), 0)):
		return false
	}
	if s := x.slot(); s != 0 {
		t.caps.at(s).prev.StoreRelease(i)
	}
	t.free(cpu, n, r)
	return true
}

// sweep goes through the parent's list, takes out what is marked, and ends when it has taken out n or n is not there.
func (t *Table) sweep(cpu int, n, parent Name) {
	p := t.caps.at(parent.slot())
again:
	from := &p.head
	w := link(from.Load())
	if !p.lives(parent) {
		return
	}
	for w.slot() != 0 {
		i := w.slot()
		r := t.caps.at(i)
		x := link(r.next.Load())
		name := nameOf(i, r.owner.Load())
		if link(from.Load()) != w { // else r was in the list when x was read
			goto again
		}
		if x&marked == 0 {
			from, w = &r.next, x
			continue
		}
		shorter := w.to(x.slot(), w.flags())
		if !swap(from, w, shorter) {
			goto again
		}
		t.free(cpu, name, r)
		if name == n {
			return
		}
		w = shorter
	}
}

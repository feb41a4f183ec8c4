package cap

// revoke.go: how what is below a capability goes, from the leaves up, with no stack but the tree itself.
//
//	Revoke(R):   R closed             R closed             R closed         R open
//	            /      \             /      \                    \
//	           A        B          A dead    B    …  A is gone    B    …
//	          / \                 / \
//	         C   D        C claimed  D
//	             gone, torn down, marked; so is D; then both are taken out, which claims A
//
// A leaf costs two locked instructions (claim, mark) and its share of a third (taken out, with those beside it); an inner node
// three and a share: to be dead, the mark, or the claim too if another took the last child out. What has something to tear
// down costs one more.

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
	l := r.links()
	for {
		h := link(l.head.Load())
		if r.owner.Load() != name.key(by) || h&dead != 0 {
			return 0, r.none(name, h)
		}
		if h&closed == 0 && (h.slot() == 0 || t.revokeOnly(cpu, l, h)) {
			return 0, nil
		}
		if h&closed != 0 || swap(&l.head, h, h.to(h.slot(), closed)) { // order: no child is linked from now on (G4)
			break
		}
	}
	for {
		if at = t.reap(cpu, name, at, &steps); at != 0 {
			return at, nil
		}
		h := link(l.head.Load())
		switch {
		case !r.lives(name) || h&dead != 0 || h&closed == 0: // somebody else has ended it, with nothing below
			return 0, nil
		case h.slot() != 0: // and begun again
		case swap(&l.head, h, h.to(0, 0)):
			return 0, nil
		}
	}
}

// revokeOnly kills the only child, if that is what there is and it has none itself: then nothing need be closed, for what
// is derived meanwhile comes after.
func (t *Table) revokeOnly(cpu int, l *links, h link) bool {
	c := t.caps.at(h.slot())
	cl := c.links()
	ch, next := link(cl.head.Load()), link(cl.next.Load())
	child := nameOf(h.slot(), c.owner.Load())
	if ch.slot() != 0 || ch&claimed != 0 || next.slot() != 0 || link(l.head.Load()) != h { // else it was the only one when next was read
		return false
	}
	if !swap(&cl.head, ch, ch.to(0, dead|claimed)) { // order: as in kill
		return false
	}
	t.finish(cpu, child, c, cl)
	return true
}

// Delete kills a capability and all below it, as Revoke does. It needs the right to delete. The capability itself is dead at
// once. ErrNone from a later call says that it is done, too.
func (t *Table) Delete(cpu int, name Name, by Holder, at Name, steps int) (Name, error) {
	r := t.caps.find(name.slot())
	if r == nil || !by.valid() {
		return 0, ErrNone
	}
	w := r.owner.Load()
	m, h := meta(r.meta.Load()), link(r.links().head.Load())
	begun := at != 0 && h&dead != 0 // then whoever holds it by now, it is to be ended
	switch lacks := m.rights()&Delete == 0; {
	case w>>32 != name.generation() || !r.lives(name): // before and after: so the others are of this life
		return 0, ErrNone
	case begun:
	case w&^gone != name.key(by):
		return 0, ErrNone
	case lacks && h&dead != 0:
		return 0, r.none(name, h)
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
		if at == 0 && h.valid() { // the rest of a chunk lies in a row
			all := t.caps.rest(i, min(end-i, uint32(max(steps, 0))))
			n := 0
			for n < len(all) && Holder(all[n].owner.Load()&^gone) != h {
				n++
			}
			if steps -= n; n == len(all) {
				i += uint32(n) - 1
				if steps <= 0 {
					return i + 1, 0
				}
				continue
			}
			i += uint32(n)
		}
		if steps <= 0 {
			return i, at
		}
		steps--
		if at = t.DropSlot(cpu, h, i, at, &steps); at != 0 {
			return i, at
		}
	}
	return 0, 0
}

// DropSlot is Drop for one slot. It returns 0 when there is nothing of the holder's, and otherwise what to call it with again.
func (t *Table) DropSlot(cpu int, h Holder, slot uint32, at Name, steps *int) Name {
	r := t.caps.find(slot)
	if r == nil || !h.valid() {
		return 0
	}
	begun := at != 0 && link(r.links().head.Load())&dead != 0
	owner := r.owner.Load() &^ gone
	if Holder(owner) != h && (!begun || Holder(owner) == Nobody) {
		return 0
	}
	at, _ = t.kill(cpu, nameOf(slot, owner), owner, begun, at, steps)
	return at
}

// DropOne is Drop for one capability, by its name. What there is below it, more than so many steps, is left for who calls Delete or Drop.
func (t *Table) DropOne(cpu int, n Name, h Holder, steps int) {
	if h.valid() && t.caps.find(n.slot()) != nil {
		t.kill(cpu, n, n.key(h), false, 0, &steps)
	}
}

// kill marks a capability dead, so long as it has the owner word, if that has not begun yet; reaps what is below it; and
// then tears it down, unless somebody else does. From when it has begun the holder does not matter, for a transfer may
// come late.
func (t *Table) kill(cpu int, name Name, key uint64, begun bool, at Name, steps *int) (Name, error) {
	r := t.caps.at(name.slot())
	l := r.links()
	for {
		h := link(l.head.Load())
		switch {
		case begun && !r.lives(name):
			return 0, nil // somebody else has ended it
		case !begun && r.owner.Load()&^gone != key:
			return 0, ErrNone
		case h&claimed != 0:
			r.hide(name)
			return name, nil // its teardown is under way
		case h.slot() == 0:
			if swap(&l.head, h, h.to(0, dead|claimed)) { // order: no child is linked from now on (G4)
				t.finish(cpu, name, r, l)
				return 0, nil
			}
		case h&dead != 0:
			begun = true
			r.hide(name)
			if at = t.reap(cpu, name, at, steps); at != 0 {
				return at, nil
			}
		default:
			begun = swap(&l.head, h, h.to(h.slot(), dead))
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
	r := t.caps.at(n.slot())
	for ; *steps > 0; *steps-- {
		l := r.links()
		h := link(l.head.Load())
		up := Name(l.parent.Load())
		switch {
		case n == root && (!r.lives(n) || h.slot() == 0 || h&(closed|dead) == 0):
			return 0
		case n != root && (!r.lives(n) || h&dead == 0): // after the head: so that is of no later life
			n, r = root, t.caps.at(root.slot())
			continue
		case h.slot() == 0: // n is dead, so it stays childless
			if h&claimed == 0 && swap(&l.head, h, h.to(0, dead|claimed)) {
				t.finish(cpu, n, r, l)
			}
			if n = up; n == 0 { // not below the root
				n = root
			}
			r = t.caps.at(n.slot())
			continue
		}
		c := t.caps.at(h.slot())
		cl := c.links()
		ch := link(cl.head.Load())
		child := nameOf(h.slot(), c.owner.Load())
		if link(l.head.Load()) != h { // else c was n's first child all the time, and ch and the name are that child's
			continue
		}
		switch {
		case ch&claimed != 0:
			if !t.help(cpu, child, c, cl) {
				return n
			}
		case ch.slot() != 0:
			if ch&dead != 0 || swap(&cl.head, ch, ch.to(ch.slot(), dead)) {
				n, r = child, c
			}
		case swap(&cl.head, ch, ch.to(0, dead|claimed)): // order: as in kill
			n, r = t.climb(cpu, root, n, r, h, child, c, steps)
		}
	}
	return n
}

// climb ends the first child of n, whose head is h, which the caller has claimed, and those behind it; if that claims n, n
// likewise; and so on up to the root. It returns where it is.
func (t *Table) climb(cpu int, root, n Name, r *record, h link, child Name, c *record, steps *int) (Name, *record) {
	for l := r.links(); t.leaves(cpu, l, h, n != root, child, c, steps); {
		child, c, n = n, r, Name(l.parent.Load())
		if n == 0 { // not below the root
			t.finish(cpu, child, c, l)
			return root, t.caps.at(root.slot())
		}
		cl := l
		r = t.caps.at(n.slot())
		l = r.links()
		h = link(l.head.Load()) // of the child's parent, which lives as long as the child is in its list
		if *steps--; *steps <= 1 || h.slot() != child.slot() || h&dead == 0 && (n != root || h&closed == 0) {
			t.finish(cpu, child, c, cl)
			break
		}
	}
	return n, r
}

// together is how many are taken out of a list at once.
const together = 8

// leaves ends the first child of a closed or dead capability, whose links are l and whose head is h. The caller has claimed
// the child. Those behind it go too, until one that has children itself, and they are taken out together; if that was all
// there were, and claim is set, it claims the parent and says so.
//
// A marked next does not change. So as long as the head is h, what stands behind a row of the marked is in the list.
func (t *Table) leaves(cpu int, l *links, h link, claim bool, child Name, c *record, steps *int) bool {
	var row [together]struct {
		n Name
		r *record
	}
	var next link
	k := 0
	for {
		t.tearDown(cpu, child, c)
		next = c.links().mark()
		row[k].n, row[k].r = child, c
		k++
		i := next.slot()
		if i == 0 || k == together || *steps <= 1 {
			break
		}
		c = t.caps.at(i)
		cl := c.links()
		ch := link(cl.head.Load())
		child = nameOf(i, c.owner.Load())
		if link(l.head.Load()) != h { // else it is a child; see reap
			break
		}
		if ch.slot() != 0 || ch&claimed != 0 || !swap(&cl.head, ch, ch.to(0, dead|claimed)) { // order: as in kill
			break
		}
		*steps--
	}
	flags := h.flags()
	claim = claim && next.slot() == 0
	if claim {
		flags |= claimed
	}
	if swap(&l.head, h, h.to(next.slot(), flags)) {
		for i := range row[:k] {
			t.free(cpu, row[i].n, row[i].r)
		}
		return claim
	}
	for i := range row[:k] { // somebody else has changed the head, perhaps taken some out
		n, r := row[i].n, row[i].r
		l := r.links()
		if x := link(l.next.Load()); r.lives(n) {
			t.takeOut(cpu, n, r, l, x)
			if x&helped != 0 {
				t.free(cpu, n, r)
			}
		}
	}
	return false
}

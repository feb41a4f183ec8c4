package cap

// detach.go: how one that is claimed ends. Who has claimed it is alone with it until it is marked, unless it has nothing to
// tear down: then others help.
//
//	claimed ──► gone ──► torn down ──► marked ──► out of the list ──► free
//	   └──────► gone ────────────────► marked, helped ──► out ··· freed by who claimed it
//
// The claimer sets gone by a plain store, which may come late if somebody helps. So then the slot must not be used again
// before that, and the claimer frees it, when it finds the word already marked.

// hide makes lookups of a capability fail from now on.
func (r *record) hide(n Name) {
	for {
		w := r.owner.Load()
		if w>>32 != n.generation() || w&gone != 0 || r.owner.CompareAndSwap(w, w|gone) { // order: before a teardown (G3)
			return
		}
	}
}

// none is ErrNone, of a capability whose head is or was h; from then on lookups do not find it either, if that is why.
func (r *record) none(n Name, h link) error {
	if h&dead != 0 {
		r.hide(n)
	}
	return ErrNone
}

// finish ends what the caller has claimed.
func (t *Table) finish(cpu int, n Name, r *record, l *links) {
	if l.parent.Load() == 0 { // it is in no list; nobody helps
		r.hide(n)
		t.tearDown(cpu, n, r)
		t.free(cpu, n, r)
		return
	}
	t.tearDown(cpu, n, r)
	t.detach(cpu, n, r, l)
}

// tearDown hides what the caller has claimed, and tears it down.
func (t *Table) tearDown(cpu int, n Name, r *record) {
	m := meta(r.meta.Load())
	down := t.kinds[m.kind()].Teardown
	if down == nil {
		r.owner.StoreRelease(r.owner.Load() | gone) // order: before the mark (G3)
		return
	}
	r.hide(n)
	down(cpu, n, m.rights(), Object{r.object[0].Load(), r.object[1].Load()})
}

// mark marks the next of what the caller has claimed, unless somebody has helped, and returns it.
func (l *links) mark() link {
	for {
		x := link(l.next.Load())
		if x&marked != 0 {
			return x
		}
		if m := x.to(x.slot(), marked); swap(&l.next, x, m) { // order: the successor stays (see Table)
			return m
		}
	}
}

// detach takes what the caller has claimed, and is torn down, out of its parent's list, and frees it, unless somebody else does.
func (t *Table) detach(cpu int, n Name, r *record, l *links) {
	x := l.mark()
	t.takeOut(cpu, n, r, l, x)
	if x&helped != 0 {
		t.free(cpu, n, r)
	}
}

// help takes a capability out that somebody else has claimed, if there is nothing but that left to do.
func (t *Table) help(cpu int, n Name, r *record, l *links) bool {
	k := meta(r.meta.Load()).kind()
	x := link(l.next.Load())
	if !r.lives(n) {
		return true
	}
	if x&marked == 0 {
		if t.kinds[k].Teardown != nil {
			return false
		}
		r.hide(n)
		m := x.to(x.slot(), marked|helped)
		if !swap(&l.next, x, m) {
			return true // something has changed; it will be looked at again
		}
		x = m
	}
	t.takeOut(cpu, n, r, l, x)
	return true
}

// takeOut takes a capability out of its parent's list, where its next x is marked, and frees it, unless somebody else does.
func (t *Table) takeOut(cpu int, n Name, r *record, l *links, x link) {
	parent := Name(l.parent.Load())
	pl := t.caps.at(parent.slot()).links()
	for {
		h := link(pl.head.Load())
		if h.slot() != n.slot() || link(l.next.Load()) != x {
			break
		}
		if swap(&pl.head, h, h.to(x.slot(), h.flags())) {
			t.taken(cpu, n, r, x)
			return
		}
	}
	if r.lives(n) && !t.bypass(cpu, n, r, l, x) {
		t.sweep(cpu, n, parent)
	}
}

// taken frees what the caller has taken out, unless that is left to who claimed it.
func (t *Table) taken(cpu int, n Name, r *record, x link) {
	if x&helped == 0 {
		t.free(cpu, n, r)
	}
}

// bypass takes n, whose next is x, out behind the sibling that the hint names, if it does stand there.
func (t *Table) bypass(cpu int, n Name, r *record, l *links, x link) bool {
	i := l.prev.Load()
	if i == 0 {
		return false
	}
	q := t.caps.at(i)
	ql := q.links()
	w := link(ql.next.Load())
	switch {
	case w.slot() != n.slot() || w&marked != 0:
		return false
	case Holder(q.owner.Load()&^gone) == Nobody: // in no list yet, perhaps. Otherwise it is in one as long as its next is w
		return false
	case link(l.next.Load()) != x: // after w: so w leads to n, and not to a later life
		return false
	case !swap(&ql.next, w, w.to(x.slot(), 0)):
		return false
	}
	if s := x.slot(); s != 0 {
		t.caps.at(s).links().prev.StoreRelease(i)
	}
	t.taken(cpu, n, r, x)
	return true
}

// sweep goes through the parent's list, takes out what is marked, and ends when it has taken out n or n is not there.
func (t *Table) sweep(cpu int, n, parent Name) {
	p := t.caps.at(parent.slot())
again:
	from := &p.links().head
	w := link(from.Load())
	if !p.lives(parent) {
		return
	}
	for w.slot() != 0 {
		i := w.slot()
		r := t.caps.at(i)
		l := r.links()
		x := link(l.next.Load())
		name := nameOf(i, r.owner.Load())
		if link(from.Load()) != w { // else r was in the list when x was read
			goto again
		}
		if x&marked == 0 {
			from, w = &l.next, x
			continue
		}
		shorter := w.to(x.slot(), w.flags())
		if !swap(from, w, shorter) {
			goto again
		}
		t.taken(cpu, name, r, x)
		if name == n {
			return
		}
		w = shorter
	}
}

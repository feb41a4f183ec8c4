package cap

import "exo/kernel/sync/atom"

// Lookup finds what a capability is for, if it is of the kind and has the rights, and counts the use if it has a limit. The
// errors are ErrNone, ErrKind, ErrRights and ErrRate.
func (t *Table) Lookup(name Name, by Holder, k Kind, need Rights) (Object, error) {
	r := t.caps.find(name.slot())
	if r == nil || !by.valid() {
		return Object{}, ErrNone
	}
	key := name.key(by)
	if r.owner.Load() != key { // order: before the other loads (G1)
		return Object{}, ErrNone
	}
	m, o := meta(r.meta.Load()), Object{r.object[0].Load(), r.object[1].Load()}
	if r.owner.Load() != key {
		return Object{}, ErrNone
	}
	if !m.allows(k, need) {
		if err := t.use(r, m, key, k, need); err != nil {
			return Object{}, err
		}
	}
	return o, nil
}

// Check is Lookup for who knows the object already.
func (t *Table) Check(name Name, by Holder, k Kind, need Rights) error {
	r := t.caps.find(name.slot())
	if r == nil || !by.valid() {
		return ErrNone
	}
	key := name.key(by)
	if r.owner.Load() != key {
		return ErrNone
	}
	m := meta(r.meta.Load())
	if r.owner.Load() != key {
		return ErrNone
	}
	if !m.allows(k, need) {
		return t.use(r, m, key, k, need)
	}
	return nil
}

// Known is a capability that a lookup has found, for who looks it up again and again: records do not move, and a key is never
// another capability's.
type Known struct {
	owner *atom.Uint64
	key   uint64
}

// Forget makes k one that is not alive.
func (k *Known) Forget() { *k = Known{&noOwner, 1} }

var noOwner atom.Uint64

// Alive says whether the lookup would find the same again. Not of the zero Known: Forget that.
func (k *Known) Alive() bool { return k.owner.Load() == k.key }

// Know is Lookup for a capability whose uses are not limited, nor counted by this; false: it would not be found, or is another one.
func (t *Table) Know(name Name, by Holder, k Kind, need Rights) (known Known, o Object, ok bool) {
	r := t.caps.find(name.slot())
	if r == nil || !by.valid() {
		return Known{}, Object{}, false
	}
	known = Known{&r.owner, name.key(by)}
	if !known.Alive() { // order: as in Lookup
		return Known{}, Object{}, false
	}
	m, o := meta(r.meta.Load()), Object{r.object[0].Load(), r.object[1].Load()}
	return known, o, known.Alive() && m.allows(k, need)
}

// Kept finds the object of a capability, its first word, if the second is as said, for who keeps its teardown from ending meanwhile: so the slot is no other's
// before that is over. nil: it would not be found, or its uses are limited. The name's slot is one that there may be.
//
//exo:inline
func (t *Table) Kept(name Name, by Holder, k Kind, need Rights, size uint64) *atom.Uint64 {
	p := t.caps.top[name.slot()/(perPage*perChunk)%uint32(len(t.caps.top))].Load()
	if p == nil {
		return nil
	}
	c := p[name.slot()/perChunk%perPage].Load() // order: as in find
	if c == nil {
		return nil
	}
	r := &c[name.slot()%perChunk]
	if r.owner.Load() != name.key(by) { // order: before the others
		return nil
	}
	if m := meta(r.meta.Load()); m&(kindMask|limited|meta(need)) != newMeta(k, need) {
		return nil
	}
	if r.object[1].Load() != size {
		return nil
	}
	return &r.object[0]
}

// CheckAll checks many, for one holder, and returns how many passed before one did not, and what was wrong with that one.
// Uses of those that passed are counted.
func (t *Table) CheckAll(names []Name, by Holder, k Kind, need Rights) (int, error) {
	for i, n := range names {
		if err := t.Check(n, by, k, need); err != nil {
			return i, err
		}
	}
	return len(names), nil
}

// use says what is wrong with a capability that is not simply right, and if nothing is, counts the use.
//
//go:noinline
func (t *Table) use(r *record, m meta, key uint64, k Kind, need Rights) error {
	switch {
	case m.kind() != k:
		return ErrKind
	case m.rights()&need != need:
		return ErrRights
	}
	return t.draw(r, key)
}

// open finds a capability that something is to be done with.
func (t *Table) open(name Name, by Holder, need Rights) (r *record, m meta, o Object, err error) {
	r = t.caps.find(name.slot())
	if r == nil || !by.valid() || r.owner.Load() != name.key(by) {
		return nil, 0, o, ErrNone
	}
	m, o = meta(r.meta.Load()), Object{r.object[0].Load(), r.object[1].Load()}
	if h := link(r.links().head.Load()); h&dead != 0 || r.owner.Load() != name.key(by) {
		return nil, 0, o, r.none(name, h)
	}
	if m.rights()&need != need {
		return nil, 0, o, ErrRights
	}
	return r, m, o, nil
}

// ObjectOf is the object of a capability of a kind, whatever it permits; false: it is of another, or not the holder's. It counts as no
// use.
func (t *Table) ObjectOf(name Name, by Holder, k Kind) (Object, bool) {
	r := t.caps.find(name.slot())
	if r == nil || !by.valid() || r.owner.Load() != name.key(by) || meta(r.meta.Load()).kind() != k {
		return Object{}, false
	}
	o := Object{r.object[0].Load(), r.object[1].Load()}
	return o, r.owner.Load() == name.key(by)
}

// Info is what a holder may know of its capability.
type Info struct {
	Kind    Kind
	Rights  Rights
	Object  Object
	Derived bool  // from another
	Limit   Limit // its own, or one above; 0: none
}

// Inspect says what a capability is. It needs no right, and counts as no use.
func (t *Table) Inspect(name Name, by Holder) (Info, error) {
	r := t.caps.find(name.slot())
	if r == nil || !by.valid() || r.owner.Load() != name.key(by) {
		return Info{}, ErrNone
	}
	m := meta(r.meta.Load())
	info := Info{m.kind(), m.rights(), Object{r.object[0].Load(), r.object[1].Load()}, r.links().parent.Load() != 0, Limit{}}
	if m&limited != 0 {
		info.Limit = t.bucketAt(r.links().bucket.Load()).limit()
	}
	if r.owner.Load() != name.key(by) {
		return Info{}, ErrNone
	}
	return info, nil
}

// Held writes down names of a holder's capabilities, found in the slots from one on; at most so many slots are looked at,
// each half a cache line. It returns how many names there are, and the slot to go on from, 0 if it was the last. What is given to the holder
// meanwhile may be missed: keep others from that first.
func (t *Table) Held(h Holder, from uint32, names []Name, slots int) (n int, next uint32) {
	end := t.caps.slots()
	for i := max(from, 1); i < end; i++ {
		if n == len(names) || slots == 0 {
			return n, i
		}
		slots--
		r := t.caps.at(i)
		owner := r.owner.Load()
		if Holder(owner) == h && h.valid() {
			names[n] = nameOf(i, owner)
			n++
		}
	}
	return n, 0
}

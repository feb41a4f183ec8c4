// Package cap … table.go: the capability table, direct slots and a tree of links.
//
//	                         find and check   make, change            take away
//	                         Lookup Check     Create Derive Transfer  Revoke Delete Drop   Inspect Held
//	Lookup Check Inspect           -                  -                      -                 -
//	Create Derive Transfer         -                 own                    own                -
//	Revoke Delete Drop             -                 own                    own                -
//
//	-: may run together; own: not twice on one CPU; different CPUs may, on the same capability too
//
// G1. A lookup succeeds only if at some moment of the call the capability was alive, its holder was the one who asks, and it
// had the kind and the rights; what it returns is of that moment. So it does not, whatever the name, for who holds none.
// G2. A derived capability has the rights of its parent or fewer, its kind, and its object or what the kind says is within;
// and the parent was alive, and the caller's, at some moment of the call.
// G3. When Revoke or Delete returns with nothing more to do, no lookup that begins later succeeds for anything that was
// derived from the capability before, at any depth; with Delete, nor for itself. Their teardowns have returned.
// G4. Of a derivation and a revocation above it at the same time, either the derivation fails or what it made is revoked.
// G5. A capability that was made is torn down once: after all that was derived from it, and before its slot is used again.
// G6. A slot's next capability has another name. A slot whose names are used up, 2^32 - 2 of them, is not used again.
// G7. Of a capability with a limit and all below it together, in any time t at most Burst + t/Every lookups succeed.
// G8. Capabilities do not move; the table grows while others read it.
// G9. A transfer takes the capability from one holder to the other at one moment.
//
// Progress: Lookup, Check, Inspect wait-free, but for a limit's bucket: lock-free. Create, Derive, Transfer lock-free.
// Revoke, Delete, Drop return after so many steps; they are lock-free but for teardowns that another CPU has under way
// below the same capability: then they say that there is more to do.
// Callers: finding and checking, anybody. The others: a task on its CPU, preemption off; not interrupt handlers (free
// slots are the CPU's). Preemption may be on between two calls of a Revoke that takes several.
// Memory: type-stable slots with generations. A slot is freed by whoever takes it out of its parent's list; but if one was
// late who had claimed it, and another helped, by the late one, and until then it is not used again.
// Not promised: that who used a lookup's result a while ago still may: bind, and then check again, as after that
// the teardown comes later than the binding. Nor a limit on the steps when many siblings are deleted at the same moment.
//
// Proof sketch. Everything about a life hangs on words that never come back to a value that they had. A lookup reads the
// owner word, the others and the owner word again: the same, so one life all along, and not gone at the first (G1). It is
// gone before it is out of its parent's list, and before anybody is told that it is no more. A child is linked by a
// compare-and-swap of its parent's head, which expects the head that was there when the parent was seen alive and open:
// closed or dead, or of another life, and it is another head (G4, G2). Then the parent's holder is looked at again: if it
// has been given away meanwhile, a revocation by its new holder may have come before the link, and the link is taken
// back. A child is found by lookups only after all that. A revoker closes the head, or marks it dead; from then on the
// list only shrinks. Then it goes to the first child, as long as there is one: it is claimed at once if it has no child,
// else marked dead and gone down to. Whoever takes the last child out of what is dead may claim that with the same
// compare-and-swap. So what is claimed has no child and never will, and when a closed head has none all that was below is
// gone, torn down and out of the list (G3, G5). To be claimed is a compare-and-swap, so one succeeds (G5). Lists are
// Harris's (DISC 2001): a sibling is taken out when its own next is marked, hence neither can anything be linked behind
// it nor its successor be taken out meanwhile; and it is taken out once, for the word that led to it has changed. If
// several in a row are marked, none of the words between them changes, so one compare-and-swap of the head takes them all
// out, or none. (The models' cap.pml is this, step by step.)
package cap

// Table is a table of capabilities. Init it before use.
type Table struct {
	caps    cells
	buckets cells
	cpus    []CPU
	kinds   *[Kinds]Ops
	memory  Memory
	clock   Clock
}

// Clock is what limits are measured by.
type Clock interface {
	// NowNs is the nanoseconds since some moment. CPUs may differ a little.
	NowNs() uint64
}

// CPU is one CPU's part of a table, touched by that CPU alone.
type CPU struct {
	caps, buckets stock
	_             [32]byte
}

// firstSlots is how many a new table has, slot 0 included.
const firstSlots = 256

// Init makes an empty table of 256 slots, in five frames; the error is ErrNoMemory. It grows by a frame for every 64
// capabilities more, and by one for every 32,768.
func (t *Table) Init(cpus []CPU, kinds *[Kinds]Ops, m Memory, c Clock) error {
	if len(cpus) == 0 {
		panic("cap: a table needs a CPU")
	}
	clear(cpus)
	t.cpus, t.kinds, t.memory, t.clock = cpus, kinds, m, c
	for t.caps.chunks.Load() < firstSlots/perChunk {
		first, second := t.caps.grow(0, m)
		if first == 0 {
			return ErrNoMemory
		}
		if first == 1 { // less than a batch, for there is no slot 0
			cpus[0].caps.current = chain(first)<<32 | (batch - 1)
		} else {
			t.caps.deposit(first)
		}
		t.caps.deposit(second)
	}
	return nil
}

// Capability says what is to be made. Limit{} is none.
type Capability struct {
	Kind   Kind
	Rights Rights
	Holder Holder
	Object Object
	Limit  Limit
}

// Create makes a capability that is derived from none: the kernel's to give.
func (t *Table) Create(cpu int, c Capability) (Name, error) {
	switch {
	case !c.Holder.valid():
		return 0, ErrHolder
	case int(c.Kind) >= len(t.kinds):
		return 0, ErrKind
	}
	i, r, err := t.make(cpu, c.Object, newMeta(c.Kind, c.Rights), 0, 0, c.Limit)
	if err != nil {
		return 0, err
	}
	l := r.links()
	l.next.StoreRelease(uint64(link(l.next.Load()).to(0, marked))) // in no list, so nothing is behind it (see bypass)
	name := nameOf(i, r.owner.Load())
	r.owner.StoreRelease(name.key(c.Holder)) // order: after all other words; pairs with Lookup's first load (G1)
	return name, nil
}

// make gets a free slot and fills it in, with the parent's name and bucket. The slot is the caller's: no holder, no list.
func (t *Table) make(cpu int, o Object, m meta, parent Name, bucket uint32, limit Limit) (uint32, *record, error) {
	if limit != (Limit{}) {
		if m&limited != 0 || !limit.valid() {
			return 0, nil, ErrLimit
		}
		if bucket = t.newBucket(cpu, limit); bucket == 0 {
			return 0, nil, ErrNoMemory
		}
		m |= limited | ownsBucket
	}
	i, r := t.caps.get(cpu, &t.cpus[cpu].caps, t.memory)
	if i == 0 {
		if m&ownsBucket != 0 {
			t.buckets.put(&t.cpus[cpu].buckets, bucket, t.buckets.at(bucket))
		}
		return 0, nil, ErrNoMemory
	}
	if r.owner.Load() == 0 {
		r.owner.StoreRelease(1 << 32) // it has held nothing yet, and generation 0 is no name's
	}
	l := r.links()
	l.parent.StoreRelease(uint64(parent))
	r.meta.StoreRelease(uint64(m))
	r.object[0].StoreRelease(o.First)
	r.object[1].StoreRelease(o.Second)
	l.bucket.StoreRelease(bucket)
	l.prev.StoreRelease(0)
	l.head.StoreRelease(uint64(link(l.head.Load()).to(0, 0)))
	return i, r, nil
}

// unmake gives back a slot that was not linked.
func (t *Table) unmake(cpu int, i uint32, r *record) {
	if meta(r.meta.Load())&ownsBucket != 0 {
		t.freeBucket(cpu, r)
	}
	t.caps.put(&t.cpus[cpu].caps, i, r)
}

// free ends the life of a capability that is in no list any more.
func (t *Table) free(cpu int, n Name, r *record) {
	if meta(r.meta.Load())&ownsBucket != 0 {
		t.freeBucket(cpu, r)
	}
	next := n.generation() + 1
	r.owner.StoreRelease(next << 32) // order: before the stores of the next life; pairs with Lookup's second load (G1, G6)
	if next != lastGeneration {
		t.caps.put(&t.cpus[cpu].caps, n.slot(), r)
	}
}

// lastGeneration is no capability's: a slot that comes to it has had its time.
const lastGeneration = 1<<32 - 1

// lives says whether the slot is in the life that n names; where that is asked after a load, what was loaded is of no later
// one.
func (r *record) lives(n Name) bool { return r.owner.Load()>>32 == n.generation() }

// Free counts the free slots, and all that a capability can have. Nothing else may run.
func (t *Table) Free() (free, slots int) {
	free = t.caps.free(func(cpu int) *stock { return &t.cpus[cpu].caps }, len(t.cpus))
	return free, int(t.caps.slots()) - 1
}

// Package paging … table.go: a 4-level page table of ring 3 (SDM vol. 3A §4.5), changed while CPUs walk it.
//
//	          Map  Unmap  Protect  Lookup  Range  Destroy  a CPU's walker      X: callers exclude each other, by the space's
//	Map        X     X       -       -       -       X           -             lock; -: may run together
//	Unmap      X     X       -       -       -       X           -
//	Protect    -     -       -       -       -       X           -             Replace: as Protect
//	Lookup     -     -       -       -       -       X           -
//	Range      -     -       -       -       -       X           -
//	Destroy    X     X       X       X       X       X           X
//
// G1. Lookup, and a CPU, find a page as some Map, Unmap or Protect left it: none half done.
// G2. What returns an error has had no effect: no entry is changed, no frame is taken, no page is in the batch.
// G3. No Accessed or Dirty bit that a CPU sets is lost: Protect keeps them, Unmap returns them.
// G4. No entry is writable and executable; none is global; none is outside [UserBase, UserLimit).
// G5. A table without entries is taken out by the Unmap that emptied it; so there are never more tables than pages × 3.
// G6. A table's frame goes back only after Shoot, and through Frames.Retire. All frames go back as zeroes, as they came, but for
// the root's upper half.
//
// Progress: Lookup wait-free; Protect lock-free (it is retried when a CPU, or another Protect, changes the entry); Map and
// Unmap take at most 4 steps down and 3 up, and no step waits but for the caller's lock.
// Callers: Lookup, Range and Protect with the lock; or in a read section of the grace period that Retire waits for; or, if it
// waits for none, on a CPU in the space's set with interrupts off, for then no Shoot ends meanwhile.
// Memory: the space's own frames, from Frames. How many entries a table has in use is counted in the entry that points to
// it, in bits that the CPU ignores, so no memory is needed beside the tables.
// Not promised: that a page is gone from TLBs when Unmap or Protect returns. Until the batch is shot, a CPU may go on using
// what it cached; nothing of the other size may be mapped in that place (SDM vol. 3A §4.10.2.3); and the tables that were
// taken out are still out of Frames' hands.
//
// Proof sketch. A page's entry is one word. Only Map changes it from 0, by one store: new tables are linked below it
// first, while nobody else can reach them, and one store into a table that is already there shows them all (G1, G2). Only
// Unmap, under the lock too, changes it to 0, by an exchange, which returns the bits set until then; a CPU that
// wants to set Dirty later looks again and finds no page (G3). Protect changes it by compare-and-swap from a present value:
// never from or to 0, so it cannot disturb a count, nor revive a page. The counts change by atomic adds, for the CPU sets
// Accessed in those words. Count 0 is seen under the lock, so nobody is about to use the table: it is unlinked. Who found
// it before reads zeroes there, which is what it would find after (G1): at the moment of unlinking nothing was mapped
// there. In the batch the table's first word links it to the next; its present bit is 0, and to all walkers that is 0.
package paging

import (
	"unsafe"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// Words is a table as it lies in memory.
type Words = [512]atom.Uint64

// Memory is where frame 0 of physical memory lies, the others following: in the kernel the direct map, on a host any memory
// that is long enough for the frames that tables come from.
type Memory struct{ Base unsafe.Pointer }

// table is the table that e, which is present and no page, points to; or the one in the frame whose address e is.
func (m Memory) table(e entry) *Words {
	// SAFETY: the frame is from Frames.Get, or is the kernel's root: RAM, which Memory reaches. No entry of a table points
	// elsewhere, for nobody but this package writes it, and it is given back only when nobody can be reading it.
	return (*Words)(unsafe.Add(m.Base, uintptr(e&frameBits)))
}

func (m Memory) words(f mm.Frame) *Words { return m.table(entry(f.Addr())) }

// Frames is where a space gets its tables from, and who pays for them.
type Frames interface {
	// Get takes a frame of zeroes, not frame 0; false: there is none. Called with the space's lock held.
	Get() (mm.Frame, bool)
	// Put gives one back that nobody can be looking at, as zeroes. With the lock held, or by Destroy.
	Put(f mm.Frame)
	// Retire gives one back, as zeroes, that no CPU's walker reaches any more; but a Lookup that began before may.
	// Called by Shoot.
	Retire(f mm.Frame)
	// GetRoot is Get for a root. filled: its upper half is the kernel's already, for it comes from PutRoot.
	GetRoot() (f mm.Frame, filled, ok bool)
	// PutRoot is Put for a root, as zeroes but for its upper half.
	PutRoot(f mm.Frame)
}

// Table is the page table of one space. Init it before use.
type Table struct {
	memory Memory
	frames Frames
	top    *Words
	root   mm.Frame
	low    uint64 // nothing was ever mapped below
	high   uint64 // nor above, in 2 MiB
	cursor uint64 // Destroy has taken away all below
	nspots int    // more than maxSpots: they are not known
	spots  [maxSpots]uint64
}

// maxSpots is of how many 2 MiB, numbered from 0, it is known that something was mapped there: for Destroy, which need not search for them.
const maxSpots = 8

// spot notes the 2 MiB of an address.
func (t *Table) spot(va uint64) {
	for i := range t.spots {
		switch {
		case i >= t.nspots:
			t.spots[i] = va >> 21
			t.nspots = i + 1
			return
		case t.spots[i] == va>>21:
			return
		}
	}
	t.nspots = maxSpots + 1
}

// nextSpot is the first address from va on, of such that begin 2 MiB, where something may be mapped, if all are known;
// behind UserLimit: nowhere is.
func (t *Table) nextSpot(va uint64) uint64 {
	next := ^uint64(0) >> 21
	for _, s := range t.spots[:t.nspots] {
		if s >= va>>21 && s < next {
			next = s
		}
	}
	return next << 21
}

// Init makes an empty table whose upper half is that of the table at kernelRoot. The kernel fills its upper half's
// entries at boot for good: what is added to it later is not seen here.
func (t *Table) Init(memory Memory, frames Frames, kernelRoot mm.Frame) error {
	root, filled, ok := frames.GetRoot()
	if !ok {
		return ErrTables
	}
	*t = Table{memory: memory, frames: frames, root: root, top: memory.words(root), low: UserLimit}
	if !filled {
		kernel := memory.words(kernelRoot)
		for i := 256; i < 512; i++ {
			t.top[i].StoreRelease(kernel[i].Load())
		}
	}
	return nil
}

// Root is what CR3 points to.
func (t *Table) Root() mm.Frame { return t.root }

// A level is how far an entry is from the pages: 1 points to pages of 4 KiB, 2 to tables of those or to pages of 2 MiB, …
const topLevel = 4

func shift(level int) int { return mm.FrameShift - 9 + 9*level }

func index(va uint64, level int) uint64 { return va >> (shift(level) & 63) & 511 }

// usual says that check has nothing to say, which it does of every small page that may be mapped.
func usual(va uint64, size Size) bool {
	return size == Small && va&(mm.FrameSize-1) == 0 && va-UserBase < UserLimit-UserBase
}

// check is what all operations that are given a page check first.
//
//go:noinline
func check(va uint64, size Size) error {
	if size > Large || va&(size.Bytes()-1) != 0 {
		return ErrMisaligned
	}
	if va-UserBase > UserLimit-UserBase-size.Bytes() {
		return ErrAddress
	}
	return nil
}

// descend goes down to the entry for a page of the size, or to where the way ends before: to w, at that level, which holds
// e; up is the entry above it, nil if w is in the root.
//
// The four levels are written out: this is most of what an operation costs.
func (t *Table) descend(va uint64, size Size) (w, up *atom.Uint64, e entry, level int) {
	// order: each load comes before what is below; pairs with Map's store (G1)
	w4 := &t.top[va>>39&511]
	e = entry(w4.Load())
	if e&present == 0 {
		return w4, nil, e, 4
	}
	w3 := &t.memory.table(e)[va>>30&511]
	e = entry(w3.Load())
	if e&present == 0 {
		return w3, w4, e, 3
	}
	w2 := &t.memory.table(e)[va>>21&511]
	e = entry(w2.Load())
	if e&present == 0 || e&large != 0 || size == Large {
		return w2, w3, e, 2
	}
	w1 := &t.memory.table(e)[va>>12&511]
	return w1, w2, entry(w1.Load()), 1
}

// holds says that e, at a level, is the entry of a page of the size.
func holds(e entry, level int, size Size) bool {
	if size == Small {
		return e&present != 0 && level == 1
	}
	return e&present != 0 && e&large != 0
}

// refusal is why it is not.
//
//go:noinline
func refusal(e entry) error {
	if e&present == 0 {
		return ErrNotMapped
	}
	return ErrSize // half of a large page, or a table of small ones
}

// slot is the entry of the level on the way to va. The way goes that far.
func (t *Table) slot(va uint64, level int) *atom.Uint64 {
	words := t.top
	for l := topLevel; l > level; l-- {
		words = t.memory.table(entry(words[index(va, l)].Load()))
	}
	return &words[index(va, level)]
}

// Map maps the page at va to frame. Under the space's lock. Errors: ErrMisaligned, ErrAddress, ErrPerm, ErrFrame,
// ErrMapped, ErrTables.
func (t *Table) Map(va uint64, frame mm.Frame, size Size, perm Perm) error {
	if !usual(va, size) {
		if err := check(va, size); err != nil {
			return err
		}
	}
	e := perm.bits()
	switch {
	case e == 0:
		return ErrPerm
	case frame >= frameLimit:
		return ErrFrame
	case size == Large && frame&511 != 0:
		return ErrMisaligned
	}
	w, up, old, level := t.descend(va, size)
	if old&present != 0 {
		return ErrMapped // a page; or a table, which is never empty (G5)
	}
	e |= entry(frame) << mm.FrameShift
	if size == Large {
		e |= large
	}
	if bottom := 1 + int(size); level > bottom {
		if e = t.newTables(e, va, bottom, level); e == 0 {
			return ErrTables
		}
	}
	if up != nil {
		up.Add(used)
	}
	t.low = min(t.low, va)
	if size == Large || level > 1 { // else there is a table of pages, which has been noted
		t.high = max(t.high, va|(Large.Bytes()-1))
		t.spot(va)
	}
	w.StoreRelease(uint64(e)) // order: after the new tables' words; pairs with descend (G1)
	return nil
}

// newTables puts e into a new table, that into another, …, and returns the entry for the given level; 0: too few frames.
func (t *Table) newTables(e entry, va uint64, bottom, level int) entry {
	var got [topLevel]mm.Frame
	for i := bottom; i < level; i++ {
		f, ok := t.frames.Get()
		if !ok {
			for i--; i >= bottom; i-- {
				t.frames.Put(got[i])
			}
			return 0
		}
		got[i] = f
	}
	for i := bottom; i < level; i++ {
		t.memory.words(got[i])[index(va, i)].StoreRelease(uint64(e))
		e = tableEntry(got[i])
	}
	return e
}

// Unmap takes away the page at va, and notes it in b. Half of a large page is refused. Under the space's lock. Errors:
// ErrMisaligned, ErrAddress, ErrNotMapped, ErrSize, ErrBatch.
func (t *Table) Unmap(va uint64, size Size, b *Batch) (old Entry, err error) {
	if !usual(va, size) {
		if err := check(va, size); err != nil {
			return 0, err
		}
	}
	w, up, e, level := t.descend(va, size)
	if !holds(e, level, size) {
		return 0, refusal(e)
	}
	if !b.room() {
		return 0, ErrBatch
	}
	e = entry(w.Swap(0)) // order: the CPU's bits until now are in e, and it sets no more (G3)
	b.page(va)
	b.frame(e.Frame(), size)
	if entry(up.Add(^uint64(used)+1))&usedMask == 0 {
		t.prune(va, level+1, b)
	}
	return e, nil
}

// prune takes out the table that the entry of the level on the way to va points to, which is empty, and those above that it
// leaves empty: to b, or to Put if that is nil.
func (t *Table) prune(va uint64, level int, b *Batch) {
	for ; ; level++ {
		f := entry(t.slot(va, level).Swap(0)).Frame()
		if b == nil {
			t.frames.Put(f)
		} else {
			t.memory.words(f)[0].StoreRelease(uint64(b.tables.Addr()))
			b.tables = f
		}
		if level == topLevel || entry(t.slot(va, level+1).Add(^uint64(used)+1))&usedMask != 0 {
			return
		}
	}
}

// Protect changes what the page at va permits, and notes it in b unless nothing was taken away. Errors: ErrMisaligned,
// ErrAddress, ErrPerm, ErrNotMapped, ErrSize.
func (t *Table) Protect(va uint64, size Size, perm Perm, b *Batch) (old Entry, err error) {
	if !usual(va, size) {
		if err := check(va, size); err != nil {
			return 0, err
		}
	}
	bits := perm.bits()
	if bits == 0 {
		return 0, ErrPerm
	}
	w, _, e, level := t.descend(va, size)
	for {
		if !holds(e, level, size) {
			return 0, refusal(e)
		}
		next := e&^permBits | bits
		if w.CompareAndSwap(uint64(e), uint64(next)) { // order: a bit that the CPU set is in e (G3)
			if (e&^next)&writable|(next&^e)&noExecSoft|(e^next)&uncached != 0 {
				b.page(va)
			}
			return e, nil
		}
		e = entry(w.Load())
	}
}

// Replace has the page at va be another frame from now on, with what it permits and with its Accessed and Dirty bits, and
// notes it in b. Until b is shot CPUs use either frame, so whoever calls it sees to it that they have the same content,
// and that nobody writes. Errors: ErrMisaligned, ErrAddress, ErrFrame, ErrNotMapped, ErrSize.
func (t *Table) Replace(va uint64, frame mm.Frame, size Size, b *Batch) (old Entry, err error) {
	if err := check(va, size); err != nil {
		return 0, err
	}
	switch {
	case frame >= frameLimit:
		return 0, ErrFrame
	case size == Large && frame&511 != 0:
		return 0, ErrMisaligned
	}
	w, _, e, level := t.descend(va, size)
	for {
		if !holds(e, level, size) {
			return 0, refusal(e)
		}
		if w.CompareAndSwap(uint64(e), uint64(e&^frameBits|entry(frame)<<mm.FrameShift)) { // order: as Protect's (G3)
			b.page(va)
			return e, nil
		}
		e = entry(w.Load())
	}
}

// Remap has the page at va be another frame, and permit something else, from now on, and notes it in b. Until b is shot CPUs
// use either. Errors: ErrMisaligned, ErrAddress, ErrPerm, ErrFrame, ErrNotMapped, ErrSize.
func (t *Table) Remap(va uint64, frame mm.Frame, size Size, perm Perm, b *Batch) (old Entry, err error) {
	if err := check(va, size); err != nil {
		return 0, err
	}
	next := perm.bits()
	switch {
	case next == 0:
		return 0, ErrPerm
	case frame >= frameLimit:
		return 0, ErrFrame
	case size == Large && frame&511 != 0:
		return 0, ErrMisaligned
	case size == Large:
		next |= large
	}
	next |= entry(frame) << mm.FrameShift
	w, _, e, level := t.descend(va, size)
	for {
		if !holds(e, level, size) {
			return 0, refusal(e)
		}
		if w.CompareAndSwap(uint64(e), uint64(next)) { // order: as Protect's (G3)
			b.page(va)
			return e, nil
		}
		e = entry(w.Load())
	}
}

// Lookup finds the page that covers va; any address will do.
func (t *Table) Lookup(va uint64) (m Mapping, ok bool) {
	if va >= UserLimit {
		return m, false
	}
	_, _, e, level := t.descend(va, Small)
	if e&present == 0 {
		return m, false
	}
	return e.page(va, Size(level-1)), true
}

package paging

import "exo/kernel/mm"

// How much a Batch takes.
const (
	BatchPages  = 32  // pages forgotten one by one; if there are more, the CPUs forget everything
	BatchFrames = 128 // pages unmapped
)

// Batch is what one caller has unmapped, or permits less of, in one space since its last Shoot. Nobody else touches it. The
// zero Batch is empty; it may lie on a stack.
type Batch struct {
	pages  [BatchPages]uint64 // addresses; the first n
	n      int                // more than BatchPages: all
	tables mm.Frame           // tables that were taken out, linked by their first words; 0: none
	nf     int
	frames [BatchFrames]uint64 // frame<<1 | size; the first nf
}

// Empty says whether there is nothing to shoot.
func (b *Batch) Empty() bool { return b.n == 0 }

// All has Shoot forget everything of the space, and CPUs that have left it lazily drop it.
func (b *Batch) All() { b.n += BatchPages + 1 }

// Page notes a page that an entry has lost.
func (b *Batch) Page(va uint64) { b.page(va) }

func (b *Batch) room() bool { return b.nf < BatchFrames }

func (b *Batch) page(va uint64) {
	if b.n < BatchPages {
		b.pages[b.n&(BatchPages-1)] = va
	}
	b.n++
}

func (b *Batch) frame(f mm.Frame, s Size) {
	b.frames[b.nf&(BatchFrames-1)] = uint64(f)<<1 | uint64(s)
	b.nf++
}

// release empties the batch once no TLB has anything of it.
func (b *Batch) release(t *Table, fn func(mm.Frame, Size)) {
	for f := b.tables; f != 0; {
		first := &t.memory.words(f)[0]
		next := mm.PhysAddr(first.Load()).Frame()
		first.StoreRelease(0)
		t.frames.Retire(f)
		f = next
	}
	if fn != nil {
		for _, f := range b.frames[:b.nf] {
			fn(mm.Frame(f>>1), Size(f&1))
		}
	}
	b.n, b.nf, b.tables = 0, 0, 0
}

package paging

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// Range calls fn for every page that overlaps [from, to), in ascending order, until it returns false. Pages that are
// mapped or unmapped meanwhile may be met or not; all others are met once. A step is at most 4 loads; there are at most as
// many as the tables in the range have entries.
func (t *Table) Range(from, to uint64, fn func(Mapping) bool) {
	to = min(to, UserLimit)
	for va := from; va < to; {
		_, _, e, level := t.descend(va, Small)
		if e&present != 0 && !fn(e.page(va, Size(level-1))) {
			return
		}
		va = after(va, level)
	}
}

// after is the first address that another entry of the level decides about.
func after(va uint64, level int) uint64 { return (va>>shift(level) + 1) << shift(level) }

// Destroy takes all pages away, and all tables: at most steps entries now, and the rest when it is called again. It calls
// fn for each page that was mapped, nil: for none. done: the table is gone, and its root. Nobody else uses the table any
// more, no CPU has it loaded (Space.InUse), and its batches are shot. The tables go back by Frames.Put.
func (t *Table) Destroy(steps int, fn func(Mapping)) (done bool) {
	for ; t.cursor < UserLimit; steps-- {
		if steps <= 0 {
			return false
		}
		w, up, e, level := t.descend(t.cursor, Small)
		next := after(t.cursor, level)
		if e&present != 0 {
			w.Store(0)
			if fn != nil {
				fn(e.page(t.cursor, Size(level-1)))
			}
			if entry(up.Add(^uint64(used)+1))&usedMask == 0 {
				t.prune(t.cursor, level+1, nil)
			}
		}
		if e&present == 0 { // most of a table is empty: no need to go down for each entry to see that
			i, end := index(t.cursor, level)+1, uint64(512)
			if level == topLevel {
				end = index(UserLimit, topLevel)
			}
			end = min(end, i+uint64(steps-1))
			first := i
			for ; i < end; i++ {
				// SAFETY: the entries of a table lie behind each other, and this one is not the last.
				if w = (*atom.Uint64)(unsafe.Add(unsafe.Pointer(w), unsafe.Sizeof(*w))); w.Load() != 0 {
					break
				}
			}
			if i > first {
				next += (i - first) << (shift(level) & 63)
				steps -= int(i - first)
			}
		}
		t.cursor = next
	}
	if t.top != nil {
		for i := range t.top {
			t.top[i].StoreRelease(0)
		}
		t.top = nil
		t.frames.Put(t.root)
	}
	return true
}

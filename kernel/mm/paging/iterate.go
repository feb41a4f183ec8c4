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
//
// A table is looked at as far as its last entry in use, which the count in the entry above tells.
func (t *Table) Destroy(steps int, fn func(Mapping)) (done bool) {
	for t.cursor < UserLimit {
		if steps <= 0 {
			return false
		}
		w, up, e, level := t.descend(t.cursor, Small)
		i, end := index(t.cursor, level), uint64(512)
		if level == topLevel {
			end = index(UserLimit, topLevel) + 1
		}
		end = min(end, i+uint64(steps))
		first := i
		if e&present != 0 {
			n := uint64(0)
			i, n = t.takeAway(w, level, i, end, uint64(entry(up.Load())&usedMask)/used, fn)
			steps -= int(i - first)
			if entry(up.Add(-n*used))&usedMask == 0 {
				t.prune(t.cursor, level+1, nil)
			}
		} else {
			i += empty(w, end-i)
			steps -= int(i-first)/8 + 1
		}
		t.cursor = t.cursor>>shift(level)<<shift(level) + (i-first)<<(shift(level)&63)
	}
	if t.top != nil {
		t.top = nil
		t.frames.PutRoot(t.root)
	}
	return true
}

// takeAway clears the pages' entries from the i-th, which is at w, to before the end-th, as far as there are any: in use are inUse.
// It returns where it has come to, and how many it has cleared.
func (t *Table) takeAway(w *atom.Uint64, level int, i, end, inUse uint64, fn func(Mapping)) (at, n uint64) {
	from := i
	for ; n != inUse && i < end; i++ {
		// SAFETY: the entries of a table lie behind each other, and this one is not behind the last.
		e := (*atom.Uint64)(unsafe.Add(unsafe.Pointer(w), (i-from)*8))
		v := entry(e.Load())
		if v == 0 {
			i += empty(e, end-i) - 1
			continue
		}
		if v&present == 0 || level > 1 && v&large == 0 {
			break // a table: that is gone down to
		}
		e.StoreRelease(0)
		n++
		if fn != nil {
			va := t.cursor>>shift(level)<<shift(level) + (i-from)<<(shift(level)&63)
			fn(v.page(va, Size(level-1)))
		}
	}
	return i, n
}

// empty is how many of the n entries from w on are 0, before one that is not.
func empty(w *atom.Uint64, n uint64) (i uint64) {
	// SAFETY: they are of one table.
	all := unsafe.Slice((*uint64)(unsafe.Pointer(w)), n)
	for ; i+8 <= n; i += 8 {
		if b := (*[8]uint64)(all[i:]); b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7] != 0 {
			break
		}
	}
	for i < n && all[i] == 0 {
		i++
	}
	return i
}

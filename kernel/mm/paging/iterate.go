package paging

import (
	"unsafe"
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
	t.cursor = max(t.cursor, t.low)
	for t.cursor <= t.high {
		if steps <= 0 {
			return false
		}
		w, up, e, level := t.descend(t.cursor, Small)
		i, end := index(t.cursor, level), uint64(512)
		// SAFETY: w is the i-th word of a table.
		words := (*Words)(unsafe.Add(unsafe.Pointer(w), -8*int(i)))
		if level == topLevel {
			end = index(UserLimit, topLevel) + 1
		}
		end = min(end, i+uint64(steps))
		first := i
		if e&present != 0 {
			inUse, n := uint64(entry(up.Load())&usedMask)/used, uint64(0)
			if level == 1 && fn == nil {
				i, n = takePages(words, i, end, inUse)
			} else {
				i, n = t.takeAway(words, level, i, end, inUse, fn)
			}
			steps -= int(i - first)
			if entry(up.Add(-n*used))&usedMask == 0 {
				t.prune(t.cursor, level+1, nil)
			}
		} else if level > 1 && t.nspots <= maxSpots {
			steps--
			t.cursor = t.nextSpot(after(t.cursor, level))
			continue
		} else {
			i = empty(words, i, end)
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

// takePages clears the entries of a table of pages from the i-th to before the end-th, as far as there are any: in use are inUse. It
// returns where it has come to, and how many it has cleared.
func takePages(words *Words, i, end, inUse uint64) (at, n uint64) {
	for i < end && n != inUse {
		if i+8 <= end {
			// SAFETY: 8 words from the i-th on are the table's, which nobody else uses.
			b := (*[8]uint64)(unsafe.Pointer(&words[i&511]))
			if k := b[0]&1 + b[1]&1 + b[2]&1 + b[3]&1 + b[4]&1 + b[5]&1 + b[6]&1 + b[7]&1; k != 0 { // those that are present
				*b = [8]uint64{}
				n += k
				i += 8
				continue
			}
		}
		if words[i&511].Load() == 0 {
			i = empty(words, i+1, end)
			continue
		}
		words[i&511].StoreRelease(0)
		n++
		i++
	}
	return i, n
}

// takeAway is takePages for any level, up to the next table, and with fn.
func (t *Table) takeAway(words *Words, level int, i, end, inUse uint64, fn func(Mapping)) (at, n uint64) {
	from := i
	for ; i < end && n != inUse; i++ {
		v := entry(words[i&511].Load())
		if v == 0 {
			i = empty(words, i, end) - 1
			continue
		}
		if level > 1 && v&large == 0 {
			break // that is gone down to
		}
		words[i&511].StoreRelease(0)
		n++
		if fn != nil {
			fn(v.page(t.cursor>>shift(level)<<shift(level)+(i-from)<<(shift(level)&63), Size(level-1)))
		}
	}
	return i, n
}

// empty is where the first entry is, from the i-th to before the end-th, that is not 0; end: nowhere.
func empty(words *Words, i, end uint64) uint64 {
	for ; i+16 <= end; i += 16 {
		// SAFETY: 16 words from the i-th on are the table's.
		b := (*[16]uint64)(unsafe.Pointer(&words[i&511]))
		if b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7]|b[8]|b[9]|b[10]|b[11]|b[12]|b[13]|b[14]|b[15] != 0 {
			break
		}
	}
	for i < end && words[i&511].Load() == 0 {
		i++
	}
	return i
}

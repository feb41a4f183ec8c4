package paging

import (
	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// The usual case of Map, Unmap and Protect: one page of 4 KiB whose table is there, and stays. They are put into system calls as they are, so
// they are short, note nothing in a batch, and do nothing if it is another case: then those are called.

// bottom goes down to the entry for a small page, and the entry above that; nil: there is no table of small pages.
//
//exo:inline
func (t *Table) bottom(va uint64) (w, up *atom.Uint64) {
	// order: as in descend
	e := entry(t.top[va>>39&511].Load())
	if e&present == 0 {
		return nil, nil
	}
	e = entry(t.memory.table(e)[va>>30&511].Load())
	if e&present == 0 {
		return nil, nil
	}
	up = &t.memory.table(e)[va>>21&511]
	e = entry(up.Load())
	if e&(present|large) != present {
		return nil, nil
	}
	return &t.memory.table(e)[va>>12&511], up
}

// MapFrame maps the page at va to a frame, where nothing is. Under the space's lock.
//
//exo:inline
func (t *Table) MapFrame(va uint64, frame mm.Frame, bits Entry) bool {
	if !usual(va, Small) {
		return false
	}
	if va < t.low { // that is noted
		return false
	}
	w, up := t.bottom(va)
	if w == nil {
		return false
	}
	if w.Load() != 0 {
		return false
	}
	if frame >= frameLimit {
		return false
	}
	up.Add(used)
	w.StoreRelease(uint64(bits | entry(frame)<<mm.FrameShift)) // order: as Map's (G1)
	return true
}

// UnmapFrame takes away the page at va, if it is that frame, and not the last one of its table. Under the space's lock.
//
//exo:inline
func (t *Table) UnmapFrame(va uint64, frame mm.Frame) bool {
	w, up := t.bottom(va)
	if w == nil {
		return false
	}
	if entry(w.Load())&(frameBits|present) != entry(frame)<<mm.FrameShift|present {
		return false
	}
	if entry(up.Load())&usedMask == used {
		return false
	}
	w.Swap(0) // order: as Unmap's; nobody wants to know the CPU's bits (G3)
	up.Add(^uint64(used) + 1)
	return true
}

// ProtectFrame changes what the page at va permits, if it is that frame, and returns what its entry was; 0: nothing has happened, for
// somebody may have changed it meanwhile.
//
//exo:inline
func (t *Table) ProtectFrame(va uint64, frame mm.Frame, bits Entry) (old Entry) {
	w, _ := t.bottom(va)
	if w == nil {
		return 0
	}
	e := entry(w.Load())
	if e&(frameBits|present) != entry(frame)<<mm.FrameShift|present {
		return 0
	}
	if !w.CompareAndSwap(uint64(e), uint64(e&^permBits|bits)) { // order: as Protect's (G3)
		return 0
	}
	return e
}

// Bits is what a page's entry has for a permission, for MapFrame and ProtectFrame; not 0.
func (p Perm) Bits() Entry { return permEntries[p&15] & hardware }

// Loses says whether TLBs have to be told when a page, whose entry was e, comes to permit what these bits say.
func (e Entry) Loses(bits Entry) bool {
	x := e ^ bits
	return x&(e&writable|bits&noExecSoft|uncached) != 0
}

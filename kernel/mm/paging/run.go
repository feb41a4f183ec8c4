package paging

import (
	"unsafe"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// run.go: pages of 4 KiB in a row, of frames in a row. Each does as many at once as lie in one table: who wants all calls again
// for the rest. The guarantees are those of the operations on one page (table.go), for each page.

// row is the n entries from w on, which are of one table.
func row(w *atom.Uint64, n uint64) []atom.Uint64 {
	// SAFETY: the caller has seen to it that the table has that many from w on.
	return unsafe.Slice(w, n)
}

// inTable is how many of n pages from va on the last table on the way has.
func inTable(va, n uint64) uint64 { return min(n, 512-index(va, 1)) }

// MapRun maps pages from va on to frames from frame on, at most n and at least one, and returns how many. It stops before what is mapped
// already; if that is the first, with ErrMapped. Under the space's lock. Errors: as Map's, and then nothing has changed.
func (t *Table) MapRun(va uint64, frame mm.Frame, n uint64, perm Perm) (done uint64, err error) {
	n = inTable(va, n)
	if n < 2 || !usual(va, Small) || !usual(va+(n-1)*mm.FrameSize, Small) || frame >= frameLimit-mm.Frame(n) {
		return 1, t.Map(va, frame, Small, perm)
	}
	e := perm.bits()
	if e == 0 {
		return 0, ErrPerm
	}
	w, up, old, level := t.descend(va, Small)
	if old&present != 0 {
		return 0, ErrMapped
	}
	if level > 1 { // the first page brings the tables
		if err := t.Map(va, frame, Small, perm); err != nil {
			return 0, err
		}
		w, up, _, _ = t.descend(va, Small)
		done = 1
	}
	t.low = min(t.low, va)
	e |= entry(frame+mm.Frame(done)) << mm.FrameShift
	first := done
	for all := row(w, n); done < n && all[done].Load() == 0; done++ {
		all[done].StoreRelease(uint64(e)) // order: as Map's (G1)
		e += mm.FrameSize
	}
	up.Add((done - first) * used)
	return done, nil
}

// UnmapRun takes away those of n pages from va on that are frames from frame on, and notes them in b. It returns how many it has
// looked at, 0: b is full. Under the space's lock.
func (t *Table) UnmapRun(va uint64, frame mm.Frame, n uint64, b *Batch) (done uint64) {
	n = inTable(va, n)
	if !usual(va, Small) || !usual(va+(n-1)*mm.FrameSize, Small) {
		return n // nothing is mapped there
	}
	w, up, _, level := t.descend(va, Small)
	if level > 1 {
		return n // likewise, or pages of the other size
	}
	taken := uint64(0)
	for all := row(w, n); done < n; done++ {
		e := entry(all[done].Load())
		if e&present == 0 || e.Frame() != frame+mm.Frame(done) {
			continue
		}
		if !b.room() {
			break
		}
		all[done].Swap(0) // order: as Unmap's (G3)
		b.page(va + done*mm.FrameSize)
		b.frame(e.Frame(), Small)
		taken++
	}
	if taken > 0 && entry(up.Add(-taken*used))&usedMask == 0 {
		t.prune(va, 2, b)
	}
	return done
}

// ProtectRun changes what those of n pages from va on permit that are frames from frame on, and notes them in b, as Protect does. It
// returns how many it has looked at.
func (t *Table) ProtectRun(va uint64, frame mm.Frame, n uint64, perm Perm, b *Batch) (done uint64) {
	n = inTable(va, n)
	bits := perm.bits()
	if bits == 0 || !usual(va, Small) || !usual(va+(n-1)*mm.FrameSize, Small) {
		return n
	}
	w, _, _, level := t.descend(va, Small)
	if level > 1 {
		return n
	}
	for all := row(w, n); done < n; done++ {
		for {
			e := entry(all[done].Load())
			if e&present == 0 || e.Frame() != frame+mm.Frame(done) {
				break
			}
			next := e&^permBits | bits
			if next == e {
				break
			}
			if all[done].CompareAndSwap(uint64(e), uint64(next)) { // order: as Protect's (G3)
				if (e&^next)&writable|(next&^e)&noExecSoft|(e^next)&uncached != 0 {
					b.page(va + done*mm.FrameSize)
				}
				break
			}
		}
	}
	return done
}

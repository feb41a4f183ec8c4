package mm

// Early allocates at boot, for good: there is no way to give memory back. It takes
// each piece from the high end of the highest usable region where it fits. So what
// has to lie low (a trampoline below 1 MiB, buffers of old devices below 16 MiB or
// 4 GiB) still finds room later, and pieces taken one after the other touch and stay
// one region of the Map.
//
// Each piece is recorded in the Map as taken at once, so nobody else can get it.
type Early struct {
	m     *Map
	below PhysAddr
}

// NewEarly returns an allocator over m that gives out only addresses below the limit:
// the end of what can be reached so far, or PhysLimit.
func NewEarly(m *Map, below PhysAddr) Early { return Early{m, below} }

// Alloc takes size bytes at a multiple of align, a power of two, inside the range
// within; the zero Range stands for everywhere. It returns false, and takes nothing, if
// there is no such place or the Map has no room to record it. The bytes are not cleared.
// A piece shares its first and last frame with other pieces, unless it is made of
// whole frames.
func (e *Early) Alloc(size, align uint64, within Range) (PhysAddr, bool) {
	if size == 0 || align == 0 || align&(align-1) != 0 {
		panic("mm: early allocation of size 0, or align is not a power of two")
	}
	lo, hi := PhysAddr(0), min(e.below, PhysLimit)
	if within.Base != 0 || within.Len != 0 {
		within = clip(within.Base, within.Len)
		lo, hi = within.Base, min(hi, within.End())
	}
	for i := e.m.n - 1; i >= 0; i-- {
		g := &e.m.regions[i]
		if g.Kind != Usable {
			continue
		}
		start, end := max(g.Base, lo), min(g.End(), hi)
		if start >= end || uint64(end-start) < size {
			continue
		}
		at := (end - PhysAddr(size)) &^ PhysAddr(align-1)
		if at < start {
			continue
		}
		if e.m.Reserve(at, size) != nil {
			return 0, false
		}
		return at, true
	}
	return 0, false
}

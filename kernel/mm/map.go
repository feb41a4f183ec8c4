package mm

// Error is a fault in the memory map, or the end of the room for it.
type Error string

func (e Error) Error() string { return string(e) }

// What Add and Reserve return; the map is then as it was.
const (
	ErrMapFull = Error("mm: the memory map needs more than its limit of 256 regions")
	ErrWraps   = Error("mm: a usable memory range ends past the last physical address")
	ErrKind    = Error("mm: a memory range is neither usable nor reserved")
)

// MaxRegions limits how many pieces a Map can be in.
const MaxRegions = 256

// Kind says what may be done with a piece of memory. Where two claims on a piece
// differ the greater kind wins.
type Kind uint8

// The kinds of memory. What is in none of them is a hole: no memory is known there.
const (
	Usable   Kind = iota + 1 // memory that nobody has taken
	Taken                    // memory that the kernel has reserved or allocated
	Reserved                 // not ours by the firmware's word: its own memory, or devices
)

// Region is a piece of the map.
type Region struct {
	Range
	Kind Kind
}

// Map is the map of physical memory: regions to the byte, sorted by address, which
// neither overlap nor, if of one kind, touch. It is built by Add from what the firmware
// or the loader says, in any order, and then carved by Reserve. The zero Map is empty.
//
// Frames appear only where memory is handed out (Free, UsableBytes): a frame counts
// there if all its bytes are usable.
//
// A Map is about 12 KiB: a variable of a package, not of a function.
type Map struct {
	regions [MaxRegions]Region
	n       int
	next    [MaxRegions]Region // under construction, so that a change that fails changes nothing
}

// Add takes in that the bytes from base on are Usable or Reserved. Where ranges
// overlap, reserved wins. A reserved range is cut at PhysLimit; a usable one that goes
// past it is refused with ErrWraps, since nothing else it says can be trusted.
func (m *Map) Add(base PhysAddr, length uint64, kind Kind) error {
	switch kind {
	case Usable:
		if base > PhysLimit || length > uint64(PhysLimit-base) {
			return ErrWraps
		}
	case Reserved:
	default:
		return ErrKind
	}
	return m.overlay(clip(base, length), kind, true)
}

// Reserve takes the bytes from base on out of what is usable. It touches nothing
// else: to reserve a hole, or what is reserved already, changes nothing. So it comes after
// all calls of Add.
func (m *Map) Reserve(base PhysAddr, length uint64) error {
	return m.overlay(clip(base, length), Taken, false)
}

// clip cuts a range at PhysLimit, also one that wraps around.
func clip(base PhysAddr, length uint64) Range {
	if base >= PhysLimit {
		return Range{PhysLimit, 0}
	}
	return Range{base, min(length, uint64(PhysLimit-base))}
}

// overlay gives r the kind k, or leaves the kind that is there if it is greater.
// Holes in r become k if fill is set.
func (m *Map) overlay(r Range, k Kind, fill bool) error {
	if r.Len == 0 {
		return nil
	}
	n, ok := 0, true
	// put appends the bytes from lo up to hi to the regions under construction.
	put := func(lo, hi PhysAddr, k Kind) {
		if lo >= hi {
			return
		}
		if n > 0 && m.next[n-1].Kind == k && m.next[n-1].End() == lo {
			m.next[n-1].Len += uint64(hi - lo)
			return
		}
		if n == MaxRegions {
			ok = false
			return
		}
		m.next[n] = Region{Range{lo, uint64(hi - lo)}, k}
		n++
	}
	at := r.Base // up to here r's holes are filled
	for i := range m.n {
		old := &m.regions[i]
		lo, hi := old.Base, old.End()
		if fill {
			put(at, min(lo, r.End()), k)
		}
		put(lo, min(hi, r.Base), old.Kind)
		put(max(lo, r.Base), min(hi, r.End()), max(old.Kind, k))
		put(max(lo, r.End()), hi, old.Kind)
		at = max(at, hi)
	}
	if fill {
		put(at, r.End(), k)
	}
	if !ok {
		return ErrMapFull
	}
	copy(m.regions[:n], m.next[:n])
	m.n = n
	return nil
}

// Len returns the number of regions.
func (m *Map) Len() int { return m.n }

// Region returns the i-th region, i below Len, in order of address.
func (m *Map) Region(i int) Region { return m.regions[i] }

// Regions yields all regions in order of address, to the byte:
//
//	for r := range m.Regions { ... }
func (m *Map) Regions(yield func(Region) bool) {
	for i := range m.n {
		if !yield(m.regions[i]) {
			return
		}
	}
}

// Free yields the usable ranges in order of address, cut down to whole frames.
func (m *Map) Free(yield func(Range) bool) {
	for i := range m.n {
		if m.regions[i].Kind != Usable {
			continue
		}
		first, n := m.regions[i].Frames()
		if n > 0 && !yield(Range{first.Addr(), n << FrameShift}) {
			return
		}
	}
}

// UsableBytes returns how many bytes are free, in whole frames.
func (m *Map) UsableBytes() uint64 {
	sum := uint64(0)
	for i := range m.n {
		if m.regions[i].Kind == Usable {
			_, n := m.regions[i].Frames()
			sum += n << FrameShift
		}
	}
	return sum
}

// Contains says whether all bytes of the range are usable, and none taken.
func (m *Map) Contains(base PhysAddr, length uint64) bool {
	r := Range{base, length}
	if r.End() < base {
		return false
	}
	for i := range m.n {
		g := &m.regions[i]
		// Usable regions never touch, so it takes one that has it all.
		if g.Kind == Usable && g.Base <= base && r.End() <= g.End() {
			return true
		}
	}
	return false
}

// Intersect returns how many bytes of the range are memory that the firmware calls
// usable, to the byte and whether taken since or not. It tells how much memory there is
// in a place; UsableBytes tells how much is left.
func (m *Map) Intersect(base PhysAddr, length uint64) uint64 {
	r := clip(base, length)
	sum := uint64(0)
	for i := range m.n {
		g := &m.regions[i]
		lo, hi := max(g.Base, r.Base), min(g.End(), r.End())
		if g.Kind != Reserved && lo < hi {
			sum += uint64(hi - lo)
		}
	}
	return sum
}

// Package mm says which physical memory is whose.
//
//	addr.go       PhysAddr, Frame, Range: the units
//	map.go        Map: what memory there is, what of it is taken
//	early.go      Early: takes pieces of it for good, at boot
//	frameinfo.go  Info: the word that says whose a frame is
//	frames.go     Frames: gives out frames, per node and without locks
//	areas.go      of 2 MiB: counts and bits; runs.go: what is larger than a frame
//	oracle.go     Buddy: the same with a lock, to compare with
//
// Start reading in map.go for boot, in frames.go for what comes after. A Map and an Early do not lock: they are the boot
// CPU's until the other CPUs start, and from then on a Map is only read.
package mm

// PhysAddr is a physical address, in bytes.
type PhysAddr uint64

// Frame is the number of a frame: the physical address of its first byte divided
// by FrameSize.
type Frame uint64

// The size of a frame, the smallest piece of memory that is mapped or owned.
const (
	FrameShift = 12
	FrameSize  = 1 << FrameShift // bytes
)

// PhysLimit is the first address past all physical memory: no x86-64 CPU has
// more than 52 address bits.
const PhysLimit PhysAddr = 1 << 52

// Frame returns the frame in which a lies.
func (a PhysAddr) Frame() Frame { return Frame(a >> FrameShift) }

// Down returns the start of the frame in which a lies.
func (a PhysAddr) Down() PhysAddr { return a &^ (FrameSize - 1) }

// Up returns a if it starts a frame, else the start of the next one; a is at most
// PhysLimit.
func (a PhysAddr) Up() PhysAddr { return (a + FrameSize - 1).Down() }

// Addr returns the address of the frame's first byte.
func (f Frame) Addr() PhysAddr { return PhysAddr(f) << FrameShift }

// Range is the bytes from Base up to, not including, Base+Len. It does not wrap.
type Range struct {
	Base PhysAddr
	Len  uint64 // bytes
}

// End returns the first address past the range.
func (r Range) End() PhysAddr { return r.Base + PhysAddr(r.Len) }

// Frames returns the whole frames in r as the first of them and their number.
func (r Range) Frames() (first Frame, n uint64) {
	lo, hi := r.Base.Up(), r.End().Down()
	if hi <= lo {
		return lo.Frame(), 0
	}
	return lo.Frame(), uint64(hi.Frame() - lo.Frame())
}

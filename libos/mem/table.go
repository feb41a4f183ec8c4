// Package mem manages a program's address space: regions, which are addresses with a purpose, and pieces, which are frames
// that are mapped there. What is touched and not there yet comes by the fault upcall.
//
//	regions: │ heap, zero on demand     │   │ file │   │ guard │ stack, grows down │
//	pieces:  │16│16│ 4 │                    │16│                      │ 2 │ 1 │
//
// Regions do not overlap, nor do pieces. A piece is a capability's frames, or, where others have been mapped over some of
// them, a part. All that is here lies in State, pages of its own: a parent writes them for a child whose memory it has made
// (package proc), a handler of faults finds them always there.
//
// Start reading: table.go (State), fault.go (what comes on demand), mem.go (what programs call), child.go (what fork does).
package mem

import (
	"unsafe"

	"exo/kernel/abi"
)

// PageSize is the size of a page in bytes.
const PageSize = 4096

// Kinds of regions: what appears where somebody touches it.
const (
	Nothing uint8 = iota // what is mapped was put there
	Zero                 // zeroed frames, from low to high addresses
	Stack                // likewise, from high to low
	Files                // frames of the initramfs, to be read
)

// Flags of pieces.
const (
	FlagCopy   uint8 = 1 << iota // others have the frames too: before it is written, it is copied
	FlagOurs                     // with FlagCopy: those others are children, who got them from here
	FlagHot                      // a child gets a copy at once: it cannot fault for it
	FlagShared                   // a child gets the same frames
	FlagBacked                   // a part of what a region shows: a child faults for it
	FlagOwn                      // a child has its own, or none: upcall stack, start page, State; stacks of threads that have ended
)

// Region is [Low, High), in bytes.
type Region struct {
	Low, High uint64
	Next      uint64 // where the next run is expected
	First     uint32 // Files, Disk: frame of those that Low shows
	Perm      uint8
	Kind      uint8
	Run       uint8 // frames of the next run
	_         uint8
}

// Piece is N frames of a capability, from its First-th on, mapped at VA.
type Piece struct {
	VA    uint64
	Name  uint64 // of the capability
	First uint16
	N     uint16
	Of    uint16 // how many frames the capability has
	Perm  uint8
	Flags uint8
}

// End is the address behind it.
func (p *Piece) End() uint64 { return p.VA + uint64(p.N)*PageSize }

// Limits.
const (
	MaxRegions = 90
	MaxPages   = 24 // of State
)

// State is all that a program knows of its memory. Pieces follow behind it.
type State struct {
	Account  uint64 // capability that pays
	lock     uint32
	forks    uint32 // children by fork that have not been waited for: they may have our frames
	Pages    uint32 // of State
	Regions  uint32
	NPieces  uint32
	anchored uint32           // a page is mapped that keeps tables from going
	Faults   uint64           // that were resolved
	Copies   uint64           // of them, by a copy
	Bytes    uint64           // mapped
	More     [MaxPages]uint64 // capabilities of its pages behind the first ones
	How      abi.How          // where frames for what is touched come from
	Where    uint64           // as of FrameAlloc
	pad      [1]uint64
	regions  [MaxRegions]Region
	pieces   [0]Piece
}

const _ = uint(PageSize - unsafe.Sizeof(State{}))

// room is how many pieces there is room for.
func (s *State) room() int {
	return (int(s.Pages)*PageSize - int(unsafe.Offsetof(s.pieces))) / int(unsafe.Sizeof(Piece{}))
}

// Pieces are the pieces, by address.
//
// SAFETY: they lie behind State in its pages, for which there is room.
func (s *State) Pieces() []Piece {
	return unsafe.Slice((*Piece)(unsafe.Pointer(&s.pieces)), s.room())[:s.NPieces]
}

// RegionList are the regions, by address.
func (s *State) RegionList() []Region { return s.regions[:s.Regions] }

// at returns the index of the first piece that ends behind va.
func (s *State) at(va uint64) int {
	p := s.Pieces()
	lo, hi := 0, len(p)
	for lo < hi {
		if m := int(uint(lo+hi) / 2); p[m].End() <= va {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// piece returns the piece at an address, nil: nothing is mapped there.
func (s *State) piece(va uint64) *Piece {
	if i := s.at(va); i < int(s.NPieces) && s.Pieces()[i].VA <= va {
		return &s.Pieces()[i]
	}
	return nil
}

// region returns the region at an address, nil: none is.
func (s *State) region(va uint64) *Region {
	lo, hi := 0, int(s.Regions)
	for lo < hi {
		if m := int(uint(lo+hi) / 2); s.regions[m].High <= va {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < int(s.Regions) && s.regions[lo].Low <= va {
		return &s.regions[lo]
	}
	return nil
}

// spare is how many more pieces an operation may need.
const spare = 4

// full says that State wants another page before pieces are added.
func (s *State) full() bool { return int(s.NPieces)+spare > s.room() }

// Add adds a piece where there is none. The caller has seen that there is room.
func (s *State) Add(p Piece) {
	i := s.at(p.VA)
	s.NPieces++
	all := s.Pieces()
	copy(all[i+1:], all[i:len(all)-1])
	all[i] = p
	s.Bytes += uint64(p.N) * PageSize
}

// append is Add for a piece behind all others; nil: it is not. It returns where it is.
//
//lint:ignore U1000 child.go uses it, where it runs in ring 3
func (s *State) append(p *Piece) *Piece {
	n := s.NPieces
	// SAFETY: there is room for one more.
	all := unsafe.Slice((*Piece)(unsafe.Pointer(&s.pieces)), n+1)
	if n > 0 && all[n-1].VA > p.VA {
		return nil
	}
	all[n] = *p
	s.NPieces = n + 1
	s.Bytes += uint64(p.N) * PageSize
	return &all[n]
}

// drop takes the i-th piece out, and says whether its capability has no other piece.
func (s *State) drop(i int) (name uint64, last bool) {
	all := s.Pieces()
	p := all[i]
	s.Bytes -= uint64(p.N) * PageSize
	copy(all[i:], all[i+1:])
	s.NPieces--
	return p.Name, !s.has(&p)
}

// has says whether there is a piece of p's capability: these lie where the capability was mapped.
func (s *State) has(p *Piece) bool {
	low := p.VA - uint64(p.First)*PageSize
	high := low + uint64(p.Of)*PageSize
	for i := s.at(low); i < int(s.NPieces); i++ {
		q := &s.Pieces()[i]
		if q.VA >= high {
			return false
		}
		if q.Name == p.Name {
			return true
		}
	}
	return false
}

// cut makes va the beginning of a piece, if it is in one.
func (s *State) cut(va uint64) {
	p := s.piece(va)
	if p == nil || p.VA == va {
		return
	}
	n := uint16((va - p.VA) / PageSize)
	rest := *p
	rest.VA, rest.First, rest.N = va, p.First+n, p.N-n
	s.Bytes -= uint64(rest.N) * PageSize
	p.N = n
	s.Add(rest)
}

// AddRegion adds a region; false: there is no room, or it overlaps another. Neighbours of the same kind are not joined.
func (s *State) AddRegion(r Region) bool {
	i := 0
	for i < int(s.Regions) && s.regions[i].High <= r.Low {
		i++
	}
	if s.Regions == MaxRegions || r.Low >= r.High || i < int(s.Regions) && s.regions[i].Low < r.High {
		return false
	}
	copy(s.regions[i+1:s.Regions+1], s.regions[i:s.Regions])
	s.regions[i] = r
	s.Regions++
	return true
}

// find returns the lowest address in [low, high) with so many bytes free, and a page free on both sides; 0: there is none.
func (s *State) find(low, high, bytes uint64) uint64 {
	at := low
	for i := range s.regions[:s.Regions] {
		r := &s.regions[i]
		if r.High <= at {
			continue
		}
		if r.Low >= at+bytes+PageSize {
			break
		}
		at = r.High + PageSize
	}
	if at < low || at+bytes > high || at+bytes < at {
		return 0
	}
	return at
}

// carve takes [low, high) out of the regions; false: no room for the pieces of one that is cut in two. Each part that is
// taken is given to fn first.
func (s *State) carve(low, high uint64) bool {
	for i := 0; i < int(s.Regions); {
		r := &s.regions[i]
		switch {
		case r.High <= low || r.Low >= high:
			i++
		case r.Low < low && r.High > high:
			if s.Regions == MaxRegions {
				return false
			}
			right := *r
			right.First += uint32((high - right.Low) / PageSize)
			right.Low = high
			r.High = low
			return s.AddRegion(right)
		case r.Low < low:
			r.High = low
			i++
		case r.High > high:
			r.First += uint32((high - r.Low) / PageSize)
			r.Low = high
			i++
		default:
			copy(s.regions[i:], s.regions[i+1:s.Regions])
			s.Regions--
		}
	}
	return true
}

// maxRun is how many frames come at most for one fault.
const maxRun = 16

// run says which pages a fault at page is to bring, in a region that shows zeroes: as many as before where the last ones
// ended and twice as many each time, else one. None of them is mapped.
func (s *State) run(r *Region, page uint64) (low uint64, n uint64) {
	n = 1
	if r.Next == page && r.Run > 0 {
		n = min(uint64(r.Run)*2, maxRun)
	}
	i := s.at(page)
	if r.Kind == Stack {
		bottom := r.Low
		if i > 0 {
			bottom = max(bottom, s.Pieces()[i-1].End())
		}
		n = min(n, (page-bottom)/PageSize+1)
		return page - (n-1)*PageSize, n
	}
	top := r.High
	if i < int(s.NPieces) {
		top = min(top, s.Pieces()[i].VA)
	}
	return page, min(n, (top-page)/PageSize)
}

// ran notes what run led to.
func (r *Region) ran(low, n uint64) {
	r.Run = uint8(n)
	r.Next = low + n*PageSize
	if r.Kind == Stack {
		r.Next = low - PageSize
	}
}

// allows says whether pages of a permission may be accessed as a page fault's error code says.
func allows(perm uint8, err uint64) bool {
	switch {
	case err&(1<<4) != 0:
		return perm&uint8(abi.PermExecute) != 0
	case err&(1<<1) != 0:
		return perm&uint8(abi.PermWrite) != 0
	}
	return perm != 0
}

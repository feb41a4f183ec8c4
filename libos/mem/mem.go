//go:build exouser

package mem

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/heap"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/upcall"
)

// Where a program has what (the image begins at abi.Image, and is followed by nothing; Page.Heap is the rest).
const (
	// What is below the image has one page table, which is there anyhow for the page of Info: all near to its end, for who ends
	// an environment looks at it from the first page in use on.
	StackLow   = abi.LibOS + 1<<19 // its first thread's stack
	StackHigh  = StackLow + 1<<20
	PrivateLow = StackHigh // its first thread's upcall stack, its start page, State: a copy gets them and the stack by one grant
	initState  = PrivateLow + 2*PageSize
	window     = PrivateLow + 41*PageSize // where a frame is while it is filled
	WindowLow  = window + PageSize        // where a child's start page and State are while they are written
	WindowHigh = abi.InfoPage - PageSize
	// Go's heap begins behind the image, so small programs have one table for both.
	heapGap = 1 << 16
	areaAt  = abi.LibOS + 64<<30 // what Map gives
)

// state is where it is.
var state *State

var heapNext, areaLow, areaHigh uint64

const readWrite = abi.PermRead | abi.PermWrite

// Init makes faults come here, and the heap grow by demand. Once, before anything else of this package.
func Init() abi.Errno {
	page := sys.Start()
	if page.State.Low == 0 {
		if err := first(page); err != abi.OK {
			return err
		}
	}
	state = (*State)(unsafe.Pointer(uintptr(page.State.Low)))
	areaLow, areaHigh = areaAt, page.Heap.High
	heapNext = page.Heap.Low
	for i := range state.RegionList() { // of the parent's making, or from before a fork
		if r := &state.regions[i]; r.Low == heapNext && r.Kind == Zero {
			heapNext = r.High
		}
	}
	heap.Use(grow)
	h := upcall.Handlers{Fault: onFault}
	return upcall.Set(&h, name())
}

func name() string {
	if a := sys.Args(); a.Len() > 0 {
		n := a.At(0)
		for i := len(n); i > 0; i-- {
			if n[i-1] == '/' {
				return n[i:]
			}
		}
		return n
	}
	return ""
}

// first makes State for the initial environment.
func first(page *startpage.Page) abi.Errno {
	account := sys.StartCap(startpage.RoleMemory, 0)
	c, _, err := sys.FrameAlloc(account, abi.HowNear, 0, 1, 0)
	if err == abi.OK {
		err = sys.PageMap(c, 0, initState, readWrite)
	}
	if err != abi.OK {
		return err
	}
	page.State = startpage.Range{Low: initState, High: initState + PageSize}
	s := (*State)(unsafe.Pointer(uintptr(initState)))
	s.Account, s.Pages = account, 1
	s.AddRegion(Region{Low: page.Image.Low, High: page.Image.High})
	return abi.OK
}

// lock keeps other threads out. Who has it does not fault: its stack is there.
func (s *State) hold() {
	touch()
	lock(&s.lock)
}

func (s *State) release() { unlock(&s.lock) }

// touch makes sure of the next bytes of the stack, which nobody uses yet.
func touch() {
	var here byte
	*(*byte)(unsafe.Pointer(uintptr(unsafe.Pointer(&here)) - 3<<10)) = 0
}

// grow is what the heap grows by: with its lock held, so it cannot allocate.
func grow(bytes uintptr) uintptr {
	s := state
	s.hold()
	defer s.release()
	lo := heapNext
	if lo+uint64(bytes) > areaLow-PageSize {
		return 0
	}
	if r := s.region(lo - 1); r != nil && r.Kind == Zero && lo > sys.Start().Heap.Low {
		r.High += uint64(bytes)
	} else if !s.AddRegion(Region{Low: lo, High: lo + uint64(bytes), Perm: uint8(readWrite), Kind: Zero}) {
		return 0
	}
	heapNext = lo + uint64(bytes)
	return uintptr(lo)
}

func up(bytes uint64) uint64 { return (bytes + PageSize - 1) &^ (PageSize - 1) }

// Map takes addresses for so many bytes, which are zero, and costs nothing until it is touched. Errors: NoSlots, BadArgument.
func Map(bytes uint64, perm abi.Perm) (at uint64, err abi.Errno) {
	return reserve(bytes, perm, Zero, 0)
}

// MapStack is Map for a stack: it grows downward from at+bytes, and an access below at faults.
func MapStack(bytes uint64) (at uint64, err abi.Errno) { return reserve(bytes, readWrite, Stack, 0) }

func reserve(bytes uint64, perm abi.Perm, kind uint8, first uint32) (uint64, abi.Errno) {
	bytes = up(bytes)
	if bytes == 0 || perm&abi.PermWrite != 0 && perm&abi.PermExecute != 0 {
		return 0, abi.BadArgument
	}
	s := state
	s.hold()
	defer s.release()
	s.anchor()
	at := s.find(areaLow+2*PageSize, areaHigh, bytes)
	if at == 0 || !s.AddRegion(Region{Low: at, High: at + bytes, Perm: uint8(perm), Kind: kind, First: first}) {
		return 0, abi.NoSlots
	}
	return at, abi.OK
}

// MapFrames maps all n frames of a capability, which is this package's from then on: Unmap deletes it. flags: FlagShared, FlagHot.
func MapFrames(frames sys.Cap, n uint64, perm abi.Perm, flags uint8) (at uint64, err abi.Errno) {
	if at, err = reserve(n*PageSize, perm, Nothing, 0); err != abi.OK {
		return 0, err
	}
	if err = put(frames, at, n, perm, flags); err != abi.OK {
		s := state
		s.hold()
		s.carve(at, at+n*PageSize)
		s.release()
	}
	return at, err
}

// MapFramesAt is MapFrames at an address that reserve or Map gave.
func put(frames sys.Cap, at, n uint64, perm abi.Perm, flags uint8) abi.Errno {
	s := state
	s.hold()
	defer s.release()
	if err := s.makeRoom(); err != abi.OK {
		return err
	}
	if err := sys.PageMap(frames, 0, at, perm); err != abi.OK {
		return err
	}
	s.Add(Piece{VA: at, Name: frames, N: uint16(n), Of: uint16(n), Perm: uint8(perm), Flags: flags})
	return abi.OK
}

// Fill puts frames at [at, at+bytes) of a region now, at most 512 of them, in one piece.
func Fill(at, bytes uint64, flags uint8) abi.Errno {
	n := up(bytes) / PageSize
	c, _, err := sys.FrameAlloc(state.Account, state.How, state.Where, n, 0)
	if err != abi.OK {
		return err
	}
	if err = put(c, at, n, readWrite, flags); err != abi.OK {
		sys.CapDelete(c)
	}
	return err
}

// makeRoom gives State another page if it needs one. It is held.
func (s *State) makeRoom() abi.Errno {
	if !s.full() {
		return abi.OK
	}
	if s.Pages == MaxPages {
		return abi.NoSlots
	}
	c, _, err := sys.FrameAlloc(s.Account, abi.HowNear, 0, 1, 0)
	if err != abi.OK {
		return err
	}
	at := uint64(uintptr(unsafe.Pointer(s))) + uint64(s.Pages)*PageSize
	if err = sys.PageMap(c, 0, at, readWrite); err != abi.OK {
		sys.CapDelete(c)
		return err
	}
	s.More[s.Pages] = c
	s.Pages++
	return abi.OK
}

// Unmap gives addresses back, and the frames there. at and bytes are of whole pages.
func Unmap(at, bytes uint64) abi.Errno {
	bytes = up(bytes)
	if at%PageSize != 0 || bytes == 0 || at+bytes < at {
		return abi.BadArgument
	}
	s := state
	s.hold()
	defer s.release()
	if err := s.clear(at, at+bytes); err != abi.OK {
		return err
	}
	if !s.carve(at, at+bytes) {
		return abi.NoSlots
	}
	return abi.OK
}

// clear takes the pieces of [low, high) away. It is held.
func (s *State) clear(low, high uint64) abi.Errno {
	if err := s.makeRoom(); err != abi.OK {
		return err
	}
	s.cut(low)
	s.cut(high)
	for {
		i := s.at(low)
		if i >= int(s.NPieces) || s.Pieces()[i].VA >= high {
			return abi.OK
		}
		p := s.Pieces()[i]
		if name, last := s.drop(i); last {
			sys.CapDelete(name) // unmaps
		} else {
			sys.PageUnmap(p.Name, uint64(p.First), uint64(p.N))
		}
	}
}

// Protect changes what pages permit, of regions made by Map.
func Protect(at, bytes uint64, perm abi.Perm) abi.Errno {
	bytes = up(bytes)
	if at%PageSize != 0 || bytes == 0 || at+bytes < at || perm&abi.PermWrite != 0 && perm&abi.PermExecute != 0 {
		return abi.BadArgument
	}
	s := state
	s.hold()
	defer s.release()
	for low, high := at, at+bytes; low < high; { // there may be several regions, of earlier calls
		r := s.region(low)
		if r == nil {
			return abi.NotMapped
		}
		end := min(r.High, high)
		if err := s.protect(r, low, end, perm); err != abi.OK {
			return err
		}
		low = end
	}
	return abi.OK
}

// protect is Protect of a part of a region. It is held.
func (s *State) protect(r *Region, low, high uint64, perm abi.Perm) abi.Errno {
	if err := s.makeRoom(); err != abi.OK {
		return err
	}
	if r.Low != low || r.High != high {
		part := *r
		part.First += uint32((low - r.Low) / PageSize)
		part.Low, part.High, part.Next, part.Run = low, high, 0, 0
		if s.Regions+2 > MaxRegions || !s.carve(low, high) || !s.AddRegion(part) {
			return abi.NoSlots
		}
		r = s.region(low)
	}
	r.Perm = uint8(perm)
	s.cut(low)
	s.cut(high)
	for i := s.at(low); i < int(s.NPieces); i++ {
		p := &s.Pieces()[i]
		if p.VA >= high {
			break
		}
		p.Perm = uint8(perm)
		shown := perm
		if p.Flags&FlagCopy != 0 {
			shown &^= abi.PermWrite
		}
		var err abi.Errno
		if perm == 0 { // nothing is not a permission of the kernel's: the frames stay, unmapped
			err = sys.PageUnmap(p.Name, uint64(p.First), uint64(p.N))
		} else if err = sys.PageProtect(p.Name, uint64(p.First), uint64(p.N), shown); err == abi.NotMapped {
			err = abi.OK
		}
		if err != abi.OK {
			return err
		}
	}
	return abi.OK
}

// Stats tells about the caller's memory: bytes mapped, faults that brought pages, and copies that were made for writing.
func Stats() (bytes, faults, copies uint64) { return state.Bytes, state.Faults, state.Copies }

// Held tells how many frames the capabilities have that are mapped in [low, high), and how many those are. Of frames that others have
// been mapped over some may be mapped no more.
func Held(low, high uint64) (frames, capabilities uint64) {
	s := state
	s.hold()
	defer s.release()
	all := s.Pieces()
	for i := s.at(low); i < len(all) && all[i].VA < high; i++ {
		k := i - 1
		for from := all[i].VA - uint64(all[i].First)*PageSize; k >= 0 && all[k].VA >= from && all[k].Name != all[i].Name; {
			k--
		}
		if k < 0 || all[k].Name != all[i].Name { // it is the first piece of its capability
			frames += uint64(all[i].Of)
			capabilities++
		}
	}
	return frames, capabilities
}

// HeapEnd is an address behind all that Go's heap may have: it begins at the start page's Heap.
const HeapEnd = areaAt

func die(why string) { runtime.Die("memory: ", why) }

// Release unmaps the frames that MapFrames mapped at an address; their capability is the caller's again.
func Release(at uint64) abi.Errno {
	s := state
	s.hold()
	defer s.release()
	i := s.at(at)
	if i >= int(s.NPieces) || s.Pieces()[i].VA != at {
		return abi.NotMapped
	}
	p := s.Pieces()[i]
	s.drop(i)
	s.carve(at, p.End())
	return sys.PageUnmap(p.Name, 0, 0)
}

// MapFiles shows the initramfs, page by page as it is read. It has whatever alignment it was loaded with.
func MapFiles() ([]byte, abi.Errno) {
	for _, c := range sys.StartCaps() {
		if c.Role == startpage.RoleFiles && c.Name != 0 {
			at, err := reserve(c.Index+c.Value, abi.PermRead, Files, 0)
			if err != abi.OK {
				return nil, err
			}
			return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(at+c.Index))), c.Value), abi.OK
		}
	}
	return nil, abi.NotMapped
}

// Shown has the page at an address, which is alone in its piece, show less than its piece permits, until a fault brings that
// back: what a collector or a debugger asks for.
func Shown(at uint64, perm abi.Perm) abi.Errno {
	s := state
	s.hold()
	defer s.release()
	p := s.piece(at)
	if p == nil {
		return abi.NotMapped
	}
	p.Flags |= FlagCopy | FlagOurs
	return sys.PageProtect(p.Name, uint64(p.First), uint64(p.N), perm)
}

// HeapAt is where the heap of a program begins whose image ends at high.
func HeapAt(high uint64) uint64 { return (high + heapGap) &^ (heapGap - 1) }

// anchor maps a page at the beginning of what Map gives: so its tables stay when the last other page goes. It is held.
func (s *State) anchor() {
	if s.anchored != 0 || s.makeRoom() != abi.OK {
		return
	}
	s.anchored = 1
	c, _, err := sys.FrameAlloc(s.Account, abi.HowNear, 0, 1, 0)
	if err != abi.OK {
		return
	}
	if sys.PageMap(c, 0, areaLow, abi.PermRead) != abi.OK {
		sys.CapDelete(c)
		return
	}
	s.Add(Piece{VA: areaLow, Name: c, N: 1, Of: 1, Flags: FlagBacked})
}

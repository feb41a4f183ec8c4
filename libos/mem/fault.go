//go:build exouser

package mem

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/upcall"
)

const pageFault = 14

// Other is called for faults that are not memory's to mend, or none of whose business they are; nil: the program panics or ends.
var Other func(f *abi.UpcallFrame, regs *upcall.Regs) (done bool)

// onFault is the upcall: on the upcall stack, no heap.
func onFault(f *abi.UpcallFrame, regs *upcall.Regs) {
	if f.Vector == pageFault && state.resolve(f.Address, f.Err) {
		return
	}
	if Other != nil && Other(f, regs) {
		return
	}
	if g := regs.G; g == g.Upcall {
		die("a fault in a handler of faults")
	}
	if f.Vector != pageFault {
		die(nameOf(f.Vector))
	}
	if sp := uintptr(f.RSP); sp < regs.G.StackLo+64 || sp > regs.G.StackHi {
		die("stack overflow")
	}
	upcall.Panic(f, regs)
}

// nameOf is what an exception is called. (A table would be in every program's memory to be written.)
func nameOf(vector uint64) string {
	switch vector {
	case 0:
		return "division"
	case 1:
		return "debug exception"
	case 3:
		return "breakpoint"
	case 4:
		return "overflow"
	case 5:
		return "bound"
	case 6:
		return "invalid instruction"
	case 7:
		return "no FPU"
	case 11:
		return "segment"
	case 12:
		return "stack segment"
	case 13:
		return "protection"
	case 16:
		return "x87"
	case 17:
		return "alignment"
	case 18:
		return "machine check"
	case 19:
		return "floating point"
	}
	return ""
}

// resolve brings what an access found missing; false: there is nothing to be brought.
func (s *State) resolve(address, err uint64) bool {
	page := address &^ (PageSize - 1)
	lock(&s.lock)
	done := s.bring(page, err)
	if done {
		s.Faults++
	}
	unlock(&s.lock)
	return done
}

func (s *State) bring(page, err uint64) bool {
	if p := s.piece(page); p != nil {
		switch {
		case !allows(p.Perm, err):
			return false
		case p.Flags&FlagCopy != 0 && err&2 != 0:
			return s.separate(p, page)
		}
		return true // another thread was faster
	}
	r := s.region(page)
	if r == nil || !allows(r.Perm, err) || s.makeRoom() != abi.OK {
		return false
	}
	switch r.Kind {
	case Zero, Stack:
		return s.zero(r, page)
	case Files:
		return s.back(r, page, startpage.RoleFiles, abi.RightRead)
	}
	return false
}

// zero brings zeroed frames.
func (s *State) zero(r *Region, page uint64) bool {
	low, n := s.run(r, page)
	c, _, err := sys.FrameAlloc(s.Account, s.How, s.Where, n, 0)
	if err != abi.OK && n > 1 {
		low, n = page, 1
		c, _, err = sys.FrameAlloc(s.Account, s.How, s.Where, n, 0)
	}
	if err == abi.OK {
		if err = sys.PageMap(c, 0, low, abi.Perm(r.Perm)); err != abi.OK {
			sys.CapDelete(c)
		}
	}
	if err != abi.OK {
		runtime.Die("out of memory: ", err.Error())
	}
	s.Add(Piece{VA: low, Name: c, N: uint16(n), Of: uint16(n), Perm: r.Perm})
	r.ran(low, n)
	return true
}

// backing says which frames a capability from the start page has.
type backing struct{ name, first, n uint64 }

var files backing // RoleFiles; looked up when it is first needed

// backed returns the capability of a role, whatever its index.
func backed(role uint64) *backing {
	b := &files
	all := sys.StartCaps()
	for i := range all {
		if c := &all[i]; c.Role == role && c.Name != b.name {
			var info abi.CapInfo
			name := sys.Held(c)
			if sys.CapInspect(name, &info) != abi.OK {
				return nil
			}
			*b = backing{name, info.Object.First, info.Object.Second}
		}
	}
	if b.name == 0 {
		return nil
	}
	return b
}

// back brings frames of what the region shows.
func (s *State) back(r *Region, page, role, rights uint64) bool {
	b := backed(role)
	if b == nil {
		return false
	}
	first := (page-r.Low)/PageSize + uint64(r.First)
	n := uint64(maxRun)
	if i := s.at(page); i < int(s.NPieces) {
		n = min(n, (s.Pieces()[i].VA-page)/PageSize)
	}
	n = min(n, (r.High-page)/PageSize, b.n-min(first, b.n))
	if n == 0 {
		return false
	}
	c, err := sys.CapDerive(b.name, rights|abi.RightDelete, 0, &abi.Object{First: b.first + first, Second: n})
	if err != abi.OK {
		return false
	}
	if sys.PageMap(c, 0, page, abi.Perm(r.Perm)) != abi.OK {
		sys.CapDelete(c)
		return false
	}
	s.Add(Piece{VA: page, Name: c, N: uint16(n), Of: uint16(n), Perm: r.Perm, Flags: FlagBacked})
	return true
}

// separate makes a page that others have, too, the program's own: it is about to be written.
func (s *State) separate(p *Piece, page uint64) bool {
	if p.Flags&FlagOurs != 0 && s.forks == 0 { // those others are no more, but children may have left some of their own
		switch sys.PageProtect(p.Name, uint64(p.First), uint64(p.N), abi.Perm(p.Perm)|abi.PermAlone) {
		case abi.OK:
			p.Flags &^= FlagCopy | FlagOurs
			return true
		case abi.Busy:
			p.Flags &^= FlagOurs
		default:
			return false
		}
	}
	if s.makeRoom() != abi.OK {
		die("no room to note a page")
	}
	c, _, err := sys.FrameAlloc(s.Account, abi.HowNear, 0, 1, 0)
	if err != abi.OK || sys.PageMap(c, 0, window, readWrite) != abi.OK {
		runtime.Die("out of memory: ", err.Error())
	}
	p = s.piece(page) // makeRoom may have moved nothing, but the compiler need not know
	*(*[PageSize]byte)(unsafe.Pointer(uintptr(window))) = *(*[PageSize]byte)(unsafe.Pointer(uintptr(page)))
	perm := p.Perm
	if sys.PageMap(c, 0, page, abi.Perm(perm)) != abi.OK {
		return false
	}
	s.cut(page)
	s.cut(page + PageSize)
	i := s.at(page)
	if name, last := s.drop(i); last {
		sys.CapDelete(name)
	}
	s.Add(Piece{VA: page, Name: c, N: 1, Of: 1, Perm: perm})
	s.Copies++
	return true
}

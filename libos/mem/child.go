//go:build exouser

package mem

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// A Child is an environment whose memory the caller makes: that of another program (Fresh, Derive), or a copy of its own
// (Copy). Its State is filled in on the way, in the frames that it will find it in.
//
//	err := c.Make(frames, caps)      page, err := c.Private(…) or c.Copy(…)
//	… c.Alloc, c.Place, c.Derive …        err = c.Finish()
//
// Callers: one thread at a time. A Child is a variable of a package: what lies on the heap cannot be written while Copy turns
// the heap's pages into such that are copied.
type Child struct {
	Env, Account sys.Cap
	state        *State // in the window
	block        sys.Cap
	blockVA      uint64
	blockN       uint64
	next         uint64 // free addresses of the window
	last         sys.Cap
	lastBytes    uint64  // of the window, that last has
	how          abi.How // where its frames come from, as of FrameAlloc
	where        uint64
}

// Rights that a child gets to its frames.
const childRights = abi.RightRead | abi.RightWrite | abi.RightDelete | abi.RightDerive | abi.RightRevoke | abi.RightTransfer | abi.RightShare

// Make makes the environment, with quotas of the caller's.
func (c *Child) Make(frames, caps uint64) (err abi.Errno) {
	*c = Child{next: WindowLow, how: state.How, where: state.Where}
	c.Env, c.Account, err = sys.EnvCreate(state.Account, frames, caps)
	return err
}

// OnNode has its frames, and those that it takes itself, come from a node. After Make.
func (c *Child) OnNode(node uint64) { c.how, c.where = abi.HowNode, node }

// Frames takes n frames for it.
func (c *Child) Frames(n uint64) (name sys.Cap, err abi.Errno) {
	name, _, err = sys.FrameAlloc(state.Account, c.how, c.where, n, 0)
	return name, err
}

// Alloc takes n frames and shows them until they are placed.
func (c *Child) Alloc(n uint64) (name sys.Cap, at uint64, err abi.Errno) {
	if c.next+n*PageSize > WindowHigh {
		return 0, 0, abi.NoSlots
	}
	if name, err = c.Frames(n); err != abi.OK {
		return 0, 0, err
	}
	at = c.next
	c.last, c.lastBytes = name, n*PageSize
	if err = sys.PageMap(name, 0, at, readWrite); err != abi.OK {
		sys.CapDelete(name)
		return 0, 0, err
	}
	c.next += n * PageSize
	return name, at, abi.OK
}

// move maps frames in the child, and makes them its own.
func (c *Child) move(name sys.Cap, va uint64, perm abi.Perm) abi.Errno {
	err := sys.PageMap(name, c.Env, va, perm)
	if err == abi.OK {
		return sys.CapTransfer(name, c.Env)
	}
	if err == abi.BadCap {
		if err = sys.CapTransfer(name, c.Env); err == abi.OK {
			err = sys.PageMap(name, c.Env, va, perm)
		}
	}
	return err
}

// Place gives the child frames of the caller's at an address. They are the caller's no more, even if it fails.
func (c *Child) Place(name sys.Cap, va, n uint64, perm abi.Perm, flags uint8) abi.Errno {
	shown := perm
	if flags&FlagCopy != 0 {
		shown &^= abi.PermWrite
	}
	if err := c.move(name, va, shown); err != abi.OK {
		sys.CapDelete(name)
		return err
	}
	if name == c.last {
		c.next -= c.lastBytes
		c.last = 0
	}
	if c.state.full() {
		return abi.NoSlots
	}
	c.state.Add(Piece{VA: va, Name: name, N: uint16(n), Of: uint16(n), Perm: uint8(perm), Flags: flags})
	return abi.OK
}

// Derive gives it frames that stay the caller's, to be read or executed.
func (c *Child) Derive(name sys.Cap, va, n uint64, perm abi.Perm) abi.Errno {
	rights := uint64(perm) | abi.RightRead | abi.RightDelete | abi.RightDerive | abi.RightRevoke | abi.RightTransfer
	d, err := sys.CapDerive(name, rights, 0, nil)
	if err != abi.OK {
		return err
	}
	return c.Place(d, va, n, perm, 0)
}

// Share gives it frames that both have: those of the caller's piece at an address, at the same one, with a region.
func (c *Child) Share(at uint64) abi.Errno {
	p, r := state.piece(at), state.region(at)
	if p == nil || r == nil {
		return abi.NotMapped
	}
	if c.state.region(at) != nil {
		return abi.OK
	}
	if !c.state.AddRegion(*r) {
		return abi.NoSlots
	}
	return c.share(p, 0)
}

func (c *Child) share(p *Piece, flags uint8) abi.Errno {
	name, err := sys.FrameShare(p.Name, 0, childRights)
	if err != abi.OK {
		return err
	}
	return c.Place(name, p.VA, uint64(p.N), abi.Perm(p.Perm), p.Flags&FlagShared|flags)
}

// AddRegion notes a region of the child's.
func (c *Child) AddRegion(r Region) bool { return c.state.AddRegion(r) }

// Give derives a capability for the child, with rights of those that the caller has; 0: it has none to give.
func (c *Child) Give(name sys.Cap, rights uint64) sys.Cap {
	d, err := sys.CapDerive(name, rights, c.Env, nil)
	if err != abi.OK {
		return 0
	}
	return d
}

// Private makes what a new program finds at PrivateLow: a page that nothing is at, an upcall stack, a start page with so many
// bytes behind it, State. It returns the start page as the caller sees it, with these ranges written down.
func (c *Child) Private(upcallPages, startBytes uint64) (*startpage.Page, abi.Errno) {
	startPages := up(startBytes) / PageSize
	n := upcallPages + startPages + 1
	if err := c.makeBlock(PrivateLow+PageSize, n); err != abi.OK {
		return nil, err
	}
	w := c.next - n*PageSize
	page := (*startpage.Page)(unsafe.Pointer(uintptr(w + upcallPages*PageSize)))
	page.Upcall = startpage.Range{Low: c.blockVA, High: c.blockVA + upcallPages*PageSize}
	page.State = startpage.Range{Low: c.blockVA + (n-1)*PageSize, High: c.blockVA + n*PageSize}
	c.state = (*State)(unsafe.Pointer(uintptr(w + (n-1)*PageSize)))
	c.state.Account, c.state.Pages, c.state.How, c.state.Where = c.Account, 1, c.how, c.where
	return page, abi.OK
}

// StartAt is where the child finds its start page.
func StartAt(page *startpage.Page) uint64 { return page.Upcall.High }

func (c *Child) makeBlock(va, n uint64) abi.Errno {
	name, _, err := c.Alloc(n)
	c.block, c.blockVA, c.blockN = name, va, n
	c.last = 0 // it stays in the window until the end
	return err
}

// Finish gives it its State and start page. After that it is complete, and may run.
func (c *Child) Finish() abi.Errno {
	c.state.Add(Piece{VA: c.blockVA, Name: c.block, N: uint16(c.blockN), Of: uint16(c.blockN), Perm: uint8(readWrite), Flags: FlagOwn})
	return c.move(c.block, c.blockVA, readWrite)
}

// Copy gives it the caller's memory: read-only pages to share, others to be copied when one of the two writes them, and copies
// of what cannot wait: hot pieces, and the stack of the calling thread from sp up. It returns the copy of the start page.
func (c *Child) Copy(sp uint64) (*startpage.Page, abi.Errno) {
	start := sys.Start()
	s := state
	s.hold()
	defer s.release()
	own := s.piece(start.Upcall.Low)
	if own == nil || own.Flags&FlagOwn == 0 {
		return nil, abi.Unsupported // the initial environment
	}
	upcall := (start.Upcall.High - start.Upcall.Low) / PageSize
	before := (start.State.Low - own.VA) / PageSize
	n := before + uint64(s.Pages)
	if err := c.makeBlock(own.VA, n); err != abi.OK {
		return nil, err
	}
	w := c.next - n*PageSize
	copyPages(w+upcall*PageSize, own.VA+upcall*PageSize, before-upcall)
	page := (*startpage.Page)(unsafe.Pointer(uintptr(w + upcall*PageSize)))
	t := (*State)(unsafe.Pointer(uintptr(w + before*PageSize)))
	*t = *s
	t.anchored = 0
	t.Account, t.lock, t.forks, t.NPieces, t.Bytes, t.Faults, t.Copies, t.More = c.Account, 0, 0, 0, 0, 0, 0, [MaxPages]uint64{}
	c.state = t
	g := runtime.Getg()
	low, high := sp&^(PageSize-1), uint64(g.StackHi)
	if s.NPieces+spare > uint32(t.room()) {
		return nil, abi.NoSlots
	}
	for i := range s.Pieces() {
		if err := c.copyPiece(&s.Pieces()[i], low, high); err != abi.OK {
			return nil, err
		}
	}
	s.forks++
	return page, abi.OK
}

func (c *Child) copyPiece(p *Piece, stackLow, stackHigh uint64) abi.Errno {
	switch {
	case p.Flags&(FlagOwn|FlagBacked) != 0 || p.Perm == 0:
		return abi.OK
	case p.Flags&FlagShared != 0:
		return c.share(p, 0)
	case p.Perm&uint8(abi.PermWrite) == 0 && p.Flags&FlagCopy == 0 && p.N == p.Of:
		return c.Derive(p.Name, p.VA, uint64(p.N), abi.Perm(p.Perm))
	case p.Flags&FlagHot != 0 || p.N != p.Of || p.VA < stackHigh && p.End() > stackLow:
		name, w, err := c.Alloc(uint64(p.N))
		if err != abi.OK {
			return err
		}
		from := p.VA
		if p.VA < stackHigh && p.End() > stackLow { // below the stack pointer there is nothing
			from = max(from, stackLow)
		}
		copyPages(w+from-p.VA, from, (p.End()-from)/PageSize)
		return c.Place(name, p.VA, uint64(p.N), abi.Perm(p.Perm), p.Flags&FlagHot)
	}
	if p.Flags&FlagCopy == 0 {
		if err := sys.PageProtect(p.Name, uint64(p.First), uint64(p.N), abi.PermRead); err != abi.OK {
			return err
		}
		p.Flags |= FlagCopy | FlagOurs
	}
	return c.share(p, FlagCopy)
}

func copyPages(to, from, n uint64) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(to))), n*PageSize), unsafe.Slice((*byte)(unsafe.Pointer(uintptr(from))), n*PageSize))
}

// Abandon ends a child that could not be completed, and takes back what it was to have. What it has had already goes with it: those
// names are nobody's by then.
func (c *Child) Abandon() {
	if c.Env != 0 {
		sys.EnvDestroy(c.Env)
	}
	for _, name := range [...]sys.Cap{c.block, c.last} {
		if name != 0 {
			sys.CapDelete(name)
		}
	}
}

// Forgotten tells that a child that Copy made is no more.
func Forgotten() {
	s := state
	s.hold()
	if s.forks > 0 {
		s.forks--
	}
	s.release()
}

// Account is the capability that pays for the program's memory.
func Account() sys.Cap { return state.Account }

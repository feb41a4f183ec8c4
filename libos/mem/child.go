//go:build exouser

package mem

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// A Child is an environment whose memory the caller makes: that of another program (Private, Share, Fill), or a copy of its own
// (Copy). What it is to have is written down as grants, which the kernel is given many at a time (abi.EnvGive); its start page and State
// are written in pages of the caller's, and copied last, when all names are known.
//
//	err := c.Make(…)      page, err := c.Private(…) or c.Alike()
//	… c.Share, c.Fill, c.Derive, c.Copy …        err = c.Finish()
//
// Callers: one thread at a time. A Child is a variable of a package: what lies on the heap cannot be written while Copy turns
// the heap's pages into such that are copied.
type Child struct {
	Env, Account sys.Cap
	Number       uint64
	Own          uint64 // after Finish: its name for the capability for what Finish has given it, which it cannot know
	state        *State // as it is to be, in the caller's pages
	image        uint64 // those: the start page and what is behind it
	own          int    // the piece of that, if there is
	stack        uint64 // bytes of a stack that ends at va, and is given with these; behind stackEnd there are zeroes
	va           uint64 // where the child has its upcall stack, and image behind that
	upcallPages  uint64
	pages        uint64  // of image
	n            int     // grants that are written down
	how          abi.How // where its frames come from, as of FrameAlloc
	where        uint64
	// What it may have, and what that is that it has been given, but for tables.
	frameLimit, capLimit, frames, caps uint64
	err                                abi.Errno
}

// childRights are those that a child gets to its frames.
const childRights = abi.RightRead | abi.RightWrite | abi.RightDelete | abi.RightDerive | abi.RightRevoke | abi.RightTransfer | abi.RightShare

// Where grants are written down and images made, in the caller's window: pages that stay.
//
//	│ grants │ stack of a copy, its upper end │ zeroes: its upcall stack │ start page, State │
//	WindowLow                                                            imageAt
const (
	maxNotes    = 30
	grantPages  = 1
	stackPages  = 2
	upcallPages = 2
	imageAt     = WindowLow + (grantPages+stackPages+upcallPages)*PageSize
	stackEnd    = imageAt - upcallPages*PageSize
)

// desk is what is in those pages.
type desk struct {
	grants [maxNotes]abi.Grant
	to     [maxNotes]*uint64
	also   [maxNotes]*uint64 // of a grant for two pieces
}

const _ = uint(grantPages*PageSize - unsafe.Sizeof(desk{}))

func theDesk() *desk { return (*desk)(unsafe.Pointer(uintptr(WindowLow))) }

// deskPages and deskName are how many pages there are in the window, and the capability for them.
var deskPages, deskName uint64

// furnish sees to a desk with so many pages for an image.
func furnish(pages uint64) abi.Errno {
	n := (imageAt-WindowLow)/PageSize + pages
	if n <= deskPages {
		return abi.OK
	}
	if WindowLow+n*PageSize > WindowHigh {
		return abi.NoSlots
	}
	if deskPages != 0 {
		sys.CapDelete(deskName)
		deskPages = 0
	}
	name, _, err := sys.FrameAlloc(state.Account, abi.HowNear, 0, n, 0)
	if err != abi.OK {
		return err
	}
	if err = sys.PageMap(name, 0, WindowLow, readWrite); err != abi.OK {
		sys.CapDelete(name)
		return err
	}
	deskPages, deskName = n, name
	return abi.OK
}

// Forking is called before a copy is made, Forked in the copy before anything else; nil: nothing is.
var Forking, Forked func()

// AfterFork forgets what only the parent has. own is Child's Own.
func AfterFork(own sys.Cap) {
	deskPages = 0
	s := state
	i := s.at(sys.Start().Upcall.Low - 1)
	for all := s.Pieces(); i < len(all) && all[i].VA <= sys.Start().Upcall.Low; i++ {
		if all[i].Name == 0 { // a part of the stack, and what is only its own
			all[i].Name = own
		}
	}
	if Forked != nil {
		Forked()
	}
}

// Inherit says whether children get the piece at an address, which is a hot one.
func Inherit(at uint64, do bool) {
	s := state
	s.hold()
	if p := s.piece(at); p != nil {
		if p.Flags |= FlagOwn; do {
			p.Flags &^= FlagOwn
		}
	}
	s.release()
}

// Make makes the environment, with quotas of the caller's. flags: as of EnvCreate.
func (c *Child) Make(frames, caps, flags uint64) (err abi.Errno) {
	*c = Child{how: state.How, where: state.Where}
	var made sys.Made
	made, err = sys.EnvCreateAs(state.Account, frames, caps, flags)
	c.Env, c.Account, c.Number, c.frameLimit, c.capLimit = made.Env, made.Account, made.Number, made.Frames, made.Caps
	return err
}

// OnNode has its frames, and those that it takes itself, come from a node. After Make.
func (c *Child) OnNode(node uint64) { c.how, c.where = abi.HowNode, node }

// Left is what it may still have, about.
func (c *Child) Left() (frames, caps uint64) {
	const tables, others = 8, 3 // and its account, its pages, a thread
	frames, caps = c.frames+c.upcallPages+c.pages+tables, c.caps+others
	return c.frameLimit - min(frames, c.frameLimit), c.capLimit - min(caps, c.capLimit)
}

// give writes a grant down. to is where the child's name for it goes, when it has been given.
func (c *Child) give(to *uint64) *abi.Grant {
	if c.n == maxNotes {
		c.Flush()
	}
	d := theDesk()
	d.to[c.n], d.also[c.n] = to, nil
	g := &d.grants[c.n]
	*g = abi.Grant{}
	c.n++
	c.caps++
	return g
}

// Flush gives what is written down, and returns the first error that there has been.
func (c *Child) Flush() abi.Errno {
	d := theDesk()
	for i := 0; i < c.n && c.err == abi.OK; {
		done, err := sys.EnvGive(c.Env, d.grants[i:c.n])
		switch i += done; {
		case err != abi.OK:
			c.err = err
		case i == c.n || d.grants[i].Name >= 0:
		case d.grants[i].How == abi.GrantDerive: // the caller has none to give
			d.grants[i].Name = 0
			i++
		default:
			c.err = abi.Errno(d.grants[i].Name)
		}
	}
	for i := range c.n {
		if d.to[i] != nil && c.err == abi.OK {
			*d.to[i] = uint64(d.grants[i].Name)
		}
		if d.also[i] != nil && c.err == abi.OK {
			*d.also[i] = uint64(d.grants[i].Name)
		}
	}
	c.n = 0
	return c.err
}

// place notes a piece of the child's, and returns where its name goes.
func (c *Child) place(va, n uint64, perm uint8, flags uint8) *uint64 {
	s := c.state
	if s.full() {
		c.err = abi.NoSlots
		return nil
	}
	p := Piece{VA: va, N: uint16(n), Of: uint16(n), Perm: perm, Flags: flags}
	if q := s.append(&p); q != nil {
		return &q.Name
	}
	c.Flush() // names go where pieces are now
	s.Add(p)
	return &s.piece(va).Name
}

// share gives the child n frames of a capability, from the first-th on, which both have then, at an address.
func (c *Child) share(name sys.Cap, first, va, n uint64, perm, flags uint8) {
	to := c.place(va, n, perm, flags)
	if c.frames += n; c.goesOn(name, first, va, n, perm, flags) {
		theDesk().also[c.n-1] = to
		return
	}
	g := c.give(to)
	g.How, g.From, g.Rights, g.First, g.N, g.VA, g.Perm = abi.GrantShare, name, childRights, first, n, va, abi.Perm(perm)
	switch {
	case perm&uint8(abi.PermWrite) == 0:
		g.Rights = childRights&^abi.RightWrite | uint64(perm)
	case flags&FlagCopy != 0:
		g.Perm &^= abi.PermWrite
	}
}

// goesOn makes what is written down already one grant with what follows, if that is the rest of the same frames, at the addresses behind,
// and neither is to be written: text, and the constants behind it. The second piece is the last.
func (c *Child) goesOn(name sys.Cap, first, va, n uint64, perm, flags uint8) bool {
	const write = uint8(abi.PermWrite)
	s := c.state
	if c.n == 0 || s.NPieces < 2 || c.err != abi.OK {
		return false
	}
	g, two := &theDesk().grants[c.n-1], s.Pieces()[s.NPieces-2:]
	if g.How != abi.GrantShare || g.From != name || g.Last != 0 || g.First+g.N != first || g.VA+g.N*PageSize != va || g.N+n > 1<<9 ||
		two[0].VA != g.VA || two[1].VA != va || (two[0].Perm|perm)&write != 0 || two[0].Flags != flags {
		return false
	}
	two[0].Of, two[1].Of, two[1].First = uint16(g.N+n), uint16(g.N+n), uint16(g.N)
	g.Rights |= uint64(perm)
	g.N, g.Last, g.LastPerm = g.N+n, n, abi.Perm(perm)
	return true
}

// ShareFrames gives it n frames of a capability, from the first-th on, which both have then, to be read or executed.
func (c *Child) ShareFrames(name sys.Cap, first, va, n uint64, perm abi.Perm) {
	c.share(name, first, va, n, uint8(perm), 0)
}

// copiedAtOnce is how many frames one grant has that is a copy.
const copiedAtOnce = 64

// Fill gives it n frames at an address: skip bytes of zeroes, so many from the caller's at from, and zeroes.
func (c *Child) Fill(va, n, skip, from, bytes uint64, perm abi.Perm, flags uint8) {
	for n > 0 {
		k := min(n, copiedAtOnce)
		g := c.give(c.place(va, k, uint8(perm), flags))
		c.frames += k
		g.Way, g.Where = c.how, c.where
		g.How, g.N, g.VA, g.Perm = abi.GrantCopy, k, va, perm
		g.First, g.From = min(skip, k*PageSize), from
		g.Bytes = min(bytes, k*PageSize-g.First)
		skip, from, bytes = skip-g.First, from+g.Bytes, bytes-g.Bytes
		va, n = va+k*PageSize, n-k
	}
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
	if err := c.Flush(); err != abi.OK { // it may come before others
		return err
	}
	c.share(p.Name, uint64(p.First), p.VA, uint64(p.N), p.Perm, p.Flags&FlagShared)
	return c.Flush()
}

// AddRegion notes a region of the child's.
func (c *Child) AddRegion(r Region) bool { return c.state.AddRegion(r) }

// Derive gives it a capability, with rights of those that the caller has; its name goes to to.
func (c *Child) Derive(name sys.Cap, rights uint64, to *uint64) {
	g := c.give(to)
	g.How, g.From, g.Rights, g.Perm = abi.GrantDerive, name, rights, abi.PermRead
}

// Give derives a capability for the child now; 0: the caller has none to give.
func (c *Child) Give(name sys.Cap, rights uint64) sys.Cap {
	d, err := sys.CapDerive(name, rights, c.Env, nil)
	if err != abi.OK {
		return 0
	}
	return d
}

// Private makes what a new program finds at PrivateLow: an upcall stack, a start page with so many bytes behind it, State. It returns
// the start page as the caller sees it, with these ranges written down.
func (c *Child) Private(upcallPages, startBytes uint64) (*startpage.Page, abi.Errno) {
	startPages := up(startBytes) / PageSize
	if err := c.design(PrivateLow, upcallPages, startPages+1); err != abi.OK {
		return nil, err
	}
	clear(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(c.image))), startBytes))
	page := (*startpage.Page)(unsafe.Pointer(uintptr(c.image)))
	page.Upcall = startpage.Range{Low: c.va, High: c.va + upcallPages*PageSize}
	page.State = startpage.Range{Low: page.Upcall.High + startPages*PageSize, High: page.Upcall.High + (startPages+1)*PageSize}
	c.drawState(startPages, 1)
	return page, abi.OK
}

// StartAt is where the child finds its start page.
func StartAt(page *startpage.Page) uint64 { return page.Upcall.High }

// design says where the child has its upcall stack, and behind that so many pages, which are written here.
func (c *Child) design(va, upcallPages, pages uint64) abi.Errno {
	c.image, c.va, c.upcallPages, c.pages = imageAt, va, upcallPages, pages
	return furnish(pages)
}

// drawState makes an empty State behind the start page.
func (c *Child) drawState(startPages, pages uint64) {
	c.state = (*State)(unsafe.Pointer(uintptr(c.image + startPages*PageSize)))
	*(*[unsafe.Offsetof(State{}.regions)]byte)(unsafe.Pointer(c.state)) = [unsafe.Offsetof(State{}.regions)]byte{}
	c.state.Account, c.state.Pages, c.state.How, c.state.Where = c.Account, uint32(pages), c.how, c.where
}

// Finish gives it its State and start page. After that it is complete, and may run.
func (c *Child) Finish() abi.Errno {
	if err := c.Flush(); err != abi.OK {
		return err
	}
	s := c.state
	n, va := c.upcallPages+c.pages, c.va
	if c.stack == 0 {
		c.place(va, n, uint8(readWrite), FlagOwn)
	}
	if c.err != abi.OK {
		return c.err
	}
	g := c.give(&c.Own)
	g.First, g.From = c.upcallPages*PageSize, c.image
	g.Bytes = uint64(uintptr(unsafe.Pointer(s))) - c.image + s.used()
	if c.stack != 0 {
		all := s.Pieces()
		if all[c.own].VA != va { // others have come before it
			c.own = s.at(va)
		}
		p, own := &all[c.own-1], &all[c.own]
		k := uint64(p.N)
		n, va = n+k, va-k*PageSize
		p.Of, own.Of, own.First = uint16(n), uint16(n), uint16(k)
		g.First, g.From = k*PageSize-c.stack, stackEnd-c.stack
		g.Bytes += c.stack + upcallPages*PageSize
	}
	g.Way, g.Where = c.how, c.where
	g.How, g.N, g.VA, g.Perm = abi.GrantCopy, n, va, readWrite
	return c.Flush()
}

// used is how many bytes of its pages State has something in.
func (s *State) used() uint64 {
	return uint64(unsafe.Offsetof(s.pieces)) + uint64(s.NPieces)*uint64(unsafe.Sizeof(Piece{}))
}

// Alike makes the start page of a copy of the caller, and returns it.
func (c *Child) Alike() (*startpage.Page, abi.Errno) {
	start := sys.Start()
	own := state.piece(start.Upcall.Low)
	if own == nil || own.Flags&FlagOwn == 0 {
		return nil, abi.Unsupported // the initial environment
	}
	upcall := (start.Upcall.High - start.Upcall.Low) / PageSize
	startPages := (start.State.Low-own.VA)/PageSize - upcall
	if err := c.design(own.VA, upcall, startPages+uint64(state.Pages)); err != abi.OK {
		return nil, err
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(c.image))), start.Bytes),
		unsafe.Slice((*byte)(unsafe.Pointer(start)), start.Bytes))
	c.drawState(startPages, uint64(state.Pages))
	return (*startpage.Page)(unsafe.Pointer(uintptr(c.image))), abi.OK
}

// Copy gives it the caller's memory: read-only pages to share, others to be copied when one of the two writes them, and copies
// of what cannot wait: hot pieces, and the stack of the calling thread from sp up. When it returns all that is given.
//
// No call between the copied stack and here defers anything: the copy would find records of that below its stack.
func (c *Child) Copy(sp uint64) abi.Errno {
	if Forking != nil {
		Forking()
	}
	state.hold()
	err := c.copyAll(sp)
	state.release()
	return err
}

func (c *Child) copyAll(sp uint64) abi.Errno {
	s, t := state, c.state
	if s.NPieces+spare > uint32(t.room()) || t.Pages != s.Pages {
		return abi.NoSlots
	}
	t.Regions = s.Regions
	copy(t.regions[:t.Regions], s.regions[:s.Regions])
	high := uint64(runtime.Getg().StackHi)
	all := s.Pieces() // none comes or goes meanwhile
	for i := range all {
		if err := c.copyPiece(&all[i], sp, high); err != abi.OK {
			return err
		}
	}
	if err := c.Flush(); err != abi.OK { // before the caller writes a page, which is another's frame then
		return err
	}
	s.forks++
	return abi.OK
}

// stackAhead is how much of a stack a copy has below the stack pointer, if the caller has that.
const stackAhead = 1 << 10

func (c *Child) copyPiece(p *Piece, stackLow, stackHigh uint64) abi.Errno {
	n, perm := uint64(p.N), p.Perm
	switch {
	case p.Flags&(FlagOwn|FlagBacked) != 0 || perm == 0:
	case p.Flags&FlagShared != 0:
		c.share(p.Name, uint64(p.First), p.VA, n, perm, FlagShared)
	case p.VA < stackHigh && p.End() > stackLow: // below the stack pointer there is nothing
		from := max(p.VA, stackLow)
		low := max((from-stackAhead)&^(PageSize-1), p.VA)
		if n := (p.End() - low) / PageSize; p.End() == c.va && n <= stackPages && c.upcallPages == upcallPages {
			c.stack = p.End() - from
			copy(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(stackEnd-c.stack))), c.stack),
				unsafe.Slice((*byte)(unsafe.Pointer(uintptr(from))), c.stack))
			c.frames += n
			c.place(low, n, perm, p.Flags&FlagHot)
			c.place(c.va, c.upcallPages+c.pages, uint8(readWrite), FlagOwn)
			c.own = int(c.state.NPieces) - 1
			return c.err
		}
		c.Fill(low, (p.End()-low)/PageSize, from-low, from, p.End()-from, abi.Perm(perm), p.Flags&FlagHot)
	case p.Flags&FlagHot != 0:
		c.Fill(p.VA, n, 0, p.VA, n*PageSize, abi.Perm(perm), FlagHot)
	case perm&uint8(abi.PermWrite) == 0:
		c.share(p.Name, uint64(p.First), p.VA, n, perm, p.Flags&FlagCopy)
	default:
		if p.Flags&FlagCopy == 0 {
			if err := sys.PageProtect(p.Name, uint64(p.First), n, abi.PermRead); err != abi.OK {
				return err
			}
			p.Flags |= FlagCopy | FlagOurs
		}
		c.share(p.Name, uint64(p.First), p.VA, n, perm, FlagCopy)
	}
	return c.err
}

// Abandon ends a child that could not be completed. What it has had already goes with it, and nothing is kept for the next.
func (c *Child) Abandon() {
	if c.Env != 0 {
		sys.EnvDestroy(c.Env)
	}
	if deskPages != 0 {
		sys.CapDelete(deskName)
		deskPages = 0
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

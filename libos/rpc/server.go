//go:build exouser

package rpc

import (
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/heap"
	"exo/libos/mem"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/thread"
	"exo/libos/wait"
)

// Handler does what a client wants: it reads all of in before it writes to out, for both are the same frames. What it allocates is
// gone when it has returned.
type Handler func(from, op uint64, in *Reader, out *Writer) (status uint64)

const maxClients = 200

const badCap = ^uint64(-abi.BadCap - 1) // negative: who has no frames cannot call

type client struct {
	number uint64 // of its environment; 0: nobody
	at     uint64 // of the frames
	alive  bool
}

// Server answers calls, one after the other.
type Server struct {
	Endpoint sys.Cap
	Most     int // clients at a time, at most 200
	handle   Handler
	lock     thread.Mutex // guards what follows; a call is answered under it
	clients  [maxClients]client
	last     int     // who called last
	bell     sys.Cap // rings when a client has ended
	// Here, so that nothing is allocated: it would stay.
	info abi.EnvInfo
	who  abi.Object
	in   Reader
	out  Writer
}

// Serve answers until the endpoint is no more.
func (s *Server) Serve(handle Handler) abi.Errno {
	s.handle = handle
	if s.bell = wait.NewBell(); s.bell == 0 || wait.Own() == 0 { // the lock's, now and not when it is first waited for
		return abi.NoQuota
	}
	if _, err := thread.Go(s.watch); err != nil {
		return abi.NoQuota
	}
	m, e := sys.IPCReceive(s.Endpoint, abi.Forever)
	for {
		for e == abi.OK {
			status, n, c := s.answer(&m)
			if m, e = sys.IPCReplyWait(s.Endpoint, status, n, 0, 0, c); e != abi.OK && c != 0 {
				sys.CapDelete(c) // it has not been given away: who called cannot pay for it
				sys.IPCReply(uint64(e), 0, 0, 0, 0)
			}
		}
		switch e {
		case abi.Revoked, abi.BadCap, abi.BadKind, abi.BadRights:
			return e
		}
		// Whoever called is gone; the next one.
		m, e = sys.IPCReceive(s.Endpoint, abi.Forever)
	}
}

func (s *Server) answer(m *sys.Message) (status, n uint64, c sys.Cap) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if m.Cap != 0 { // nobody asked for it
		sys.CapDelete(m.Cap)
	}
	if m.W0 == hello {
		c, e := s.welcome(m.From)
		return uint64(e), 0, c
	}
	k := s.find(m.From)
	if k < 0 {
		return badCap, 0, 0
	}
	buffer := unsafe.Slice((*byte)(unsafe.Pointer(uintptr(s.clients[k].at))), BufferBytes)
	s.in, s.out = ReaderOn(buffer[:min(m.W1, BufferBytes)]), WriterOn(buffer)
	mark := heap.Mark()
	status = s.handle(m.From, m.W0, &s.in, &s.out)
	mark.Release()
	return status, uint64(s.out.Len()), 0
}

func (s *Server) find(number uint64) int {
	if number != 0 && s.clients[s.last].number == number {
		return s.last
	}
	for k := range s.clients {
		if s.clients[k].number == number {
			s.last = k
			return k
		}
	}
	return -1
}

// welcome gives a client frames, anew if it has some.
func (s *Server) welcome(number uint64) (sys.Cap, abi.Errno) {
	if k := s.find(number); k >= 0 {
		s.clients[k].leave()
	}
	k := s.find(0)
	if k < 0 || k >= s.Most {
		return 0, abi.NoSlots
	}
	frames, _, e := sys.FrameAlloc(mem.Account(), abi.HowNear, 0, BufferFrames, 0)
	if e != abi.OK {
		return 0, e
	}
	at, e := mem.MapFrames(frames, BufferFrames, abi.PermRead|abi.PermWrite, 0)
	if e != abi.OK {
		sys.CapDelete(frames)
		return 0, e
	}
	s.clients[k] = client{number: number, at: at}
	s.who = abi.Object{First: number}
	who, e := sys.CapDerive(root(), abi.RightRead, 0, &s.who)
	if e == abi.OK {
		e = sys.EnvWatch(who, s.bell, 1)
		sys.CapRevoke(root()) // the name for it, which is of no more use
	}
	c := sys.Cap(0)
	if e == abi.OK {
		c, e = sys.FrameShare(frames, 0, abi.RightRead|abi.RightWrite|abi.RightDelete|abi.RightTransfer)
	}
	if e != abi.OK { // mostly: it has ended
		s.clients[k].leave()
	}
	return c, e
}

func (c *client) leave() {
	mem.Unmap(c.at, BufferBytes)
	*c = client{}
}

// root is an environment that all clients descend from.
func root() sys.Cap { return sys.StartCap(startpage.RoleEnv, 0) }

// watch takes back the frames of clients that have ended: it is a thread.
func (s *Server) watch() {
	for {
		s.lock.Lock()
		s.sweep()
		s.lock.Unlock()
		if _, e := sys.Wait(s.bell, 1, abi.Forever); e != abi.OK {
			thread.Sleep(1_000_000)
		}
	}
}

func (s *Server) sweep() {
	for k := range s.clients {
		s.clients[k].alive = false
	}
	info := &s.info
	for from := uint64(0); ; {
		next, e := sys.EnvNext(root(), from, info)
		if e != abi.OK {
			return
		}
		if next == 0 {
			break
		}
		from = next
		if k := s.find(info.Number); k >= 0 && info.State != abi.EnvEnded {
			s.clients[k].alive = true
		}
	}
	for k := range s.clients {
		if c := &s.clients[k]; c.number != 0 && !c.alive {
			c.leave()
		}
	}
}

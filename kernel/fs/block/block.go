// Package block is what the file system needs from a disk: 4 KiB blocks, read and written by number, with several requests
// in flight, and a flush.
//
//	file system                         driver
//	  Start(d, c, r) ─── d.Submit(c, r) ──► queue ──► device
//	  …                                                  │
//	  r.Wait(c)   ◄───── r.Complete(errno) ◄── interrupt ┘
//
// Whoever starts a request owns it, and the pages it names, again when Wait returns; or, if it does not wait, when
// Finished says so. In between they are the driver's.
//
// Start reading: Request and Device; RAM in ram.go is the smallest device that there is. Those that need a host (a file, a
// sparse disk, one that records for crash tests) are in internal/hostdisk.
package block

import (
	"unsafe"

	"exo/kernel/fs/errno"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Size is the bytes of a block.
const Size = 4096

// Sector is what a device writes whole or not at all when the power fails, in bytes.
const Sector = 512

// Page is the contents of a block. In ring 0 it is a frame, aligned to its size, so that a device reaches it as one piece.
type Page [Size]byte

const _ = -(unsafe.Sizeof(Page{}) ^ Size)

// Op is what a request asks for.
type Op uint8

const (
	Read  Op = iota // fills the pages
	Write           // writes the pages; lasting only after a Flush
	Flush           // makes lasting all writes that were complete when it was submitted
)

// Device is a disk.
//
// G1. Every submitted request is completed exactly once, with OK or a reason.
// G2. When a Flush is completed with OK, each write that was complete with OK before the Flush was submitted outlasts a loss
// of power. Of other writes each sector may be there or not, in any order.
// G3. A read that was submitted after a write of the block completed finds what was written.
//
// Two requests that are in flight at once and name the same block, one of them a write, are the caller's mistake.
type Device interface {
	// Geometry says how the device is. It does not change.
	Geometry() Geometry

	// Submit gives the device a request that Start has prepared. It may wait, for room in a queue: so the caller is a task
	// that holds no spinlock. It does not fail: what is wrong is told by Complete, perhaps before Submit returns.
	Submit(c *sync.Context, r *Request)
}

// Geometry is how a device is.
type Geometry struct {
	Blocks   uint64 // of Size bytes
	MaxPages int    // a request has at most so many; at least 1
	Depth    int    // it is of use to have so many requests in flight; at least 1
	ReadOnly bool   // writes are completed with errno.ReadOnly
}

// Request is one piece of work for a device: consecutive blocks, to or from pages that lie anywhere. It lies in memory
// that stays a Request's, and is used again as often as one likes, but not moved while in flight.
//
//	              Start  Wait  Finished  Complete     X: callers exclude each other; -: may run together
//	Start, Wait     X     X       -         -
//	Finished        -     -       -         -
//	Complete        -     -       -         X
//
// G1. After Complete, Wait returns to the context that started the request, and Finished says true; both see what the
// device wrote, and the result.
// G2. Until then the request is not done, whatever else wakes the context.
// G3. Complete does not touch the request after the moment from which Finished says true: it may be started again.
//
// Progress: Complete and Finished wait-free; Wait blocks. Callers: Start and Wait a task; Complete anybody, interrupt
// handlers included. Memory: none.
type Request struct {
	Op    Op
	Block uint64  // the first
	Pages []*Page // one per block; none for a Flush

	// Then, unless nil, is called by Complete just before the request is done, in whatever context the device is in: it is
	// short and takes no lock. Tag is for it.
	Then func(r *Request)
	Tag  uint64

	// Next and Word are the driver's while the request is in flight.
	Next *Request
	Word [4]uint64

	state  atom.Uint32 // idle, or in flight, or done
	result errno.Errno // written before state says done
	waiter *sync.Context
}

const (
	idle uint32 = iota
	inFlight
	done
)

// Start submits a request, which c will wait for. What is beyond the device's end or does not fit a request is completed
// at once.
func Start(d Device, c *sync.Context, r *Request) {
	if r.state.Load() == inFlight {
		panic("block: a request is started that is in flight")
	}
	r.result, r.waiter = errno.OK, c
	r.state.StoreRelease(inFlight)
	g := d.Geometry()
	n := uint64(len(r.Pages))
	switch {
	case r.Op == Flush && n == 0:
	case r.Op == Flush || n == 0 || n > uint64(g.MaxPages):
		r.Complete(errno.BadArgument)
		return
	case r.Block >= g.Blocks || n > g.Blocks-r.Block:
		r.Complete(errno.Range)
		return
	case r.Op == Write && g.ReadOnly:
		r.Complete(errno.ReadOnly)
		return
	}
	d.Submit(c, r)
}

// Complete says that the request is done, and how it went: the driver's call, once for each Submit.
func (r *Request) Complete(result errno.Errno) {
	if r.state.Load() != inFlight {
		panic("block: a request is completed that is not in flight")
	}
	r.result = result
	if r.Then != nil {
		r.Then(r)
	}
	s := r.waiter.Sleeper // read before the request may be another's (G3)
	r.state.Store(done)   // order: publishes result and pages; pairs with Finished (G1)
	if s != nil {
		s.Unpark()
	}
}

// Finished says whether the request is done, or was never started.
func (r *Request) Finished() bool { return r.state.Load() != inFlight }

// Result is how a request went that is done; or is just being completed, for Then.
func (r *Request) Result() errno.Errno { return r.result }

// Wait returns when the request is done, with how it went. The caller is the context that started it; one that cannot sleep
// may wait only for devices that complete before Submit returns.
func (r *Request) Wait(c *sync.Context) errno.Errno {
	for !r.Finished() { // order: pairs with the store in Complete (G1, G2)
		c.Sleeper.Park()
	}
	return r.result
}

// Do starts a request and waits for it.
func Do(d Device, c *sync.Context, r *Request) errno.Errno {
	Start(d, c, r)
	return r.Wait(c)
}

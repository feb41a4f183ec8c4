package virtio

import (
	"math/bits"
	"unsafe"

	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// Disk is a virtio-blk device (§5.2): a block.Device.
//
//	                        Submit  Interrupt  Check     X: callers exclude each other; -: may run together
//	Submit, Interrupt, Check   -        -        -
//
// G1. A request is completed once: when the device has done it, or with errno.IO when the device is driven no more.
// G2. A completed request's pages are the device's no more: it has said that it is done, or it was reset and kept from
// reaching memory first.
// G3. Requests that wait for room begin in the order in which they came, as soon as there is room.
// G4. If Check is called again and again, each request is completed within Timeout and twice the time between two calls,
// whatever the device does, and whether interrupts come or not.
// G5. Whatever the device writes or answers, the driver reads and writes nothing but its own memory and the requests.
//
// A request has a slot while the device has it: a chain of descriptors, and a header with its kind, its place, and the byte
// in which the device says how it went.
//
// Progress: under a lock with interrupts off, for a few hundred instructions; for longer when a device is given up. Callers:
// Submit anybody; Interrupt handlers; Check a task. Memory: what Init asked for.
type Disk struct {
	m        Machine
	pause    func()
	timeout  uint64
	t        transport
	modern   modern // t is one of these
	legacy   legacy
	geometry block.Geometry
	flushes  bool // it has a cache that is flushed
	messages bool // it interrupts by messages

	lock        sync.Ticket // of what follows; interrupts off, and nothing else is taken under it but what Machine takes
	q           queue
	headers     []header
	slots       [maxSlots]slot
	free        uint64 // a bit for each slot
	busy        uint16 // slots that the device has
	first, last *block.Request
	failed      bool // it is driven no more
	rests       bool // Check has seen nothing to do: Submit says when there is
}

const (
	maxSlots = 64
	maxPages = 16 // of a request: 64 KiB
)

// slot is a request that the device has, since when.
type slot struct {
	r     *block.Request
	since uint64
}

// header is what a request begins and ends with (§5.2.6).
type header struct {
	kind   uint32
	_      uint32
	sector uint64
	status uint8 // written by the device
	_      [15]byte
}

const (
	headerBytes = 32
	headerLen   = 16 // without the status
	_           = -(unsafe.Sizeof(header{}) ^ headerBytes)

	kindRead  = 0
	kindWrite = 1
	kindFlush = 4

	statusOK      = 0
	statusUnknown = 0xff // what the device overwrites

	sectors = block.Size / 512
)

// Geometry is for block.Device.
func (d *Disk) Geometry() block.Geometry { return d.geometry }

// Messages says whether it interrupts by messages; if not it does by its pin, or not at all.
func (d *Disk) Messages() bool { return d.messages }

// Submit is for block.Device. It does not wait.
func (d *Disk) Submit(_ *sync.Context, r *block.Request) {
	if r.Op == block.Flush && !d.flushes {
		r.Complete(errno.OK) // what was written lasts
		return
	}
	flags := d.enter()
	if d.failed {
		d.leave(flags)
		r.Complete(errno.IO)
		return
	}
	r.Next = nil
	if d.first == nil {
		d.first = r
	} else {
		d.last.Next = r
	}
	d.last = r
	d.start()
	wake := d.rests
	d.rests = false
	d.leave(flags)
	if wake {
		d.m.Busy(d)
	}
}

func (d *Disk) enter() uint64 {
	flags := d.m.IRQDisable()
	d.lock.Lock(d.pause)
	return flags
}

func (d *Disk) leave(flags uint64) {
	d.lock.Unlock()
	d.m.IRQRestore(flags)
}

// start gives the device the requests that wait, as many as there is room for (G3).
func (d *Disk) start() {
	notify := false
	for d.first != nil && d.free != 0 {
		r := d.first
		d.first = r.Next
		i := uint16(bits.TrailingZeros64(d.free))
		d.free &^= 1 << i
		d.busy++
		d.slots[i] = slot{r, d.m.NowNs()}
		d.describe(i, r)
		if d.q.add(i) {
			notify = true
		}
	}
	if notify {
		d.t.notify()
	}
}

// describe writes the header and the chain of a slot: the header, the pages, the status.
func (d *Disk) describe(i uint16, r *block.Request) {
	h := &d.headers[i]
	*h = header{kind: kindFlush, status: statusUnknown}
	data := uint16(descNext)
	switch r.Op {
	case block.Read:
		h.kind, data = kindRead, descNext|descWrite
	case block.Write:
		h.kind = kindWrite
	}
	if r.Op != block.Flush {
		h.sector = r.Block * sectors
	}
	chain, head := d.q.chainOf(i)
	at := d.m.Address(unsafe.Pointer(h)) // SAFETY: headers lie in the queue's memory
	chain[0] = descriptor{at, headerLen, descNext, head + 1}
	n := uint16(1)
	for _, p := range r.Pages {
		// SAFETY: the caller of Submit leaves the page to us until the request is completed.
		chain[n] = descriptor{d.m.Address(unsafe.Pointer(p)), block.Size, data, head + n + 1}
		n++
	}
	chain[n] = descriptor{at + headerLen, 1, descWrite, 0}
}

package cap

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// cells.go: records by number, that grow by frames while they are read, and the free ones among them, a stock per CPU
// and a depot for all (as sync.Pool, whose arrays cannot grow).
//
//	top[512] ──► page[512] ──► records of a chunk: half a frame, 64 cells; their links are the other half
//	         ──► page[512] ──► …                   a chunk appears by one compare-and-swap, and stays where it is
//
//	chunk 0   records │ links
//	chunk 1   links │ records      so records are spread over all sets of a cache that is indexed by address
//
//	             find  at  get  put  grow   X: callers exclude each other; -: may run together; own: not twice on one CPU
//	find, at       -    -   -    -    -
//	get, put       -    -  own  own  own
//
// A cell that was got is nobody else's until it is put. get fails only if there is no frame, and no free cell but in other
// CPUs' stocks, at most 2 × batch in each. find is wait-free, the others lock-free.

// Frame is 4 KiB.
type Frame [512]uint64

// Memory is where a table gets its frames.
type Memory interface {
	// GetFrame returns a zeroed frame, aligned to its size, or nil.
	GetFrame(cpu int) *Frame
	// PutFrame takes a frame back.
	PutFrame(cpu int, f *Frame)
}

const (
	perChunk  = 64
	perPage   = 512
	maxChunks = MaxSlots / perChunk
	batch     = perChunk / 2 // cells that change hands at once
	half      = unsafe.Sizeof(Frame{}) / 2
)

type (
	chunk [perChunk]record
	page  [perPage]atom.Pointer[chunk]
)

type cells struct {
	top    [maxChunks / perPage]atom.Pointer[page]
	_      [64]byte
	depot  atom.Uint64 // link to the first cell of the topmost batch
	chunks atom.Uint32 // how many there are, or one less than that
	_      [52]byte
}

// A stock is one CPU's free cells, touched by that CPU alone.
type stock struct {
	current chain  // less than a batch
	spare   uint32 // first of a whole batch, or 0
}

// chain is a chain of free cells: the first one's number in the upper half, how many in the lower. What follows a cell is
// in its object[0]; in its object[1] which batch lies below, if it is first of one in the depot.
type chain uint64

func (c chain) first() uint32       { return uint32(c >> 32) }
func (c chain) with(i uint32) chain { return chain(i)<<32 | chain(uint32(c)+1) }

func (r *record) rest() chain { return chain(r.object[0].Load()) }

// links are the links of a record.
func (r *record) links() *links {
	p := unsafe.Pointer(r)
	// SAFETY: the other half of the record's frame, which is aligned to its size, is links; they are as large as records.
	return (*links)(unsafe.Add(p, half-2*(uintptr(p)&half)))
}

// Both halves have as many.
const (
	_ = -(unsafe.Sizeof(chunk{}) ^ half)
	_ = -(unsafe.Sizeof(links{}) ^ unsafe.Sizeof(record{}))
)

// find returns a cell, or nil if there is none of that number.
func (c *cells) find(i uint32) *record {
	if i >= MaxSlots {
		return nil
	}
	p := c.top[i/(perPage*perChunk)].Load()
	if p == nil {
		return nil
	}
	k := p[i/perChunk%perPage].Load() // order: pairs with grow's compare-and-swap (G8)
	if k == nil {
		return nil
	}
	return &k[i%perChunk]
}

// at returns a cell that there is.
func (c *cells) at(i uint32) *record {
	return &c.top[i/(perPage*perChunk)%uint32(len(c.top))].Load()[i/perChunk%perPage].Load()[i%perChunk]
}

// rest is the cells from i on that lie in its chunk, at most n. There is a cell i.
func (c *cells) rest(i, n uint32) []record {
	k := c.top[i/(perPage*perChunk)%uint32(len(c.top))].Load()[i/perChunk%perPage].Load()
	return k[i%perChunk : min(i%perChunk+n, perChunk)]
}

// get takes a free cell, or returns 0.
func (c *cells) get(cpu int, s *stock, m Memory) (uint32, *record) {
	i := s.current.first()
	if i == 0 {
		if i = c.refill(cpu, s, m); i == 0 {
			return 0, nil
		}
	}
	r := c.at(i)
	s.current = r.rest()
	return i, r
}

// put gives cell i back.
func (c *cells) put(s *stock, i uint32, r *record) {
	r.object[0].StoreRelease(uint64(s.current))
	s.current = s.current.with(i)
	if uint32(s.current) == batch {
		if s.spare != 0 {
			c.deposit(s.spare)
		}
		s.spare, s.current = i, 0
	}
}

// refill gets a batch for an empty stock, and returns its first cell.
//
//go:noinline
func (c *cells) refill(cpu int, s *stock, m Memory) uint32 {
	i := s.spare
	s.spare = 0
	if i == 0 {
		i = c.withdraw()
	}
	if i == 0 {
		i, s.spare = c.grow(cpu, m)
	}
	return i
}

// withdraw takes a batch out of the depot, or returns 0.
func (c *cells) withdraw() uint32 {
	for {
		top := link(c.depot.Load())
		i := top.slot()
		if i == 0 {
			return 0
		}
		below := uint32(c.at(i).object[1].Load()) & slotMask // of another time, if the batch has left: then top has changed
		if swap(&c.depot, top, top.to(below, 0)) {
			return i
		}
	}
}

// deposit gives the batch that begins with cell i to all.
func (c *cells) deposit(i uint32) {
	for {
		top := link(c.depot.Load())
		c.at(i).object[1].StoreRelease(uint64(top.slot()))
		if swap(&c.depot, top, top.to(i, 0)) { // order: publishes the chain; pairs with withdraw's
			return
		}
	}
}

// grow adds a chunk and returns the first of its two batches, which are the caller's; 0 if there is no memory.
func (c *cells) grow(cpu int, m Memory) (current, spare uint32) {
	f := m.GetFrame(cpu)
	for f != nil {
		k := c.chunks.Load()
		if k == maxChunks {
			m.PutFrame(cpu, f)
			break
		}
		top := &c.top[k/perPage]
		p := top.Load()
		if p == nil {
			// SAFETY: a zeroed frame is a page of nil pointers; it is the caller's, and stays one for good.
			if top.CompareAndSwap(nil, (*page)(unsafe.Pointer(f))) {
				f = m.GetFrame(cpu)
			}
			continue
		}
		if uintptr(unsafe.Pointer(f))%unsafe.Sizeof(*f) != 0 {
			panic("cap: a frame that is not aligned")
		}
		// SAFETY: half a zeroed frame is a chunk of records that match no name; it is aligned to a cache line, and stays one.
		cells := (*chunk)(unsafe.Pointer(&f[k%2*uint32(len(f))/2]))
		mine := p[k%perPage].CompareAndSwap(nil, cells) // order: publishes the cells (G8)
		c.chunks.CompareAndSwap(k, k+1)                 // or somebody helped
		if mine {
			lowest := uint32(0)
			if k == 0 {
				lowest = 1
			}
			return cells.chain(k, lowest, batch), cells.chain(k, batch, perChunk)
		}
	}
	return 0, 0
}

// chain makes a chain of the cells from lo to before hi of chunk number k and returns the first.
func (c *chunk) chain(k, lo, hi uint32) uint32 {
	var all chain
	for i := hi; i > lo; i-- {
		c[i-1].object[0].StoreRelease(uint64(all))
		all = all.with(k*perChunk + i - 1)
	}
	return k*perChunk + lo
}

// slots is how many cells there have been made, cell 0 included.
func (c *cells) slots() uint32 {
	k := c.chunks.Load()
	if k < maxChunks && c.find(k*perChunk) != nil {
		k++ // not counted yet
	}
	return k * perChunk
}

// free counts the free cells. Nothing else may run.
func (c *cells) free(stocks func(cpu int) *stock, cpus int) (n int) {
	for cpu := range cpus {
		s := stocks(cpu)
		n += int(uint32(s.current))
		if s.spare != 0 {
			n += batch
		}
	}
	for i := link(c.depot.Load()).slot(); i != 0; i = uint32(c.at(i).object[1].Load()) {
		n += batch
	}
	return n
}

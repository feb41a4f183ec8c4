package hostdisk

import (
	gosync "sync"
	"sync/atomic"

	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// Sparse is a disk of any size in memory, that keeps what was written and is zero elsewhere. It completes each request from
// another goroutine if Async is set, and fails those that Fail says.
type Sparse struct {
	Blocks uint64
	Async  bool
	Fail   func(r *block.Request) bool // nil: none. It is called for each request, by any goroutine

	Reads, Writes, Flushes atomic.Int64 // requests

	mu    gosync.Mutex
	pages map[uint64]*block.Page
}

// Geometry is the disk's.
func (d *Sparse) Geometry() block.Geometry {
	return block.Geometry{Blocks: d.Blocks, MaxPages: 64, Depth: 8}
}

// Submit performs a request.
func (d *Sparse) Submit(_ *sync.Context, r *block.Request) {
	if d.Async {
		go d.perform(r)
	} else {
		d.perform(r)
	}
}

func (d *Sparse) perform(r *block.Request) {
	switch r.Op {
	case block.Read:
		d.Reads.Add(1)
	case block.Write:
		d.Writes.Add(1)
	case block.Flush:
		d.Flushes.Add(1)
	}
	if d.Fail != nil && d.Fail(r) {
		r.Complete(errno.IO)
		return
	}
	d.mu.Lock()
	for i, p := range r.Pages {
		n := r.Block + uint64(i)
		if r.Op == block.Read {
			readPage(d.pages, n, p)
			continue
		}
		if d.pages == nil {
			d.pages = map[uint64]*block.Page{}
		}
		at := d.pages[n]
		if at == nil {
			at = new(block.Page)
			d.pages[n] = at
		}
		*at = *p
	}
	d.mu.Unlock()
	r.Complete(errno.OK)
}

// Page is a copy of what a block holds.
func (d *Sparse) Page(n uint64) (p block.Page) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := d.pages[n]; at != nil {
		p = *at
	}
	return p
}

// SetPage replaces what a block holds.
func (d *Sparse) SetPage(n uint64, p block.Page) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pages == nil {
		d.pages = map[uint64]*block.Page{}
	}
	d.pages[n] = &p
}

// Each calls f with the number of each block that was ever written, in any order.
func (d *Sparse) Each(f func(n uint64, p *block.Page)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, p := range d.pages {
		f(n, p)
	}
}

// Clone is a copy of the disk's contents.
func (d *Sparse) Clone() *Sparse {
	e := &Sparse{Blocks: d.Blocks, pages: map[uint64]*block.Page{}}
	d.Each(func(n uint64, p *block.Page) {
		q := *p
		e.pages[n] = &q
	})
	return e
}

// readPage reads a block: zeros, if it has never been written.
func readPage(pages map[uint64]*block.Page, n uint64, p *block.Page) {
	if at := pages[n]; at != nil {
		*p = *at
	} else {
		*p = block.Page{}
	}
}

package hostdisk

import (
	gosync "sync"

	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// Record is one thing that happened to a disk: a block written, or, if Flush, everything before made lasting, or, if Mark is
// not empty, something that a test wants to remember.
type Record struct {
	Flush bool
	Mark  string
	Block uint64
	Page  *block.Page // never changes
}

// Recorder is a disk that starts as a copy of another, completes what it is asked at once, and notes each write and flush in
// the order of their completion. What a power cut can leave is made from these (Device's G2).
type Recorder struct {
	mu     gosync.Mutex
	blocks uint64
	pages  map[uint64]*block.Page // each never changes: who writes replaces it
	log    []Record
}

// NewRecorder starts with what the disk holds now.
func NewRecorder(from *Sparse) *Recorder {
	d := &Recorder{blocks: from.Blocks, pages: map[uint64]*block.Page{}}
	from.Each(func(n uint64, p *block.Page) {
		q := *p
		d.pages[n] = &q
	})
	return d
}

// Geometry is the disk's.
func (d *Recorder) Geometry() block.Geometry {
	return block.Geometry{Blocks: d.blocks, MaxPages: 64, Depth: 8}
}

// Submit performs a request and notes it.
func (d *Recorder) Submit(_ *sync.Context, r *block.Request) {
	d.mu.Lock()
	for i, p := range r.Pages {
		n := r.Block + uint64(i)
		if r.Op == block.Read {
			readPage(d.pages, n, p)
			continue
		}
		q := *p
		d.pages[n] = &q
		d.log = append(d.log, Record{Block: n, Page: &q})
	}
	if r.Op == block.Flush {
		d.log = append(d.log, Record{Flush: true})
	}
	d.mu.Unlock()
	r.Complete(errno.OK)
}

// Mark notes something.
func (d *Recorder) Mark(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, Record{Mark: what})
}

// Log is what happened so far.
func (d *Recorder) Log() []Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log[:len(d.log):len(d.log)]
}

// Overlay is a disk made of another's pages with some replaced; what is written stays in it. It is one goroutine's. It
// completes at once and, unless the log is nil, notes as a Recorder does.
type Overlay struct {
	Blocks uint64
	Base   map[uint64]*block.Page
	Pages  map[uint64]*block.Page
	Log    *[]Record
}

// Geometry is the disk's.
func (d *Overlay) Geometry() block.Geometry {
	return block.Geometry{Blocks: d.Blocks, MaxPages: 64, Depth: 8}
}

// Submit performs a request.
func (d *Overlay) Submit(_ *sync.Context, r *block.Request) {
	for i, p := range r.Pages {
		n := r.Block + uint64(i)
		if r.Op == block.Write {
			q := *p
			d.Pages[n] = &q
			if d.Log != nil {
				*d.Log = append(*d.Log, Record{Block: n, Page: &q})
			}
			continue
		}
		if at := d.At(n); at != nil {
			*p = *at
		} else {
			*p = block.Page{}
		}
	}
	if r.Op == block.Flush && d.Log != nil {
		*d.Log = append(*d.Log, Record{Flush: true})
	}
	r.Complete(errno.OK)
}

// At is what a block holds; nil: zeros.
func (d *Overlay) At(n uint64) *block.Page {
	if p := d.Pages[n]; p != nil {
		return p
	}
	return d.Base[n]
}

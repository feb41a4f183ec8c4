package journal

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// WritePages is how many blocks one request takes at most.
const WritePages = 32

// Write is a request in flight.
type Write struct {
	req   block.Request
	pages [WritePages]*block.Page
	n     int
}

// stream writes blocks, those that are neighbours in one request, with several requests in flight. It is one task's.
type stream struct {
	device block.Device
	writes []Write
	most   int // pages of a request
	now    int // the write that is being filled
	error  errno.Errno
	flush  block.Request
}

func (o *stream) init(d block.Device, writes []Write) {
	o.device, o.writes, o.now, o.error = d, writes, 0, errno.OK
	o.most = min(WritePages, d.Geometry().MaxPages)
	for i := range writes {
		writes[i].n = 0
	}
}

// add has a page written as block n. The page stays as it is until finish.
func (o *stream) add(c *sync.Context, n uint64, p *block.Page) {
	w := &o.writes[o.now]
	if w.n > 0 && (w.n == o.most || w.req.Block+uint64(w.n) != n) {
		o.send(c)
		w = &o.writes[o.now]
	}
	if w.n == 0 {
		w.req.Op, w.req.Block = block.Write, n
	}
	w.pages[w.n] = p
	w.n++
}

// send starts the request that is being filled, and waits for the oldest if all are in flight.
func (o *stream) send(c *sync.Context) {
	w := &o.writes[o.now]
	w.req.Pages = w.pages[:w.n]
	block.Start(o.device, c, &w.req)
	o.now = (o.now + 1) % len(o.writes)
	o.collect(c, &o.writes[o.now])
}

func (o *stream) collect(c *sync.Context, w *Write) {
	if w.n == 0 {
		return
	}
	if e := w.req.Wait(c); e != errno.OK && o.error == errno.OK {
		o.error = e
	}
	w.n = 0
}

// finish waits for all; it says whether each was written.
func (o *stream) finish(c *sync.Context) errno.Errno {
	if o.writes[o.now].n > 0 {
		o.send(c)
	}
	for i := range o.writes {
		o.collect(c, &o.writes[i])
	}
	e := o.error
	o.error = errno.OK
	return e
}

// sync makes lasting what was written.
func (o *stream) sync(c *sync.Context) errno.Errno {
	o.flush.Op = block.Flush
	return block.Do(o.device, c, &o.flush)
}

package cache

import (
	"unsafe"

	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync/atom"
)

// AheadPages is how many blocks are asked for ahead by one request.
const AheadPages = 32

// Ahead is a read ahead: consecutive blocks for buffers that were empty.
type Ahead struct {
	req     block.Request // first: see arrived
	busy    atom.Uint32
	pages   [AheadPages]*block.Page
	buffers [AheadPages]*Buffer
	n       int
	cache   *Cache
}

// take finds a read ahead that is not under way; nil: all are.
func (h *Cache) takeAhead() *Ahead {
	for i := range h.ahead {
		a := &h.ahead[i]
		if a.busy.Load() == 0 && a.req.Finished() && a.busy.CompareAndSwap(0, 1) { // order: pairs with arrived
			a.cache, a.n = h, 0
			return a
		}
	}
	return nil
}

// Ahead asks for blocks from n on, as many as one request takes, count at most, without waiting for them. It is a hint: it
// stops where a block is there already, or there is no buffer to be had. It returns how many blocks need not be asked for
// again.
func (h *Cache) Ahead(t *Task, n uint64, count int) int {
	count = min(count, AheadPages, h.Device.Geometry().MaxPages)
	skipped := 0
	for skipped < count { // what is there already
		b := h.Peek(n + uint64(skipped))
		if b == nil {
			break
		}
		h.Drop(b)
		skipped++
	}
	n, count = n+uint64(skipped), count-skipped
	if count == 0 {
		return skipped
	}
	a := h.takeAhead()
	if a == nil {
		return skipped
	}
	for a.n < count {
		b := h.get(t, n+uint64(a.n))
		if b == nil {
			break
		}
		if !b.Lock.TryLock(t.C) {
			h.Drop(b)
			break
		}
		empty := !h.Has(b, Valid|reading)
		if empty {
			h.Set(b, reading)
		}
		b.Lock.Unlock(t.C)
		h.Drop(b) // it stays as long as it is being read, and nobody is its user who only brings it (Fresh)
		if !empty {
			break
		}
		a.pages[a.n], a.buffers[a.n] = b.Page, b
		a.n++
	}
	if a.n == 0 {
		a.busy.Store(0)
		return skipped
	}
	got := a.n
	a.req.Op, a.req.Block, a.req.Pages, a.req.Then = block.Read, n, a.pages[:a.n], arrived
	block.Start(h.Device, t.C, &a.req)
	return skipped + got
}

// await waits for what was asked for ahead. The caller has the buffer's lock, so it alone waits here.
func (h *Cache) await(t *Task, b *Buffer) {
	b.waiter.Store(t.C) // order: a fence, before the load; pairs with arrived
	for h.Has(b, reading) {
		t.C.Sleeper.Park()
	}
	b.waiter.Store(nil)
}

// arrived is called when a read ahead is done, in whatever context the device is in.
func arrived(r *block.Request) {
	// SAFETY: only requests of an Ahead have this function, and there they come first.
	a := (*Ahead)(unsafe.Pointer(r))
	for i := range a.n {
		b := a.buffers[i]
		if r.Result() == errno.OK {
			a.cache.Set(b, Valid)
		}
		a.cache.Clear(b, reading) // order: a fence, before the load; pairs with await. And publishes the page
		// Perhaps the waiter is that of the buffer's next block by now: whom this wakes for nothing waits on.
		if w := b.waiter.Load(); w != nil && w.Sleeper != nil {
			w.Sleeper.Unpark()
		}
	}
	a.busy.Store(0)
}

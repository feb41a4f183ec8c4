//go:build exouser

package rpc

import (
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/sys"
)

// BufferFrames is how many frames a client and a server share, and BufferBytes how much fits in there.
const (
	BufferFrames = 2
	BufferBytes  = BufferFrames * mem.PageSize
)

// hello is the procedure by which a client gets its frames. Others begin at 1.
const hello = 0

// Client calls a server. Threads take turns, from Begin to End.
type Client struct {
	Endpoint sys.Cap
	lock     mem.Lock
	at       uint64 // of the frames
}

// Begin begins a call: what it takes goes into w.
func (c *Client) Begin() (w Writer, err error) {
	c.lock.Lock()
	if c.at == 0 {
		if e := c.connect(); e != abi.OK {
			c.lock.Unlock()
			return w, e
		}
	}
	return WriterOn(c.buffer()), nil
}

func (c *Client) buffer() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(c.at))), BufferBytes)
}

func (c *Client) connect() abi.Errno {
	m, e := sys.IPCCall(c.Endpoint, hello, 0, 0, 0, 0)
	if e != abi.OK {
		return e
	}
	// A fork's copy gets its own.
	at, e := mem.MapFrames(m.Cap, BufferFrames, abi.PermRead|abi.PermWrite, mem.FlagBacked)
	if e != abi.OK {
		sys.CapDelete(m.Cap)
		return e
	}
	c.at = at
	return abi.OK
}

// Call calls procedure op. status is what the server returned, r what it wrote; err says that there was no answer. abi.Again: it is worth
// another try, from Begin on.
func (c *Client) Call(op uint64, w *Writer) (r Reader, status uint64, err error) {
	if w.Full {
		return r, 0, abi.BadArgument
	}
	m, e := sys.IPCCall(c.Endpoint, op, uint64(w.Len()), 0, 0, 0)
	if e != abi.OK {
		if e == abi.BadCap { // another server has taken the place of the one that it knew
			mem.Unmap(c.at, BufferBytes)
			c.at, e = 0, abi.Again
		}
		return r, 0, e
	}
	return ReaderOn(c.buffer()[:min(m.W1, BufferBytes)]), m.W0, nil
}

// End ends it; r is worth nothing after that.
func (c *Client) End() { c.lock.Unlock() }

// AfterFork forgets the parent's frames, which the copy has not got.
func (c *Client) AfterFork() {
	if c.at != 0 {
		mem.Unmap(c.at, BufferBytes)
	}
	c.at, c.lock = 0, mem.Lock{}
}

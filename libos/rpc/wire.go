// Package rpc is how a program calls procedures of another. The call goes by an endpoint; what it takes and returns is in frames that
// both have, so that it may be larger than the four words of a message.
//
//	client                                       server
//	w, err := c.Begin()                          s.Serve(handle)
//	w.String(path)    ─┐
//	r, status, err := c.Call(op, &w)  ──────►    handle(from, op, in, out): in.String() … out.Uint(size)
//	size := r.Uint()  ◄───────────────────────   return status
//	c.End()
//
// Both own the frames, and pay for them, so neither can take them from the other. The server believes nothing that is in them: what
// it reads it reads once, and within bounds.
//
// Start reading: wire.go (what is in the frames), client.go, server.go.
package rpc

// Writer puts values into a buffer, one behind the other. What does not fit is left out, and Full says so.
type Writer struct {
	buffer []byte
	n      int
	Full   bool
}

// WriterOn writes into a buffer.
func WriterOn(buffer []byte) Writer { return Writer{buffer: buffer} }

// Len is how many bytes have been written; Room, how many more would fit.
func (w *Writer) Len() int { return w.n }

// Room is documented at Len.
func (w *Writer) Room() int { return len(w.buffer) - w.n }

// Uint writes a number.
func (w *Writer) Uint(v uint64) {
	if w.Full = w.Full || w.Room() < 8; !w.Full {
		put(w.buffer[w.n:], v)
		w.n += 8
	}
}

// Bool writes yes or no.
func (w *Writer) Bool(v bool) {
	n := uint64(0)
	if v {
		n = 1
	}
	w.Uint(n)
}

// String writes a text.
func (w *Writer) String(s string) {
	if w.Full = w.Full || w.Room() < 8+len(s); !w.Full {
		w.Uint(uint64(len(s)))
		w.n += copy(w.buffer[w.n:], s)
	}
}

// Bytes writes bytes.
func (w *Writer) Bytes(b []byte) { copy(w.Space(len(b)), b) }

// Space is room for so many bytes, or as many as fit, to be filled; they are read as Bytes.
func (w *Writer) Space(n int) []byte {
	if w.Full = w.Full || w.Room() < 8; w.Full {
		return nil
	}
	n = min(n, w.Room()-8)
	w.Uint(uint64(n))
	w.n += n
	return w.buffer[w.n-n : w.n : w.n]
}

// Shorten makes the last Space end after n bytes.
func (w *Writer) Shorten(space []byte, n int) {
	at := w.n - len(space) - 8
	put(w.buffer[at:], uint64(n))
	w.n = at + 8 + n
}

// Reader takes them out again. Bad: something was not there.
type Reader struct {
	buffer []byte
	Bad    bool
}

// ReaderOn reads a buffer.
func ReaderOn(buffer []byte) Reader { return Reader{buffer: buffer} }

// Uint reads a number.
func (r *Reader) Uint() uint64 {
	if r.Bad = r.Bad || len(r.buffer) < 8; r.Bad {
		return 0
	}
	v := get(r.buffer)
	r.buffer = r.buffer[8:]
	return v
}

// Bool reads yes or no.
func (r *Reader) Bool() bool { return r.Uint() != 0 }

// String reads a text; it is a copy.
func (r *Reader) String() string { return string(r.Bytes()) }

// Bytes reads bytes. They lie in the frames, and are the other side's to change.
func (r *Reader) Bytes() []byte {
	n := r.Uint()
	if r.Bad = r.Bad || n > uint64(len(r.buffer)); r.Bad {
		return nil
	}
	b := r.buffer[:n:n]
	r.buffer = r.buffer[n:]
	return b
}

// put and get are numbers as they lie in the frames: the low byte first.

func put(b []byte, v uint64) {
	for i := range 8 {
		b[i] = byte(v >> (8 * i))
	}
}

func get(b []byte) (v uint64) {
	for i := range 8 {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

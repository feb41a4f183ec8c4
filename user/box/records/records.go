// Package records is a log on blocks of a disk: records are appended, last when Append has returned, and are found again by Open, whatever
// moment the power fails at.
//
//	block 0     the head: which of the log's lives this is. It is one sector, so it is written whole or not at all
//	block k     record k: its life, its number, its text, and a checksum over them
//
// G1. When Append has returned nil, each later Open finds the record, after all that were appended before, until Begin.
// G2. A record that was appended while the power failed is found whole, or not; those before it are.
// G3. What was written before Begin is not found, though its blocks are still there: it is of another life.
//
// A record takes a block of its own: so none is written again, and torn, that lasted. Callers: one at a time, in all programs together.
package records

import "errors"

// Size is the bytes of a block, and Max of a record's text.
const (
	Size = 4096
	Max  = Size - header
)

// A Device is where a log is.
type Device interface {
	Blocks() uint64
	Read(n uint64, b []byte) error  // a block
	Write(n uint64, b []byte) error // a block; it lasts after Flush
	Flush() error
}

// What can be wrong.
var (
	ErrNone = errors.New("there is no log")
	ErrFull = errors.New("the log is full")
	ErrLong = errors.New("a record has 4072 bytes at most")
)

// The header, little-endian: checksum of what follows, with the text; magic; life, number, bytes of the text.
const (
	header = 24
	magic  = 0x474f4c45 // "ELOG"
)

// Log is an open log.
type Log struct {
	d    Device
	life uint64
	next uint64
	b    []byte
}

func get(b []byte, at, n int) (v uint64) {
	for i := range n {
		v |= uint64(b[at+i]) << (8 * i)
	}
	return v
}

func set(b []byte, at, n int, v uint64) {
	for i := range n {
		b[at+i] = byte(v >> (8 * i))
	}
}

// parse returns what a block holds, if it is a record, or with number 0 a head.
func parse(b []byte) (life uint64, number uint32, text []byte, ok bool) {
	n := uint32(get(b, 20, 4))
	if get(b, 4, 4) != magic || n > Max || uint32(get(b, 0, 4)) != checksum(b[4:header+n]) {
		return 0, 0, nil, false
	}
	return get(b, 8, 8), uint32(get(b, 16, 4)), b[header : header+n], true
}

func put(b []byte, life uint64, number uint32, text []byte) {
	clear(b)
	set(b, 4, 4, magic)
	set(b, 8, 8, life)
	set(b, 16, 4, uint64(number))
	set(b, 20, 4, uint64(len(text)))
	copy(b[header:], text)
	set(b, 0, 4, uint64(checksum(b[4:header+len(text)])))
}

// checksum is CRC-32C, bit by bit: blocks are few.
func checksum(b []byte) uint32 {
	c := ^uint32(0)
	for _, x := range b {
		c ^= uint32(x)
		for range 8 {
			c = c>>1 ^ 0x82f63b78&-(c&1)
		}
	}
	return ^c
}

// Open finds the log on d, and calls each, unless it is nil, for all its records in order. buffer is a block's memory, the log's from then on.
func Open(d Device, buffer []byte, each func(text []byte)) (*Log, error) {
	l := &Log{d: d, b: buffer[:Size]}
	if err := d.Read(0, l.b); err != nil {
		return nil, err
	}
	life, number, _, ok := parse(l.b)
	if !ok || number != 0 {
		return nil, ErrNone
	}
	l.life = life
	for l.next = 1; l.next < d.Blocks(); l.next++ {
		if err := d.Read(l.next, l.b); err != nil {
			return nil, err
		}
		life, number, text, ok := parse(l.b)
		if !ok || life != l.life || uint64(number) != l.next {
			break
		}
		if each != nil {
			each(text)
		}
	}
	return l, nil
}

// Begin makes an empty log. All blocks are looked at, for its life is another than that of each record there is.
func Begin(d Device, buffer []byte) (*Log, error) {
	l := &Log{d: d, b: buffer[:Size], next: 1}
	for n := range d.Blocks() {
		if err := d.Read(n, l.b); err != nil {
			return nil, err
		}
		if life, _, _, ok := parse(l.b); ok {
			l.life = max(l.life, life)
		}
	}
	l.life++
	put(l.b, l.life, 0, nil)
	return l, l.write(0)
}

func (l *Log) write(n uint64) error {
	if err := l.d.Write(n, l.b); err != nil {
		return err
	}
	return l.d.Flush()
}

// Append adds a record. When it returns nil, the record lasts.
func (l *Log) Append(text []byte) error {
	switch {
	case len(text) > Max:
		return ErrLong
	case l.next >= l.d.Blocks():
		return ErrFull
	}
	put(l.b, l.life, uint32(l.next), text)
	if err := l.write(l.next); err != nil {
		return err
	}
	l.next++
	return nil
}

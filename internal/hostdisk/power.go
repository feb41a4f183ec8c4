package hostdisk

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"

	"exo/kernel/fs/block"
)

// Power is a disk for another process, which speaks the protocol of network block devices to it (QEMU does), and whose power
// can be cut: then it loses what was written and not flushed, or some of it.
//
// Requests are performed one after another, in their order. It is one goroutine's, but for Serve.
type Power struct {
	lasts   []byte // what is on the disk for good
	now     []byte // what a read finds
	pending []pending

	Writes, Flushes, Lost int // how many, and how many were lost at least in part
}

type pending struct {
	at   int
	data []byte
}

// NewPower makes a disk with such contents, which it keeps.
func NewPower(image []byte) *Power { return &Power{lasts: image, now: append([]byte(nil), image...)} }

// Cut cuts the power, when nobody is served: of each write that was not flushed all, nothing, or some sectors are left. It
// returns what is on the disk then.
func (d *Power) Cut(r *rand.Rand) []byte {
	for _, w := range d.pending {
		how, lost := r.IntN(3), false
		for lo := 0; lo < len(w.data); lo += block.Sector {
			if how == 0 || how == 1 && r.IntN(2) == 0 {
				copy(d.lasts[w.at+lo:], w.data[lo:min(lo+block.Sector, len(w.data))])
			} else {
				lost = true
			}
		}
		if lost {
			d.Lost++
		}
	}
	d.pending = nil
	copy(d.now, d.lasts)
	return append([]byte(nil), d.lasts...)
}

// The protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, fixed newstyle, simple replies.
const (
	nbdMagic   = 0x4e42444d41474943 // "NBDMAGIC"
	nbdOption  = 0x49484156454f5054 // "IHAVEOPT"
	nbdReply   = 0x3e889045565a9
	nbdRequest = 0x25609513
	nbdSimple  = 0x67446698

	nbdOptAbort, nbdOptInfo, nbdOptGo = 2, 6, 7
	nbdAck, nbdInfo, nbdUnsupported   = 1, 3, 1<<31 + 1
	nbdHasFlags, nbdSendFlush         = 1, 4
	nbdRead, nbdWrite, nbdDisc        = 0, 1, 2
	nbdFlush, nbdInvalid              = 3, 22
	nbdMost                           = 32 << 20
)

// Serve serves one client until it is gone, which is no error.
func (d *Power) Serve(c net.Conn) error {
	defer c.Close()
	in, out := bufio.NewReader(c), bufio.NewWriter(c)
	err := d.greet(in, out)
	for err == nil {
		err = d.serve(in, out)
	}
	var gone *net.OpError // its end was cut off, too
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &gone) {
		return nil
	}
	return err
}

func put(out *bufio.Writer, words ...any) error {
	for _, w := range words {
		if err := binary.Write(out, binary.BigEndian, w); err != nil {
			return err
		}
	}
	return out.Flush()
}

// greet agrees on what is spoken.
func (d *Power) greet(in *bufio.Reader, out *bufio.Writer) error {
	if err := put(out, uint64(nbdMagic), uint64(nbdOption), uint16(3)); err != nil {
		return err
	}
	if _, err := in.Discard(4); err != nil {
		return err
	}
	for {
		var o struct {
			Magic       uint64
			Option, Len uint32
		}
		if err := binary.Read(in, binary.BigEndian, &o); err != nil {
			return err
		}
		if o.Magic != nbdOption || o.Len > nbdMost {
			return fmt.Errorf("nbd: an option that is none: %+v", o)
		}
		if _, err := in.Discard(int(o.Len)); err != nil {
			return err
		}
		var err error
		switch o.Option {
		case nbdOptGo, nbdOptInfo:
			err = put(out, uint64(nbdReply), o.Option, uint32(nbdInfo), uint32(12), uint16(0), uint64(len(d.now)), uint16(nbdHasFlags|nbdSendFlush),
				uint64(nbdReply), o.Option, uint32(nbdAck), uint32(0))
		case nbdOptAbort:
			err = io.EOF
		default:
			err = put(out, uint64(nbdReply), o.Option, uint32(nbdUnsupported), uint32(0))
		}
		if err != nil || o.Option == nbdOptGo {
			return err
		}
	}
}

// serve performs a request.
func (d *Power) serve(in *bufio.Reader, out *bufio.Writer) error {
	var q struct {
		Magic       uint32
		Flags, Type uint16
		Handle      uint64
		At          uint64
		Len         uint32
	}
	if err := binary.Read(in, binary.BigEndian, &q); err != nil {
		return err
	}
	if q.Magic != nbdRequest || q.Len > nbdMost {
		return fmt.Errorf("nbd: a request that is none: %+v", q)
	}
	inside := q.At <= uint64(len(d.now)) && uint64(q.Len) <= uint64(len(d.now))-q.At
	result, answer := uint32(0), []byte{}
	switch {
	case q.Type == nbdDisc:
		return io.EOF
	case q.Type == nbdFlush:
		for _, w := range d.pending {
			copy(d.lasts[w.at:], w.data)
		}
		d.pending = nil
		d.Flushes++
	case q.Type == nbdWrite:
		w := pending{int(q.At), make([]byte, q.Len)}
		if _, err := io.ReadFull(in, w.data); err != nil {
			return err
		}
		if result = nbdInvalid; inside {
			result = 0
			copy(d.now[w.at:], w.data)
			d.pending = append(d.pending, w)
			d.Writes++
		}
	case q.Type == nbdRead && inside:
		answer = d.now[q.At:][:q.Len]
	default:
		result = nbdInvalid
	}
	return put(out, uint32(nbdSimple), result, q.Handle, answer)
}

package virtio

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// serve.go: what the device has done, and the end of one that does not do as it should. The guarantees are disk.go's.

// Interrupt is for the handler of the device's interrupts. It says whether that was one of this device: a pin's may be
// another's.
func (d *Disk) Interrupt() bool {
	if !d.messages && d.t.interruptStatus() == 0 {
		return false
	}
	d.serve(false)
	return true
}

// Check completes what is done, gives up a device that has failed or takes too long, and says how many requests that were,
// and whether there is more to wait for. If not, Machine.Busy says when there is again.
func (d *Disk) Check() (done int, more bool) { return d.serve(true) }

// serve is both.
func (d *Disk) serve(look bool) (done int, more bool) {
	flags := d.enter()
	if d.failed {
		d.leave(flags)
		return 0, false
	}
	list, why := d.reap()
	if why == nil && look {
		why = d.trouble()
	}
	if why == nil {
		d.start()
		more = d.busy > 0
		d.rests = look && !more
	} else {
		list = d.giveUp(list)
	}
	d.leave(flags)
	for list != nil {
		r := list
		list = r.Next
		done++
		r.Complete(errno.Errno(r.Word[0]))
	}
	if why != nil {
		d.m.Failed(d, why.(Error))
	}
	return done, more
}

// reap takes what the device has done: a list with how each went in Word[0]. The error is the device's mistake.
func (d *Disk) reap() (list *block.Request, err error) {
	for {
		i, wrote, ok, err := d.q.take(d.busy)
		if !ok {
			return list, err
		}
		r := d.slots[i].r
		if r == nil {
			return list, ErrUsedEntry
		}
		room := uint32(1)
		if r.Op == block.Read {
			room += uint32(len(r.Pages)) * block.Size
		}
		// Lengths that are wrong were usual in the days of legacy devices (§2.7.8.1).
		exact := d.t.anySize()
		if exact && wrote > room {
			return list, ErrUsedLength
		}
		result := errno.OK
		if d.headers[i].status != statusOK || exact && r.Op == block.Read && wrote != room {
			result = errno.IO
		}
		d.slots[i] = slot{}
		d.free |= 1 << i
		d.busy--
		list = push(list, r, result)
	}
}

func push(list, r *block.Request, result errno.Errno) *block.Request {
	r.Next, r.Word[0] = list, uint64(result)
	return r
}

// trouble asks the device how it is, and looks whether a request takes too long.
func (d *Disk) trouble() error {
	switch s := d.t.status(); {
	case s == statusGone:
		return ErrVanished
	case s&statusNeedsReset != 0 || s&statusDriverOK == 0:
		return ErrNeedsReset
	}
	for i, now := 0, d.m.NowNs(); i < int(d.q.slots) && d.busy > 0; i++ {
		if s := &d.slots[i]; s.r != nil && now > s.since && now-s.since > d.timeout {
			return ErrTimeout
		}
	}
	return nil
}

// giveUp drives the device no more, and adds all requests to the list as failed (G2).
func (d *Disk) giveUp(list *block.Request) *block.Request {
	d.failed = true
	d.reset()
	d.m.Stop(d)
	for i := range d.slots {
		if r := d.slots[i].r; r != nil {
			list = push(list, r, errno.IO)
			d.slots[i] = slot{}
		}
	}
	d.busy = 0
	for d.first != nil {
		r := d.first
		d.first = r.Next
		list = push(list, r, errno.IO)
	}
	return list
}

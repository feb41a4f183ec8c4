//go:build explore

package explore

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// store is a store on its way to memory.
type store struct {
	addr  unsafe.Pointer
	size  atom.Size
	value atom.Value

	at       int // clock when it was delayed
	missedAt int // clock when a thread last looked for it and it had not arrived
}

// flush is a store that has just arrived.
type flush struct {
	thread *thread
	addr   unsafe.Pointer
}

// Newest is what the running thread's loads see of its own buffer, for package atom.
func (x *Run) Newest(addr unsafe.Pointer) (atom.Value, bool) {
	if i := x.cur.newest(addr); i >= 0 {
		return x.cur.buffer[i].value, true
	}
	return atom.Value{}, false
}

// newest returns the index of the thread's latest store to addr that is on its way, or -1.
func (th *thread) newest(addr unsafe.Pointer) int {
	for i := len(th.buffer) - 1; i >= th.head; i-- {
		if th.buffer[i].addr == addr {
			return i
		}
	}
	return -1
}

// find returns the index of the thread's oldest store to addr that is on its way, or -1.
func (th *thread) find(addr unsafe.Pointer) int {
	for i := th.head; i < len(th.buffer); i++ {
		if th.buffer[i].addr == addr {
			return i
		}
	}
	return -1
}

// Delay puts a store in the running thread's buffer, for package atom.
func (x *Run) Delay(addr unsafe.Pointer, size atom.Size, v atom.Value) {
	x.cur.buffer = append(x.cur.buffer, store{addr: addr, size: size, value: v, at: x.clock})
}

// Fence waits until the calling thread's stores are visible, as MFENCE does.
func Fence() {
	if x := active; x != nil {
		x.Before(atom.Store, nil)
		if x.tracing {
			x.events = append(x.events, event{kind: eventStep, thread: x.cur.id, what: "fence", where: where(2)})
		}
	}
}

// flushTo makes th's stores visible, from the oldest to the one with index last. Each time others' stores to the word may
// come first.
func (x *Run) flushTo(th *thread, last int) {
	th.arriving = true
	for th.head <= last {
		x.arrivals(th, th.buffer[th.head].addr, false)
		x.flush(th)
	}
	th.arriving = false
}

// flush makes th's oldest store visible.
func (x *Run) flush(th *thread) {
	s := th.buffer[th.head]
	for _, f := range x.freed {
		if at := uintptr(s.addr); at >= f.from && at < f.to {
			x.fail("a delayed store reaches freed memory: " + f.what)
		}
	}
	x.clock++
	arrived := x.clock
	if !x.all { // as early as it could have been: nobody has looked since
		arrived = max(s.at, s.missedAt)
		if th.head > 0 {
			arrived = max(arrived, th.arrivedAt[th.head-1])
		}
	}
	th.arrivedAt = append(th.arrivedAt, arrived)
	th.head++
	x.flushed = flush{th, s.addr}
	for _, u := range x.threads { // later stores to the word arrive later
		if i := u.find(s.addr); u != th && i >= 0 {
			u.buffer[i].missedAt = max(u.buffer[i].missedAt, arrived)
		}
	}
	atom.Write(s.addr, s.size, s.value)
	x.changed(s.addr)
	if x.tracing {
		x.events = append(x.events, event{kind: eventFlush, thread: th.id, addr: s.addr, a: s.value})
	}
}

// pending says whether stores are on their way.
func (x *Run) pending() bool {
	for _, th := range x.threads {
		if th.head < len(th.buffer) {
			return true
		}
	}
	return false
}

//go:build exouser

// Package thread has a program's threads, and what they wait for each other with.
package thread

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/mem"
	"exo/libos/sys"
	"exo/libos/wait"
)

// A thread has a region of memory: its stack, which grows on demand, and above it what must be there always.
//
//	│ stack, on demand          │ stack │ upcall stack │ record │
const (
	stackBytes  = 256 << 10 // in all
	hotStack    = 1 << 12   // of it are there from the start
	upcallBytes = 2 << 12
	recordBytes = 1 << 12
	hotBytes    = hotStack + upcallBytes + recordBytes
	allBytes    = stackBytes + upcallBytes + recordBytes
)

// Thread is a thread that Go started.
type Thread struct {
	run  runtime.Thread // first: the kernel is told its address
	fn   func()
	name sys.Cap
	at   uint64 // its region
	done atomic.Uint32
	// Not 0: Join sleeps.
	joined atomic.Uint32
	hidden bool // children do not get its region
	next   *Thread
}

const _ = uint(recordBytes - unsafe.Sizeof(Thread{}))

// spare are regions of threads that have ended, to be used again.
var spare struct {
	lock  mem.Lock
	first *Thread
}

func init() {
	runtime.ThreadEnd = ended
	mem.Forking, mem.Forked = hideSpare, func() { spare.lock, spare.first = mem.Lock{}, nil }
}

// hideSpare has children not get the regions of threads that have ended.
func hideSpare() {
	spare.lock.Lock()
	for t := spare.first; t != nil && !t.hidden; t = t.next { // those behind it have been spare since
		t.hidden = true
		mem.Inherit(t.at+allBytes-hotBytes, false)
	}
	spare.lock.Unlock()
}

// place returns a record at the end of a region.
func place() (*Thread, error) {
	spare.lock.Lock()
	t := spare.first
	if t != nil {
		spare.first = t.next
	}
	spare.lock.Unlock()
	if t != nil {
		if t.hidden {
			t.hidden = false
			mem.Inherit(t.at+allBytes-hotBytes, true)
		}
		return t, nil
	}
	at, e := mem.MapStack(allBytes)
	if e == abi.OK {
		e = mem.Fill(at+allBytes-hotBytes, hotBytes, mem.FlagHot)
	}
	if e != abi.OK {
		return nil, e
	}
	t = (*Thread)(unsafe.Pointer(uintptr(at + allBytes - recordBytes)))
	t.at = at
	return t, nil
}

// Go runs fn in a new thread.
func Go(fn func()) (*Thread, error) { return GoOn(0, fn) }

// GoOn is Go on certain CPUs: a bit for each; 0: all.
func GoOn(cpus uint64, fn func()) (*Thread, error) {
	t, err := place()
	if err != nil {
		return nil, err
	}
	high := t.at + stackBytes
	t.run = runtime.Thread{}
	t.run.Init(uintptr(t.at), uintptr(high), uintptr(high), uintptr(high+upcallBytes))
	t.fn = fn
	t.run.Start = begin
	t.done.Store(0)
	t.joined.Store(0)
	start := abi.ThreadStart{
		RIP: uint64(runtime.ThreadEntry()), RSP: high, Arg: uint64(uintptr(unsafe.Pointer(t))), FS: uint64(t.run.TLS()),
		UpcallLow: high, UpcallHigh: high + upcallBytes, CPUs: cpus,
	}
	var e abi.Errno
	if t.name, e = sys.ThreadCreate(0, &start); e != abi.OK {
		t.put()
		return nil, e
	}
	return t, nil
}

// put makes the region a spare one.
func (t *Thread) put() {
	spare.lock.Lock()
	t.next, spare.first = spare.first, t
	spare.lock.Unlock()
}

// current is the record of the calling thread, which Go started.
func current() *Thread { return (*Thread)(unsafe.Pointer(runtime.Getg())) }

func begin() { current().fn() }

// ended runs at the end of a thread: from when it says that it is done it must not touch its stack. So Join waits for the
// kernel to say that it is gone.
func ended() {
	t := current()
	t.done.Store(1)
	if t.joined.Load() != 0 {
		wait.Ring(wait.Own(), wait.BitThread)
	}
	for {
		sys.ThreadExit()
	}
}

// Join waits until the thread has ended. Once.
func (t *Thread) Join() {
	for try := uint64(1); t.done.Load() == 0; try++ {
		if try > wait.Tries {
			t.joined.Store(1)
			if t.done.Load() != 0 {
				break
			}
		}
		wait.For(try, wait.Own(), wait.BitThread)
	}
	sys.ThreadEnd(t.name) // waits for its last instructions
	t.put()
}

// Yield lets others run.
func Yield() { sys.Yield(0) }

// Sleep waits so many nanoseconds.
func Sleep(ns uint64) {
	for until := clock.Now() + ns; clock.Now() < until; {
		sys.Sleep(until)
	}
}

// Name is the kernel's name for the thread, for package sys.
func (t *Thread) Name() sys.Cap { return t.name }

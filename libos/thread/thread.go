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
	at   uint64        // its region
	done atomic.Uint32 // runs, …
	// Not 0: Join sleeps.
	joined atomic.Uint32
	hidden bool // children do not get its region
	next   *Thread
	// For rest.go.
	place    atomic.Uint32 // its bit, 0: it has never rested
	again    atomic.Uint32 // 1: it is to run fn
	named    atomic.Uint32 // 1: somebody has its name
	anywhere bool          // it may run on all CPUs
	copies   uint32        // forks that led to its process
}

// States of a thread, in done.
const (
	runs  uint32 = iota
	ends         // it touches its stack no more when the kernel says that it is gone
	rests        // on its stack, with nothing to do
)

const _ = uint(recordBytes - unsafe.Sizeof(Thread{}))

// spare are regions of threads that have ended, to be used again.
var spare struct {
	lock  mem.Lock
	first *Thread
}

func init() {
	runtime.ThreadEnd = ended
	mem.Forking, mem.Forked = hideSpare, forgetSpare
}

// hideSpare has children not get the regions of threads that have ended, or rest.
func hideSpare() {
	spare.lock.Lock()
	hide(spare.first)
	spare.lock.Unlock()
	resting.lock.Lock()
	hide(resting.first)
	resting.lock.Unlock()
}

func hide(t *Thread) {
	for ; t != nil && !t.hidden; t = t.next { // those behind it have been hidden since
		t.hidden = true
		mem.Inherit(t.at+allBytes-hotBytes, false)
	}
}

// show has children get it again.
func (t *Thread) show() {
	if t.hidden {
		t.hidden = false
		mem.Inherit(t.at+allBytes-hotBytes, true)
	}
}

// forgetSpare is called in a copy, which has none of these.
func forgetSpare() {
	spare.lock, spare.first = mem.Lock{}, nil
	resting.lock, resting.first, resting.bell = mem.Lock{}, nil, 0
	resting.places.Store(0)
	resting.copies++
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
		t.show()
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
	if cpus == 0 {
		if t := wakeOne(fn); t != nil {
			return t, nil
		}
	}
	t, err := place()
	if err != nil {
		return nil, err
	}
	high := t.at + stackBytes
	t.run = runtime.Thread{}
	t.run.Init(uintptr(t.at), uintptr(high), uintptr(high), uintptr(high+upcallBytes))
	t.fn = fn
	t.run.Start = begin
	t.done.Store(runs)
	t.joined.Store(0)
	t.named.Store(0)
	t.again.Store(0)
	t.anywhere, t.copies = cpus == 0, resting.copies
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

func begin() {
	for t := current(); ; {
		if t.fn(); !t.rest() {
			return
		}
	}
}

// tell has Join go on, if it sleeps.
func (t *Thread) tell() {
	if t.joined.Load() != 0 {
		wait.Ring(wait.Own(), wait.BitThread)
	}
}

// ended runs at the end of a thread: from when it says that it is done it must not touch its stack. So Join waits for the
// kernel to say that it is gone.
func ended() {
	t := current()
	t.leave()
	t.done.Store(ends)
	t.tell()
	for {
		sys.ThreadExit()
	}
}

// Join waits until the thread's function has returned. Once.
func (t *Thread) Join() {
	for try := uint64(1); t.done.Load() == runs; try++ {
		if try > wait.Tries {
			t.joined.Store(1)
			if t.done.Load() != runs {
				break
			}
		}
		wait.For(try, wait.Own(), wait.BitThread)
	}
	if t.done.Load() == rests && t.named.Load() == 0 {
		t.keep()
		return
	}
	t.end()
}

// end ends a thread whose function has returned, and has its region used again.
func (t *Thread) end() {
	sys.ThreadEnd(t.name) // waits for its last instructions
	t.leave()
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

// Name is the kernel's name for the thread, for package sys. A thread whose name somebody has asked for runs nothing else afterwards.
func (t *Thread) Name() sys.Cap {
	t.named.Store(1)            // order: before done is read; pairs with rest
	if t.done.Load() == rests { // it has ended for all who can tell
		sys.ThreadDestroy(t.name)
		t.leave()
	}
	return t.name
}

//go:build exouser

package thread

import (
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/sys"
)

// A thread whose function has returned rests for a while in the kernel, and runs the next one that Go is given: that takes half of what a
// new one does. Nobody can tell, for only such threads rest as are like new ones:
//
//   - nobody has its name: who asked for that may have given it to others, who are to hear of the end of what they know;
//   - it never received calls (whoever calls what it served is to hear that it has ended), set no timeout for the next one, and changed neither
//     how it is scheduled nor its bases: package sys notes that in its g (Particular);
//   - it may run on all CPUs, and is not the copy that Fork made of one.
//
// All others end, and so does who finds that enough of them rest.

// mostResting is how many threads rest at most, and how many bits of the bell there are.
const mostResting = 4

const lostNs = 1_000_000

// resting are those. The lock guards all but places, which may be read without.
var resting struct {
	lock   mem.Lock
	first  *Thread       // who has been joined
	bell   sys.Cap       // what they wait for, a bit each; 0: none has rested yet
	places atomic.Uint32 // bits that are taken: from when a thread first rests until it ends
	copies uint32        // how many forks this process comes from
}

// rest is called by a thread whose function has returned. It returns true when there is another, false if the thread is to end.
func (t *Thread) rest() bool {
	t.fn = nil
	if t.particular() || !t.takePlace() {
		return false
	}
	bit := uint64(t.place.Load())
	t.done.Store(rests)
	if t.named.Load() != 0 { // order: after done; pairs with Name
		return false
	}
	t.tell()
	for t.again.Swap(0) == 0 {
		if _, e := sys.Wait(resting.bell, bit, abi.Forever); e != abi.OK {
			Sleep(lostNs) // the bell was taken away, or the process is suspended: it is looked at all the same
		}
	}
	return true
}

// particular says that the thread is not as a new one would be.
func (t *Thread) particular() bool {
	return t.named.Load() != 0 || t.run.G.Particular || t.run.UpG.Particular || !t.anywhere || t.copies != resting.copies
}

// takePlace gives the thread one of the places, unless it has one; false: there is none.
func (t *Thread) takePlace() bool {
	if t.place.Load() != 0 {
		return true
	}
	g := &resting
	g.lock.Lock()
	defer g.lock.Unlock()
	free := ^g.places.Load() & (1<<mostResting - 1)
	if free == 0 {
		return false
	}
	if g.bell == 0 {
		var e abi.Errno
		if g.bell, e = sys.NotifyCreate(mem.Account()); e != abi.OK {
			g.bell = 0
			return false
		}
	}
	t.place.Store(free & -free)
	g.places.Or(free & -free)
	return true
}

// leave gives its place up, if it has one. It does not rest any more.
func (t *Thread) leave() {
	if bit := t.place.Swap(0); bit != 0 {
		resting.places.And(^bit)
	}
}

// wakeOne has one that rests run fn; nil: none does.
func wakeOne(fn func()) *Thread {
	g := &resting
	if g.first == nil {
		return nil
	}
	g.lock.Lock()
	t := g.first
	if t != nil {
		g.first = t.next
	}
	g.lock.Unlock()
	if t == nil {
		return nil
	}
	if t.named.Load() != 0 { // since it was joined
		t.end()
		return nil
	}
	t.show()
	t.fn = fn
	t.done.Store(runs)
	t.joined.Store(0)
	t.again.Store(1) // order: after fn; pairs with rest
	sys.Notify(g.bell, uint64(t.place.Load()))
	return t
}

// keep has a thread that rests, and was joined, be there for the next Go.
func (t *Thread) keep() {
	resting.lock.Lock()
	t.next, resting.first = resting.first, t
	resting.lock.Unlock()
}

// Drain ends the threads that rest, which were joined: what they hold is free then.
func Drain() {
	g := &resting
	for {
		g.lock.Lock()
		t := g.first
		if t != nil {
			g.first = t.next
		} else if g.bell != 0 && g.places.Load() == 0 {
			sys.CapDelete(g.bell)
			g.bell = 0
		}
		g.lock.Unlock()
		if t == nil {
			return
		}
		t.end()
	}
}

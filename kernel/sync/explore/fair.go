//go:build explore

package explore

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"exo/kernel/sync/atom"
)

// waiting is a thread's part in who may run.
type waiting struct {
	cond     func() bool        // it waits for this; nil: for nothing
	yielded  bool               // it is in Yield
	idle     bool               // it has yielded, and none of the words that it looked at has changed since
	looked   [16]unsafe.Pointer // which these are: its operations since the last Yield
	looks    int                // how many; if they are more than 16, any word
	ranSince uint8              // who has made a step since its last yield; before the first one: all
	before   uint8              // who must make a step before it runs
}

// Yield is what a thread calls each time round a loop that waits for another. Outside of an exploration it is
// runtime.Gosched.
func Yield() {
	x := active
	if x == nil {
		runtime.Gosched()
		return
	}
	if x.aborting {
		panic(aborted{})
	}
	th := x.cur
	th.yielded, th.idle, th.granted = true, true, false
	th.before |= x.live() &^ th.ranSince &^ (1 << th.id)
	th.ranSince = 0
	if x.idleYields++; x.idleYields > patience && !x.pending() {
		x.fail(x.deadlock())
		panic(aborted{})
	}
	x.pass(x.decide())
	th.yielded, th.looks = false, 0
	th.granted = !x.plain
}

// Wait blocks the calling thread until cond is true. cond runs often, in any thread, and sees memory as it is: not the stores
// that are still in buffers.
func Wait(cond func() bool) {
	x := active
	if x == nil {
		for !cond() {
			runtime.Gosched()
		}
		return
	}
	if x.aborting {
		panic(aborted{})
	}
	th := x.cur
	if th.cond = cond; x.ready(th) {
		th.cond = nil
		return
	}
	th.granted = false
	x.pass(x.decide())
	th.cond = nil
	th.granted = !x.plain
}

// paused says whether the thread is inside Yield or Wait.
func (th *thread) paused() bool { return th.yielded || th.cond != nil }

// ready says whether the thread has not ended and is not blocked.
func (x *Run) ready(th *thread) bool {
	if th.done {
		return false
	}
	if th.cond == nil {
		return true
	}
	atom.Hook = &x.alone
	x.alone.left = aloneLimit
	ok := th.cond()
	atom.Hook = x
	return ok
}

// enabled says whether the thread may run. One that spins would see what it saw, as long as none of the
// words it looked at has changed.
func (x *Run) enabled(th *thread) bool {
	if th.yielded && th.idle || !x.ready(th) {
		return false
	}
	for m, i := th.before, 0; m != 0; m, i = m>>1, i+1 {
		if m&1 != 0 && x.ready(x.threads[i]) {
			return false
		}
	}
	return true
}

// live is the set of threads that have not ended.
func (x *Run) live() (set uint8) {
	for i, th := range x.threads {
		if !th.done {
			set |= 1 << i
		}
	}
	return set
}

// ran notes that the thread made a step.
func (x *Run) ran(th *thread) {
	for _, u := range x.threads {
		u.ranSince |= 1 << th.id
		u.before &^= 1 << th.id
	}
}

// look notes that the thread has looked at a word.
func (th *thread) look(addr unsafe.Pointer) {
	if th.looks < len(th.looked) {
		th.looked[th.looks] = addr
	}
	th.looks++
}

// lookedAt says whether the word is one that the thread may wait for.
func (th *thread) lookedAt(addr unsafe.Pointer) bool {
	return th.looks > len(th.looked) || slices.Contains(th.looked[:th.looks], addr)
}

// changed notes that a word has changed.
func (x *Run) changed(addr unsafe.Pointer) {
	x.idleYields = 0
	for _, th := range x.threads {
		if th.idle && th.lookedAt(addr) {
			th.idle = false
		}
	}
}

// patience is how often all threads together may spin without anything changing: some count, and then do something else.
const patience = 200

// stuck is what may happen if no thread is enabled and no store is on its way: nothing if all have ended; else the next of
// those that spin looks again.
func (x *Run) stuck(alts []alternative) []alternative {
	for i := range x.threads {
		if th := x.threads[(x.cur.id+1+i)%len(x.threads)]; x.ready(th) {
			return append(alts, alternative{run: th})
		}
	}
	if x.live() != 0 {
		x.fail(x.deadlock())
	}
	return alts
}

func (x *Run) deadlock() string {
	s := "deadlock:"
	for _, th := range x.threads {
		switch {
		case th.done:
			s += fmt.Sprintf(" T%d has ended;", th.id)
		case th.cond != nil:
			s += fmt.Sprintf(" T%d is blocked;", th.id)
		default:
			s += fmt.Sprintf(" T%d spins;", th.id)
		}
	}
	return s + " no store is on its way"
}

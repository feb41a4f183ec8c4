//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sync/atom"
)

// Visible revocation: somebody wants so many of an environment's capabilities of a kind back, and says by when. The environment gets an upcall,
// and chooses what to give up. What it still has too many of at that time the repossessor, a task of the kernel's, takes (the abort
// protocol), and writes down what that was. (Engler, Kaashoek & O'Toole, "Exokernel", SOSP 1995, §3.3 and §3.4.)

// revocation is what is asked of an environment, and what it has lost. Its lock guards it.
type revocation struct {
	deadline atom.Uint64 // 0: nothing is asked; changed under the lock
	kind     uint64
	n        uint64 // how many are wanted back
	keeps    uint64 // how many it may have then
	lost     [lostMost]abi.Lost
	first    int // the oldest of
	count    int // so many
}

// lostMost is how many it can be told of. What is lost before it has asked is counted (EnvInfo.Lost), and the oldest are forgotten.
const lostMost = 64

var (
	revocations     atom.Int64  // how many are asked for
	repossessorTask atom.Uint64 // sched.ID
	repossessorBusy atom.Uint32 // 1: it takes something
	repossessorHeld atom.Uint32 // 1: it is not to, for a test looks at everything
)

// weigh is what a capability counts as: frames that it pays for, others 1.
//
//go:noinline
func weigh(i *cap.Info) uint64 {
	if i.Kind == cap.Kind(abi.KindFrames) {
		return costOf(abi.KindFrames, i.Rights, i.Object)
	}
	return 1
}

// held counts what a holder has of a kind, in slots up to one. Those that count go into l, if that is not nil.
func held(h cap.Holder, kind uint64, low, high uint32, l *newest) (n uint64) {
	var names [32]cap.Name
	for at := low; at != 0 && at <= high; {
		var found int
		found, at = capTab.Held(h, at, names[:], heldSlots)
		for _, name := range names[:found] {
			if i, err := capTab.Inspect(name, h); err == nil && i.Kind == cap.Kind(kind) {
				w := weigh(&i)
				if n += w; w != 0 && l != nil {
					l.add(name, slotOf(name).Binding.Born.Load())
				}
			}
		}
	}
	return n
}

func sysRevokeRequest(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	kind, n, deadline := f.RSI, f.RDX, f.R10
	if kind == abi.KindNone || kind >= abi.NumKinds || n == 0 || deadline == 0 {
		return int64(abi.BadArgument)
	}
	c := preemptOff()
	e, no := t.pinEnv(f.RDI, cap.Revoke)
	if no != abi.OK {
		c.PreemptEnable()
		return int64(no)
	}
	h, low, high := e.holder(), e.lowSlot.Load(), e.highSlot.Load()
	e.unpin()
	c.PreemptEnable()
	has := held(h, kind, low, high, nil) // which may take long
	c = preemptOff()
	if e = pinLiving(h); e == nil {
		c.PreemptEnable()
		return int64(abi.Dead)
	}
	e.lock.Lock(c)
	busy := e.asked.deadline.Load() != 0
	if !busy {
		r := &e.asked
		r.kind, r.n, r.keeps = kind, n, has-min(n, has)
		r.deadline.Store(deadline)
		revocations.Add(1)
		if t := e.first; t != nil {
			t.user.Pending.Or(pendRevoke)
			t.nudge()
		}
	}
	e.lock.Unlock(c)
	e.unpin()
	c.PreemptEnable()
	if busy {
		return int64(abi.Busy)
	}
	callTask(&repossessorTask)
	return 0
}

// revokeUpcall has the thread, which is about to go on in ring 3, hear of what is asked of its environment.
func (t *thread) revokeUpcall(f *amd64.Frame) {
	t.user.Pending.And(^pendRevoke)
	e := t.env
	c := this()
	e.lock.Lock(c)
	kind, n, deadline := e.asked.kind, e.asked.n, e.asked.deadline.Load()
	e.lock.Unlock(c)
	if deadline != 0 && e.revoke.Load() != 0 {
		t.upcall(f, &e.revoke, kind, n, deadline)
	}
}

// unasked ends what is asked of e, if anything is.
func (e *env) unasked() {
	if e.asked.deadline.Swap(0) != 0 {
		revocations.Add(-1)
	}
}

// repossessor is the task. It may take long over one environment; timers do not wait for that.
func repossessor(uint64) uint64 {
	repossessorTask.Store(uint64(currentPart().id))
	for {
		parkUntil(repossessDue(amd64.NowNs()))
	}
}

// repossessDue takes what is overdue, and returns when there is something to take next.
func repossessDue(now uint64) uint64 {
	next := uint64(abi.Forever)
	if revocations.Load() == 0 {
		return next
	}
	repossessorBusy.Store(1) // order: before held is read; pairs with scanEnvs
	defer repossessorBusy.Store(0)
	if repossessorHeld.Load() != 0 {
		return now + 1_000_000
	}
	for i := range envTable {
		e := &envTable[i]
		switch deadline := e.asked.deadline.Load(); {
		case deadline == 0:
		case deadline > now:
			next = min(next, deadline)
		default:
			e.repossess()
		}
	}
	return next
}

// newest is those of a holder's capabilities of a kind that were made last, the last one first.
type newest struct {
	names [16]cap.Name
	born  [16]uint64
	n     int
}

// add has one more compete.
func (l *newest) add(name cap.Name, born uint64) {
	i := l.n
	if l.n < len(l.names) {
		l.n++
	}
	for ; i > 0 && born > l.born[i-1]; i-- {
		if i < l.n {
			l.names[i], l.born[i] = l.names[i-1], l.born[i-1]
		}
	}
	if i < l.n {
		l.names[i], l.born[i] = name, born
	}
}

// repossess takes what e has too much of, the newest first.
func (e *env) repossess() {
	c := preemptOff()
	h := e.holder()
	if e = pinLiving(h); e == nil {
		c.PreemptEnable()
		return
	}
	kind, keeps, low, high := e.asked.kind, e.asked.keeps, e.lowSlot.Load(), e.highSlot.Load()
	e.unpin()
	c.PreemptEnable()
	for took := true; took; {
		var l newest
		has := held(h, kind, low, high, &l)
		took = false
		for i := 0; i < l.n && has > keeps; i++ {
			info, err := capTab.Inspect(l.names[i], h)
			if err == nil && takeFrom(h, l.names[i]) {
				has -= min(has, weigh(&info))
				took = true
				noteLost(h, abi.Lost{Name: uint64(l.names[i]), Kind: kind, Object: abi.Object{First: info.Object.First, Second: info.Object.Second}})
			}
		}
	}
	c = preemptOff()
	if e = pinLiving(h); e != nil {
		e.lock.Lock(c)
		e.unasked()
		e.lock.Unlock(c)
		e.unpin()
	}
	c.PreemptEnable()
}

// takeFrom takes a capability from its holder, with all that was derived from it; false: it had none.
//
//go:noinline
func takeFrom(h cap.Holder, name cap.Name) bool {
	for at, again := cap.Name(0), false; ; again = true {
		before := at
		c := preemptOff()
		var err error
		at, err = capTab.Take(c.CPU, name, h, at, revokeSteps)
		c.PreemptEnable()
		switch {
		case err != nil:
			return again
		case at == 0:
			return true
		case at == before:
			yield()
		}
	}
}

// noteLost writes down what an environment has lost.
//
//go:noinline
func noteLost(h cap.Holder, l abi.Lost) {
	c := preemptOff()
	if e := pin(h); e != nil {
		e.lock.Lock(c)
		r := &e.asked
		r.lost[(r.first+r.count)%lostMost] = l
		if r.count < lostMost {
			r.count++
		} else {
			r.first = (r.first + 1) % lostMost
		}
		e.lock.Unlock(c)
		e.lost.Add(1)
		e.unpin()
	}
	c.PreemptEnable()
}

// sysRepossessed tells the caller's environment what it has lost, the oldest first.
func sysRepossessed(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	e := threadOf(s).env
	var some [8]abi.Lost
	done := uint64(0)
	for done < f.RSI {
		c := this()
		e.lock.Lock(c)
		r := &e.asked
		n := min(r.count, len(some), int(min(f.RSI-done, lostMost)))
		for i := range n {
			some[i] = r.lost[(r.first+i)%lostMost]
		}
		r.first, r.count = (r.first+n)%lostMost, r.count-n
		e.lock.Unlock(c)
		if n == 0 {
			break
		}
		// SAFETY: a Lost is words.
		if !amd64.CopyOut(f.RDI+done*uint64(unsafe.Sizeof(some[0])), unsafe.Slice((*byte)(unsafe.Pointer(&some)), n*int(unsafe.Sizeof(some[0])))) {
			return int64(abi.BadAddress) // what could not be written is lost once more
		}
		done += uint64(n)
	}
	return int64(done)
}

//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// What must be so of all environments at a moment when nothing of theirs is under way: what is mapped, who pays for what.

// capHigh is a slot that few are above.
func capHigh() uint64 {
	high := uint64(64)
	for i := range envTable {
		if envTable[i].number.Load() != 0 {
			high = max(high, uint64(envTable[i].highSlot.Load()))
		}
	}
	return high
}

// scanEnvs stops everybody, and looks at every page that they have.
func scanEnvs(t *ktest.T) {
	g := &fuzzTest
	repossessorHeld.Store(1) // order: before busy is read
	defer repossessorHeld.Store(0)
	if !t.Check(0, eventually(func() bool { return repossessorBusy.Load() == 0 && allStopped() }), "all environments come to where they stop") { // the calls that they are in end first
		return
	}
	for i := range envTable {
		if e := pinLiving(envTable[i].holder()); e != nil { // who sleeps may wake, and end it
			e.scan(t)
			e.unpin()
		}
	}
	audit(t)
	t.Check(0, allStopped(), "who was stopped did nothing meanwhile")
	for i := range envTable {
		if e := &envTable[i]; e.number.Load() != 0 && e.state.Load() == envAlive {
			e.goOn()
		}
	}
	g.scans++
}

// goOn lets all threads go on, those too that were stopped alone.
func (e *env) goOn() {
	c := this()
	e.lock.Lock(c)
	e.suspended.Store(0)
	for t := e.first; t != nil; t = t.next {
		fuzzTest.calls += t.user.Calls
		t.user.Calls = 0
		t.user.Pending.And(^(pendEnvSuspend | pendSuspend))
		t.nudge()
	}
	e.lock.Unlock(c)
}

// allStopped has every environment stop, and says whether all have: nothing of theirs is under way.
func allStopped() bool {
	all := true
	for i := range envTable {
		e := &envTable[i]
		c := preemptOff()
		switch {
		case e.number.Load() == 0 || e.state.Load() == envEnded:
		case e.state.Load() != envAlive: // it is about to be swept
			all = false
		default:
			running := e.suspend(nil, true)
			all = !e.inCall() && !running && all
		}
		c.PreemptEnable()
	}
	return all
}

// inCall says whether a thread has not come to where it stops. One that waits in the kernel for something comes there, too: else it might go
// on at any time. One that ends is in no list before the environment knows.
func (e *env) inCall() (in bool) {
	listed := int64(0)
	c := this()
	e.lock.Lock(c)
	for t := e.first; t != nil; t = t.next {
		listed++
		in = in || t.stopped.Load() == 0
	}
	in = in || listed != e.threads.Load()
	e.lock.Unlock(c)
	return in
}

// scan checks each page of an environment that is stopped.
func (e *env) scan(t *ktest.T) {
	h := e.holder()
	e.space.Range(0, abi.UserTop, func(m paging.Mapping) bool {
		if m.VA == abi.InfoPage {
			return t.Check(0, m.Frame == infoFrame && m.Perm == paging.Read, "the page of Info is that, to be read")
		}
		fuzzTest.pages++
		i := frames.Info(m.Frame)
		t.Check(0, i.Kind() == mm.User && i.Refs() > 0, "what is mapped is a frame of environments")
		for slot := uint32(1); slot <= uint32(capHigh()); slot++ {
			b := &capSlots[slot].Binding
			if b.Env != h || m.VA < b.VA {
				continue
			}
			name, holder := capSlots[slot].Payer.Now(slot)
			info, err := capTab.Inspect(name, holder)
			n := (m.VA - b.VA) / mm.FrameSize
			if err == nil && info.Kind == cap.Kind(abi.KindFrames) && n < info.Object.Second &&
				info.Object.First+n == uint64(m.Frame) && cap.Rights(m.Perm)&^info.Rights == 0 {
				return true
			}
		}
		return t.Check(0, false, "what is mapped is named by a living capability that is bound there")
	})
}

// owed is what an environment is to pay for.
var owed [maxEnvs]struct{ frames, caps uint64 }

// audit checks that each environment, all of which are stopped, pays for what it has, and that each frame has its owners.
func audit(t *ktest.T) {
	clear(owed[:])
	refs, owners := uint64(0), uint64(fuzzEnvs) // pages that the test shares
	record := func(number uint32) int { return int(number & (maxEnvs - 1)) }
	for n := range topology.Nodes() {
		countFrames(n, func(f mm.Frame, i mm.Info) {
			switch i.Kind() {
			case mm.User:
				refs += uint64(i.Refs())
			case mm.Table:
				owed[record(uint32(i.Owner()))].frames++
			}
		})
	}
	for slot := uint32(1); slot <= uint32(capHigh()); slot++ {
		name, h := capSlots[slot].Payer.Now(slot)
		info, err := capTab.Inspect(name, h)
		if h == cap.Nobody || !t.Check(0, err == nil, "what is paid for is there, and is who pays's") {
			continue
		}
		cost := costOf(uint64(info.Kind), info.Rights, info.Object)
		o := &owed[record(uint32(h))]
		o.caps++
		o.frames += cost
		owners += cost
	}
	t.Equal(0, refs, owners, "references to frames, of owners there are")
	for i := range envTable {
		if e := &envTable[i]; e.number.Load() != 0 && e.state.Load() == envAlive {
			_, used := e.frames.Read()
			t.Equal(0, used, owed[i].frames, "frames that an environment pays for, of those that it has")
			_, used = e.caps.Read()
			t.Equal(0, used, owed[i].caps+uint64(e.threads.Load()), "capabilities that it pays for, of those that it has, and threads")
		}
	}
}

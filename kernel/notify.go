//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sync"
)

// System calls: notifications, 64 bits each that are set by anybody who may, handlers of interrupts too, and taken by who waits.
// A bit that is set twice before it is taken is set.
//
// What is to happen later is noted as a capability and its holder, and that is looked up when it happens: who has lost the
// capability by then has nobody told.

// told is who is to be told of something, and how. Guarded by whoever has it.
type told struct {
	name   cap.Name
	holder cap.Holder
	bits   uint64
}

// tell sets the bits. Anybody, handlers too.
//
//go:noinline
func (s *told) tell() {
	if s.bits == 0 {
		return
	}
	o, err := capTab.Lookup(s.name, s.holder, cap.Kind(abi.KindNotification), cap.Write)
	if err != nil {
		return
	}
	flags := amd64.IRQDisable()
	p := &gateTable[o.First]
	p.enter()
	if p.life.Load() == o.Second {
		p.signal(s.bits)
	}
	p.lock.Unlock()
	amd64.IRQRestore(flags)
}

// tells makes a told of a capability of the caller's. Errors: as of a lookup; BadArgument: no bits.
//
//go:noinline
func (t *thread) tells(name, bits uint64) (told, abi.Errno) {
	s := told{cap.Name(name), t.env.holder(), bits}
	if err := capTab.Check(s.name, s.holder, cap.Kind(abi.KindNotification), cap.Write); err != nil {
		return told{}, capErrno(err)
	}
	if bits == 0 {
		return told{}, abi.BadArgument
	}
	return s, abi.OK
}

// signal sets bits of a notification, which is locked, and gives them to those who wait, the oldest first. Interrupts are off.
func (p *gate) signal(bits uint64) {
	p.bits |= bits
	for t := p.waiters.first; t != nil && p.bits != 0; {
		next := t.wait.next
		if got := p.bits & t.wait.mask; got != 0 {
			p.bits &^= got
			p.waiters.remove(t)
			t.wait.frame.RDX = got
			t.over(0)
			t.wake()
		}
		t = next
	}
}

func sysNotifyCreate(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	return threadOf(s).newGate(f.RDI, abi.KindNotification)
}

func sysNotify(s *amd64.UserState, f *amd64.SysFrame) int64 {
	p, no := threadOf(s).meet(f.RDI, abi.KindNotification, cap.Write)
	if no != abi.OK {
		return int64(no)
	}
	p.signal(f.RSI)
	p.lock.Unlock()
	return 0
}

func sysWait(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	p, no := t.meet(f.RDI, abi.KindNotification, cap.Read)
	if no != abi.OK {
		return int64(no)
	}
	until := f.RDX
	if got := p.bits & f.RSI; got != 0 || until == 0 || f.RSI == 0 {
		p.bits &^= got
		p.lock.Unlock()
		switch {
		case f.RSI == 0:
			return int64(abi.BadArgument)
		case got == 0:
			return int64(abi.Again)
		}
		f.RDX = got
		return 0
	}
	t.wait.mask = f.RSI
	if no := t.enqueue(p, abi.KindNotification, cap.Name(f.RDI), stageQueued); no != abi.OK {
		return int64(no)
	}
	return t.await(p, nil, until)
}

// watchers is how many can watch an environment.
const watchers = 4

// sysEnvWatch has a notification told when an environment ends; at once, if it has.
func sysEnvWatch(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	w, no := t.tells(f.RSI, f.RDX)
	if no != abi.OK {
		return int64(no)
	}
	o, err := capTab.Lookup(cap.Name(f.RDI), t.env.holder(), cap.Kind(abi.KindEnv), cap.Read)
	if err != nil {
		return int64(capErrno(err))
	}
	c := preemptOff()
	no = w.watch(pin(cap.Holder(o.First)), c)
	c.PreemptEnable()
	return int64(no)
}

// watch has w be told when e, which is pinned, ends; or at once, if it is nil. Errors: NoSlots. It unpins e.
func (w *told) watch(e *env, c *sync.Context) abi.Errno {
	if e == nil {
		w.tell()
		return abi.OK
	}
	e.lock.Lock(c)
	var free *told
	for i := range e.watched {
		at := &e.watched[i]
		if at.bits == 0 || capTab.Check(at.name, at.holder, cap.Kind(abi.KindNotification), cap.Write) != nil {
			free = at
		}
	}
	ended := e.state.Load() == envEnded // order: under the lock, which tellEnded takes after it has changed
	if free != nil && !ended {
		*free = *w
	}
	e.lock.Unlock(c)
	e.unpin()
	switch {
	case ended:
		w.tell()
	case free == nil:
		return abi.NoSlots
	}
	return abi.OK
}

// tellEnded tells those who watch that it has ended.
func (e *env) tellEnded() {
	c := this()
	e.lock.Lock(c)
	all := e.watched
	e.watched = [watchers]told{}
	e.lock.Unlock(c)
	for i := range all {
		all[i].tell()
	}
}

// consoleTold is who is told that there is input; consoleLock guards it.
var consoleTold told

func sysConsoleBind(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	if err := capTab.Check(cap.Name(f.RDI), t.env.holder(), cap.Kind(abi.KindConsole), cap.Read); err != nil {
		return int64(capErrno(err))
	}
	w, no := t.tells(f.RSI, f.RDX)
	if no != abi.OK {
		return int64(no)
	}
	me := this()
	consoleLock.Lock(me)
	consoleTold = w
	consoleLock.Unlock(me)
	if g := &consoleInput; g.put.Load() != g.taken.Load() { // order: after it is there to be told; pairs with onConsole
		w.tell()
	}
	return 0
}

// tellConsole is called by the console's handler when something has come in.
func tellConsole() {
	me := this()
	consoleLock.Lock(me)
	w := consoleTold
	consoleLock.Unlock(me)
	w.tell()
}

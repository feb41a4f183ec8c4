//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
)

// System calls: protected control transfer. A call brings four words, and a capability, to a thread that receives at an endpoint, and
// waits for that thread's answer.
//
//	caller    IPCCall ───────────────┐                          ┌─► answer
//	                                 ▼                          │
//	receiver  … IPCReceive ───► message   works   IPCReplyWait ─┘ … waits for the next call
//
// In both directions, if the other one waits already and may run on this CPU, the message goes from the one's saved registers to the
// other's, and the CPU with it. What is left of the quantum goes along; no queue is touched.
//
// A caller gets Dead if its receiver ends, or receives again before it has answered. A receiver whose caller has given up gets to know when it
// answers, by IPCReply: Dead.

// callSlowly is IPCCall in any case.
//
//go:noinline
func (t *thread) callSlowly(f *amd64.SysFrame) int64 {
	if int64(f.RSI) < 0 {
		return int64(abi.BadArgument) // the receiver would take it for an Errno
	}
	until := uint64(abi.Forever)
	if t.wait.until != 0 {
		until, t.wait.until = t.wait.until, 0
	}
	p, no := t.meet(f.RDI, abi.KindEndpoint, cap.Execute)
	if no != abi.OK {
		return int64(no)
	}
	if t.calls.name != f.RDI && until == abi.Forever {
		t.learn(&t.calls, f.RDI, cap.Execute)
	}
	r := p.receivers.first
	if r == nil {
		return t.callLater(p, f, until)
	}
	name := uint64(0)
	if f.R9 != 0 {
		if no := transfer(cap.Name(f.R9), t.env, r.env); no != abi.OK {
			p.lock.Unlock()
			return int64(no)
		}
		name = f.R9
	}
	if p.receivers.first = r.wait.next; r.wait.next != nil {
		r.wait.next.wait.prev = nil
	} else {
		p.receivers.last = nil
	}
	r.hears(t, t.wait.begin(stageAnswer))
	g := r.wait.frame
	g.RSI, g.RDX, g.R8, g.R9, g.R10 = uint64(t.env.number.Load()), f.RDX, f.R10, f.R8, name
	r.over(int64(f.RSI))
	p.lock.Unlock()
	return t.await(p, r, until)
}

// callLater waits until somebody receives. The endpoint is locked.
func (t *thread) callLater(p *gate, f *amd64.SysFrame, until uint64) int64 {
	if f.R9 != 0 {
		if info, err := capTab.Inspect(cap.Name(f.R9), t.env.holder()); err != nil || info.Rights&cap.Transfer == 0 {
			p.lock.Unlock()
			if err != nil {
				return int64(abi.BadCap)
			}
			return int64(abi.BadRights)
		}
	}
	if no := t.enqueue(p, abi.KindEndpoint, cap.Name(f.RDI), stageQueued); no != abi.OK {
		return int64(no)
	}
	if t.deadlocked(p) && t.leaves(p) {
		return int64(abi.Deadlock)
	}
	return t.await(p, nil, until)
}

// hears notes whom the thread is to answer.
func (t *thread) hears(caller *thread, wait uint64) {
	if t.wait.caller != nil {
		t.deserts()
	}
	t.wait.caller, t.wait.asked = caller, wait
}

// deserts is for a thread that will not answer: who waits for that gets to know. Interrupts are off.
//
//go:noinline
func (t *thread) deserts() {
	c := t.wait.caller
	t.wait.caller = nil
	if c != nil && c.wait.word.CompareAndSwap(t.wait.asked|stageAnswer, t.wait.asked|stageTaken) {
		c.over(int64(abi.Dead))
		c.wake()
	}
}

func sysIPCReceive(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	p, no := t.meet(f.RDI, abi.KindEndpoint, cap.Rights(abi.RightReceive))
	if no != abi.OK {
		return int64(no)
	}
	p.receivedBy(t)
	return t.receive(p, f, nil, f.RSI)
}

// receive takes the oldest call of those that wait at an endpoint, which is locked, or waits for one. next goes on.
func (t *thread) receive(p *gate, f *amd64.SysFrame, next *thread, until uint64) int64 {
	for c := p.waiters.first; c != nil; c = p.waiters.first {
		p.waiters.remove(c)
		g := c.wait.frame
		if g.R9 != 0 {
			if no := transfer(cap.Name(g.R9), c.env, t.env); no != abi.OK {
				c.over(int64(no)) // it is the sender's, who sees to it
				c.wake()
				continue
			}
		}
		wait := c.wait.word.Load() &^ (stages - 1)
		t.hears(c, wait)
		f.RSI, f.RDX, f.R8, f.R9, f.R10 = uint64(c.env.number.Load()), g.RDX, g.R10, g.R8, g.R9
		got := int64(g.RSI)
		c.wait.word.Store(wait | stageAnswer) // order: after the last look at its frame; pairs with cancel
		p.lock.Unlock()
		if next != nil {
			next.wake()
		}
		return got
	}
	if until == 0 {
		p.lock.Unlock()
		return int64(abi.Again)
	}
	if t.wait.caller != nil {
		t.deserts()
	}
	if no := t.enqueue(p, abi.KindEndpoint, cap.Name(f.RDI), stageReceives); no != abi.OK {
		if next != nil {
			next.wake()
		}
		return int64(no)
	}
	return t.await(p, next, until)
}

// answer brings the message to who waits for it, and returns that one: it is to go on. Errors: Again, if there is nobody to answer; Dead, if
// the caller has given up; those of a transfer. Interrupts are off.
func (t *thread) answer(w0, w1, w2, w3, name uint64) (*thread, abi.Errno) {
	c, asked := t.wait.caller, t.wait.asked
	if c == nil {
		return nil, abi.Again
	}
	if !c.wait.word.CompareAndSwap(asked|stageAnswer, asked|stageTaken) { // order: pairs with cancel
		t.wait.caller = nil
		return nil, abi.Dead
	}
	if name != 0 {
		if no := transfer(cap.Name(name), t.env, c.env); no != abi.OK {
			c.wait.word.Store(asked | stageAnswer)
			return nil, no
		}
	}
	t.wait.caller = nil
	g := c.wait.frame
	g.RDX, g.R8, g.R9, g.R10 = w1, w2, w3, name
	c.wait.result = int64(w0)
	c.wait.word.Store(asked | stageDone) // order: after the message; pairs with await
	return c, abi.OK
}

// replySlowly is IPCReplyWait in any case.
//
//go:noinline
func (t *thread) replySlowly(f *amd64.SysFrame) int64 {
	o, err := capTab.Lookup(cap.Name(f.RDI), t.env.holder(), cap.Kind(abi.KindEndpoint), cap.Rights(abi.RightReceive))
	if err != nil {
		return int64(capErrno(err))
	}
	if t.receives.name != f.RDI {
		t.learn(&t.receives, f.RDI, cap.Rights(abi.RightReceive))
	}
	next, no := t.answer(f.RSI, f.RDX, f.R10, f.R8, f.R9)
	if no != abi.OK && no != abi.Again && no != abi.Dead {
		return int64(no)
	}
	p := &gateTable[o.First]
	p.enter()
	if p.life.Load() != o.Second {
		p.lock.Unlock()
		if next != nil {
			next.wake()
		}
		return int64(abi.Revoked)
	}
	if next == nil {
		p.receivedBy(t)
	}
	return t.receive(p, f, next, abi.Forever)
}

func sysIPCReply(s *amd64.UserState, f *amd64.SysFrame) int64 {
	next, no := threadOf(s).answer(f.RDI, f.RSI, f.RDX, f.R10, f.R8)
	if no == abi.OK {
		next.wake()
	}
	return int64(no)
}

func sysIPCTimeout(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	t.wait.until = f.RDI
	t.calls.forget() // the next call is not the usual case
	return 0
}

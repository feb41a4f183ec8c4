//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/sched"
	"exo/kernel/text"
)

// torture/env: environments whose threads make random calls, with random words for arguments among which are names of what they
// hold, on all CPUs; what a call returns may be an argument later. Meanwhile capabilities are revoked and environments destroyed. Now
// and then all are stopped, and every page that any of them shows must be of a living capability that is bound there. In the end
// everything is as it was.

const (
	fuzzEnvs    = 5
	fuzzThreads = 2
	fuzzWords   = 64 // arguments; from word pupFree on
	fuzzCalls   = pupFree + fuzzWords
)

var fuzzTest struct {
	envs                           [fuzzEnvs]puppet
	made, scans, pages, took, ends uint64
	calls                          uint64
}

// fuzzCode writes the program: R12 is random, R13 the multiplier.
func fuzzCode(b []byte) (size, handler int) {
	a := &fuzzAsm
	*a = assembler{b: b}
	a.put(0x49, 0x89, 0xFF) // mov r15, rdi
	a.put(0x49, 0x89, 0xE6) // mov r14, rsp
	a.load(12, 0)
	a.imm(13, 6364136223846793005)
	loop := a.n
	a.put(0x4C, 0x89, 0xF4) // mov rsp, r14
	step := func() {
		a.put(0x4D, 0x0F, 0xAF, 0xE5)                   // imul r12, r13
		a.put(0x49, 0x81, 0xC4, 0x4B, 0xF1, 0x35, 0x12) // add r12, imm32
	}
	pick := func(reg byte, from int) { // reg = [r15 + 8 × (from + R12's upper 6 bits)]
		step()
		a.put(0x4C, 0x89, 0xE1)                          // mov rcx, r12
		a.put(0x48, 0xC1, 0xE9, 58)                      // shr rcx, 58
		a.put(0x49|reg>>3<<2, 0x8B, 0x84|reg&7<<3, 0xCF) // mov reg, [r15 + rcx×8 + disp32]
		a.word32(uint32(from * 8))
	}
	for _, r := range [...]byte{rDI, rSI, rDX, r10, r8} {
		pick(r, pupFree)
	}
	pick(rAX, fuzzCalls)
	a.syscall()
	a.put(0x48, 0x83, 0xF8, 0) // cmp rax, 0
	a.jump(0x8E, loop)         // not positive
	step()
	a.put(0x4C, 0x89, 0xE1, 0x48, 0xC1, 0xE9, 58)
	a.put(0x49, 0x89, 0x84, 0xCF) // mov [r15 + rcx×8 + disp32], rax
	a.word32(pupFree * 8)
	a.jump(0xE9, loop)
	handler = a.n
	a.jump(0xE9, loop)
	return a.n, handler
}

var fuzzAsm assembler

var fuzzMix = [...]abi.Call{
	abi.Null, abi.CapDerive, abi.CapDerive, abi.CapTransfer, abi.CapRevoke, abi.CapDelete, abi.CapInspect, abi.CapHeld,
	abi.FrameAlloc, abi.FrameAlloc, abi.FrameShare, abi.FrameShare, abi.PageMap, abi.PageMap, abi.PageMap, abi.PageProtect,
	abi.PageUnmap, abi.PageOps, abi.EnvCreate, abi.EnvUpcalls, abi.EnvInspect, abi.EnvSuspend, abi.EnvResume, abi.EnvResume,
	abi.ThreadCreate, abi.ThreadResume, abi.ThreadResume, abi.ThreadInspect, abi.Yield, abi.Sleep, abi.ConsoleWrite,
	abi.PortIn, abi.EnvDestroy, abi.ThreadDestroy, abi.ThreadSuspend, abi.ThreadBases, abi.IPCCall, abi.Calls,
}

// makeFuzzer makes an environment that does that.
func makeFuzzer(t *ktest.T, r *ktest.Rand) (p puppet, ok bool) {
	e, no := newEnv(nil, 80+r.N(60), 20+r.N(60))
	if !t.Check(0, no == abi.OK, "an environment can be made") {
		return p, false
	}
	e.suspended.Store(1) // until all is ready
	p = puppet{t: t, env: e, h: e.holder()}
	code, no := e.newRun(1, pupCode, abi.PermExecute)
	if no != abi.OK {
		return p, false
	}
	_, handler := fuzzCode(amd64.PhysAddr(code.Addr()).Bytes(mm.FrameSize))
	e.fault.Store(pupCode + uint64(handler))
	c := preemptOff()
	name, _ := e.giveAccount(c.CPU)
	c.PreemptEnable()
	p.mem = uint64(name)
	for i := range fuzzThreads {
		p.i = i
		if !p.addThread(0, 0) {
			return p, false
		}
		d := p.data
		d[0].Store(r.Uint64())
		for w := range fuzzWords {
			d[fuzzCalls+w].Store(uint64(fuzzMix[r.N(uint64(len(fuzzMix)))]))
			v := uint64(0)
			switch r.N(8) {
			case 0:
				v = p.mem
			case 1:
				v = pupTest + r.N(8)<<12
			case 2:
				v = pupTest + r.N(4)<<21 + r.N(2)<<12
			case 3:
				v = 1 + r.N(4)
			case 4:
				v = pupData + r.N(2)<<12 + r.N(600)*8
			case 5:
				v = uint64(abi.AllRights &^ abi.RightOwn)
			case 6:
				v = [...]uint64{0, 0, 7, 512, ^uint64(0), 1 << 47, 20, pupCode}[r.N(8)]
			}
			d[pupFree+w].Store(v)
		}
	}
	sharePage(&p, true)
	e.goOn()
	return p, true
}

// sharePage has the test own the page that it writes to, too: its capability may be revoked at any time.
func sharePage(p *puppet, keep bool) {
	f := mm.PhysAddr(uintptr(unsafe.Pointer(p.data)) - amd64.DirectMap).Frame()
	if keep {
		p.t.Check(0, frames.Share(f) == nil, "the test shares a page")
		return
	}
	c := preemptOff()
	frames.Free(c.CPU, f)
	c.PreemptEnable()
}

// endFuzzer ends one.
func endFuzzer(p *puppet) {
	p.end()
	sharePage(p, false)
}

// knows gives a fuzzer capabilities for another, among its words.
func (p *puppet) knows(q *puppet, r *ktest.Rand) {
	c := preemptOff()
	e := pinLiving(p.h)
	if e != nil {
		if e.charge(0) == abi.OK {
			if name, no := e.create(c.CPU, abi.KindEnv, cap.AllRights&^owns, cap.Object{First: uint64(q.h)}); no == abi.OK {
				p.data[pupFree+int(r.N(fuzzWords))].Store(uint64(name))
			}
		}
		e.unpin()
	}
	c.PreemptEnable()
}

func testTortureEnv(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t, g := taskTest.t, &fuzzTest
		r := t.Rand(0)
		*g = struct {
			envs                           [fuzzEnvs]puppet
			made, scans, pages, took, ends uint64
			calls                          uint64
		}{}
		end := amd64.NowNs() + tortureNs()
		for i := range g.envs {
			var ok bool
			if g.envs[i], ok = makeFuzzer(t, r); !ok {
				return 0
			}
			g.made++
		}
		for amd64.NowNs() < end && !t.Failed() {
			i, j := r.N(fuzzEnvs), r.N(fuzzEnvs)
			p := &g.envs[i]
			switch op := r.N(100); {
			case op < 40:
				p.knows(&g.envs[j], r)
			case op < 60:
				takeSomething(r)
			case op < 80 || p.ended():
				endFuzzer(p)
				g.ends++
				if g.envs[i], _ = makeFuzzer(t, r); t.Failed() {
					return 0
				}
				g.made++
			case op < 90:
				scanEnvs(t)
			}
			sleepUntil(amd64.NowNs() + r.N(400_000))
			t.Count(1)
		}
		scanEnvs(t)
		for i := range g.envs {
			endFuzzer(&g.envs[i])
		}
		var l text.Line
		put(l.Str("# torture/env: environments=").Uint(g.made).Str(" calls=").Uint(g.calls).Str(" ended=").Uint(g.ends).
			Str(" revoked=").Uint(g.took).Str(" scans=").Uint(g.scans).Str(" pages=").Uint(g.pages))
		return 0
	})
}

// takeSomething deletes, or revokes below, some capability of somebody's.
func takeSomething(r *ktest.Rand) {
	slot := uint32(1 + r.N(capHigh()))
	name, h := slotOf(cap.Name(slot)).Payer.Now(slot)
	if h == cap.Nobody {
		return
	}
	what := capTab.Revoke
	if r.N(2) == 0 {
		what = capTab.Delete
	}
	c := preemptOff()
	at, err := what(c.CPU, name, h, 0, 64)
	for spins := 0; at != 0 && err == nil && spins < 1000; spins++ {
		at, err = what(c.CPU, name, h, at, 64)
	}
	c.PreemptEnable()
	if err == nil {
		fuzzTest.took++
	}
}

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
	quiet := false
	for i := 0; i < 20_000 && !quiet; i++ { // who is in the middle of a call ends it first, children that it makes included
		if quiet = allStopped(); !quiet {
			sleepUntil(amd64.NowNs() + waitNs)
		}
	}
	if !t.Check(0, quiet, "all environments come to where they stop") {
		return
	}
	for i := range envTable {
		if e := pinLiving(envTable[i].holder()); e != nil { // who sleeps may wake, and end it
			e.scan(t)
			e.unpin()
		}
	}
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

// inCall says whether a thread has not come to where it stops. One that ends is in no list before the environment knows.
func (e *env) inCall() (in bool) {
	listed := int64(0)
	c := this()
	e.lock.Lock(c)
	for t := e.first; t != nil; t = t.next {
		listed++
		in = in || t.task.Load() != 0 && t.stopped.Load() == 0 && t.state() != uint64(sched.Blocked)
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
				info.Object.First+n == uint64(m.Frame) && (m.Perm&paging.Write == 0 || info.Rights&cap.Write != 0) {
				return true
			}
		}
		return t.Check(0, false, "what is mapped is named by a living capability that is bound there")
	})
}

//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// Tests of environments' lives, of several at once, and of upcalls.

// grant gives a puppet a capability.
func (p *puppet) grant(kind uint64, rights cap.Rights, o cap.Object) uint64 {
	c := preemptOff()
	defer c.PreemptEnable()
	if !p.t.Check(0, p.env.charge(0) == abi.OK, "a puppet may have one more capability") {
		return 0
	}
	name, no := p.env.create(c.CPU, kind, rights, o)
	p.t.Check(0, no == abi.OK, "and gets it")
	return uint64(name)
}

// mapped is the name of the capability that an environment has mapped at an address, 0: there is none.
func (p *puppet) mapped(va uint64) uint64 {
	var names [64]cap.Name
	n, _ := capTab.Held(p.h, 1, names[:], 1<<20)
	for _, name := range names[:n] {
		info, err := capTab.Inspect(name, p.h)
		if b := &slotOf(name).Binding; err == nil && info.Kind == cap.Kind(abi.KindFrames) && b.Env == p.h && b.VA == va {
			return uint64(name)
		}
	}
	return 0
}

// at is mapped, for what must be there.
func (p *puppet) at(va uint64) uint64 {
	name := p.mapped(va)
	p.t.Check(0, name != 0, "a puppet finds what it has mapped")
	return name
}

// page is a frame of the puppet's, mapped into a child at an address.
func (p *puppet) page(child, va, n uint64) (first uint64) {
	name := p.makes("a frame for a child", abi.FrameAlloc, p.mem, 0, 0, n)
	first = p.rdx()
	p.gets(0, "is mapped there", abi.PageMap, name, child, va, uint64(abi.PermRead|abi.PermWrite))
	return first
}

// breed has a puppet make another, by calls alone.
func (p *puppet) breed(frames, caps, cpus uint64) (q puppet) { return p.breedAs(frames, caps, cpus, 0) }

// breedAs is breed with flags of EnvCreate.
func (p *puppet) breedAs(frames, caps, cpus, flags uint64) (q puppet) {
	q = *p
	q.i = 0
	q.name = p.makes("an environment", abi.EnvCreate, p.mem, frames, caps, flags)
	q.mem = p.rdx()
	info, err := capTab.Inspect(cap.Name(q.name), p.h)
	if !p.t.Check(0, err == nil && info.Kind == cap.Kind(abi.KindEnv), "its capability is the maker's") {
		return q
	}
	q.h = cap.Holder(info.Object.First)
	q.env = recordOf(q.h)
	code := p.makes("the program", abi.CapDerive, p.at(pupCode), abi.RightRead|abi.RightExecute|abi.RightDelete)
	p.gets(0, "is mapped there", abi.PageMap, code, q.name, pupCode, uint64(abi.PermExecute))
	data := mm.Frame(p.page(q.name, pupData, 1))
	p.page(q.name, pupStack, 1)
	p.page(q.name, pupUpLow, 2)
	// SAFETY: as in addThread.
	q.data = (*[512]atom.Uint64)(unsafe.Pointer(&amd64.PhysAddr(data.Addr()).Bytes(mm.FrameSize)[0]))
	q.data[pupOn].Store(p.data[pupOn].Load())
	p.data[pupFree].Store(p.env.fault.Load())
	for i := 1; i < 8; i++ {
		p.data[pupFree+i].Store(0)
	}
	p.gets(0, "it is told where faults go", abi.EnvUpcalls, q.name, p.place(pupFree))
	q.thr = p.thread(q.name, cpus)
	return q
}

// thread makes a thread in a child.
func (p *puppet) thread(child, cpus uint64) uint64 {
	for i, v := range [...]uint64{pupCode, pupStack + mm.FrameSize, pupData, 0, 0, pupUpLow, pupUpLow + 2*mm.FrameSize, cpus, 0, 0, 0, 0} {
		p.data[pupFree+i].Store(v)
	}
	return p.makes("a thread", abi.ThreadCreate, child, p.place(pupFree))
}

// testEnvLife: environments are made, run, end, are destroyed by calls, and accounts are right at each step.
func testEnvLife(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 120, 60)
		if !ok {
			return 0
		}
		frameLimit, frameUsed := p.env.frames.Read()
		capLimit, capUsed := p.env.caps.Read()
		p.refused(abi.BadCap, "without an account", abi.EnvCreate, 7, 20, 10)
		p.refused(abi.NoQuota, "more frames than one has", abi.EnvCreate, p.mem, frameLimit, 10)
		p.refused(abi.NoQuota, "more capabilities", abi.EnvCreate, p.mem, 20, capLimit)
		p.refused(abi.NoQuota, "too few frames for its tables", abi.EnvCreate, p.mem, 3, 10)
		p.refused(abi.NoQuota, "no capability for its account", abi.EnvCreate, p.mem, 20, 0)
		p.refused(abi.NoQuota, "more than there can be", abi.EnvCreate, p.mem, ^uint64(0), 1)
		t.Check(0, quotaIs(&p, frameLimit, frameUsed, capLimit, capUsed), "what is refused costs nothing")
		for round := range uint64(3) {
			q := p.breed(20, 10, 0)
			limit, _ := p.env.frames.Read()
			t.Equal(0, limit, frameLimit-20, "frames that are left of the quota")
			t.Check(0, q.ended() == false && q.do(abi.Null) == 0, "the child runs")
			p.refused(abi.BadCap, "a name is its holder's", abi.CapInspect, q.mem, p.place(pupFree))
			q.refused(abi.BadCap, "and nobody else's", abi.CapInspect, p.mem, q.place(pupFree))
			f := q.makes("its own frames", abi.FrameAlloc, q.mem, 0, 0, 2)
			q.gets(0, "are mapped", abi.PageMap, f, 0, pupTest, 3)
			t.Check(0, q.store(pupTest, round), "and written")
			q.refused(abi.NoQuota, "not more than it has", abi.FrameAlloc, q.mem, 0, 0, 20)
			p.gets(0, "its maker looks", abi.EnvInspect, q.name, p.place(pupFree))
			t.Equal(0, p.data[pupFree].Load(), abi.EnvRunning, "its state")
			t.Equal(0, p.data[pupFree+2].Load(), 1, "its threads")
			t.Equal(0, p.data[pupFree+4].Load(), 20, "its limit")
			t.Equal(0, p.data[pupFree+11].Load(), uint64(q.h), "its number")
			t.Equal(0, p.data[pupFree+12].Load(), uint64(p.h), "its maker's")
			p.gets(0, "and at the thread", abi.ThreadInspect, q.thr, p.place(pupFree))
			switch round {
			case 0: // it exits
				q.ask(uint64(abi.EnvExit), 42)
				t.Check(0, !q.wait(), "who exits does not come back")
				p.gets(0, "then it is looked at", abi.EnvInspect, q.name, p.place(pupFree))
				t.Check(0, hasEnded(q.env, q.h), "it has ended")
				p.gets(0, "and again", abi.EnvInspect, q.name, p.place(pupFree))
				t.Equal(0, p.data[pupFree].Load(), abi.EnvEnded, "its state")
				t.Equal(0, p.data[pupFree+1].Load(), 42, "its status")
				t.Equal(0, p.data[pupFree+3].Load()+p.data[pupFree+5].Load(), 0, "what it still has")
				p.refused(abi.Dead, "its thread", abi.ThreadInspect, q.thr, p.place(pupFree))
				for i := range 12 {
					p.data[pupFree+i].Store(0)
				}
				p.refused(abi.Dead, "no thread more", abi.ThreadCreate, q.name, p.place(pupFree))
			case 1: // its last thread does
				q.ask(uint64(abi.ThreadExit))
				t.Check(0, !q.wait(), "it ends with its last thread")
			}
			p.gets(0, "it is destroyed", abi.EnvDestroy, q.name)
			for spins := 0; q.env.number.Load() == uint32(q.h) && spins < 100_000; spins++ {
				sleepUntil(amd64.NowNs() + waitNs) // who swept it up is about to free the record
			}
			t.Check(0, q.env.number.Load() != uint32(q.h), "then it is no more")
			p.refused(abi.BadCap, "nor is its capability", abi.EnvInspect, q.name, p.place(pupFree))
			p.gets(0, "its thread's", abi.CapDelete, q.thr)
			p.dropAll()
			t.Check(0, quotaIs(&p, frameLimit, frameUsed, capLimit, capUsed), "all of the quotas is back")
		}
		q := p.breed(20, 10, 0)
		r := q.h
		p.refused(abi.BadArgument, "an environment that would own itself", abi.CapTransfer, q.name, q.name)
		p.gets(0, "deleting its capability", abi.CapDelete, q.name)
		t.Check(0, hasEnded(q.env, r), "ends it")
		p.end()
		return 0
	})
}

// hasEnded waits until an environment is swept, or no more.
func hasEnded(e *env, h cap.Holder) bool {
	return eventually(func() bool { return e.number.Load() != uint32(h) || e.state.Load() == envEnded })
}

func quotaIs(p *puppet, frameLimit, frameUsed, capLimit, capUsed uint64) bool {
	fl, fu := p.env.frames.Read()
	cl, cu := p.env.caps.Read()
	return p.t.Equal(0, fl, frameLimit, "limit of frames") && p.t.Equal(0, fu, frameUsed, "frames in use") &&
		p.t.Equal(0, cl, capLimit, "limit of capabilities") && p.t.Equal(0, cu, capUsed, "capabilities in use")
}

// dropAll has a puppet delete what it has beside what it was made with: what is mapped in its own space, its account.
func (p *puppet) dropAll() {
	var names [64]cap.Name
	n, _ := capTab.Held(p.h, 1, names[:], 1<<20)
	for _, name := range names[:n] {
		if b := &slotOf(name).Binding; uint64(name) != p.mem && b.Env != p.h {
			p.gets(0, "what it has is deleted", abi.CapDelete, uint64(name))
		}
	}
}

// testEnvRevoke: what is mapped in other environments, that run on other CPUs, is gone when a revocation returns.
func testEnvRevoke(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 200, 90)
		if !ok {
			return 0
		}
		var q [3]puppet
		for i := range q {
			q[i] = p.breed(16, 8, 1<<((i+1)%ncpu))
		}
		at := func(i int) uint64 { return pupTest + uint64(i)<<21 }
		for round := range uint64(6) {
			f := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 2)
			first := p.rdx()
			var names [len(q)]uint64
			for i := range q {
				names[i] = p.makes("a capability for each", abi.CapDerive, f, abi.RightRead|abi.RightDelete, q[i].name)
			}
			each(q[:], abi.PageMap, func(i int) (a, b, c, d uint64) { return names[i], 0, at(i), 1 })
			for i := range q {
				t.Equal(0, q[i].rax(), 0, "maps it itself")
				q[i].data[pupOn].Store(pupCode + p.loopEnd())
			}
			each(q[:], doLoad, func(i int) (a, b, c, d uint64) { return at(i), 0, 0, 0 })
			for i := range q {
				t.Check(0, q[i].rax() != faulted, "and reads it")
				q[i].ask(doReads, at(i))
			}
			what := [...]abi.Call{abi.CapRevoke, abi.CapDelete}[round%2]
			p.gets(0, "a revocation", what, f)
			for i := range q {
				t.Check(0, q[i].wait() && q[i].rax() == faulted, "who reads all the time faults")
			}
			each(q[:], doLoad, func(i int) (a, b, c, d uint64) { return at(i), 0, 0, 0 })
			for i := range q {
				t.Equal(0, q[i].rax(), faulted, "after it nobody reads")
			}
			each(q[:], abi.PageMap, func(i int) (a, b, c, d uint64) { return names[i], 0, pupTest, 1 })
			for i := range q {
				t.Equal(0, q[i].rax(), errnoWord(abi.BadCap), "nor maps")
			}
			if what == abi.CapRevoke {
				p.gets(0, "the rest", abi.CapDelete, f)
			}
			t.Check(0, frames.Info(mm.Frame(first)).Kind() != mm.User || frames.Info(mm.Frame(first)).Owner() != mm.Owner(p.h), "then the frames are free")
		}
		// Who owns with others keeps.
		f := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 2)
		first := mm.Frame(p.rdx())
		_, used := q[0].env.frames.Read()
		name := uint64(p.do(abi.FrameShare, f, q[0].name, abi.RightRead|abi.RightWrite|abi.RightDelete))
		_, now := q[0].env.frames.Read()
		t.Equal(0, now, used+2, "frames that it pays for")
		t.Equal(0, uint64(frames.Info(first).Refs()), 2, "owners")
		p.refused(abi.BadRights, "with more rights than one has", abi.FrameShare, p.makes("", abi.CapDerive, f, abi.RightRead|abi.RightShare), q[0].name, abi.RightWrite)
		p.refused(abi.BadRights, "without the right to share", abi.FrameShare, p.makes("", abi.CapDerive, f, abi.RightRead), q[0].name, abi.RightRead)
		p.refused(abi.BadCap, "with nobody", abi.FrameShare, f, 99, abi.RightRead)
		big := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 20)
		p.refused(abi.NoQuota, "what it cannot pay for", abi.FrameShare, big, q[0].name, abi.RightRead)
		p.gets(0, "the first owner's goes", abi.CapDelete, f)
		q[0].gets(0, "the other maps it", abi.PageMap, name, 0, pupTest, 3)
		t.Check(0, q[0].store(pupTest, 5) && frames.Info(first).Refs() == 1, "and has it alone")
		// A capability moves, with what it costs.
		_, mine := p.env.frames.Read()
		g := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 1)
		p.refused(abi.BadRights, "an account does not move", abi.CapTransfer, p.mem, q[1].name)
		p.gets(0, "a transfer", abi.CapTransfer, g, q[1].name)
		_, after := p.env.frames.Read()
		t.Equal(0, after, mine, "frames that the giver pays for")
		p.refused(abi.BadCap, "it is not the giver's", abi.PageMap, g, 0, pupTest, 1)
		q[1].gets(0, "but the other's", abi.PageMap, g, 0, pupTest, 1)
		p.end()
		return 0
	})
}

// loopEnd is where a thread goes on that has faulted.
func (p *puppet) loopEnd() uint64 { return p.data[pupOn].Load() - pupCode }

// testEnvFaults: each exception enters the library OS as it should, recursion included, and without a way in there is an end.
func testEnvFaults(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 16, 12)
		if !ok {
			return 0
		}
		f := p.makes("a frame", abi.FrameAlloc, p.mem, 0, 0, 1)
		first := mm.Frame(p.rdx())
		code := amd64.PhysAddr(first.Addr()).Bytes(mm.FrameSize)
		p.gets(0, "is mapped to be executed", abi.PageMap, f, 0, pupTest, uint64(abi.PermExecute))
		for _, x := range [...]struct {
			code   [8]byte
			vector uint64
		}{
			{[8]byte{0x0F, 0x0B}, 6},                                        // ud2
			{[8]byte{0xF4}, 13},                                             // hlt
			{[8]byte{0xFA}, 13},                                             // cli
			{[8]byte{0xE4, 0x64}, 13},                                       // in al, 0x64
			{[8]byte{0x0F, 0x20, 0xD8}, 13},                                 // mov rax, cr3
			{[8]byte{0x31, 0xC9, 0xF7, 0xF1}, 0},                            // div ecx, of 0
			{[8]byte{0xCC}, 3},                                              // int3
			{[8]byte{0xCD, 0x80}, 13},                                       // int 0x80
			{[8]byte{0x0F, 0x32}, 13},                                       // rdmsr
			{[8]byte{0x48, 0xA1, 0, 0, 0, 0, 0, 0}, 14},                     // mov rax, [0]
			{[8]byte{0x48, 0x31, 0xC0, 0x48, 0x8B, 0x00}, 14},               // the same by a register
			{[8]byte{0x48, 0xC7, 0xC0, 0x00, 0x00, 0x00, 0x80, 0xC3}, 0xff}, // returns
		} {
			clear(code)
			copy(code, x.code[:])
			before := p.faults()
			p.do(doExecute, pupTest)
			if x.vector == 0xff {
				t.Equal(0, p.faults(), before, "faults of what is none")
				continue
			}
			t.Equal(0, p.faults(), before+1, "faults")
			t.Equal(0, p.data[pupFault].Load(), x.vector, "its vector")
			if x.vector != 3 {
				t.Check(0, p.data[pupFault+3].Load()-pupTest < 8, "where")
			}
		}
		// A handler that faults is entered anew, below.
		p.data[pupDeep].Store(5)
		before := p.faults()
		p.do(doLoad, 0x5000_0000)
		t.Equal(0, p.faults(), before+6, "faults, of those in the handler too")
		p.data[pupDeep].Store(1 << 40)
		p.ask(doLoad, 0x5000_0000)
		t.Check(0, !p.wait(), "without room for more it is ended")
		t.Check(0, hasEnded(p.env, p.h) && p.env.status.Load() == abi.StatusFault, "for that reason")
		p.env.unref()

		for round := range 3 {
			p, ok := makePuppet(t, 16, 12)
			if !ok {
				return 0
			}
			switch round {
			case 0:
				p.env.fault.Store(0)
			case 1: // an upcall stack that cannot be written
				p.gets(0, "a page of the upcall stack goes", abi.PageUnmap, p.at(pupUpLow), 0, 0)
			case 2:
				p.env.fault.Store(0x5000_0000) // a handler that is not there
			}
			p.ask(doLoad, 0x5000_0000)
			t.Check(0, !p.wait(), "there is no way in")
			t.Check(0, hasEnded(p.env, p.h) && p.env.status.Load() == abi.StatusFault, "so it has ended")
			p.env.unref()
		}
		return 0
	})
}

// testEnvForeign: SYSCALL from outside the library OS's text enters it, and from inside the kernel.
func testEnvForeign(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 16, 12)
		if !ok {
			return 0
		}
		f := p.makes("a frame", abi.FrameAlloc, p.mem, 0, 0, 1)
		code := amd64.PhysAddr(mm.Frame(p.rdx()).Addr()).Bytes(mm.FrameSize)
		copy(code, []byte{0xB8, 0, 0, 0, 0, 0x0F, 0x05, 0xC3}) // mov eax, 0; syscall; ret
		p.gets(0, "is mapped to be executed", abi.PageMap, f, 0, pupTest, uint64(abi.PermExecute))
		p.gets(0, "a call from there is one", abi.Call(doExecute), pupTest)
		handler := p.env.fault.Load()
		set := func(foreign, low, high uint64) int64 {
			for i, v := range [...]uint64{handler, foreign, 0, 0, low, high, 0, 0} {
				p.data[pupFree+i].Store(v)
			}
			return p.do(abi.EnvUpcalls, 0, p.place(pupFree))
		}
		t.Equal(0, uint64(set(handler, 5, 4)), errnoWord(abi.BadArgument), "a text that ends before it begins")
		t.Equal(0, uint64(set(1<<47, 0, 0)), errnoWord(abi.BadArgument), "an entry that ring 3 cannot have")
		t.Equal(0, uint64(set(handler, pupCode, pupCode+mm.FrameSize)), 0, "the text of the library OS")
		p.gets(0, "a call from inside is one", abi.Null)
		before := p.faults()
		p.do(doExecute, pupTest)
		t.Equal(0, p.faults(), before+1, "upcalls of one from outside")
		t.Equal(0, p.data[pupFault].Load(), amd64.VectorForeign, "its kind")
		t.Equal(0, p.data[pupFault+3].Load(), pupTest+7, "where it would have returned")
		p.end()
		return 0
	})
}

// testEnvSuspend: threads and environments stop, go on, and end, wherever they are.
func testEnvSuspend(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 120, 60)
		if !ok {
			return 0
		}
		for cpu := range uint64(min(ncpu, 4)) {
			q := p.breed(16, 8, 1<<cpu)
			for round := range 6 {
				stop, on, name := abi.ThreadSuspend, abi.ThreadResume, q.thr
				if round%2 == 1 {
					stop, on, name = abi.EnvSuspend, abi.EnvResume, q.name
				}
				if round >= 4 { // it sleeps
					q.ask(uint64(abi.Sleep), amd64.NowNs()+100_000_000)
				}
				p.gets(0, "it is stopped", stop, name)
				if round < 4 {
					q.ask(uint64(abi.Null))
					sleepUntil(amd64.NowNs() + 300_000)
					t.Check(0, q.data[pupDone].Load() != q.data[pupAsked].Load(), "then it does nothing")
				}
				p.gets(0, "it is looked at", abi.EnvInspect, q.name, p.place(pupFree))
				if round%2 == 1 {
					t.Equal(0, p.data[pupFree].Load(), abi.EnvSuspended, "its state")
				}
				p.gets(0, "it goes on", on, name)
				t.Check(0, q.wait(), "and does what it was to")
				if round >= 4 {
					v := q.data[pupRAX].Load() // it may go on before it has seen that it was to stop
					t.Check(0, v == errnoWord(abi.Interrupted) || v == 0, "a sleep that was interrupted")
				}
			}
			switch cpu % 2 {
			case 0:
				p.gets(0, "the thread is destroyed", abi.ThreadDestroy, q.thr)
				t.Check(0, hasEnded(q.env, q.h) && q.env.status.Load() == abi.StatusKilled, "with it the environment ends")
				p.refused(abi.Dead, "once", abi.ThreadDestroy, q.thr)
				p.gets(0, "its capability", abi.CapDelete, q.thr)
			case 1:
				p.gets(0, "the environment is stopped", abi.EnvSuspend, q.name)
			}
			p.gets(0, "the environment is destroyed", abi.EnvDestroy, q.name)
			p.dropAll()
		}
		p.refused(abi.BadCap, "what is nothing", abi.ThreadSuspend, 5)
		p.refused(abi.BadKind, "what is no thread", abi.ThreadResume, p.mem)
		p.gets(0, "a yield", abi.Yield, 0)
		p.refused(abi.BadCap, "to nobody", abi.Yield, 5)
		p.end()
		return 0
	})
}

// testEnvDestroy: environments whose threads run on other CPUs are destroyed, in the middle of whatever they do.
func testEnvDestroy(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		for round := range 12 {
			p, ok := makePuppet(t, 100, 40)
			if !ok {
				return 0
			}
			on := p.loopEnd()
			for i := 1; i < 4; i++ {
				q := p
				q.i = i
				t.Check(0, q.addThread(1<<(i%ncpu), on), "a thread")
				q.ask([...]uint64{doExecute, uint64(abi.Sleep), doLoad, uint64(abi.FrameAlloc)}[i%4], uint64(abi.Forever)-1, 0, 0, 1)
			}
			if round%3 == 0 {
				p.ask(uint64(abi.EnvExit), 7)
			}
			amd64.DelayUs(uint64(round) * 30)
			p.end()
			t.Count(1)
		}
		return 0
	})
}

// testEnvDevices: console, ports and the page of Info.
func testEnvDevices(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 8, 12)
		if !ok {
			return 0
		}
		console := p.grant(abi.KindConsole, cap.Read, cap.Object{})
		p.refused(abi.BadRights, "writing by who may read", abi.ConsoleWrite, console, pupData, 1)
		p.refused(abi.BadRights, "ending the machine", abi.SystemEnd, console, 0)
		writes := p.grant(abi.KindConsole, cap.Write, cap.Object{})
		text := "# env/devices: a line from ring 3\r\n"
		for i := range len(text) {
			w := &p.data[pupFree+i/8]
			if i%8 == 0 {
				w.Store(0)
			}
			w.Or(uint64(text[i]) << (i % 8 * 8))
		}
		p.gets(int64(len(text)), "a line", abi.ConsoleWrite, writes, p.place(pupFree), uint64(len(text)))
		p.refused(abi.BadAddress, "what cannot be read", abi.ConsoleWrite, writes, 0x5000_0000, 4)
		p.refused(abi.BadAddress, "the kernel", abi.ConsoleWrite, writes, amd64.DirectMap, 4)
		p.gets(0, "nothing", abi.ConsoleWrite, writes, 0x5000_0000, 0)
		g := &consoleInput
		for _, c := range []byte("abc") {
			g.bytes[g.put.Load()%uint64(len(g.bytes))] = c
			g.put.Add(1)
		}
		p.refused(abi.BadAddress, "where nothing can be written", abi.ConsoleRead, console, pupCode, 8)
		p.gets(2, "some of what has come in", abi.ConsoleRead, console, p.place(pupFree), 2)
		t.Equal(0, p.data[pupFree].Load()&0xffff, 'a'|'b'<<8, "what it was")
		p.gets(1, "the rest", abi.ConsoleRead, console, p.place(pupFree), 8)
		p.gets(0, "nothing more", abi.ConsoleRead, console, p.place(pupFree), 8)
		ports := p.grant(abi.KindPorts, cap.AllRights, cap.Object{First: 0x70, Second: 2})
		p.gets(0, "writing a port", abi.PortOut, ports, 0x70, 1, 0)
		t.Check(0, p.do(abi.PortIn, ports, 0x71, 1) >= 0, "reading one")
		for _, a := range [...][2]uint64{{0x6f, 1}, {0x72, 1}, {0x71, 2}, {0x70, 4}, {0x70, 3}, {0x70, 0}, {1 << 16, 1}, {^uint64(0), 2}} {
			p.refused(abi.BadArgument, "others", abi.PortIn, ports, a[0], a[1])
			p.refused(abi.BadArgument, "others", abi.PortOut, ports, a[0], a[1], 0)
		}
		v, ok := p.load(abi.InfoPage)
		t.Check(0, ok && v == abi.Version, "the page of Info is there")
		cpus, _ := p.load(abi.InfoPage + uint64(unsafe.Offsetof(abi.Info{}.CPUs)))
		t.Equal(0, cpus, uint64(ncpu), "the CPUs that it tells of")
		t.Check(0, !p.store(abi.InfoPage, 1) && info.Version == abi.Version, "it cannot be written")
		before := p.faults()
		for _, va := range [...]uint64{amd64.DirectMap, amd64.KernelBase + 2<<20, 1 << 63} {
			p.do(doLoad, va)
		}
		t.Equal(0, p.faults(), before+3, "faults by reading the kernel")
		p.end()
		return 0
	})
}

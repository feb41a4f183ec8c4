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
	"exo/kernel/sync/atom"
)

// A puppet is an environment with a thread in ring 3 that does what a test says, one thing at a time: a system call, a load, a
// store, a jump. What it is to do and what came of it is in a page that the test sees too. Its handler of faults notes them and has
// the thread go on.

// Words of the page.
const (
	pupAsked  = iota // how many things were asked for
	pupDone          // how many were done
	pupCall          // RAX, and the arguments
	pupArgs          // RDI RSI RDX R10 R8 R9
	pupRAX    = pupArgs + 6
	pupRDX    = pupRAX + 1
	pupR8     = pupRAX + 2
	pupFault  = 16 // vector, error, address, RIP; how many
	pupFaults = 20
	pupOn     = 21 // where the handler goes on
	pupDeep   = 22 // how often the handler is to fault itself
	pupFree   = 64 // from here on it is the test's
)

// What a puppet does beside system calls.
const (
	doLoad    = 1000 + iota // of the word at arg 0
	doStore                 // of arg 1
	doExecute               // at arg 0
	doReads                 // of the word at arg 0, yielding in between, until that faults
)

const (
	pupCode  = 0x10_0000
	pupData  = 0x20_0000 // one page for each thread
	pupStack = 0x30_0000
	pupUpLow = 0x38_0000 // upcall stack, of the first thread; the others' follow
	pupUpHi  = 0x38_2000
	pupTest  = 0x4000_0000 // from here on it is the test's
)

const faulted = 0xfafa

// assembler writes machine code.
type assembler struct {
	b []byte
	n int
}

//go:noinline
func (a *assembler) put(b ...byte) {
	for _, c := range b {
		a.b[a.n] = c
		a.n++
	}
}

//go:noinline
func (a *assembler) word32(v uint32) { a.put(byte(v), byte(v>>8), byte(v>>16), byte(v>>24)) }

// Numbers of registers.
const (
	rAX = 0
	rCX = 1
	rDX = 2
	rBX = 3
	rSP = 4
	rSI = 6
	rDI = 7
	r8  = 8
	r9  = 9
	r10 = 10
)

//go:noinline
func (a *assembler) imm(r byte, v uint64) {
	a.put(0x48|r>>3, 0xB8+r&7)
	a.word32(uint32(v))
	a.word32(uint32(v >> 32))
}

// access is an instruction with a word of the page, [R15+8×word].
//
//go:noinline
func (a *assembler) access(op, r byte, word int) {
	a.put(0x49|r>>3<<2, op, 0x80|r&7<<3|7)
	a.word32(uint32(word * 8))
}

func (a *assembler) load(r byte, word int)  { a.access(0x8B, r, word) }
func (a *assembler) store(word int, r byte) { a.access(0x89, r, word) }
func (a *assembler) count(word int)         { a.access(0xFF, 0, word) }
func (a *assembler) syscall()               { a.put(0x0F, 0x05) }

// jump jumps to a place that is known, if: 0xE9 always, else 0x84 if equal, 0x85 if not.
//
//go:noinline
func (a *assembler) jump(when byte, to int) {
	if when != 0xE9 {
		a.put(0x0F)
	}
	a.put(when)
	a.word32(uint32(to - a.n - 4))
}

// ahead is jump to where here is called with what it returns.
//
//go:noinline
func (a *assembler) ahead(when byte) int { a.jump(when, a.n); return a.n - 4 }

//go:noinline
func (a *assembler) here(hole int) {
	at := a.n
	a.n = hole
	a.word32(uint32(at - hole - 4))
	a.n = at
}

// puppetCode writes the puppet's program, and returns where its handler is, and where it goes on after a fault.
func puppetCode(b []byte) (size, handler, on int) {
	a := &assembler{b: b}
	a.put(0x49, 0x89, 0xFF) // mov r15, rdi
	a.put(0x49, 0x89, 0xE6) // mov r14, rsp
	loop := a.n
	a.load(rAX, pupAsked)
	a.access(0x3B, rAX, pupDone) // cmp
	goOn := a.ahead(0x85)
	a.imm(rAX, uint64(abi.Yield))
	a.imm(rDI, 0)
	a.syscall()
	a.jump(0xE9, loop)
	a.here(goOn)
	a.load(rAX, pupCall)
	for i, r := range [...]byte{rDI, rSI, rDX, r10, r8, r9} {
		a.load(r, pupArgs+i)
	}
	var special [4]int
	for i := range special {
		a.put(0x48, 0x3D) // cmp rax, imm32
		a.word32(uint32(doLoad + i))
		special[i] = a.ahead(0x84)
	}
	a.syscall()
	finish := a.n
	a.store(pupRAX, rAX)
	a.store(pupRDX, rDX)
	a.store(pupR8, r8)
	a.store(pupR8+1, r9)
	a.store(pupR8+2, r10)
	a.store(pupR8+3, rSI)
	a.count(pupDone)
	a.jump(0xE9, loop)
	a.here(special[0])
	a.put(0x48, 0x8B, 0x07) // mov rax, [rdi]
	a.jump(0xE9, finish)
	a.here(special[1])
	a.put(0x48, 0x89, 0x37) // mov [rdi], rsi
	a.imm(rAX, 0)
	a.jump(0xE9, finish)
	a.here(special[2])
	a.put(0xFF, 0xD7) // call rdi
	a.jump(0xE9, finish)
	a.here(special[3])
	a.put(0x48, 0x89, 0xFB) // mov rbx, rdi
	again := a.n
	a.put(0x48, 0x8B, 0x03) // mov rax, [rbx]
	a.imm(rAX, uint64(abi.Yield))
	a.imm(rDI, 0)
	a.syscall()
	a.jump(0xE9, again)
	on = a.n
	a.put(0x4C, 0x89, 0xF4) // mov rsp, r14
	a.imm(rAX, faulted)
	a.jump(0xE9, finish)
	handler = a.n
	a.count(pupFaults)
	a.load(rAX, pupDeep)
	a.put(0x48, 0x85, 0xC0) // test rax, rax
	shallow := a.ahead(0x84)
	a.put(0x48, 0xFF, 0xC8) // dec rax
	a.store(pupDeep, rAX)
	a.put(0x0F, 0x0B) // ud2
	a.here(shallow)
	for i, at := range [...]byte{0, 8, 16, 32} {
		a.put(0x48, 0x8B, 0x44, 0x24, at) // mov rax, [rsp+at]
		a.store(pupFault+i, rAX)
	}
	a.load(rAX, pupOn)
	a.put(0x48, 0x89, 0x44, 0x24, 32)       // mov [rsp+32], rax
	a.put(0x48, 0x83, 0xC4, 32, 0x48, 0xCF) // add rsp, 32; iretq
	return a.n, handler, on
}

// puppet is one thread of such an environment.
type puppet struct {
	t    *ktest.T
	cpu  int
	env  *env
	h    cap.Holder
	name uint64 // of the environment's capability, if another puppet has made it
	thr  uint64 // of the thread's
	data *[512]atom.Uint64
	mem  uint64 // name of its account
	i    int
}

// makeProgram makes an environment, given by giver, that is suspended and has a page with a program, which write writes.
func makeProgram(t *ktest.T, giver *env, frames, caps uint64, write func(b []byte)) (p puppet, ok bool) {
	e, no := newEnv(giver, frames, caps)
	if !t.Check(0, no == abi.OK, "an environment can be made") {
		return p, false
	}
	e.suspended.Store(1)
	p = puppet{t: t, env: e, h: e.holder()}
	code, no := e.newRun(1, pupCode, abi.PermExecute)
	if !t.Check(0, no == abi.OK, "it has a page for its program") {
		return p, false
	}
	write(amd64.PhysAddr(code.Addr()).Bytes(mm.FrameSize))
	return p, true
}

// makePuppet makes an environment with one such thread, with so many frames and capabilities for the test, the memory that it is made
// of not counted.
func makePuppet(t *ktest.T, frames, caps uint64) (p puppet, ok bool) {
	const own, ownCaps = 40, 16
	handler, on := 0, 0
	p, ok = makeProgram(t, nil, frames+own, caps+ownCaps, func(b []byte) { _, handler, on = puppetCode(b) })
	if !ok {
		return p, false
	}
	e := p.env
	e.suspended.Store(0)
	e.fault.Store(pupCode + uint64(handler))
	c := preemptOff()
	name, no := e.giveAccount(c.CPU)
	c.PreemptEnable()
	p.mem = uint64(name)
	ok = p.addThread(0, uint64(on)) && no == abi.OK
	// What is not used of what it is made of, it is not to have.
	limit, used := e.frames.Read()
	e.frames.Cut(min(limit-used-frames-2, own))
	limit, used = e.caps.Read()
	e.caps.Cut(min(limit-used-caps, ownCaps))
	return p, ok
}

// addThread gives it thread number i, whose page the puppet then uses.
func (p *puppet) addThread(cpus uint64, on uint64) bool {
	i := uint64(p.i)
	data, no := p.env.newRun(1, pupData+i<<12, abi.PermRead|abi.PermWrite)
	_, no2 := p.env.newRun(1, pupStack+i<<12, abi.PermRead|abi.PermWrite)
	_, no3 := p.env.newRun(2, pupUpLow+i<<14, abi.PermRead|abi.PermWrite)
	if !p.t.Check(0, no == abi.OK && no2 == abi.OK && no3 == abi.OK, "a thread has memory") {
		return false
	}
	// SAFETY: the frame is in the direct map, and the test's until the environment has ended.
	p.data = (*[512]atom.Uint64)(unsafe.Pointer(&amd64.PhysAddr(data.Addr()).Bytes(mm.FrameSize)[0]))
	p.data[pupOn].Store(pupCode + on)
	t, no := p.env.newThread()
	if !p.t.Check(0, no == abi.OK, "a thread can be made") {
		return false
	}
	t.start = abi.ThreadStart{
		RIP: pupCode, RSP: pupStack + i<<12 + mm.FrameSize, Arg: pupData + i<<12,
		UpcallLow: pupUpLow + i<<14, UpcallHigh: pupUpLow + i<<14 + 2*mm.FrameSize,
	}
	return p.t.Check(0, t.run(cpus, 0) == abi.OK, "and be started")
}

// ask has the thread begin something.
func (p *puppet) ask(call uint64, args ...uint64) {
	p.data[pupCall].Store(call)
	for i := range 6 {
		v := uint64(0)
		if i < len(args) {
			v = args[i]
		}
		p.data[pupArgs+i].Store(v)
	}
	p.data[pupAsked].Add(1)
}

// ended says whether the environment is no more, or about to be.
func (p *puppet) ended() bool {
	return p.env.number.Load() != uint32(p.h) || p.env.state.Load() != envAlive
}

// wait waits until it is done; false: it never will be.
func (p *puppet) wait() bool {
	done := func() bool { return p.data[pupDone].Load() == p.data[pupAsked].Load() }
	p.t.Check(0, eventually(func() bool { return done() || p.ended() }), "a puppet comes back")
	return done()
}

// eventually lets others run until cond holds: by yielding at first, and then asleep, a millisecond at a time. It gives up
// after half a minute, which is far more than any sound wait needs.
func eventually(cond func() bool) bool {
	for n := range 40_000 {
		switch {
		case cond():
			return true
		case n < 10_000:
			yield()
		default:
			sleepUntil(amd64.NowNs() + 1_000_000)
		}
	}
	return false
}

// do is a call, and what it returned.
func (p *puppet) do(call abi.Call, args ...uint64) int64 {
	p.ask(uint64(call), args...)
	if !p.wait() {
		return int64(abi.Dead)
	}
	p.t.Count(1)
	return int64(p.data[pupRAX].Load())
}

// each has several begin the same thing at once, of their own arguments, and waits until all are done.
func each(q []puppet, call abi.Call, args func(i int) (a, b, c, d uint64)) {
	for i := range q {
		a, b, c, d := args(i)
		q[i].ask(uint64(call), a, b, c, d)
	}
	for i := range q {
		q[i].t.Check(0, q[i].wait(), "a puppet comes back")
		q[i].t.Count(1)
	}
}

// rax is the first result.
func (p *puppet) rax() uint64 { return p.data[pupRAX].Load() }

// rdx is the second result.
func (p *puppet) rdx() uint64 { return p.data[pupRDX].Load() }

// load reads a word; false: it faulted.
func (p *puppet) load(va uint64) (uint64, bool) {
	before := p.faults()
	v := p.do(doLoad, va)
	return uint64(v), p.faults() == before
}

func (p *puppet) store(va, v uint64) bool {
	before := p.faults()
	p.do(doStore, va, v)
	return p.faults() == before
}

func (p *puppet) faults() uint64 { return p.data[pupFaults].Load() }

// gets checks what a call returns.
func (p *puppet) gets(want int64, what string, call abi.Call, args ...uint64) {
	p.t.Equal(0, uint64(p.do(call, args...)), uint64(want), what)
}

func (p *puppet) refused(want abi.Errno, what string, call abi.Call, args ...uint64) {
	p.gets(int64(want), what, call, args...)
}

// makes checks that a call returns a name, which is returned.
func (p *puppet) makes(what string, call abi.Call, args ...uint64) uint64 {
	v := p.do(call, args...)
	if v <= 0 {
		p.t.Equal(0, uint64(v), 1, what)
	}
	return uint64(v)
}

// place is the address of a word of the page in ring 3, for arguments.
func (p *puppet) place(word int) uint64 { return pupData + uint64(p.i)<<12 + uint64(word)*8 }

// end destroys the environment, and waits until it is swept.
func (p *puppet) end() {
	e := p.env
	e.finish(abi.StatusKilled)
	p.t.Check(0, hasEnded(e, p.h), "an environment that was destroyed ends")
	e.unref()
}

// census is what there is of everything that an environment may have.
type census struct{ user, tables, caps, envs, threads, tasks uint64 }

// count takes it, when nothing of ring 3 is under way.
func (c *census) count() {
	*c = census{envs: uint64(envCount.Load()), threads: uint64(threadCount.Load())}
	kernelRCU.Barrier(this(), rcuWait)
	c.tasks = uint64(tasks.FreeSlots())
	for n := range topology.Nodes() {
		countFrames(n, func(f mm.Frame, i mm.Info) {
			switch i.Kind() {
			case mm.User:
				c.user++
			case mm.Table:
				c.tables++
			}
		})
	}
	p := preemptOff()
	free, slots := capTab.Free()
	p.PreemptEnable()
	c.caps = uint64(slots - free)
}

// settle takes it when what earlier tests had is given back: their last task ends after they do.
func (c *census) settle(t *ktest.T) {
	settles(func() bool {
		c.count()
		return c.tasks+c.threads == uint64(len(taskParts)-1-ownTasks()-1) // the test runs in one
	})
	t.Equal(0, c.tasks, uint64(len(taskParts)-1-ownTasks()-1)-c.threads, "free task slots at the beginning")
}

// settles waits for a count to be what it should, for five seconds at least: it is not for a moment, but what is lost does not come back.
func settles(is func() bool) {
	for range 5_000 {
		if is() {
			return
		}
		sleepUntil(amd64.NowNs() + 1_000_000)
	}
}

// same checks that all is as it was.
func (c *census) same(t *ktest.T) {
	var now census
	settles(func() bool { // tasks that have ended are about to give back what they have
		now.count()
		return now == *c
	})
	t.Equal(0, now.user, c.user, "frames of environments at the end")
	t.Equal(0, now.tables, c.tables, "frames of tables at the end")
	t.Equal(0, now.caps, c.caps, "capabilities at the end")
	t.Equal(0, now.envs, c.envs, "environments at the end")
	t.Equal(0, now.threads, c.threads, "threads at the end")
	t.Equal(0, now.tasks, c.tasks, "free task slots at the end")
}

const _ = paging.Small

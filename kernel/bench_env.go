//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// Benchmarks of what ring 3 asks of the kernel: a loop in ring 3, counted from when its thread is made to when it has ended.

// benchEnv is the environment that they run in.
var benchEnv struct {
	env  *env
	mem  uint64
	code []byte
	data *[512]atom.Uint64
	big  uint64 // frames
	sent uint64
}

// Words of its page.
const (
	wordOps = iota
	wordDone
	wordMem
	wordFrame
	wordVA
	wordRW
	wordRO
	wordName
	wordStart = 16 // abi.ThreadStart
)

const (
	benchPage = pupData + 16*mm.FrameSize // beside others: so there is a table
)

// prepareEnv makes it; false: there is no memory.
func prepareEnv() bool {
	g := &benchEnv
	if g.env != nil {
		return true
	}
	e, no := newEnv(nil, 200, 100)
	if no != abi.OK {
		return false
	}
	c := preemptOff()
	mem, _ := e.giveAccount(c.CPU)
	c.PreemptEnable()
	code, no1 := e.newRun(1, pupCode, abi.PermExecute)
	data, no2 := e.newRun(1, pupData, abi.PermRead|abi.PermWrite)
	_, no3 := e.newRun(1, pupStack, abi.PermRead|abi.PermWrite)
	_, no4 := e.newRun(2, pupUpLow, abi.PermRead|abi.PermWrite)
	_, no5 := e.newRun(1, benchPage, abi.PermRead|abi.PermWrite)
	if no1 != abi.OK || no2 != abi.OK || no3 != abi.OK || no4 != abi.OK || no5 != abi.OK {
		return false
	}
	e.threads.Add(1) // so that it does not end with the thread of each run
	g.env, g.mem = e, uint64(mem)
	g.code = amd64.PhysAddr(code.Addr()).Bytes(mm.FrameSize)
	// SAFETY: as for puppets.
	g.data = (*[512]atom.Uint64)(unsafe.Pointer(&amd64.PhysAddr(data.Addr()).Bytes(mm.FrameSize)[0]))
	p := puppet{env: e, h: e.holder()}
	d := g.data
	d[wordMem].Store(uint64(mem))
	d[wordFrame].Store(p.mapped(benchPage))
	d[wordVA].Store(benchPage)
	d[wordRW].Store(3)
	d[wordRO].Store(1)
	for i, v := range [...]uint64{pupCode + 2048, pupStack + 2048, pupData, 0, 0, pupUpLow, pupUpHi} {
		d[wordStart+i].Store(v)
	}
	return true
}

// call writes a call with words of the page for arguments; 0xff is none: that register is 0.
//
//go:noinline
func (a *assembler) call(call abi.Call, words ...int) {
	for i, w := range words {
		r := [...]byte{rDI, rSI, rDX, r10, r8, r9}[i]
		if w < 0 {
			a.imm(r, 0)
		} else {
			a.load(r, w)
		}
	}
	a.imm(rAX, uint64(call))
	a.syscall()
}

const none = -1

// benchAsm writes their programs.
var benchAsm assembler

// loopInEnv runs a loop with a body in ring 3, and returns when its thread has ended.
func loopInEnv(ops uint64, body func(a *assembler)) {
	defer amd64.IRQRestore(interruptsOn())
	if !prepareEnv() {
		return
	}
	g := &benchEnv
	a := &benchAsm
	*a = assembler{b: g.code}
	a.put(0x49, 0x89, 0xFF) // mov r15, rdi
	a.load(rBX, wordOps)
	loop := a.n
	body(a)
	a.put(0x48, 0xFF, 0xCB) // dec rbx
	a.jump(0x85, loop)
	a.count(wordDone)
	a.call(abi.ThreadSuspend, none)
	g.env.fault.Store(0)
	a.n = 2048 // what other threads do
	a.call(abi.ThreadExit)
	a.n = 3072
	g.env.fault.Store(pupCode + 3072)
	benchHandler(a)
	g.data[wordOps].Store(ops)
	g.data[wordDone].Store(0)
	t, no := g.env.newThread()
	if no != abi.OK {
		return
	}
	t.start = abi.ThreadStart{RIP: pupCode, RSP: pupStack + mm.FrameSize, Arg: pupData, UpcallLow: pupUpLow, UpcallHigh: pupUpHi}
	life := t.life.Load()
	if no := t.run(0, 0); no != abi.OK {
		return
	}
	for g.data[wordDone].Load() == 0 {
		amd64.IRQDisable()
		here().halt()
		amd64.IRQRestore(flagsIF)
	}
	if name := g.data[wordName].Load(); int64(name) < 0 {
		panic("bench: what should be measured was refused")
	}
	t.user.Pending.Or(pendEnd)
	t.nudge()
	for t.life.Load() == life {
		amd64.IRQDisable()
		here().halt()
		amd64.IRQRestore(flagsIF)
	}
}

// benchBack is how the handler goes back: by IRETQ, which QEMU may have the kernel do, or by the stack that it goes back to.
var benchBack func(a *assembler)

// benchHandler writes a handler of faults that has the page be written.
func benchHandler(a *assembler) {
	a.put(0x50, 0x51, 0x52, 0x56, 0x57, 0x41, 0x52, 0x41, 0x53) // push rax, rcx, rdx, rsi, rdi, r10, r11
	a.call(abi.PageProtect, wordFrame, none, none, wordRW)
	a.put(0x41, 0x5B, 0x41, 0x5A, 0x5F, 0x5E, 0x5A, 0x59, 0x58) // pop
	if benchBack != nil {
		benchBack(a)
		return
	}
	backByIRETQ(a)
}

func backByIRETQ(a *assembler) {
	a.put(0x48, 0x83, 0xC4, 32, 0x48, 0xCF) // add rsp, 32; iretq
}

// backByStack puts flags and RIP below the red zone of where it goes back to.
func backByStack(a *assembler) {
	a.put(0x50, 0x51)                    // push rax, rcx
	a.put(0x48, 0x8B, 0x44, 0x24, 16+56) // mov rax, [rsp+72]: RSP
	a.put(0x48, 0x2D, 0x90, 0, 0, 0)     // sub rax, 144
	a.put(0x48, 0x8B, 0x4C, 0x24, 16+48) // mov rcx, [rsp+64]: RFLAGS
	a.put(0x48, 0x89, 0x08)              // mov [rax], rcx
	a.put(0x48, 0x8B, 0x4C, 0x24, 16+32) // mov rcx, [rsp+48]: RIP
	a.put(0x48, 0x89, 0x48, 8)           // mov [rax+8], rcx
	a.put(0x48, 0x89, 0x44, 0x24, 16+56) // mov [rsp+72], rax
	a.put(0x59, 0x58)                    // pop rcx, rax
	a.put(0x48, 0x8B, 0x64, 0x24, 56)    // mov rsp, [rsp+56]
	a.put(0x9D, 0xC2, 128, 0)            // popfq; ret 128
}

func benchEnvNull(ops uint64) {
	loopInEnv(ops, func(a *assembler) { a.call(abi.Null) })
}

// benchEnvLoop is the loop alone.
func benchEnvLoop(ops uint64) {
	loopInEnv(ops, func(a *assembler) { a.imm(rAX, 0) })
}

func benchEnvMapUnmap(ops uint64) {
	loopInEnv(ops, func(a *assembler) {
		a.call(abi.PageUnmap, wordFrame, none, none)
		a.call(abi.PageMap, wordFrame, none, wordVA, wordRW)
	})
}

func benchEnvMapTouchUnmap(ops uint64) {
	loopInEnv(ops, func(a *assembler) {
		a.call(abi.PageUnmap, wordFrame, none, none)
		a.call(abi.PageMap, wordFrame, none, wordVA, wordRW)
		a.touch()
	})
}

// touch writes the page.
func (a *assembler) touch() {
	a.load(rDI, wordVA)
	a.put(0x48, 0x89, 0x37) // mov [rdi], rsi
}

func benchEnvProtect(ops uint64) {
	loopInEnv(ops, func(a *assembler) { a.call(abi.PageProtect, wordFrame, none, none, wordRO) })
}

func benchEnvFault(ops uint64) {
	benchBack = backByStack
	benchEnvFaults(ops)
}

func benchEnvFaultIRETQ(ops uint64) {
	benchBack = backByIRETQ
	benchEnvFaults(ops)
}

// benchEnvFaults makes the page read-only, and has the fault make it writable: one PageProtect more than the fault.
func benchEnvFaults(ops uint64) {
	loopInEnv(ops, func(a *assembler) {
		a.call(abi.PageProtect, wordFrame, none, none, wordRO)
		a.touch()
	})
}

func benchEnvYield(ops uint64) {
	loopInEnv(ops, func(a *assembler) { a.call(abi.Yield, none) })
}

func benchEnvFrame(ops uint64) {
	loopInEnv(ops, func(a *assembler) {
		a.imm(rSI, 0)
		a.imm(rDX, 0)
		a.imm(r10, 1)
		a.imm(r8, 0)
		a.load(rDI, wordMem)
		a.imm(rAX, uint64(abi.FrameAlloc))
		a.syscall()
		a.put(0x48, 0x89, 0xC7) // mov rdi, rax
		a.imm(rAX, uint64(abi.CapDelete))
		a.syscall()
	})
}

// benchEnvThread makes a thread that ends at once, lets it, and deletes its capability.
func benchEnvThread(ops uint64) {
	loopInEnv(ops, func(a *assembler) {
		a.imm(rDI, 0)
		a.imm(rSI, pupData+wordStart*8)
		a.imm(rAX, uint64(abi.ThreadCreate))
		a.syscall()
		a.store(wordName, rAX)
		a.call(abi.Yield, none)
		a.call(abi.CapDelete, wordName)
	})
}

// benchEnvEnv makes an environment, and destroys it.
func benchEnvEnv(ops uint64) {
	loopInEnv(ops, func(a *assembler) {
		a.load(rDI, wordMem)
		a.imm(rSI, 20)
		a.imm(rDX, 10)
		a.imm(r10, 0)
		a.imm(rAX, uint64(abi.EnvCreate))
		a.syscall()
		a.store(wordName, rAX)
		a.call(abi.EnvDestroy, wordName)
	})
}

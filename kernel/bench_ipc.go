//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/mm"
)

// Benchmarks of IPC: loops in ring 3 (bench_env.go), beside a thread that answers.

const wordGate = 10 // name of an endpoint or a notification

// serverCode answers whatever comes at the endpoint whose name is in a word of its page.
func serverCode(b []byte) {
	a := &benchAsm
	*a = assembler{b: b}
	a.put(0x49, 0x89, 0xFF) // mov r15, rdi
	loop := a.n
	a.call(abi.IPCReplyWait, wordGate, none, none, none, none, none)
	a.jump(0xE9, loop)
}

// serve starts a thread of e's with the code at an address, its page, and its stacks; 0: it could not be.
func (e *env) serve(code, page, stack uint64) *thread {
	t, no := e.newThread()
	if no != abi.OK {
		return nil
	}
	t.start = abi.ThreadStart{RIP: code, RSP: stack + 1024, Arg: page, UpcallLow: pupUpLow, UpcallHigh: pupUpHi}
	if t.run(0, 0) != abi.OK {
		return nil
	}
	return t
}

// benchServed runs the client's loop, and the server in its environment or in another one.
func benchServed(ops uint64, other bool) {
	defer amd64.IRQRestore(interruptsOn())
	if !prepareEnv() {
		return
	}
	g := &benchEnv
	e, page := g.env, uint64(pupData)
	c := preemptOff()
	code := g.code[1024:2048]
	if other {
		var no abi.Errno
		if e, no = newEnv(nil, 100, 20); no != abi.OK {
			return
		}
		f, _ := e.newRun(1, pupCode, abi.PermExecute)
		d, _ := e.newRun(1, pupData, abi.PermRead|abi.PermWrite)
		e.newRun(1, pupStack, abi.PermRead|abi.PermWrite)
		code = amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize)[1024:2048]
		serverCode(code)
		name := e.newGate(abi.KindEndpoint)
		o, _ := capTab.Lookup(cap.Name(name), e.holder(), cap.Kind(abi.KindEndpoint), 0)
		b := amd64.PhysAddr(d.Addr()).Bytes(mm.FrameSize)
		for i := range 8 {
			b[wordGate*8+i] = byte(name >> (8 * i))
		}
		g.env.charge(0)
		client, _ := g.env.create(c.CPU, abi.KindEndpoint, cap.AllRights&^owns, o)
		g.data[wordGate].Store(uint64(client))
	} else {
		serverCode(code)
		g.data[wordGate].Store(uint64(e.newGate(abi.KindEndpoint)))
	}
	c.PreemptEnable()
	t := e.serve(pupCode+1024, page, pupStack)
	life := t.life.Load()
	loopInEnv(ops, func(a *assembler) { a.call(abi.IPCCall, wordGate, none, none, none, none, none) })
	t.user.Pending.Or(pendEnd)
	t.nudge()
	for t.life.Load() == life {
		amd64.IRQDisable()
		here().halt()
		amd64.IRQRestore(flagsIF)
	}
	c = preemptOff()
	takeFrom(g.env.holder(), cap.Name(g.data[wordGate].Load()))
	c.PreemptEnable()
	if other {
		e.finish(abi.StatusKilled)
		e.unref()
	}
}

func benchCallReply(ops uint64) { benchServed(ops, true) }

func benchCallReplySame(ops uint64) { benchServed(ops, false) }

// benchNotification runs a loop with the name of a notification, of which all bits but 0 are taken.
func benchNotification(ops uint64, body func(a *assembler)) {
	defer amd64.IRQRestore(interruptsOn())
	if !prepareEnv() {
		return
	}
	g := &benchEnv
	g.data[wordGate].Store(uint64(g.env.newGate(abi.KindNotification)))
	loopInEnv(ops, body)
	takeFrom(g.env.holder(), cap.Name(g.data[wordGate].Load()))
}

func benchNotify(ops uint64) {
	benchNotification(ops, func(a *assembler) { a.call(abi.Notify, wordGate, wordRO) })
}

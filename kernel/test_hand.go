//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/sched"
	"exo/kernel/text"
)

// A client and a server on one CPU, which hand it to each other (hand.go), while another task wakes them for nothing, suspends them, and takes
// the client's capability away. Each has its own base of GS and x87 control word, and looks whether it still has; and the server, whether it
// has the client's ES.

const (
	handControl = stormWords + 8 // its control word; the next is what it finds
	handGood    = stormWords     // counts, as in the storm
	handWrong   = stormWords + 1
	handRefused = stormWords + 2
)

var handTest struct{ server, client puppet }

// keeps has the program look at GS, which is to be RBX, and at its control word; it goes elsewhere, to what it returns, if they are others.
func (a *assembler) keeps() (wrong [2]int) {
	if amd64.MayHand() {
		a.put(0xF3, 0x48, 0x0F, 0xAE, 0xC9) // rdgsbase rcx
		a.put(0x48, 0x39, 0xD9)             // cmp rcx, rbx
	} else {
		a.put(0x31, 0xC9) // xor ecx, ecx
	}
	wrong[0] = a.ahead(0x85)
	a.put(0x41, 0xD9, 0xBF) // fnstcw [r15 + 8×word]
	a.word32((handControl + 1) * 8)
	a.load(rCX, handControl+1)
	a.access(0x3B, rCX, handControl) // cmp
	wrong[1] = a.ahead(0x85)
	return wrong
}

// begins has it set both.
func (a *assembler) begins() {
	a.put(0x49, 0x89, 0xFF) // mov r15, rdi
	a.put(0x41, 0xD9, 0xAF) // fldcw [r15 + 8×word]
	a.word32(handControl * 8)
}

func (a *assembler) setGS() {
	if amd64.MayHand() {
		a.put(0xF3, 0x48, 0x0F, 0xAE, 0xDB) // wrgsbase rbx
	}
}

// handServer answers with the first word and 7, and the others.
func handServer(b []byte) {
	a := &fuzzAsm
	*a = assembler{b: b}
	a.begins()
	a.imm(rBX, 0x1234_5000)
	loop := a.n
	a.setGS()
	a.imm(r9, 0)
	a.load(rDI, wordGate)
	a.imm(rAX, uint64(abi.IPCReplyWait))
	a.syscall()
	wrong := a.keeps()
	a.put(0x8C, 0xC1, 0x85, 0xC9) // mov ecx, es; test ecx, ecx
	segment := a.ahead(0x85)
	a.put(0x48, 0x85, 0xC0) // test rax, rax
	refused := a.ahead(0x88)
	a.put(0x48, 0x8D, 0x70, 7)                // lea rsi, [rax+7]
	a.put(0x4D, 0x89, 0xC2, 0x4D, 0x89, 0xC8) // mov r10, r8; mov r8, r9
	a.put(0x48, 0xFF, 0xC3)                   // inc rbx
	a.jump(0xE9, loop)
	a.here(refused)
	a.count(handRefused)
	a.jump(0xE9, loop)
	a.here(wrong[0])
	a.here(wrong[1])
	a.here(segment)
	a.count(handWrong)
	a.jump(0xE9, loop)
}

// handClient calls, and looks at the answer.
func handClient(b []byte) {
	a := &fuzzAsm
	*a = assembler{b: b}
	a.begins()
	a.imm(rBX, 1)
	loop := a.n
	a.put(0x48, 0xFF, 0xC3) // inc rbx
	a.setGS()
	a.put(0xB9, 3, 0, 0, 0, 0x8E, 0xC1)             // mov ecx, 3; mov es, ecx: a null selector, but not 0
	a.put(0x48, 0x89, 0xDE)                         // mov rsi, rbx
	a.put(0x48, 0x8D, 0x53, 1)                      // lea rdx, [rbx+1]
	a.put(0x4C, 0x8D, 0x53, 2, 0x4C, 0x8D, 0x43, 3) // lea r10, [rbx+2]; lea r8, [rbx+3]
	a.imm(r9, 0)
	a.load(rDI, wordGate)
	a.imm(rAX, uint64(abi.IPCCall))
	a.syscall()
	k := a.keeps()
	a.put(0x48, 0x85, 0xC0) // test rax, rax
	refused := a.ahead(0x88)
	var wrong [4]int
	for i, sub := range [...][3]byte{{0x48, 0x29, 0xD8}, {0x48, 0x29, 0xDA}, {0x49, 0x29, 0xD8}, {0x49, 0x29, 0xD9}} { // sub …, rbx
		a.put(sub[:]...)
		a.put(sub[0], 0x83, 0xF8|sub[2]&7, [...]byte{7, 1, 2, 3}[i]) // cmp …, imm8
		wrong[i] = a.ahead(0x85)
	}
	a.count(handGood)
	a.jump(0xE9, loop)
	for _, w := range wrong {
		a.here(w)
	}
	a.here(k[0])
	a.here(k[1])
	a.count(handWrong)
	a.jump(0xE9, loop)
	a.here(refused)
	a.count(handRefused)
	a.call(abi.Yield, none)
	a.jump(0xE9, loop)
}

// makeHand makes an environment with such a program, on one CPU.
func makeHand(t *ktest.T, cpu int, control uint64, code func(b []byte)) puppet {
	p, ok := makeProgram(t, nil, 80, 40, code)
	if ok {
		p.addThread(1<<cpu, 0)
		p.data[handControl].Store(control)
	}
	return p
}

// introduce gives the client a capability for the server's endpoint.
func introduce(client, server *puppet) {
	c := preemptOff()
	if client.env.charge(0) == abi.OK {
		o, _ := capTab.Lookup(cap.Name(server.data[wordGate].Load()), server.h, cap.Kind(abi.KindEndpoint), 0)
		name, no := client.env.create(c.CPU, abi.KindEndpoint, cap.Execute|cap.Delete, o)
		client.t.Check(0, no == abi.OK, "a capability can be made")
		client.data[wordGate].Store(uint64(name))
	}
	c.PreemptEnable()
}

// answered waits until the client has been answered so often more.
func (p *puppet) answered(more uint64) bool {
	until := p.data[handGood].Load() + more
	for i := 0; p.data[handGood].Load() < until; i++ {
		if !p.t.Check(0, i < 100_000, "calls are answered") {
			return false
		}
		sleepUntil(amd64.NowNs() + 100_000)
	}
	return true
}

// pokes is how often the two are disturbed.
const pokes = 400

func testHand(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t, g := taskTest.t, &handTest
		r := t.Rand(0)
		cpu := ncpu - 1
		g.server = makeHand(t, cpu, 0x27F, handServer)
		g.client = makeHand(t, cpu, 0x37F, handClient)
		s, c := &g.server, &g.client
		s.data[wordGate].Store(uint64(s.env.newGate(abi.KindEndpoint)))
		introduce(c, s)
		s.env.goOn()
		c.env.goOn()
		c.answered(1) // both have run, and have stacks
		hands, late := 0, handLates.Load()
		for i := 0; i < pokes && !t.Failed() && c.answered(uint64(r.N(200))); i++ {
			p := c
			if r.N(2) == 0 {
				p = s
			}
			th := p.env.first
			if c.env.first.wait.stack.AtCall() || s.env.first.wait.stack.AtCall() {
				hands++
			}
			switch r.N(4) {
			case 0, 1:
				wake(sched.ID(th.task.Load())) // for nothing
			case 2:
				k := preemptOff()
				p.env.suspend(nil, true)
				p.env.goOn()
				k.PreemptEnable()
			case 3:
				takeFrom(c.h, cap.Name(c.data[wordGate].Load()))
				good, refused := c.data[handGood].Load(), c.data[handRefused].Load()
				for j := 0; c.data[handRefused].Load() < refused+2 && t.Check(0, j < 100_000, "a call by a capability that is gone is refused"); j++ {
					sleepUntil(amd64.NowNs() + 100_000)
				}
				t.Check(0, c.data[handGood].Load() <= good+1, "nobody answers it") // one may have been under way
				introduce(c, s)
			}
			t.Count(1)
		}
		c.answered(1000)
		t.Check(0, c.data[handWrong].Load()+s.data[handWrong].Load() == 0, "words, GS, ES and x87 are whose they are")
		t.Check(0, !amd64.MayHand() || hands > pokes/2, "the CPU is handed over")
		var l text.Line
		put(l.Str("# ipc/hand: answered=").Uint(c.data[handGood].Load()).Str(" handed=").Int(hands).Str(" late=").Uint(handLates.Load() - late))
		c.end()
		s.end()
		return 0
	})
}

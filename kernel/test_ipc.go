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

// Tests of IPC, by puppets: the one serves, the other calls.

const pupR9 = pupR8 + 1 // then R10, RSI

// lends derives a capability of p's for q.
func (p *puppet) lends(q *puppet, name, rights uint64) uint64 {
	c := preemptOff()
	defer c.PreemptEnable()
	got := p.env.first.derive(c.CPU, cap.Name(name), q.env, &cap.Derivation{Rights: cap.Rights(rights)})
	p.t.Check(0, got > 0, "a capability can be derived for another")
	return uint64(got)
}

// given makes a capability for p.
func (p *puppet) given(kind uint64, o cap.Object) uint64 {
	c := preemptOff()
	defer c.PreemptEnable()
	p.env.charge(0)
	name, no := p.env.create(c.CPU, kind, cap.AllRights&^owns, o)
	p.t.Check(0, no == abi.OK, "a capability can be made")
	return uint64(name)
}

// begins has the puppet begin a call that blocks, and returns when it does.
func (p *puppet) begins(call abi.Call, args ...uint64) {
	p.ask(uint64(call), args...)
	p.t.Check(0, eventually(func() bool {
		t := p.env.first
		return t != nil && t.state() == uint64(sched.Blocked) && t.user.Pending.Load() == 0
	}), "a puppet blocks")
}

const (
	srv = 0 // who serves,
	cli = 1 // and who calls
)

// Variables of these scripts.
const (
	vEp  = vFree + iota // the endpoint,
	vCep                // the client's capability for it
	vF
	vN
)

const (
	ep  = variable + vEp
	cep = variable + vCep
)

// lendEndpoint gives the client one, which may be revoked.
func lendEndpoint(s *script) {
	s.v[vCep] = s.p[srv].lends(&s.p[cli], s.v[vEp], abi.RightExecute|abi.RightDelete)
}

var pingSteps = [...]step{
	{cli, asks, abi.IPCCall, 0, 0, [6]value{cep, 100, 101, 102, 103}},
	{srv, hears, 0, 100, 0, [6]value{}},
	{srv, begins, abi.IPCReplyWait, 0, 0, [6]value{ep, 200, 201, 202, 203}},
	{cli, hears, 0, 200, 0, [6]value{}},
}

// ping has the receiver come first, many times.
func ping(s *script) {
	for range 90 {
		for i := range pingSteps {
			s.take(&pingSteps[i])
		}
	}
}

// fill has the server hold as many capabilities as it may.
func fill(s *script) {
	for s.p[srv].do(abi.CapDerive, s.p[srv].mem, abi.RightRead|abi.RightDelete) > 0 {
	}
}

var ipcSteps = [...]step{
	{srv, gets, abi.EndpointCreate, 0, vEp, [6]value{variable + vMem}},
	{srv, does, 0, 0, 0, [6]value{0}},
	{srv, gets, abi.EndpointCreate, int16(abi.BadCap), 0, [6]value{3}},
	{srv, gets, abi.IPCCall, int16(abi.BadKind), 0, [6]value{variable + vMem}},
	{cli, gets, abi.IPCReceive, int16(abi.BadRights), 0, [6]value{cep}},
	{cli, gets, abi.IPCReplyWait, int16(abi.BadRights), 0, [6]value{cep}},
	{cli, gets, abi.IPCCall, int16(abi.BadArgument), 0, [6]value{cep, big + 63}}, // the receiver would take it for an error
	{cli, gets, abi.IPCCall, int16(abi.BadCap), 0, [6]value{cep, 1, 2, 3, 4, big + 34}},
	{srv, gets, abi.IPCReply, int16(abi.Again), 0, [6]value{1}},
	{srv, gets, abi.IPCReceive, int16(abi.Again), 0, [6]value{ep, 0}},
	{srv, gets, abi.IPCReceive, int16(abi.TimedOut), 0, [6]value{ep, soon + 2}},
	// The caller first.
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13}},
	{srv, asks, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{srv, hears, 0, 10, 0, [6]value{}},
	{srv, is, 0, 0, 0, [6]value{pupR9 + 1, 0}},
	{srv, is, 0, 0, 0, [6]value{pupR9 + 2, variable + vNumber + cli}},
	{srv, begins, abi.IPCReplyWait, 0, 0, [6]value{ep, 20, 21, 22, 23}},
	{cli, hears, 0, 20, 0, [6]value{}},
	{srv, does, 0, 0, 0, [6]value{1}},
	{cli, asks, abi.IPCCall, 0, 0, [6]value{cep, 30, 31, 32, 33}},
	{srv, hears, 0, 30, 0, [6]value{}},
	{srv, gets, abi.IPCReply, 0, 0, [6]value{minus + 7}}, // an answer may be an error
	{cli, comes, 0, -7, 0, [6]value{}},
	{srv, gets, abi.IPCReply, int16(abi.Again), 0, [6]value{1}},
	// Too late: nobody receives, or nobody answers.
	{cli, gets, abi.IPCTimeout, 0, 0, [6]value{soon + 2}},
	{cli, gets, abi.IPCCall, int16(abi.TimedOut), 0, [6]value{cep, 1}},
	{srv, does, 0, 0, 0, [6]value{3}},
	{srv, gets, abi.IPCReply, int16(abi.Dead), 0, [6]value{1}},
	// A capability goes with the call, and back with the answer; the receiver first, then the caller.
	{cli, gets, abi.FrameAlloc, 0, vF, [6]value{variable + vMem + cli, 0, 0, 1}},
	{srv, begins, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{cli, asks, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13, variable + vF}},
	{srv, hears, 0, 10, 0, [6]value{}},
	{srv, is, 0, 0, 0, [6]value{pupR9 + 1, variable + vF}},
	{srv, gets, abi.IPCReply, int16(abi.BadCap), 0, [6]value{1, 2, 3, 4, big + 34}},
	{srv, gets, abi.IPCReply, 0, 0, [6]value{1, 2, 3, 4, variable + vF}},
	{cli, hears, 0, 1, 0, [6]value{}},
	{cli, is, 0, 0, 0, [6]value{pupR9 + 1, variable + vF}},
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13, variable + vF}},
	{srv, asks, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{srv, hears, 0, 10, 0, [6]value{}},
	{srv, gets, abi.IPCReply, 0, 0, [6]value{1, 2, 3, 4, variable + vF}},
	{cli, hears, 0, 1, 0, [6]value{}},
	// Who has no room for it gets none, and the sender gets to know.
	{srv, does, 0, 0, 0, [6]value{2}},
	{srv, begins, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{cli, gets, abi.IPCCall, int16(abi.NoQuota), 0, [6]value{cep, 1, 2, 3, 4, variable + vF}},
	{cli, asks, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13}},
	{srv, hears, 0, 10, 0, [6]value{}},
	{srv, gets, abi.IPCReply, 0, 0, [6]value{1, 2, 3, 4}},
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13, variable + vF}},
	{srv, gets, abi.IPCReceive, int16(abi.Again), 0, [6]value{ep, 0}},
	{cli, comes, 0, int16(abi.NoQuota), 0, [6]value{}},
	{cli, gets, abi.CapDelete, 0, 0, [6]value{variable + vF}},
}

// tooLate has the server receive a call, and not answer in time. On a machine that is busy with others the call may be over before it is
// received: then there is another, that waits for longer.
func tooLate(s *script) {
	for ns := uint64(20_000_000); !s.t.Failed(); ns *= 2 {
		until := amd64.NowNs() + ns
		s.same(uint64(s.p[cli].do(abi.IPCTimeout, until)), 0)
		s.p[cli].ask(uint64(abi.IPCCall), s.v[vCep], 40, 41, 42, 43)
		got := s.p[srv].do(abi.IPCReceive, s.v[vEp], until)
		s.take(&step{cli, comes, 0, int16(abi.TimedOut), 0, [6]value{}})
		if got != int64(abi.TimedOut) {
			s.take(&step{srv, hears, 0, 40, 0, [6]value{}})
			return
		}
	}
}

var ipcFns = [...]func(*script){lendEndpoint, ping, fill, tooLate}

func testIPC(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		theScript.run(taskTest.t, 2, 8, 8, ipcSteps[:], ipcFns[:])
		return 0
	})
}

// another makes a puppet in the place of one that has ended.
func another(s *script) {
	for i := range s.p {
		if s.p[i].env == nil {
			s.make(i, 8, 8)
			return
		}
	}
}

// stopped has the client be suspended for a while.
func stopped(s *script) {
	t := s.p[cli].env.first
	t.user.Pending.Or(pendSuspend)
	t.nudge()
	s.t.Check(0, eventually(func() bool { return t.stopped.Load() != 0 }), "a thread stops") // else it may not have seen it before it is taken back
	t.user.Pending.And(^pendSuspend)
	t.nudge()
}

var ipcEndSteps = [...]step{
	{srv, gets, abi.EndpointCreate, 0, vEp, [6]value{variable + vMem}},
	{srv, does, 0, 0, 0, [6]value{0}},
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 1}},
	{srv, gets, abi.CapRevoke, 0, 0, [6]value{ep}},
	{cli, comes, 0, int16(abi.Revoked), 0, [6]value{}},
	// Another capability for the endpoint goes: who waits by this one waits on.
	{srv, does, 0, 0, 0, [6]value{0}},
	{srv, gets, abi.CapDerive, 0, vF, [6]value{ep, value(abi.RightReceive | abi.RightDelete)}},
	{srv, begins, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{srv, takes, 0, 0, 0, [6]value{variable + vF}},
	{cli, asks, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13}},
	{srv, hears, 0, 10, 0, [6]value{}},
	// A server that forgets.
	{srv, gets, abi.IPCReceive, int16(abi.TimedOut), 0, [6]value{ep, soon + 1}},
	{cli, comes, 0, int16(abi.Dead), 0, [6]value{}},
	// The endpoint goes, with a caller, and with a receiver.
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 1}},
	{srv, takes, 0, 0, 0, [6]value{ep}},
	{cli, comes, 0, int16(abi.Revoked), 0, [6]value{}},
	{cli, gets, abi.IPCCall, int16(abi.BadCap), 0, [6]value{cep, 1}},
	{srv, gets, abi.EndpointCreate, 0, vEp, [6]value{variable + vMem}},
	{srv, begins, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{srv, takes, 0, 0, 0, [6]value{ep}},
	{srv, comes, 0, int16(abi.Revoked), 0, [6]value{}},
	{srv, gets, abi.EndpointCreate, 0, vEp, [6]value{variable + vMem}},
	{srv, does, 0, 0, 0, [6]value{0}},
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 1}},
	{srv, does, 0, 0, 0, [6]value{2}},
	{cli, comes, 0, int16(abi.Interrupted), 0, [6]value{}},
	// The server ends.
	{srv, begins, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{cli, asks, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13}},
	{srv, hears, 0, 10, 0, [6]value{}},
	{srv, dies, 0, 0, 0, [6]value{}},
	{cli, comes, 0, int16(abi.Dead), 0, [6]value{}},
	{cli, gets, abi.IPCCall, int16(abi.BadCap), 0, [6]value{cep, 1}},
	// A caller ends: received, then in the queue.
	{srv, does, 0, 0, 0, [6]value{1}},
	{srv, gets, abi.EndpointCreate, 0, vEp, [6]value{variable + vMem}},
	{srv, does, 0, 0, 0, [6]value{0}},
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 10, 11, 12, 13}},
	{srv, asks, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
	{srv, hears, 0, 10, 0, [6]value{}},
	{cli, dies, 0, 0, 0, [6]value{}},
	{srv, gets, abi.IPCReply, int16(abi.Dead), 0, [6]value{1}},
	{srv, does, 0, 0, 0, [6]value{1}},
	{srv, does, 0, 0, 0, [6]value{0}},
	{cli, begins, abi.IPCCall, 0, 0, [6]value{cep, 10}},
	{cli, dies, 0, 0, 0, [6]value{}},
	{srv, gets, abi.IPCReceive, int16(abi.Again), 0, [6]value{ep, 0}},
	{srv, begins, abi.IPCReceive, 0, 0, [6]value{ep, forever}},
}

var ipcEndFns = [...]func(*script){lendEndpoint, another, stopped}

func testIPCEnds(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		theScript.run(taskTest.t, 2, 8, 8, ipcEndSteps[:], ipcEndFns[:])
		return 0
	})
}

// torture/ipc: clients call servers, answers are what was asked plus one; notifications go round; meanwhile some end, and capabilities go.

const (
	stormServers = 2
	stormClients = 3
	stormWords   = 64 // from here: counts of good answers, of wrong ones, of refusals
)

// stormLeast is how many calls are answered at least.
const stormLeast = 100

type stormTested struct {
	servers [stormServers]puppet
	clients [stormClients]puppet
	good    uint64
	bad     uint64
	refused uint64
}

var stormTest stormTested

// answered is how many calls have been, of clients that are and that were.
func (g *stormTested) answered() uint64 {
	n := g.good
	for i := range g.clients {
		n += g.clients[i].data[stormWords].Load()
	}
	return n
}

// stormCode writes a server's program, which adds 1 to what it gets, or a client's.
func stormCode(b []byte, serves bool) {
	a := &fuzzAsm
	*a = assembler{b: b}
	a.put(0x49, 0x89, 0xFF) // mov r15, rdi
	if serves {
		a.imm(rBX, 0) // the answer, until it has been given
		loop := a.n
		a.put(0x48, 0x89, 0xDE) // mov rsi, rbx
		a.imm(r9, 0)
		a.load(rDI, wordGate)
		a.imm(rAX, uint64(abi.IPCReplyWait))
		a.syscall()
		a.put(0x48, 0x85, 0xC0) // test rax, rax
		refused := a.ahead(0x88)
		a.put(0x48, 0x8D, 0x58, 1) // lea rbx, [rax+1]
		a.jump(0xE9, loop)
		a.here(refused)
		a.count(stormWords + 2)
		a.call(abi.Yield, none)
		a.jump(0xE9, loop)
		return
	}
	a.imm(rBX, 1)
	loop := a.n
	a.call(abi.Notify, wordGate+1, wordGate+2)
	a.call(abi.Wait, wordGate+1, wordGate+2, none)
	a.put(0x48, 0xFF, 0xC3, 0x48, 0x89, 0xDE) // inc rbx; mov rsi, rbx
	a.load(rDI, wordGate)
	a.imm(r9, 0)
	a.imm(rAX, uint64(abi.IPCCall))
	a.syscall()
	a.put(0x48, 0x85, 0xC0) // test rax, rax
	refused := a.ahead(0x88)
	a.put(0x48, 0x29, 0xD8, 0x48, 0xFF, 0xC8) // sub rax, rbx; dec rax
	wrong := a.ahead(0x85)
	a.count(stormWords)
	a.jump(0xE9, loop)
	a.here(wrong)
	a.count(stormWords + 1)
	a.jump(0xE9, loop)
	a.here(refused)
	a.count(stormWords + 2)
	a.call(abi.Yield, none)
	a.jump(0xE9, loop)
}

// makeStorm makes an environment with such a program.
func makeStorm(t *ktest.T, serves bool) puppet {
	p, ok := makeProgram(t, nil, 80, 40, func(b []byte) { stormCode(b, serves) })
	if !ok {
		return p
	}
	e := p.env
	p.addThread(0, 0)
	if serves {
		p.data[wordGate].Store(uint64(e.newGate(abi.KindEndpoint)))
	} else {
		p.data[wordGate+1].Store(uint64(e.newGate(abi.KindNotification)))
		p.data[wordGate+2].Store(5)
		p.calls()
	}
	e.goOn()
	return p
}

// calls has a client call some server.
func (p *puppet) calls() {
	g := &stormTest
	s := &g.servers[p.t.Rand(0).N(stormServers)]
	if s.ended() || p.ended() {
		return
	}
	c := preemptOff()
	if p.env.charge(0) == abi.OK {
		o, err := capTab.Lookup(cap.Name(s.data[wordGate].Load()), s.h, cap.Kind(abi.KindEndpoint), 0)
		if err != nil {
			p.env.discharge(0)
		} else if name, no := p.env.create(c.CPU, abi.KindEndpoint, cap.Execute|cap.Delete, o); no == abi.OK {
			p.data[wordGate].Store(uint64(name))
		}
	}
	c.PreemptEnable()
}

// over notes what a client has counted, and ends the environment.
func (p *puppet) over() {
	g := &stormTest
	g.good += p.data[stormWords].Load()
	g.bad += p.data[stormWords+1].Load()
	g.refused += p.data[stormWords+2].Load()
	p.end()
}

func testTortureIPC(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t, g := taskTest.t, &stormTest
		r := t.Rand(0)
		g.good, g.bad, g.refused = 0, 0, 0
		end := amd64.NowNs() + tortureNs()
		for i := range g.servers {
			g.servers[i] = makeStorm(t, true)
		}
		for i := range g.clients {
			g.clients[i] = makeStorm(t, false)
		}
		for round := 0; (round < 300 || amd64.NowNs() < end || g.answered() <= stormLeast && round < 100_000) && !t.Failed(); round++ { // a host may not have let anybody run
			c, s := &g.clients[r.N(stormClients)], &g.servers[r.N(stormServers)]
			switch op := r.N(16); {
			case op == 0:
				c.over()
				*c = makeStorm(t, false)
			case op == 1:
				s.over()
				*s = makeStorm(t, true)
			case op == 2:
				takeFrom(s.h, cap.Name(s.data[wordGate].Load()))
				s.data[wordGate].Store(uint64(s.env.newGate(abi.KindEndpoint)))
			case op < 6:
				takeFrom(c.h, cap.Name(c.data[wordGate].Load()))
				c.calls()
			case op < 8:
				p := preemptOff()
				c.env.suspend(nil, true)
				c.env.goOn()
				p.PreemptEnable()
			default:
				c.calls()
			}
			sleepUntil(amd64.NowNs() + r.N(400_000))
			t.Count(1)
		}
		for i := range g.clients {
			g.clients[i].over()
		}
		for i := range g.servers {
			g.servers[i].over()
		}
		t.Check(0, g.good > stormLeast && g.bad == 0, "calls are answered, each by what it asked")
		var l text.Line
		put(l.Str("# torture/ipc: answered=").Uint(g.good).Str(" refused=").Uint(g.refused))
		return 0
	})
}

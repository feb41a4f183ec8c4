//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/bpf"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/text"
)

// fuzz/calls and torture/env: environments whose threads make random calls, on all CPUs: any number; words for arguments that are names of
// what they hold, addresses of all sorts, sizes, times, or nothing in particular, each now and then with a bit turned over; any RSP; and
// they store to such addresses. What a call returns may be an argument later. Meanwhile capabilities are revoked, and environments
// stopped and destroyed. Now and then all are stopped: then every page that any of them shows must be of a living capability that is bound
// there and permits as much, each must pay for what it has, no more and no less, and each frame have as many references as owners. At the
// end of each round all is given back, to the frame and the slot. The one test makes so many calls, the other lasts for some time.

const (
	fuzzEnvs    = 5
	fuzzThreads = 2
	fuzzWords   = 64 // arguments; from word pupFree on
	fuzzCalls   = pupFree + fuzzWords
	fuzzStart   = fuzzCalls + fuzzWords // structures that make sense: of a thread,
	fuzzUpcalls = fuzzStart + 16
	fuzzShares  = fuzzUpcalls + 8 // a Schedule,
	fuzzProgram = fuzzShares + 4  // a predicate
	fuzzNine    = fuzzProgram + 8 // the sixth argument of
	fuzzMade    = fuzzNine + 1    // calls that make sense, so many, each as a PageOp is laid out
	fuzzMakes   = 16
	fuzzGrants  = fuzzMade + 6*fuzzMakes
	fuzzNames   = fuzzGrants + 4*grantWords // names of files, so many
	fuzzFiles   = 4
	fuzzEnd     = fuzzNames + fuzzFiles
	fuzzDone    = 380 // how often each call was not refused; a stray store may be here, too
)

var fuzzTest struct {
	envs                           [fuzzEnvs]puppet
	root                           *env // who made them
	made, scans, pages, took, ends uint64
	calls, wanted, until           uint64
	name                           string
	done                           [abi.Calls]uint64
	files                          bool       // there are some that nobody needs
	extent                         cap.Object // what their file system leaves
}

// fuzzCode writes the program: R12 is random, R13 the multiplier.
func fuzzCode(b []byte) (size, handler int) {
	a := &fuzzAsm
	*a = assembler{b: b}
	a.put(0x49, 0x89, 0xFF) // mov r15, rdi
	a.load(12, 0)
	a.put(0x49, 0x01, 0xE4) // add r12, rsp
	a.imm(13, 6364136223846793005)
	loop := a.n
	step := func() { // RCX is one of 64
		a.put(0x4D, 0x0F, 0xAF, 0xE5)                   // imul r12, r13
		a.put(0x49, 0x81, 0xC4, 0x4B, 0xF1, 0x35, 0x12) // add r12, imm32
		a.put(0x4C, 0x89, 0xE1)                         // mov rcx, r12
		a.put(0x48, 0xC1, 0xE9, 58)                     // shr rcx, 58
	}
	word := func(op, reg byte, from int) { // [r15 + 8 × (from + RCX)]
		a.put(0x49|reg>>3<<2, op, 0x84|reg&7<<3, 0xCF)
		a.word32(uint32(from * 8))
	}
	turn := func(reg, seldom byte) { // a bit over
		a.put(0x4C, 0x89, 0xE1, 0x48, 0xC1, 0xE9, 40, 0xF6, 0xC1, seldom) // mov rcx, r12; shr rcx, 40; test cl, seldom
		same := a.ahead(0x85)
		a.put(0x48, 0xC1, 0xE9, 7)                 // shr rcx, 7
		a.put(0x48|reg>>3, 0x0F, 0xBB, 0xC8|reg&7) // btc reg, rcx
		a.here(same)
	}
	pick := func(reg byte, from int) {
		step()
		word(0x8B, reg, from)
		turn(reg, 7)
	}
	pick(rSP, pupFree)
	pick(rBX, pupFree)
	step()
	a.put(0xF6, 0xC1, 3) // test cl, 3
	random := a.ahead(0x84)
	a.put(0x83, 0xE1, 15, 0x48, 0x6B, 0xC9, 6) // and ecx, 15; imul rcx, rcx, 6
	for i, r := range [...]byte{rAX, rDI, rSI, rDX, r10, r8} {
		word(0x8B, r, fuzzMade+i)
	}
	a.load(r9, fuzzNine)
	for _, r := range [...]byte{rDI, rSI, rDX, r10} {
		step()
		turn(r, 63)
	}
	made := a.ahead(0xE9)
	a.here(random)
	for _, r := range [...]byte{rDI, rSI, rDX, r10, r8, r9} {
		pick(r, pupFree)
	}
	pick(rAX, fuzzCalls)
	a.here(made)
	a.put(0x89, 0xC5) // mov ebp, eax
	a.syscall()
	a.put(0x48, 0x85, 0xC0) // test rax, rax
	refused := a.ahead(0x88)
	a.put(0x83, 0xE5, 127, 0x49, 0xFF, 0x84, 0xEF) // and ebp, 127; inc [r15 + rbp×8 + disp32]
	a.word32(fuzzDone * 8)
	step()
	word(0x89, rAX, pupFree)
	step()
	word(0x89, rDX, pupFree)
	a.put(0x48, 0x89, 0xC1, 0x48, 0xC1, 0xE9, 32) // mov rcx, rax; shr rcx, 32
	noName := a.ahead(0x84)
	step()
	a.put(0x83, 0xE1, 15, 0x48, 0x6B, 0xC9, 6) // and ecx, 15; imul rcx, rcx, 6
	word(0x89, rAX, fuzzMade+1)
	a.here(noName)
	a.here(refused)
	step()
	a.put(0xF6, 0xC1, 15) // test cl, 15
	a.jump(0x85, loop)
	a.put(0x48, 0x89, 0x1B) // mov [rbx], rbx
	handler = a.n
	a.jump(0xE9, loop)
	return a.n, handler
}

var fuzzAsm assembler

// fuzzCall is the number of a call: any, but those that end who calls, more seldom.
func fuzzCall(r *ktest.Rand) uint64 {
	if r.N(5) == 0 { // these need two who make them at a time
		return uint64(abi.IPCCall) + r.N(4)
	}
	for {
		switch c := abi.Call(r.N(uint64(abi.Calls) + 1)); c {
		case abi.EnvExit, abi.EnvDestroy, abi.EnvSuspend, abi.ThreadExit, abi.ThreadDestroy, abi.ThreadSuspend, abi.Sleep:
			if r.N(16) == 0 {
				return uint64(c)
			}
		default:
			return uint64(c)
		}
	}
}

// fuzzWord is an argument.
func (p *puppet) fuzzWord(r *ktest.Rand) uint64 {
	switch r.N(15) {
	case 0:
		return p.mem
	case 1:
		return pupTest + r.N(8)<<12
	case 2:
		return pupTest + r.N(4)<<21 + r.N(2)<<12
	case 3:
		return 1 + r.N(8)
	case 4:
		return p.place(pupFree + int(r.N(fuzzEnd-pupFree)))
	case 5: // the ends of pages
		return [...]uint64{pupData + 2<<12, pupCode + 1<<12, pupTest + 1<<12, pupTest + 4<<12, abi.UserTop, pupUpHi}[r.N(6)] - r.N(64)
	case 6:
		return [...]uint64{abi.AllRights &^ abi.RightOwn, r.N(1 << 18), 1 << r.N(64), abi.InfoPage + r.N(1<<12)}[r.N(4)]
	case 7: // the kernel, and what is no address
		return [...]uint64{amd64.DirectMap + r.N(1<<28), amd64.KernelBase + r.N(1<<22), 1 << 63, 1<<47 - r.N(16), ^uint64(0) - r.N(4096)}[r.N(5)]
	case 8:
		return [...]uint64{0, 0, 7, 31, 512, 513, 1 << 20, 20, pupCode, testLine, 0xE0}[r.N(11)]
	case 9:
		return amd64.NowNs() + r.N(300_000)
	case 10:
		return p.place([...]int{fuzzStart, fuzzUpcalls, fuzzShares, fuzzProgram, fuzzCalls}[r.N(5)])
	case 11:
		return r.Uint64()
	}
	return p.has(0, r)
}

// has is the name of something that it has, of a kind, 0: any.
func (p *puppet) has(kind uint64, r *ktest.Rand) uint64 {
	e := p.env
	low, n := e.lowSlot.Load(), e.highSlot.Load()+1-e.lowSlot.Load()
	for i, from := uint32(0), uint32(r.N(uint64(n))); i < n; i++ {
		slot := low + (from+i)%n
		if name, h := slotOf(cap.Name(slot)).Payer.Now(slot); h == p.h {
			if info, err := capTab.Inspect(name, h); err == nil && (kind == 0 || uint64(info.Kind) == kind) {
				return uint64(name)
			}
		}
	}
	return 0
}

// fuzzArgs is what arguments each call takes: names of account, frames, env, thread, cpu, y: endpoint, notification, o: console, interrupt,
// q: ports, d: inode, x: extent, *: anything; a pointer, or one at what begins a thread (S), upcalls (U), a schedule (H), a predicate (G), PageOps (O), grants (R), a name (N);
// r: rights, v: address, X: the program's, w: permission, s: some, h: How, u: until, k: kind, b: bits, E: port, 1: width, l: length of
// a name, L: of a buffer, T: type of a file.
var fuzzArgs = [abi.Calls]string{
	abi.CapDerive: "*re", abi.CapTransfer: "*e", abi.CapRevoke: "*", abi.CapDelete: "*", abi.CapInspect: "*p", abi.CapHeld: "sps",
	abi.FrameAlloc: "ahss", abi.FrameShare: "fer", abi.PageMap: "fevw", abi.PageProtect: "fssw", abi.PageUnmap: "fss", abi.PageOps: "Os",
	abi.EnvCreate: "asss", abi.EnvUpcalls: "eU", abi.EnvWatch: "enb", abi.EnvInspect: "ep", abi.EnvSuspend: "e", abi.EnvResume: "e",
	abi.EnvDestroy: "e", abi.EnvGive: "eRs", abi.EnvAwait: "eus", abi.ThreadCreate: "eS", abi.ThreadSuspend: "t", abi.ThreadResume: "t", abi.ThreadInspect: "tp",
	abi.ThreadDestroy: "t", abi.ThreadSchedule: "tcH", abi.ThreadBases: "vv", abi.Yield: "t", abi.Sleep: "u", abi.EndpointCreate: "a",
	abi.IPCCall: "yssss", abi.IPCReceive: "yu", abi.IPCReplyWait: "yssss", abi.IPCReply: "ssss", abi.IPCTimeout: "u", abi.NotifyCreate: "a",
	abi.Notify: "nb", abi.Wait: "nbu", abi.WaitUntil: "Gsfu", abi.TimerSet: "nbu", abi.ConsoleWrite: "ops", abi.ConsoleRead: "ops",
	abi.ConsoleBind: "onb", abi.InterruptBind: "inb", abi.InterruptAck: "i", abi.PortIn: "qE1", abi.PortOut: "qE1s",
	abi.RevokeRequest: "eksu", abi.Repossessed: "ps", abi.SystemEnd: "os",
	abi.EnvNext: "esp", abi.CapOffer: "s*r", abi.CapTake: "s",

	abi.FileOpen: "dNlr", abi.FileMake: "dNlT", abi.FileSymlink: "dNlNl", abi.FileLink: "dNld", abi.FileRemove: "dNl1", abi.FileRename: "dNldN",
	abi.FileRead: "dpLs", abi.FileWrite: "dpLs", abi.FileTruncate: "ds", abi.FileStat: "dp", abi.FileChange: "dps", abi.FileList: "dpLs",
	abi.FileText: "dpL", abi.FileSync: "ds", abi.FileSystem: "dp",

	abi.ExtentRead: "xv1s", abi.ExtentWrite: "xX1s", abi.ExtentFlush: "x",
}

// fuzzMake writes a call that makes sense.
func (p *puppet) fuzzMake(r *ktest.Rand) {
	const letters = "-afetcynoiqdx" // by kind
	call := fuzzCall(r)
	d := p.data[fuzzMade+6*int(r.N(fuzzMakes)):][:6]
	d[0].Store(call)
	p.data[fuzzNine].Store(p.has(0, r) * (r.N(4) / 3))
	if call == uint64(abi.FileRename) {
		p.data[fuzzNine].Store(1 + r.N(3))
	}
	for i, c := range []byte(fuzzArgs[call%uint64(abi.Calls)]) {
		v := uint64(0)
		switch c {
		case 'p':
			v = p.place(pupFree + int(r.N(fuzzEnd-pupFree)))
		case 'N':
			v = p.place(fuzzNames + int(r.N(fuzzFiles)))
		case 'l':
			v = 1 + r.N(3)
		case 'L':
			v = r.N(600)
		case 'T':
			v = [...]uint64{abi.FileTypeRegular, abi.FileTypeFolder}[r.N(2)] | 0o600
		case 'S':
			v = p.place(fuzzStart)
		case 'U':
			v = p.place(fuzzUpcalls)
		case 'H':
			v = p.place(fuzzShares)
		case 'G':
			v = p.place(fuzzProgram)
		case 'O':
			v = p.place(fuzzMade)
		case 'R':
			i := int(r.N(4))
			v = p.place(fuzzGrants + i*grantWords)
			for k, w := range [...]uint64{r.N(3), p.has(abi.KindFrames, r), r.N(8) | abi.RightDelete, r.N(2), r.N(3), r.N(3000), pupTest + r.N(4)<<21 + r.N(4)<<12, 1 + r.N(3), 0, 0, r.N(3), 1 + r.N(3)} {
				if k == 1 && r.N(3) == 0 {
					w = p.place(pupFree)
				}
				p.data[fuzzGrants+i*grantWords+k].Store(w)
			}
		case 'r':
			if v = abi.RightRead | abi.RightDerive; r.N(3) != 0 {
				v = abi.AllRights &^ abi.RightOwn &^ (r.N(2) << r.N(8))
			}
		case 'v':
			v = pupTest + r.N(4)<<21 + r.N(4)<<12
		case 'X':
			v = pupCode
		case 'w':
			v = 1 + r.N(5)
		case 's':
			v = r.N(1 << r.N(6))
		case 'h':
			v = r.N(5) / 2
		case 'u':
			v = amd64.NowNs() + r.N(500_000)
		case 'k':
			v = r.N(abi.NumKinds)
		case 'b':
			v = 1 << r.N(4)
		case 'E':
			v = 0xE0 + r.N(16)
		case '1':
			v = 1 << r.N(3)
		case '*':
			v = p.has(0, r)
		default:
			for kind := range uint64(len(letters)) {
				if letters[kind] == c {
					v = p.has(kind, r)
				}
			}
			if c == 'e' && r.N(2) == 0 {
				v = 0
			}
		}
		d[1+i].Store(v)
	}
}

// makeFuzzer makes an environment that does that.
func makeFuzzer(t *ktest.T, r *ktest.Rand) (p puppet, ok bool) {
	nf, nc := 80+r.N(60), 24+r.N(60)
	root := fuzzTest.root
	if !t.Check(0, root.frames.Cut(nf) && root.caps.Cut(nc), "what the others had is back") {
		return p, false
	}
	handler := 0
	if p, ok = makeProgram(t, root, nf, nc, func(b []byte) { _, handler = fuzzCode(b) }); !ok {
		return p, false
	}
	e := p.env
	e.fault.Store(pupCode + uint64(handler))
	c := preemptOff()
	name, _ := e.giveAccount(c.CPU)
	c.PreemptEnable()
	p.mem = uint64(name)
	p.give(abi.KindPorts, cap.Object{First: 0xE0, Second: 16}) // nothing is there
	p.give(abi.KindConsole, cap.Object{})
	p.give(abi.KindInterrupt, cap.Object{First: testLine})
	if fuzzTest.files {
		p.give(abi.KindInode, cap.Object{First: rootInode})
		p.give(abi.KindExtent, fuzzTest.extent)
	}
	p.give(abi.KindCPU, cap.Object{First: r.N(uint64(ncpu))})
	for i := range fuzzThreads {
		p.i = i
		if !p.addThread(0, 0) {
			return p, false
		}
		e.first.start.Arg = pupData + (fuzzThreads-1)<<12 // one page for all
	}
	d := p.data
	d[0].Store(r.Uint64())
	for w := range fuzzWords {
		d[fuzzCalls+w].Store(fuzzCall(r))
		d[pupFree+w].Store(p.fuzzWord(r))
		p.fuzzMake(r)
	}
	for w, v := range [...]uint64{pupCode, pupStack, p.place(0), 0, 0, pupUpLow, pupUpHi, 0, 0, 0, 0, r.N(4), 0, 0, 0, 0,
		pupCode + uint64(handler), 0, 0, 0, 0, 0, 'f', 0, r.N(3), 64, 200_000, 1_000_000} {
		d[fuzzStart+w].Store(v)
	}
	for w := range uint64(fuzzFiles) {
		d[fuzzNames+w].Store('a' + w/2 | '/'<<8 | ('a'+w%2)<<16)
	}
	for w, in := range bpf.Equal32(8, 77) {
		d[fuzzProgram+w].Store(uint64(in.Op) | uint64(in.Jt)<<16 | uint64(in.Jf)<<24 | uint64(in.K)<<32)
	}
	sharePage(&p, true)
	e.goOn()
	fuzzTest.made++
	return p, true
}

// give gives it a capability that may not be written by.
func (p *puppet) give(kind uint64, o cap.Object) {
	rights := cap.AllRights &^ owns
	if kind == abi.KindConsole {
		rights &^= cap.Write
	}
	c := preemptOff()
	if p.env.charge(0) == abi.OK {
		p.env.create(c.CPU, kind, rights, o)
	}
	c.PreemptEnable()
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
	e := p.env
	e.refs.Add(1) // for the sums
	p.end()
	fuzzTest.calls += e.sums.calls
	for i := range fuzzTest.done {
		if n := p.data[fuzzDone+i].Load(); n < 1<<20 {
			fuzzTest.done[i] += n
		}
	}
	e.unref()
	sharePage(p, false)
}

// fuzzCalled is how many calls were made, about.
func fuzzCalled() uint64 {
	g := &fuzzTest
	n := g.calls
	for i := range g.envs {
		e := g.envs[i].env
		c := this()
		e.lock.Lock(c)
		for t := e.first; t != nil; t = t.next {
			n += t.user.Calls
		}
		e.lock.Unlock(c)
	}
	return n
}

func testTortureEnv(t *ktest.T, _ int) { fuzz(t, "torture/env:", never, tortureNs()) }

// fuzzOps is how many calls testFuzzCalls makes if the command line does not say.
const fuzzOps = 20_000

func testFuzzCalls(t *ktest.T, _ int) {
	calls, ns := uint64(fuzzOps), never
	switch {
	case options.Ops != 0:
		calls = options.Ops
	case options.Torture != 0:
		calls, ns = never, tortureNs()
	}
	fuzz(t, "fuzz/calls:", calls, ns)
}

// fuzz makes so many calls, for at most so many ns, in rounds.
func fuzz(t *ktest.T, name string, calls, ns uint64) {
	fuzzTest.name, fuzzTest.wanted, fuzzTest.until = name, calls, amd64.NowNs()+min(ns, never/2)
	envTest(t, func(uint64) uint64 {
		t, g := taskTest.t, &fuzzTest
		var no abi.Errno
		if g.root, no = newEnv(nil, 1<<20, 1<<16); !t.Check(0, no == abi.OK, "an environment can be made") {
			return 0
		}
		g.made, g.ends, g.took, g.scans, g.pages, g.calls = 0, 0, 0, 0, 0, 0
		if g.files = freshFiles(t); g.files {
			g.extent, g.files = lessFiles(t)
		}
		for !t.Failed() && fuzzGoesOn() {
			fuzzRound(t, t.Rand(0), min(g.calls+min(g.wanted/5+1, 50_000), g.wanted))
		}
		(&puppet{t: t, env: g.root, h: g.root.holder()}).end()
		t.Count(g.calls)
		if g.files {
			t.Check(0, eventually(func() bool { return files.calls.Load() == 0 }), "nobody is in a call of files")
			freshFiles(t)
			restFiles(t)
		}
		var l text.Line
		l.Str("# ").Str(fuzzTest.name)
		putCounts(&l, counted{"environments", g.made}, counted{"calls", g.calls}, counted{"ended", g.ends}, counted{"revoked", g.took},
			counted{"scans", g.scans}, counted{"pages", g.pages})
		l.Reset().Str("# ").Str(g.name).Str(" done, by number:")
		kinds := 0
		for _, n := range g.done {
			l.Byte(' ').Uint(n)
			kinds += int(min(n, 1))
		}
		put(&l)
		t.Check(0, g.calls < 1_000_000 || kinds >= 30, "calls of most numbers are not refused, now and then")
		return 0
	})
}

func fuzzGoesOn() bool {
	const least = 500 // whatever the time: a host may not have let anybody run
	return fuzzTest.calls < fuzzTest.wanted && (fuzzTest.calls < least || amd64.NowNs() < fuzzTest.until)
}

// fuzzRound makes calls until there have been so many; then all is as it was.
func fuzzRound(t *ktest.T, r *ktest.Rand, calls uint64) {
	g := &fuzzTest
	var before census
	before.count()
	frameLimit, frameUsed := g.root.frames.Read()
	capLimit, capUsed := g.root.caps.Read()
	for i := range g.envs {
		g.envs[i], _ = makeFuzzer(t, r)
	}
	for !t.Failed() && fuzzGoesOn() && fuzzCalled() < calls {
		p := &g.envs[r.N(fuzzEnvs)]
		switch op := r.N(200); {
		case op < 60:
			p.knows(&g.envs[r.N(fuzzEnvs)], r)
		case op < 90:
			takeSomething(r)
		case op < 94 || p.ended():
			endFuzzer(p)
			g.ends++
			*p, _ = makeFuzzer(t, r)
		case op < 97:
			scanEnvs(t)
		case op < 120: // who waits goes on
			c := preemptOff()
			if e := pinLiving(p.h); e != nil {
				e.suspend(nil, true)
				e.goOn()
				e.unpin()
			}
			c.PreemptEnable()
		default:
			for range 60 {
				p = &g.envs[r.N(fuzzEnvs)]
				p.data[pupFree+r.N(fuzzWords)].Store(p.fuzzWord(r))
				p.data[fuzzCalls+r.N(fuzzWords)].Store(fuzzCall(r))
				p.fuzzMake(r)
			}
		}
		sleepUntil(amd64.NowNs() + r.N(100_000))
	}
	scanEnvs(t)
	for i := range g.envs {
		if g.envs[i].env != nil {
			endFuzzer(&g.envs[i])
		}
	}
	flags := amd64.IRQDisable()
	lines.bound[testLine], consoleTold = told{}, told{}
	amd64.IRQRestore(flags)
	before.same(t)
	t.Check(0, quotaIs(&puppet{t: t, env: g.root}, frameLimit, frameUsed, capLimit, capUsed), "all quotas are back")
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

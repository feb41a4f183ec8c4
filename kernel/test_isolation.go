//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sched"
)

// What ring 3 may not do, beside what env/* and ring3/* show: each refusal with its Errno, each fault with its vector.

// isolated runs a test with two puppets; the first has a capability for the second.
func isolated(t *ktest.T, fn func(p, q *puppet, qe uint64)) {
	isolation.fn = fn
	envTest(t, func(uint64) uint64 {
		g := &isolation
		var ok, ok2 bool
		g.p, ok = makePuppet(taskTest.t, 60, 40)
		g.q, ok2 = makePuppet(taskTest.t, 60, 40)
		if ok && ok2 {
			g.fn(&g.p, &g.q, g.p.given(abi.KindEnv, cap.Object{First: uint64(g.q.h)}))
			g.p.end()
			if !g.q.ended() {
				g.q.end()
			}
		}
		return 0
	})
}

var isolation struct {
	p, q puppet
	fn   func(p, q *puppet, qe uint64)
}

// checks are calls that look at their first argument first.
var checks = [...]struct {
	call abi.Call
	kind uint8
}{
	{abi.FrameAlloc, 1}, {abi.EnvCreate, 1}, {abi.EndpointCreate, 1}, {abi.NotifyCreate, 1}, {abi.FrameShare, 2}, {abi.PageMap, 2},
	{abi.PageProtect, 2}, {abi.PageUnmap, 2}, {abi.EnvInspect, 3}, {abi.EnvSuspend, 3}, {abi.EnvResume, 3}, {abi.EnvDestroy, 3},
	{abi.ThreadSuspend, 4}, {abi.ThreadResume, 4}, {abi.ThreadInspect, 4}, {abi.ThreadDestroy, 4}, {abi.Yield, 4}, {abi.IPCCall, 6},
	{abi.IPCReceive, 6}, {abi.IPCReplyWait, 6}, {abi.Notify, 7}, {abi.Wait, 7}, {abi.TimerSet, 7}, {abi.ConsoleWrite, 8},
	{abi.ConsoleRead, 8}, {abi.SystemEnd, 8}, {abi.InterruptAck, 9}, {abi.PortIn, 10}, {abi.PortOut, 10},
	{abi.FileOpen, 11}, {abi.FileMake, 11}, {abi.FileSymlink, 11}, {abi.FileLink, 11}, {abi.FileRemove, 11}, {abi.FileRename, 11},
	{abi.FileRead, 11}, {abi.FileWrite, 11}, {abi.FileTruncate, 11}, {abi.FileStat, 11}, {abi.FileChange, 11}, {abi.FileList, 11},
	{abi.FileText, 11}, {abi.FileSync, 11}, {abi.FileSystem, 11},
	{abi.ExtentRead, 12}, {abi.ExtentWrite, 12}, {abi.ExtentFlush, 12},
}

// testIsolationNames: a name is worth nothing to others, nor one that is nearly it, nor where another kind is wanted.
func testIsolationNames(t *ktest.T, _ int) {
	isolated(t, func(p, q *puppet, qe uint64) {
		t := p.t
		f := p.makes("a frame", abi.FrameAlloc, p.mem, 0, 0, 1)
		for _, who := range [...]*puppet{p, q} {
			for bit := range 65 {
				name := f ^ 1<<bit
				if now, h := slotOf(cap.Name(uint32(name) % uint32(len(capSlots)))).Payer.Now(uint32(name)); now == cap.Name(name) && h == who.h {
					continue // it has that, too
				}
				if bit < 64 || who == q {
					who.refused(abi.BadCap, "nearly a name, or another's", abi.CapInspect, name, who.place(pupFree))
				}
			}
		}
		q.refused(abi.BadCap, "another's is not mapped", abi.PageMap, f, 0, pupTest, 1)
		q.refused(abi.BadCap, "nor deleted", abi.CapDelete, f)
		for kind := abi.KindMemory; kind < abi.NumKinds; kind++ {
			name := p.given(kind, cap.Object{})
			for _, c := range checks {
				if uint64(c.kind) != kind {
					p.refused(abi.BadKind, "a capability of another kind", c.call, name, 0, pupTest, 1)
				}
			}
			p.gets(0, "it goes", abi.CapDelete, name)
			p.refused(abi.BadCap, "then there is none", abi.CapInspect, name, p.place(pupFree))
			p.refused(abi.BadCap, "to derive from", abi.CapDerive, name, 1)
		}
		p.gets(0, "so with a frame", abi.CapDelete, f)
		g := p.makes("another, perhaps in its slot", abi.FrameAlloc, p.mem, 0, 0, 1)
		p.refused(abi.BadCap, "has another name", abi.PageMap, f, 0, pupTest, 1)
		for n := uint64(1); n <= 2; n++ { // by the short way, and by the other
			w := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, n)
			r := p.makes("to be read", abi.CapDerive, w, abi.RightRead)
			p.gets(0, "are mapped", abi.PageMap, r, 0, pupTest, 1)
			p.refused(abi.BadRights, "to be written is another right", abi.PageProtect, r, 0, 0, 3)
			p.refused(abi.BadRights, "to be executed, too", abi.PageProtect, r, 0, 0, 5)
			p.gets(0, "they go", abi.CapDelete, w)
		}
		// What is given away is the giver's no more; where it was mapped it is not, once its new holder maps it.
		p.gets(0, "a page", abi.PageMap, g, 0, pupTest, 3)
		p.gets(0, "is given away", abi.CapTransfer, g, qe)
		for _, c := range [...]abi.Call{abi.CapTransfer, abi.CapRevoke, abi.CapDelete, abi.FrameShare, abi.PageUnmap, abi.PageMap} {
			p.refused(abi.BadCap, "what was given away", c, g, 0, pupTest, 1)
		}
		q.gets(0, "who has it maps it", abi.PageMap, g, 0, pupTest, 3)
		_, there := p.load(pupTest)
		t.Check(0, !there && q.store(pupTest, 1), "alone")
		// I/O ports: by the capability, and never by an instruction.
		ports := p.given(abi.KindPorts, cap.Object{First: 0xE0, Second: 2})
		t.Check(0, p.do(abi.PortIn, ports, 0xE0, 1) >= 0, "a port is read")
		n := p.makes("one of them", abi.CapDerive, ports, abi.RightRead)
		p.refused(abi.BadRights, "writing by who may read", abi.PortOut, n, 0xE0, 1)
		p.gets(0, "it is taken back", abi.CapRevoke, ports)
		p.refused(abi.BadCap, "then it is not read", abi.PortIn, n, 0xE0, 1)
		// What has ended.
		env := p.makes("a capability for an environment", abi.CapDerive, qe, abi.AllRights)
		q.end()
		p.data[pupFree].Store(0)
		for _, c := range [...]abi.Call{abi.EnvInspect, abi.EnvSuspend, abi.EnvResume, abi.EnvUpcalls} {
			p.refused(abi.Dead, "what has ended", c, env, p.place(pupFree+32))
		}
		f = p.makes("a frame", abi.FrameAlloc, p.mem, 0, 0, 1)
		p.refused(abi.Dead, "nor mapped there", abi.PageMap, f, env, pupTest, 1)
		p.refused(abi.Dead, "nor shared", abi.FrameShare, f, env, 1)
		p.refused(abi.Dead, "nor derived", abi.CapDerive, f, 1, env)
		p.refused(abi.Dead, "nor transferred", abi.CapTransfer, f, env)
	})
}

// pointers are what calls take as their second argument but one, and whether they write there.
var pointers = [...]struct {
	call abi.Call
	at   uint8
	out  bool
}{
	{abi.CapDerive, 3, false}, {abi.CapInspect, 1, true}, {abi.CapHeld, 1, true}, {abi.PageOps, 0, false}, {abi.EnvUpcalls, 1, false},
	{abi.EnvInspect, 1, true}, {abi.ThreadCreate, 1, false}, {abi.ThreadInspect, 1, true}, {abi.ThreadSchedule, 2, false},
	{abi.WaitUntil, 0, false}, {abi.ConsoleWrite, 1, false}, {abi.Repossessed, 0, true},
}

// testIsolationPointers: each pointer that a call takes, and each address that is not the caller's to read or write.
func testIsolationPointers(t *ktest.T, _ int) {
	isolated(t, func(p, q *puppet, _ uint64) {
		t := p.t
		console := p.given(abi.KindConsole, cap.Object{})
		f := p.makes("a page", abi.FrameAlloc, p.mem, 0, 0, 1)
		p.gets(0, "is mapped alone", abi.PageMap, f, 0, pupTest, 3)
		for _, c := range pointers {
			for _, to := range [...]uint64{0, pupTest - 1, pupTest + mm.FrameSize - 4, 0x5000_0000, abi.UserTop - 4, 1 << 47, 1<<47 - 1,
				1 << 63, amd64.DirectMap, amd64.KernelBase + 2<<20, ^uint64(7), pupCode, abi.InfoPage} {
				if (to == pupCode || to == abi.InfoPage) && !c.out {
					continue // these can be read
				}
				noteLost(p.h, abi.Lost{})
				args := [4]uint64{0, 0, 8, 0}
				switch c.call {
				case abi.CapDerive:
					args = [4]uint64{f, 1, 0, 0}
				case abi.CapInspect:
					args[0] = f
				case abi.CapHeld:
					args[0] = uint64(p.env.lowSlot.Load())
				case abi.ConsoleWrite:
					args[0] = console
				case abi.PageOps, abi.WaitUntil, abi.Repossessed:
					args[1] = 1
				}
				if args[c.at] = to; c.call == abi.CapDerive && to == 0 {
					continue // there 0 is nothing
				}
				p.refused(abi.BadAddress, "a pointer to what is not the caller's", c.call, args[:]...)
			}
		}
		v, ok := p.load(pupTest)
		t.Check(0, ok && v == 0, "nothing was written beside it")
	})
}

// Instructions that are the kernel's: each is preceded by how long it is.
const (
	privileged = "\x01\xF4\x01\xFA\x01\xFB\x02\x0F\x06\x02\x0F\x08\x02\x0F\x09\x03\x0F\x01\x38\x03\x0F\x01\x10\x03\x0F\x01\x18" + // HLT … LIDT
		"\x03\x0F\x00\xD0\x03\x0F\x00\xD8\x03\x0F\x01\xF0\x03\x0F\x20\xC0\x03\x0F\x20\xD0\x03\x0F\x20\xD8\x03\x0F\x20\xE0" + // … MOV from CR4
		"\x04\x44\x0F\x20\xC0\x03\x0F\x22\xC0\x03\x0F\x22\xD8\x03\x0F\x22\xE0\x04\x44\x0F\x22\xC0\x03\x0F\x21\xC0\x03\x0F\x23\xC0" +
		"\x03\x0F\x23\xF8\x02\x0F\x30\x02\x0F\x32\x02\x0F\x33\x02\x0F\x07\x03\x48\x0F\x07\x03\x0F\x01\xF8\x02\xE4\x64\x01\xED" + // … IN
		"\x02\xE6\x64\x01\xEF\x01\x6C\x01\x6E\x02\xCD\x20\x02\xCD\xF3\x02\xCD\xF4\x02\xCD\x02\x02\xCD\x08\x02\xCD\xFE" // … INT
	notSaid   = "\x03\x0F\x01\xCB\x03\x0F\x01\xCA"                 // STAC, CLAC
	revealing = "\x03\x0F\x00\xC0\x03\x0F\x00\xC8\x03\x0F\x01\xE0" // SLDT, STR, SMSW
)

// testIsolationInstructions: what is privileged is a fault of ring 3's own, wherever its stack is.
func testIsolationInstructions(t *ktest.T, _ int) {
	isolated(t, func(p, q *puppet, _ uint64) {
		t := p.t
		f := p.makes("a page", abi.FrameAlloc, p.mem, 0, 0, 1)
		code := amd64.PhysAddr(mm.Frame(p.rdx()).Addr()).Bytes(mm.FrameSize)
		p.gets(0, "for code", abi.PageMap, f, 0, pupTest, uint64(abi.PermExecute))
		faults := func(vector uint64, what string) {
			before := p.faults()
			p.do(doExecute, pupTest)
			t.Check(0, p.faults() == before+1 && p.data[pupFault].Load() == vector && p.data[pupFault+3].Load()-pupTest < 16, what)
		}
		all := func(list string, vector uint64) {
			for len(list) > 0 {
				n := int(list[0]) + 1
				clear(code[:16])
				copy(code, list[1:n])
				list = list[n:]
				faults(vector, "an instruction that is the kernel's")
			}
		}
		all(privileged, amd64.VectorProtection)
		all(notSaid, amd64.VectorInvalidOp)
		if amd64.CPUFeatures.UMIP {
			all(revealing, amd64.VectorProtection)
		}
		copy(code, "\x48\xBC12345678\x0F\x0B") // mov rsp, imm64; ud2
		for _, sp := range [...]uint64{0, 8, pupTest, abi.InfoPage + 64, abi.UserTop, 1<<47 - 8, 1 << 47, 1 << 63, amd64.DirectMap + 64,
			amd64.KernelBase + 2<<20, ^uint64(0), pupUpHi + 1, pupUpLow - 1} {
			for i := range 8 {
				code[2+i] = byte(sp >> (8 * i))
			}
			faults(amd64.VectorInvalidOp, "a fault with RSP anywhere")
		}
		p.gets(0, "it goes on", abi.Null)
	})
}

// testIsolationUpcalls: an upcall stack that cannot be written, and an entry that cannot be executed, end who has them; the kernel writes nowhere.
func testIsolationUpcalls(t *ktest.T, _ int) {
	isolated(t, func(p, q *puppet, qe uint64) {
		t := p.t
		start := [...]uint64{pupCode, pupStack, pupData, 0, 0, pupUpLow, pupUpHi, 0, 0, 0, 0, 0}
		for _, bad := range [...][2]uint64{{0, abi.UserTop}, {0, 1 << 63}, {1, abi.UserTop}, {1, amd64.DirectMap}, {3, 1 << 47}, {4, 1 << 63}, {5, pupUpHi + 1},
			{6, abi.UserTop}, {6, amd64.DirectMap}, {8, sched.MaxWeight + 1}, {11, 16}} {
			for i, v := range start {
				p.data[pupFree+i].Store(v)
			}
			p.data[pupFree+int(bad[0])].Store(bad[1])
			p.refused(abi.BadArgument, "a thread with what is not ring 3's", abi.ThreadCreate, 0, p.place(pupFree))
		}
		for _, v := range [...]uint64{abi.UserTop, 1 << 47, 1 << 63, amd64.DirectMap} {
			p.refused(abi.BadArgument, "a base of FS that is not ring 3's", abi.ThreadBases, v, 0)
			p.refused(abi.BadArgument, "nor of GS", abi.ThreadBases, 0, v)
		}
		for i := range 6 { // Fault … TextHigh
			for j := range 8 {
				p.data[pupFree+j].Store(0)
			}
			p.data[pupFree+i].Store(amd64.DirectMap)
			p.refused(abi.BadArgument, "an entry in the kernel", abi.EnvUpcalls, 0, p.place(pupFree))
		}
		for i, stack := range [...]uint64{pupCode, abi.InfoPage, pupTest, pupUpLow} {
			v, ok := makePuppet(t, 8, 8)
			if !ok {
				return
			}
			th := v.env.first
			th.start.UpcallLow, th.start.UpcallHigh = stack, stack+mm.FrameSize
			if i == 3 { // its stack is as it should be, and its entry is data
				v.env.fault.Store(pupData)
				if !amd64.CPUFeatures.NX {
					v.env.fault.Store(pupTest)
				}
			}
			v.ask(doLoad, 0x5000_0000)
			t.Check(0, !v.wait() && hasEnded(v.env, v.h) && v.env.status.Load() == abi.StatusFault, "there is no way in: it has ended")
			v.env.unref()
			t.Count(1)
		}
	})
}

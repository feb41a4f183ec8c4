//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
)

// Tests of what parents do for children in one call: EnvGive, EnvAwait, EnvCreate's flags; and of children that hold themselves.

const grantWords = 13

// grants writes grants into a puppet's page and has it give them. It returns how many were given.
func (p *puppet) grants(to uint64, all ...abi.Grant) int64 {
	for i, g := range all {
		for k, v := range [...]uint64{uint64(g.How), g.From, g.Rights, g.First, g.N, g.Bytes, g.VA, uint64(g.Perm), uint64(g.Way), g.Where, g.Last, uint64(g.LastPerm), 0} {
			p.data[pupFree+i*grantWords+k].Store(v)
		}
	}
	return p.do(abi.EnvGive, to, p.place(pupFree), uint64(len(all)))
}

// granted is what came of the i-th.
func (p *puppet) granted(i int) int64 { return int64(p.data[pupFree+i*grantWords+grantWords-1].Load()) }

// shows is the frame that an environment has at an address, 0: none.
func (e *env) shows(va uint64) mm.Frame {
	m, ok := e.space.Lookup(va)
	if !ok {
		return 0
	}
	return m.Frame
}

func testEnvGive(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 120, 60)
		if !ok {
			return 0
		}
		q := p.breed(40, 14, 0)
		_, used := q.env.frames.Read()
		_, caps := q.env.caps.Read()
		const rw = abi.PermRead | abi.PermWrite
		f := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 4)
		first := mm.Frame(p.rdx())
		weak := p.makes("a capability without the right to share", abi.CapDerive, f, abi.RightRead|abi.RightDerive|abi.RightDelete|abi.RightTransfer)
		small := p.makes("one to look at the child with", abi.CapDerive, q.name, abi.RightRead|abi.RightWrite|abi.RightDelete)

		// What is refused leaves nothing.
		for i, g := range [...]struct {
			abi.Grant
			want abi.Errno
		}{
			{abi.Grant{How: 3, From: f}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: pupTest + 8, Perm: abi.PermRead}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: pupTest, Perm: 7}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, First: 4}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, First: 2, N: 3}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, First: 1, N: ^uint64(0)}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: abi.AllRights + 1}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: pupTest, Perm: rw}, abi.BadRights},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: abi.InfoPage, Perm: abi.PermRead}, abi.BadAddress},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: amd64.DirectMap, Perm: abi.PermRead}, abi.BadAddress},
			{abi.Grant{How: abi.GrantShare, From: weak, Rights: 1}, abi.BadRights},
			{abi.Grant{How: abi.GrantShare, From: f ^ 1<<32, Rights: 1}, abi.BadCap},
			{abi.Grant{How: abi.GrantShare, From: q.mem, Rights: 1}, abi.BadCap},
			{abi.Grant{How: abi.GrantShare, From: p.mem, Rights: 1}, abi.BadKind},
			{abi.Grant{How: abi.GrantShare, From: ^uint64(0), Rights: 1}, abi.BadCap},
			{abi.Grant{How: abi.GrantDerive, From: weak, Rights: 3}, abi.BadRights},
			{abi.Grant{How: abi.GrantDerive, From: f, Rights: 1, First: 5}, abi.BadArgument},
			{abi.Grant{How: abi.GrantDerive, From: p.mem, Rights: 1}, abi.BadRights},
			{abi.Grant{How: abi.GrantDerive, From: q.name, Rights: 1, VA: pupTest}, abi.BadKind},
			{abi.Grant{How: abi.GrantCopy, N: 0}, abi.BadArgument},
			{abi.Grant{How: abi.GrantCopy, N: maxCopied + 1}, abi.BadArgument},
			{abi.Grant{How: abi.GrantCopy, N: 1, From: pupData, Bytes: 4097}, abi.BadArgument},
			{abi.Grant{How: abi.GrantCopy, N: 1, From: pupData, First: 4000, Bytes: 97}, abi.BadArgument},
			{abi.Grant{How: abi.GrantCopy, N: 1, From: pupData, First: ^uint64(0), Bytes: 97}, abi.BadArgument},
			{abi.Grant{How: abi.GrantCopy, N: 1, From: pupTest, Bytes: 8}, abi.BadAddress},
			{abi.Grant{How: abi.GrantCopy, N: 1, From: amd64.DirectMap, Bytes: 8}, abi.BadAddress},
			{abi.Grant{How: abi.GrantCopy, N: 50}, abi.NoQuota},
			{abi.Grant{How: abi.GrantDerive, From: f, Rights: 1, VA: pupTest, Last: 1, LastPerm: abi.PermRead}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, N: 2, VA: pupTest, Last: 2, LastPerm: abi.PermRead}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: pupTest, Last: 4, LastPerm: abi.PermRead}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: pupTest, Last: 1, LastPerm: 7}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, Last: 1, LastPerm: abi.PermRead}, abi.BadArgument},
			{abi.Grant{How: abi.GrantShare, From: f, Rights: 1, VA: pupTest, Last: 1, LastPerm: rw}, abi.BadRights},
			{abi.Grant{How: abi.GrantCopy, N: 1, VA: pupTest, Last: 1, LastPerm: rw}, abi.BadArgument},
		} {
			t.Equal(i, uint64(p.grants(q.name, g.Grant)), 0, "grants that are given, of one that is refused")
			t.Equal(i, uint64(p.granted(0)), errnoWord(g.want), "why")
		}
		p.refused(abi.BadArgument, "too many", abi.EnvGive, q.name, p.place(pupFree), maxGrants+1)
		p.refused(abi.BadAddress, "where nothing can be read", abi.EnvGive, q.name, pupTest, 1)
		p.refused(abi.BadRights, "without the right to have it charged", abi.EnvGive, small, p.place(pupFree), 1)
		p.refused(abi.BadKind, "to frames", abi.EnvGive, f, p.place(pupFree), 1)
		p.gets(0, "nothing", abi.EnvGive, q.name, p.place(pupFree), 0)
		t.Check(0, quotaUsed(q.env, used, caps), "the child pays for nothing of that")
		t.Equal(0, uint64(frames.Info(first).Refs()), 1, "owners of the frames")

		// Each kind, until one is refused.
		for i := range 8 {
			p.data[400+i].Store(uint64(i) + 0x1234_5678)
		}
		got := p.grants(q.name,
			abi.Grant{How: abi.GrantCopy, From: p.place(400), First: 4096 + 16, Bytes: 64, N: 3, VA: pupTest, Perm: rw, Last: 1, LastPerm: abi.PermRead},
			abi.Grant{How: abi.GrantShare, From: f, Rights: abi.RightRead | abi.RightDelete, First: 1, N: 2, VA: pupTest + 8<<12, Perm: abi.PermRead},
			abi.Grant{How: abi.GrantDerive, From: f, Rights: abi.RightRead | abi.RightDelete, First: 3, VA: pupTest + 10<<12, Perm: abi.PermRead},
			abi.Grant{How: abi.GrantDerive, From: f, Rights: abi.RightRead},
			abi.Grant{How: abi.GrantDerive, From: 1, Rights: abi.RightRead},
			abi.Grant{How: abi.GrantDerive, From: f, Rights: abi.RightRead})
		t.Equal(0, uint64(got), 4, "grants that are given before one is refused")
		t.Equal(0, uint64(p.granted(4)), errnoWord(abi.BadCap), "why that is")
		t.Equal(0, uint64(p.granted(5)), 0, "the next one is not touched")
		v, ok := q.load(pupTest + 4096 + 16 + 3*8)
		t.Check(0, ok && v == 3+0x1234_5678, "bytes of the giver's are where they should be")
		for at := uint64(0); at < 3*4096; at += 8 {
			if w := amd64.PhysAddr(q.env.shows(pupTest + at&^4095).Addr()).Bytes(4096)[at%4096:]; at < 4096+16 || at >= 4096+16+64 {
				t.Check(0, w[0]|w[1]|w[2]|w[3]|w[4]|w[5]|w[6]|w[7] == 0, "around them there are zeroes")
			}
		}
		t.Check(0, q.store(pupTest, 5) && q.store(pupTest+1<<12, 5), "they are the child's to write")
		t.Check(0, !q.store(pupTest+2<<12, 5), "but for the last one")
		t.Equal(0, uint64(q.env.shows(pupTest+9<<12)), uint64(first+2), "a frame that both have")
		t.Check(0, !q.store(pupTest+8<<12, 1), "is to be read")
		for i, refs := range [...]uint64{1, 2, 2, 1} {
			t.Equal(i, uint64(frames.Info(first+mm.Frame(i)).Refs()), refs, "owners of a frame")
		}
		info, err := capTab.Inspect(cap.Name(p.granted(1)), q.h)
		t.Check(0, err == nil && info.Object == cap.Object{First: uint64(first + 1), Second: 2} && info.Rights == 9|owns, "whose capability is for these")
		p.refused(abi.BadCap, "and nobody else's", abi.CapInspect, uint64(p.granted(1)), p.place(pupFree+100))
		_, now := q.env.frames.Read()
		t.Check(0, now >= used+5 && now <= used+5+2, "the child pays for what it owns, and for a table")
		_, nowCaps := q.env.caps.Read()
		t.Equal(0, nowCaps, caps+4, "and for the capabilities")
		p.gets(0, "the giver gives up its own", abi.CapDelete, f)
		_, ok = q.load(pupTest + 9<<12)
		t.Check(0, ok && frames.Info(first+1).Refs() == 1, "what was shared stays")
		_, ok = q.load(pupTest + 10<<12)
		t.Check(0, !ok && frames.Info(first+3).Kind() == mm.FreeFrame, "what was derived does not")
		p.gets(0, "one that can write alone", abi.EnvDestroy, q.name)
		t.Check(0, frames.Info(first+1).Kind() == mm.FreeFrame, "all is free when the child has ended")
		p.end()
		return 0
	})
}

// quotaUsed says whether an environment uses so much.
func quotaUsed(e *env, frames, caps uint64) bool {
	_, f := e.frames.Read()
	_, c := e.caps.Read()
	return f == frames && c == caps
}

func testEnvAwait(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 160, 60)
		if !ok {
			return 0
		}
		for i := range p.env.name {
			p.env.name[i] = 'a' + byte(i)
		}
		frameLimit, frameUsed := p.env.frames.Read()
		capLimit, capUsed := p.env.caps.Read()
		alike := p.makes("one like its maker", abi.EnvCreate, p.mem, 1<<14, 1<<15, abi.EnvAlike|abi.EnvPart)
		number := cap.Holder(p.data[pupR8].Load())
		e := recordOf(number)
		t.Check(0, e.holder() == number && e.name == p.env.name && e.fault.Load() == p.env.fault.Load(), "is")
		limit, _ := e.frames.Read()
		t.Equal(0, limit, (frameLimit-frameUsed)/4, "frames of it: a quarter of what was left")
		limit, _ = e.caps.Read()
		t.Equal(0, limit, (capLimit-capUsed-1)/2, "capabilities: half")
		p.refused(abi.TimedOut, "who waits for it waits so long", abi.EnvAwait, alike, amd64.NowNs()+1_000_000, 0)
		p.refused(abi.TimedOut, "or not at all", abi.EnvAwait, alike, 0, 1)
		p.gets(0, "it is there still", abi.EnvDestroy, alike)
		self := p.grant(abi.KindEnv, cap.Rights(abi.AllRights)&^owns, cap.Object{First: uint64(p.h)})
		p.refused(abi.Deadlock, "for oneself", abi.EnvAwait, self, abi.Forever, 0)
		p.gets(0, "a name less", abi.CapDelete, self)
		for round := range 2 {
			q := p.breed(30, 14, 0)
			look := p.makes("one to look with", abi.CapDerive, q.name, abi.RightRead|abi.RightDelete)
			if round == 0 {
				p.refused(abi.BadRights, "who may look may not end it", abi.EnvAwait, p.makes("one to look only", abi.CapDerive, q.name, abi.RightRead), abi.Forever, 1)
				q.ask(uint64(abi.EnvExit), ^uint64(4))
			} else { // it begins to wait before
				p.ask(uint64(abi.EnvAwait), q.name, abi.Forever, 1)
				sleepUntil(amd64.NowNs() + 1_000_000)
				q.ask(uint64(abi.EnvExit), ^uint64(4))
				p.wait()
				t.Equal(0, p.rax(), 0, "who has waited hears")
				t.Equal(0, p.rdx(), ^uint64(4), "how it ended")
				p.refused(abi.BadCap, "and its name is gone", abi.EnvInspect, look, p.place(pupFree))
				p.gets(0, "its thread's", abi.CapDelete, q.thr)
				p.dropAll()
				continue
			}
			p.gets(0, "who waits", abi.EnvAwait, q.name, abi.Forever, 0)
			t.Equal(0, p.rdx(), ^uint64(4), "hears how it ended")
			p.gets(0, "who waits again", abi.EnvAwait, look, 0, 0)
			p.gets(0, "and who ends it", abi.EnvAwait, q.name, 0, 1)
			p.refused(abi.BadCap, "then it is gone", abi.EnvAwait, look, 0, 0)
			p.gets(0, "its thread's", abi.CapDelete, q.thr)
			p.dropAll()
		}
		t.Check(0, quotaIs(&p, frameLimit, frameUsed, capLimit, capUsed), "all of the quotas is back")
		// To write alone.
		f := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 2)
		p.gets(0, "mapped", abi.PageMap, f, 0, pupTest, uint64(abi.PermRead))
		alone := uint64(abi.PermRead | abi.PermWrite | abi.PermAlone)
		other := p.makes("that somebody else has", abi.FrameShare, f, 0, abi.RightRead|abi.RightDelete)
		p.refused(abi.Busy, "cannot be written alone", abi.PageProtect, f, 0, 0, alone)
		t.Check(0, !p.store(pupTest, 1), "nor at all")
		p.gets(0, "the other's", abi.CapDelete, other)
		p.gets(0, "then they can", abi.PageProtect, f, 0, 0, alone)
		t.Check(0, p.store(pupTest, 1), "be written")
		p.end()
		return 0
	})
}

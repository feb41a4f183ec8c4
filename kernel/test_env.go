//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
)

// Tests of environments, by puppets (test_puppet.go). They run in a task, so that puppets have the CPU now and then.

// envTest runs a test, and checks that everything is as before afterwards.
func envTest(t *ktest.T, fn func(uint64) uint64) {
	envTestBody = fn
	inTask(t, func(uint64) uint64 {
		var before census
		before.settle(taskTest.t)
		envTestBody(0)
		before.same(taskTest.t)
		return 0
	})
}

var envTestBody func(uint64) uint64

// testEnvCalls: what is no call is none, and the others come back with what they should.
func testEnvCalls(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 8, 8)
		if !ok {
			return 0
		}
		p.gets(0, "the null call returns 0", abi.Null)
		for _, n := range [...]abi.Call{abi.Calls, 127, 128, 1 << 31, 1 << 32, 1 << 63, ^abi.Call(0)} {
			p.refused(abi.BadCall, "a call that there is not", n)
		}
		t.Check(0, p.env.first.user.Calls > 8, "calls are counted")
		p.refused(abi.BadCap, "console without capability", abi.ConsoleWrite, 1, pupData, 8)
		p.refused(abi.BadCap, "ports without capability", abi.PortIn, 1, 0x64, 1)
		p.refused(abi.BadKind, "an account is no console", abi.ConsoleWrite, p.mem, pupData, 8)
		p.refused(abi.BadCap, "the machine is not everybody's to end", abi.SystemEnd, 12345, 0)
		p.gets(0, "who sleeps until before sleeps no more", abi.Sleep, 1)
		now := amd64.NowNs()
		p.gets(0, "who sleeps", abi.Sleep, now+2_000_000)
		t.Check(0, amd64.NowNs() >= now+2_000_000, "sleeps as long as it said")
		p.end()
		return 0
	})
}

// testEnvCaps: capabilities as calls.
func testEnvCaps(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 16, 12)
		if !ok {
			return 0
		}
		f := p.makes("frames can be had", abi.FrameAlloc, p.mem, 0, 0, 4)
		d := p.makes("a capability can be derived", abi.CapDerive, f, abi.RightRead|abi.RightDerive|abi.RightDelete)
		p.refused(abi.BadRights, "with no more rights", abi.CapDerive, d, abi.RightRead|abi.RightWrite)
		p.refused(abi.BadArgument, "rights beyond all", abi.CapDerive, f, abi.AllRights+1)
		p.refused(abi.BadCap, "from nothing", abi.CapDerive, 0, 1)
		p.refused(abi.BadCap, "from a name that is wrong", abi.CapDerive, f^1<<32, 1)
		p.refused(abi.BadCap, "from a slot that is none", abi.CapDerive, f|0xffffff, 1)
		p.refused(abi.BadAddress, "a part of it that cannot be read", abi.CapDerive, f, 1, 0, 0x5000_0000)
		first := p.env.firstFrame(f)
		p.data[pupFree].Store(first + 1)
		p.data[pupFree+1].Store(2)
		n := p.makes("a part of it", abi.CapDerive, f, abi.RightRead, 0, p.place(pupFree))
		p.data[pupFree+1].Store(4)
		p.refused(abi.BadArgument, "a part beyond it", abi.CapDerive, f, abi.RightRead, 0, p.place(pupFree))
		p.data[pupFree+1].Store(^uint64(0))
		p.refused(abi.BadArgument, "a part that goes round", abi.CapDerive, f, abi.RightRead, 0, p.place(pupFree))
		p.gets(0, "it can be looked at", abi.CapInspect, n, p.place(pupFree))
		t.Equal(0, p.data[pupFree].Load(), abi.KindFrames, "its kind")
		t.Equal(0, p.data[pupFree+1].Load(), abi.RightRead, "its rights")
		t.Equal(0, p.data[pupFree+2].Load(), first+1, "its first frame")
		t.Equal(0, p.data[pupFree+3].Load(), 2, "how many")
		t.Equal(0, p.data[pupFree+4].Load(), 0, "where it is mapped")
		p.gets(0, "its parent too", abi.CapInspect, f, p.place(pupFree))
		t.Check(0, p.data[pupFree+1].Load()&abi.RightOwn != 0, "what was allocated is owned")
		p.refused(abi.BadAddress, "where that cannot be written", abi.CapInspect, n, pupCode)
		p.refused(abi.BadAddress, "nor in the kernel", abi.CapInspect, n, amd64.DirectMap)
		p.refused(abi.BadRights, "who may not delete", abi.CapDelete, n)
		held := p.do(abi.CapHeld, 0, p.place(pupFree), 16)
		seen := 0
		for i := range held {
			if name := p.data[pupFree+int(i)].Load(); name == f || name == d || name == n {
				seen++
			}
		}
		t.Equal(0, uint64(seen), 3, "of these names, as many as CapHeld tells")
		all := p.makes("with all rights", abi.CapDerive, f, abi.AllRights)
		p.gets(0, "it is looked at", abi.CapInspect, all, p.place(pupFree))
		t.Equal(0, p.data[pupFree+1].Load(), abi.AllRights&^abi.RightOwn, "its rights: to own is none of them")
		p.gets(0, "a revocation", abi.CapRevoke, f)
		p.refused(abi.BadCap, "takes what was derived", abi.CapInspect, d, p.place(pupFree))
		p.refused(abi.BadCap, "all of it", abi.CapInspect, n, p.place(pupFree))
		p.gets(0, "and leaves the capability", abi.CapInspect, f, p.place(pupFree))
		p.gets(0, "a deletion", abi.CapDelete, f)
		p.refused(abi.BadCap, "takes that too", abi.CapInspect, f, p.place(pupFree))
		p.refused(abi.BadCap, "once", abi.CapDelete, f)
		_, used := p.env.caps.Read()
		made := 0
		last := uint64(0)
		for {
			v := p.do(abi.CapDerive, p.mem, abi.RightRead|abi.RightDelete)
			if v < 0 {
				t.Equal(0, uint64(v), errnoWord(abi.NoQuota), "what comes when there are as many as there may be")
				break
			}
			last = uint64(v)
			made++
		}
		limit, _ := p.env.caps.Read()
		t.Equal(0, uint64(made), limit-used, "so many can be made")
		p.gets(0, "when one is deleted", abi.CapDelete, last)
		p.makes("there can be one more", abi.CapDerive, p.mem, abi.RightRead)
		p.end()
		return 0
	})
}

// firstFrame is the first frame of a capability of e's.
func (e *env) firstFrame(name uint64) uint64 {
	info, _ := capTab.Inspect(cap.Name(name), e.holder())
	return info.Object.First
}

// testEnvFrames: frames from where they are asked for, zeroed, within the quota.
func testEnvFrames(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		there := uint64(0)
		for n := range topology.Nodes() {
			there += frames.FreeCount(n)
		}
		quota := min(1200, there/3) // there are more frames than that, in a row too
		run := quota / 20
		p, ok := makePuppet(t, quota, 64)
		if !ok {
			return 0
		}
		_, before := p.env.frames.Read()
		for i, a := range [...][4]uint64{
			{0, 0, 0, 0}, {0, 0, mm.HugeFrames + 1, 0}, {0, 0, 4, 3}, {0, 0, 4, 1024}, {3, 0, 1, 0},
			{uint64(abi.HowNode), 99, 1, 0}, {uint64(abi.HowHuge), 0, 1, 0}, {uint64(abi.HowHuge | abi.HowAt), 0, 512, 0},
		} {
			want := abi.BadArgument
			if a[2] == mm.HugeFrames && quota+2 < mm.HugeFrames {
				want = abi.NoQuota // that is looked at first
			}
			t.Equal(0, uint64(p.do(abi.FrameAlloc, p.mem, a[0], a[1], a[2], a[3])), errnoWord(want), "what makes no sense")
			t.Count(uint64(i))
		}
		p.refused(abi.BadCap, "without an account", abi.FrameAlloc, 1, 0, 0, 1)
		p.refused(abi.NoMemory, "frame 0", abi.FrameAlloc, p.mem, uint64(abi.HowAt), 0, 1)
		p.refused(abi.NoMemory, "a frame of the kernel's", abi.FrameAlloc, p.mem, uint64(abi.HowAt), 0x200, 1)
		p.refused(abi.NoMemory, "a frame that there is not", abi.FrameAlloc, p.mem, uint64(abi.HowAt), 1<<60, 1)
		p.refused(abi.NoMemory, "nor this", abi.FrameAlloc, p.mem, uint64(abi.HowAt), ^uint64(0), 2)
		_, used := p.env.frames.Read()
		t.Equal(0, used, before, "frames in use after refusals")
		// What has been somebody's shows nothing of it.
		f := p.makes("a frame", abi.FrameAlloc, p.mem, 0, 0, 1)
		at := p.rdx()
		p.gets(0, "can be mapped", abi.PageMap, f, 0, pupTest, uint64(abi.PermRead|abi.PermWrite))
		t.Check(0, p.store(pupTest, 0x1234), "and written")
		p.gets(0, "and given back", abi.CapDelete, f)
		t.Check(0, frames.Info(mm.Frame(at)).Kind() == mm.FreeFrame, "then it is free")
		f = p.makes("that very frame", abi.FrameAlloc, p.mem, uint64(abi.HowAt), at, 1)
		t.Equal(0, p.rdx(), at, "its number")
		p.gets(0, "mapped again", abi.PageMap, f, 0, pupTest, uint64(abi.PermRead))
		v, ok := p.load(pupTest)
		t.Check(0, ok && v == 0, "has nothing of what was in it")
		p.refused(abi.NoMemory, "it is taken", abi.FrameAlloc, p.mem, uint64(abi.HowAt), at, 1)
		for n := range topology.Nodes() {
			if frames.FreeCount(n) == 0 {
				continue
			}
			p.makes("a frame of a node", abi.FrameAlloc, p.mem, uint64(abi.HowNode), uint64(n), 3)
			t.Equal(0, uint64(frames.Info(mm.Frame(p.rdx())).Node()), uint64(n), "the node of a frame of that node")
			t.Equal(0, uint64(frames.Info(mm.Frame(p.rdx())).Owner()), uint64(p.h), "its owner")
		}
		limit, used := p.env.frames.Read()
		h := p.do(abi.FrameAlloc, p.mem, uint64(abi.HowHuge), 0, 512)
		if limit-used < mm.HugeFrames {
			t.Equal(0, uint64(h), errnoWord(abi.NoQuota), "2 MiB beyond the quota")
		} else if h != int64(abi.NoMemory) {
			t.Check(0, h > 0 && p.rdx()%512 == 0, "2 MiB begin where they should")
			t.Equal(0, uint64(p.do(abi.PageMap, uint64(h), 0, pupTest+1<<21, uint64(abi.PermRead|abi.PermWrite))), 0, "2 MiB can be mapped")
			t.Check(0, p.store(pupTest+1<<22-8, 7), "and written to the end")
			p.refused(abi.BadArgument, "a part of the page", abi.PageProtect, uint64(h), 1, 4, 1)
			p.refused(abi.Exists, "a small page in it", abi.PageMap, f, 0, pupTest+1<<21+1<<12, 1)
			p.gets(0, "and taken away", abi.PageUnmap, uint64(h), 0, 0)
			_, ok := p.load(pupTest + 1<<22 - 8)
			t.Check(0, !ok, "then there is nothing")
		}
		for p.do(abi.FrameAlloc, p.mem, 0, 0, run) > 0 {
		}
		limit, used = p.env.frames.Read()
		t.Check(0, limit-used < run, "when the quota is used up there are no more")
		p.refused(abi.NoQuota, "that is what it says", abi.FrameAlloc, p.mem, 0, 0, run)
		p.end()
		return 0
	})
}

// testEnvPages: pages, and each refusal.
func testEnvPages(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 64, 24)
		if !ok {
			return 0
		}
		const r, w, x = uint64(abi.PermRead), uint64(abi.PermRead | abi.PermWrite), uint64(abi.PermRead | abi.PermExecute)
		f := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 4)
		g := p.makes("more", abi.FrameAlloc, p.mem, 0, 0, 4)
		ro := p.makes("for reading", abi.CapDerive, g, abi.RightRead)
		p.refused(abi.BadArgument, "written and executed", abi.PageMap, f, 0, pupTest, 7)
		p.refused(abi.BadArgument, "no permission", abi.PageMap, f, 0, pupTest, 8)
		p.refused(abi.BadArgument, "an odd address", abi.PageMap, f, 0, pupTest+8, r)
		p.refused(abi.BadCap, "nothing", abi.PageMap, 0, 0, pupTest, r)
		p.refused(abi.BadCap, "a slot that is none", abi.PageMap, 0xffff_ffff, 0, pupTest, r)
		p.refused(abi.BadKind, "an account", abi.PageMap, p.mem, 0, pupTest, r)
		p.refused(abi.BadCap, "into an environment that is none", abi.PageMap, f, 17, pupTest, r)
		p.refused(abi.BadRights, "writing by who may read", abi.PageMap, ro, 0, pupTest, w)
		p.refused(abi.BadRights, "executing by who may read", abi.PageMap, ro, 0, pupTest, x)
		for _, va := range [...]uint64{0, abi.UserTop, abi.UserTop - 0x1000, 1 << 47, 1 << 63, amd64.DirectMap, ^uint64(0xfff), abi.InfoPage} {
			p.refused(abi.BadAddress, "an address that is not for ring 3", abi.PageMap, f, 0, va, r)
		}
		p.refused(abi.NotMapped, "unmapping what is not mapped", abi.PageUnmap, f, 0, 0)
		p.refused(abi.NotMapped, "protecting it", abi.PageProtect, f, 0, 0, r)
		p.gets(0, "mapping", abi.PageMap, f, 0, pupTest, w)
		for i := range uint64(4) {
			t.Check(0, p.store(pupTest+i<<12, 100+i), "what is mapped for writing can be written")
		}
		p.gets(0, "protecting a page", abi.PageProtect, f, 1, 1, r)
		t.Check(0, !p.store(pupTest+1<<12, 7) && p.data[pupFault].Load() == 14 && p.data[pupFault+1].Load() == 7 &&
			p.data[pupFault+2].Load() == pupTest+1<<12, "writing it is a fault, of that kind and there")
		v, ok := p.load(pupTest + 1<<12)
		t.Check(0, ok && v == 101 && p.store(pupTest, 1) && p.store(pupTest+2<<12, 102), "reading is not, nor are the others")
		before := p.faults()
		p.do(doExecute, pupTest)
		if t.Equal(0, p.faults(), before+1, "faults by executing data"); amd64.CPUFeatures.NX {
			t.Equal(0, p.data[pupFault+1].Load()&0x15, 0x15, "its kind")
		}
		for _, a := range [...][2]uint64{{5, 0}, {4, 0}, {0, 5}, {3, 2}, {^uint64(0), 2}, {1, ^uint64(0)}} {
			p.refused(abi.BadArgument, "pages beyond", abi.PageProtect, f, a[0], a[1], r)
			p.refused(abi.BadArgument, "pages beyond", abi.PageUnmap, f, a[0], a[1])
		}
		p.gets(0, "unmapping one", abi.PageUnmap, f, 3, 1)
		_, ok = p.load(pupTest + 3<<12)
		t.Check(0, !ok, "then it is not there")
		// Moving.
		p.refused(abi.Exists, "half over itself", abi.PageMap, f, 0, pupTest+1<<12, w)
		p.gets(0, "elsewhere", abi.PageMap, f, 0, pupTest+1<<30, w)
		_, ok = p.load(pupTest)
		v, there := p.load(pupTest + 1<<30 + 2<<12)
		t.Check(0, !ok && there && v == 102, "it is there and not here")
		p.gets(0, "where it is mapped", abi.CapInspect, f, p.place(pupFree))
		t.Equal(0, p.data[pupFree+4].Load(), pupTest+1<<30, "says CapInspect")
		// Over another.
		p.gets(0, "others over it", abi.PageMap, g, 0, pupTest+1<<30+2<<12, r)
		v, ok = p.load(pupTest + 1<<30 + 2<<12)
		t.Check(0, ok && v == 0 && !p.store(pupTest+1<<30+2<<12, 1), "are there, with their permission")
		p.gets(0, "unmapping what is half hidden", abi.PageUnmap, f, 0, 0)
		_, ok = p.load(pupTest + 1<<30 + 2<<12)
		_, gone := p.load(pupTest + 1<<30)
		t.Check(0, ok && !gone, "leaves the others")
		p.gets(0, "the same again", abi.PageMap, g, 0, pupTest+1<<30+2<<12, w)
		t.Check(0, p.store(pupTest+1<<30+2<<12, 1), "with more permission")
		p.gets(0, "revoking", abi.CapDelete, g)
		_, ok = p.load(pupTest + 1<<30 + 2<<12)
		t.Check(0, !ok, "takes pages away")
		p.refused(abi.BadCap, "and what was derived", abi.PageMap, ro, 0, pupTest, r)
		_, used := p.env.frames.Read()
		for i := range uint64(70) { // each needs a table of its own, or three
			if p.do(abi.PageMap, f, 0, (i+1)<<39|pupTest, r) == int64(abi.NoQuota) {
				break
			}
		}
		_, now := p.env.frames.Read()
		t.Equal(0, now, used+3, "tables of one mapping, and none of those before")
		p.envPageOps(f)
		p.end()
		return 0
	})
}

// envPageOps: several at once.
func (p *puppet) envPageOps(f uint64) {
	t := p.t
	op := func(i int, call abi.Call, args ...uint64) {
		at := pupFree + 6*i
		p.data[at].Store(uint64(call))
		for j, v := range args {
			p.data[at+1+j].Store(v)
		}
		p.data[at+5].Store(99)
	}
	op(0, abi.PageMap, f, 0, pupTest, 3)
	op(1, abi.PageProtect, f, 0, 1, 1)
	op(2, abi.PageUnmap, f, 3, 1)
	op(3, abi.Null)
	op(4, abi.PageUnmap, f, 0, 0)
	p.gets(3, "so many are done until one is refused", abi.PageOps, p.place(pupFree), 5)
	t.Check(0, p.data[pupFree+5].Load() == 0 && p.data[pupFree+3*6+5].Load() == errnoWord(abi.BadCall) && p.data[pupFree+4*6+5].Load() == 99,
		"each has its result")
	t.Check(0, !p.store(pupTest, 1) && p.store(pupTest+1<<12, 1), "and has happened")
	p.refused(abi.BadAddress, "operations that cannot be read", abi.PageOps, 0x5000_0000, 1)
	p.refused(abi.BadArgument, "too many", abi.PageOps, p.place(pupFree), maxOps+1)
}

func errnoWord(e abi.Errno) uint64 { return uint64(int64(e)) }

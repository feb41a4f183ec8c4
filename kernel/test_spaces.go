//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/numa"
	"exo/kernel/text"
)

// testSpaces are address spaces for tests; kernelPays for their tables.
var testSpaces [2]space

const (
	testBase  = 1 << 30 // where their pages begin
	testLarge = 2 << 30 // and the one of 2 MiB
)

// openSpace makes an empty test space whose tables are at most limit frames. Memory for it is the torture tests'.
func openSpace(t *ktest.T, cpu, i, limit int) *space {
	s := &testSpaces[i]
	err := s.init(tableAccount{policy: &kernelMemory, owner: testOwner, limit: limit}, room[paging.Local](ncpu))
	t.Check(cpu, err == nil, "a space can be made")
	return s
}

// userFrame returns a zeroed frame of a node for a test space.
func userFrame(cpu, node int) (mm.Frame, bool) {
	c := preemptOff()
	defer c.PreemptEnable()
	f, err := frames.Alloc(cpu, node, mm.User, testOwner)
	if err == nil {
		clear(amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize))
	}
	return f, err == nil
}

// closeSpace destroys a space and frees what it mapped; then nothing is left of it.
func closeSpace(t *ktest.T, cpu int, s *space) {
	c := preemptOff()
	defer c.PreemptEnable()
	for {
		done, err := s.destroy(64, func(m paging.Mapping) {
			if m.Size == paging.Large {
				frames.FreeHuge(cpu, m.Frame)
			} else {
				frames.Free(cpu, m.Frame)
			}
		})
		if !t.Check(cpu, err == nil, "a space that nobody runs can be destroyed") || done {
			break
		}
	}
	t.Equal(cpu, uint64(s.account.used), 0, "tables that a destroyed space still has")
}

func freeFrames() (n uint64) {
	drainTables()
	for i := range topology.Nodes() {
		n += frames.FreeCount(i)
	}
	return n
}

// testSpaceTables: a space's tables are its own account's, the CPU honours them, and everything comes back.
func testSpaceTables(t *ktest.T, cpu int) {
	if !freshRoom() {
		t.Skip("there is no memory for it")
		return
	}
	before := freeFrames()
	s := openSpace(t, cpu, 0, 4) // a root, and what one page needs
	f, ok := userFrame(cpu, int(topology.NodeOf(numa.CPU(cpu))))
	if !t.Check(cpu, ok, "there is a frame") {
		return
	}
	t.Check(cpu, s.mapPage(testBase, f, paging.Small, paging.Read|paging.Write) == nil, "a page can be mapped")
	t.Check(cpu, s.mapPage(testBase+(1<<39), f, paging.Small, paging.Read) == paging.ErrTables && s.account.used == 4,
		"tables that the account cannot pay for are an error that changes nothing")
	t.Check(cpu, s.mapPage(amd64.DirectMap, f, paging.Small, paging.Read) == paging.ErrAddress &&
		s.mapPage(0, f, paging.Small, paging.Read) == paging.ErrAddress, "neither the kernel's half nor page 0 is mapped")
	enter(s)
	var b [8]byte
	t.Check(cpu, amd64.CopyIn(b[:], testBase) && !accessed(s).Dirty && accessed(s).Accessed, "reading sets Accessed")
	t.Check(cpu, amd64.CopyOut(testBase, []byte("exokerne")) && accessed(s).Dirty, "writing sets Dirty")
	t.Check(cpu, *word64(amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize), 0) == 0x656e72656b6f7865, "the frame has what was written")
	var batch paging.Batch
	s.protectPage(testBase, paging.Small, paging.Read, &batch)
	s.shoot(&batch, nil)
	t.Check(cpu, !amd64.CopyOut(testBase, b[:]) && amd64.CopyIn(b[:], testBase), "a page that is read-only is")
	old, err := s.unmapPage(testBase, paging.Small, &batch)
	t.Check(cpu, err == nil && old.Frame() == f && old.Dirty(), "unmapping returns what was there")
	s.shoot(&batch, nil)
	t.Check(cpu, !amd64.CopyIn(b[:], testBase), "what is unmapped cannot be read")
	t.Equal(cpu, uint64(s.account.used), 1, "tables of an empty space: its root")
	s.mapPage(testBase, f, paging.Small, paging.Read)
	leave() // the space stays loaded; to destroy it is to drop it
	closeSpace(t, cpu, s)
	t.Equal(cpu, freeFrames(), before, "free frames at the end")
	t.Count(1)
}

func accessed(s *space) paging.Mapping {
	c := s.hold()
	m, _ := s.Lookup(testBase)
	s.lock.Unlock(c)
	return m
}

// userCopies is what testUserCopy copies from and to: in long copies, too.
var userCopies [2][mm.FrameSize - 8]byte

// testUserCopy: copies to and from ring 3 of any size, at the edges of pages, and what faults ends them.
func testUserCopy(t *ktest.T, cpu int) {
	if !freshRoom() {
		t.Skip("there is no memory for it")
		return
	}
	before := freeFrames()
	s := openSpace(t, cpu, 0, 8)
	const size = mm.FrameSize
	for i, perm := range [...]paging.Perm{paging.Read | paging.Write, paging.Read | paging.Write, paging.Read} {
		f, ok := userFrame(cpu, int(topology.NodeOf(numa.CPU(cpu))))
		t.Check(cpu, ok && s.mapPage(testBase+uint64(i)*size, f, paging.Small, perm) == nil, "a page can be mapped")
	}
	enter(s)
	from, to := &userCopies[0], &userCopies[1]
	r := t.Rand(cpu)
	for round := range 400 { // around the edge of two pages
		most := uint64(300)
		if round%4 == 0 {
			most = uint64(len(from))
		}
		n := int(r.N(most))
		va := uint64(testBase+size) - r.N(uint64(n+1)) + r.N(8)
		if round%8 == 0 {
			va &^= 7
		}
		for i := range from {
			from[i], to[i] = byte(r.N(256)), 0xee
		}
		t.Check(cpu, amd64.CopyOut(va, from[:n]) && amd64.CopyIn(to[:n], va), "what is mapped can be written and read")
		ok := true
		for i := range to {
			ok = ok && (i < n && to[i] == from[i] || i >= n && to[i] == 0xee)
		}
		t.Check(cpu, ok, "what comes back is what was written, and no byte more")
		t.Count(1)
	}
	for n := 1; n < len(from); n += 1 + n/300*64 { // over the end
		k := uint64(r.N(uint64(n)))
		t.Check(cpu, !amd64.CopyIn(to[:n], testBase+3*size-k), "reading beyond what is mapped fails")
		t.Check(cpu, !amd64.CopyOut(testBase+2*size-k, from[:n]), "writing into what is read-only fails")
		t.Check(cpu, !amd64.CopyOut(testBase-uint64(n)+k, from[:n]), "writing before what is mapped fails")
	}
	t.Check(cpu, amd64.CopyIn(nil, testBase+3*size) && amd64.CopyOut(0, nil), "nothing can be copied anywhere")
	for _, va := range [...]uint64{
		0, 8, 1<<47 - 8, 1 << 47, 1 << 63, ^uint64(0) - 3, amd64.DirectMap, amd64.KernelBase + 2<<20,
		1<<47 - mm.FrameSize - 4,
	} {
		t.Check(cpu, !amd64.CopyIn(to[:8], va) && !amd64.CopyOut(va, from[:8]), "ring 3 has no such address")
		_, _, ok := amd64.CopyInString(to[:8], va)
		t.Check(cpu, !ok, "ring 3 has no string there")
	}
	checkStrings(t, cpu)
	t.Check(cpu, !amd64.UserAccessOpen() || !amd64.CPUFeatures.SMAP, "ring 3's memory is shut when no copy is under way")
	drop()
	closeSpace(t, cpu, s)
	t.Equal(cpu, freeFrames(), before, "free frames at the end")
}

// checkStrings has strings end everywhere around the edge of two pages, and at the end of all that is mapped.
func checkStrings(t *ktest.T, cpu int) {
	var text, got [40]byte
	for i := range text {
		text[i] = byte('a' + i%26)
	}
	for start := uint64(testBase + mm.FrameSize - 20); start < testBase+mm.FrameSize+4; start++ {
		for n := range len(text) - 1 {
			text[n] = 0
			amd64.CopyOut(start, text[:])
			text[n] = byte('a' + n%26)
			length, end, ok := amd64.CopyInString(got[:], start)
			t.Check(cpu, ok && end && length == n && string(got[:n]) == string(text[:n]) && got[n] == 0, "a string is read up to its end")
			length, end, ok = amd64.CopyInString(got[:n], start)
			t.Check(cpu, ok && !end && length == n, "a string that is too long is said to be")
			t.Count(1)
		}
	}
	const last = testBase + 2*mm.FrameSize // read-only zeroes, to the end of what is mapped
	n, end, ok := amd64.CopyInString(got[:], last+mm.FrameSize-1)
	t.Check(cpu, ok && end && n == 0, "a string that ends with the last byte is one")
	for k := range uint64(20) {
		for i := range got {
			got[i] = 'x'
		}
		at := testBase + 2*mm.FrameSize - 1 - k
		amd64.CopyOut(at, got[:k+1])
		n, end, ok := amd64.CopyInString(got[:], at)
		t.Check(cpu, ok && end && n == int(k)+1, "a string goes on in the next page")
		_, _, ok = amd64.CopyInString(got[:], testBase+3*mm.FrameSize)
		t.Check(cpu, !ok, "no string begins where nothing is mapped")
	}
}

// shotAtAll counts the answers to shootEverybody.
var shotAtAll atomic.Uint64

// testShootdown: a shootdown interrupts the CPUs that ran the space, and no other; those that left, once.
func testShootdown(t *ktest.T, cpu int) {
	if cpu == 0 {
		if !freshRoom() {
			t.Skip("there is no memory for it")
		} else {
			openSpace(t, cpu, 0, 8)
			openSpace(t, cpu, 1, 8)
		}
	}
	t.Barrier()
	if t.Skipped() {
		return
	}
	a, b := &testSpaces[0], &testSpaces[1]
	var l text.Line
	l.Str("# mm/spaces: of ").Int(t.CPUs).Str(" CPUs, ns and interrupts a shootdown:")
	for _, run := range [...]int{0, 1, 2, t.CPUs} {
		for _, lazy := range [...]bool{false, true} {
			if run > t.CPUs {
				continue
			}
			if enter(b); cpu < run {
				enter(a)
			}
			if lazy {
				leave()
			}
			t.Barrier()
			if cpu == 0 {
				others := uint64(max(run, 1) - 1)
				ns, sent := shootMany(t, a, 1)
				t.Equal(cpu, sent, others, "interrupts of a shootdown: one for each other CPU that ran the space")
				const rounds = 20
				if ns, sent = shootMany(t, a, rounds); lazy {
					t.Equal(cpu, sent, 0, "interrupts of further shootdowns, once those that left have dropped the space")
				} else {
					t.Equal(cpu, sent, others*rounds, "interrupts of as many shootdowns")
					l.Byte(' ').Int(run).Str(" ran it ").Uint(ns / rounds).Byte(' ').Uint(sent / rounds)
				}
			}
			t.Barrier()
		}
	}
	drop()
	t.Barrier()
	if cpu == 0 {
		ns, sent := shootEverybody(t, 20)
		put(l.Str(", everybody interrupted ").Uint(ns / 20).Byte(' ').Uint(sent / 20))
		closeSpace(t, cpu, a)
		closeSpace(t, cpu, b)
	}
}

// shootMany maps, unmaps and shoots a page of s as often, and says what that took in all.
func shootMany(t *ktest.T, s *space, rounds int) (ns, sent uint64) {
	f, ok := userFrame(0, int(topology.NodeOf(0)))
	if !t.Check(0, ok, "there is a frame") {
		return 0, 0
	}
	sent, ns = here().shot, amd64.NowNs()
	for range rounds {
		var b paging.Batch
		s.mapPage(testBase, f, paging.Small, paging.Read)
		s.unmapPage(testBase, paging.Small, &b)
		s.shoot(&b, nil)
		t.Count(1)
	}
	ns, sent = amd64.NowNs()-ns, here().shot-sent
	freeFrame(amd64.PhysAddr(f.Addr()))
	return ns, sent
}

// shootEverybody is the baseline: every other CPU is interrupted, forgets everything, and says so.
func shootEverybody(t *ktest.T, rounds int) (ns, sent uint64) {
	amd64.Handle(vectorTest, func(*amd64.Frame) {
		amd64.ForgetSpace()
		shotAtAll.Add(1)
	})
	ns = amd64.NowNs()
	for range rounds {
		want := shotAtAll.Load()
		for to := 1; to < t.CPUs; to++ {
			amd64.SendIPI(amd64.CPUByIndex(to).APICID, vectorTest)
			want++
			sent++
		}
		amd64.ForgetSpace()
		for spins := 0; shotAtAll.Load() != want; spins++ {
			machine.Relax(spins)
		}
	}
	return amd64.NowNs() - ns, sent
}

// testMigrate: what is used from afar is hinted at, and moves to its user, with content, permissions and mapping.
func testMigrate(t *ktest.T, cpu int) {
	if !freshRoom() {
		t.Skip("there is no memory for it")
		return
	}
	before := freeFrames()
	s := openSpace(t, cpu, 0, 8)
	enter(s)
	for from := range topology.Nodes() {
		for to := range topology.Nodes() {
			f, ok := userFrame(cpu, from)
			if !ok { // a node without memory
				t.Equal(cpu, frames.FreeCount(from), 0, "free frames of a node that gives none")
				continue
			}
			va := uint64(testBase + from*mm.FrameSize)
			t.Check(cpu, s.mapPage(va, f, paging.Small, paging.Read|paging.Write) == nil, "a page can be mapped")
			tag := scramble(uint64(from*64 + to))
			fillFrame(f, tag)
			now, err := s.migratePage(va, numa.Node(to))
			if err == nil {
				t.Check(cpu, frames.Info(now).Node() == to && frames.Info(now).Owner() == testOwner && holds(now, tag),
					"a frame that moved is on the node, its owner's, with its content")
				t.Check(cpu, now == f || frames.Info(f).Kind() == mm.FreeFrame, "the frame that it was in is free")
			} else {
				t.Check(cpu, now == f && (err == mm.ErrNoMemory) && holds(f, tag), "one that did not move stays as it was")
			}
			var b [8]byte
			t.Check(cpu, amd64.CopyOut(va+8, b[:]) && amd64.CopyIn(b[:], va) && *word64(b[:], 0) == tag,
				"the page is where it was, and permits what it did")
			var batch paging.Batch
			s.unmapPage(va, paging.Small, &batch)
			s.shoot(&batch, nil)
			freeFrame(amd64.PhysAddr(now.Addr()))
			t.Count(1)
		}
	}
	migrateStepwise(t, cpu, s)
	drop()
	closeSpace(t, cpu, s)
	t.Equal(cpu, freeFrames(), before, "free frames at the end")
}

// migrateStepwise moves a page as Migrate does, but to where it finds room, and writes to it between the steps: that faults from when
// it is frozen until it thaws. The CPU is in the space, and has written there, so its TLB has the page writable.
func migrateStepwise(t *ktest.T, cpu int, s *space) {
	node := int(topology.NodeOf(numa.CPU(cpu)))
	from, ok := userFrame(cpu, node)
	to, ok2 := userFrame(cpu, node)
	if !t.Check(cpu, ok && ok2, "there are frames") {
		return
	}
	const va = testBase
	var b [8]byte
	writes := func(n uint64) bool {
		*word64(b[:], 0) = n
		return amd64.CopyOut(va, b[:])
	}
	has := func(f mm.Frame) uint64 { return *word64(amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize), 0) }
	t.Check(cpu, s.mapPage(va, from, paging.Small, paging.Read|paging.Write) == nil && writes(1), "a page can be mapped, and written")
	c := s.hold()
	page, _ := s.Lookup(va)
	m := &here().mover
	*m = pageMover{space: s, page: page, perm: page.Perm}
	t.Check(cpu, m.Freeze(from) == nil, "it freezes")
	t.Check(cpu, !writes(2), "who writes before it is copied faults")
	t.Check(cpu, m.Copy(to, from) == nil && !writes(3), "and while it is")
	t.Check(cpu, m.Switch(from, to) == nil && !writes(4), "and before it thaws")
	t.Check(cpu, amd64.CopyIn(b[:], va) && *word64(b[:], 0) == 1, "what was written before can be read")
	m.Thaw(from, to)
	s.lock.Unlock(c)
	t.Check(cpu, writes(5), "who writes then does not fault")
	t.Check(cpu, has(from) == 1 && has(to) == 5, "and writes to where it is now")
	freeFrame(amd64.PhysAddr(from.Addr())) // the other one goes with the space
	t.Count(1)
}

// testHints: of the pages of one node that CPUs of all nodes read, those read from afar move to their readers.
func testHints(t *ktest.T, cpu int) {
	g := &hintTest
	if cpu == 0 {
		if !freshRoom() {
			t.Skip("there is no memory for it")
		} else {
			g.prepare(t)
		}
	}
	t.Barrier()
	if t.Skipped() {
		return
	}
	s := &testSpaces[0]
	node := int(topology.NodeOf(numa.CPU(cpu)))
	if g.mapped>>node&1 != 0 { // each CPU reads the group of its node
		enter(s)
		var b [8]byte
		va := uint64(testBase + node*mm.HugeFrames*mm.FrameSize)
		for range 50 {
			t.Check(cpu, amd64.CopyIn(b[:], va), "what is mapped can be read")
			t.Check(cpu, g.hints.Count(numa.CPU(cpu), g.frame[node], 1), "the table has the frame")
		}
		drop()
	}
	t.Barrier()
	if cpu == 0 {
		g.follow(t)
	}
}

// hintTest has 2 MiB of one node for the CPUs of each node to read.
var hintTest hintTested

type hintTested struct {
	hints  numa.Hints
	mapped uint64 // bit n: node n has something to read
	frame  [mm.MaxNodes]mm.Frame
	before uint64
}

func (g *hintTested) prepare(t *ktest.T) {
	*g = hintTested{before: freeFrames()}
	s := openSpace(t, 0, 0, 16)
	first, last := ^mm.Frame(0), mm.Frame(0)
	for n := range topology.Nodes() {
		for home := range topology.Nodes() {
			f, err := frames.AllocHuge(0, home, mm.User, testOwner)
			if err != nil {
				continue
			}
			va := uint64(testBase + n*mm.HugeFrames*mm.FrameSize)
			t.Check(0, s.mapPage(va, f, paging.Large, paging.Read) == nil, "2 MiB can be mapped")
			fillFrame(f, uint64(n))
			g.frame[n] = f
			g.mapped |= 1 << n
			first, last = min(first, f), max(last, f)
			break
		}
	}
	if g.mapped != 0 {
		g.hints.Init(&memory, first, room[numa.HintGroup](int(last-first)/mm.HugeFrames+1))
	}
}

// follow does what the hints say.
func (g *hintTested) follow(t *ktest.T) {
	s := &testSpaces[0]
	var l text.Line
	l.Str("# numa/hints: moved")
	for at := 0; ; {
		h, next, ok := g.hints.Hint(at, 10, 2)
		if !ok {
			break
		}
		at = next
		t.Check(0, topology.Distance(h.User, h.To) < topology.Distance(h.User, h.Home), "a hint leads to what is nearer")
		va := uint64(testBase + int(h.User)*mm.HugeFrames*mm.FrameSize)
		t.Check(0, g.frame[h.User] == h.First, "the hint is about what its user read")
		now, err := s.migratePage(va, h.To)
		if err == mm.ErrNoMemory { // no 2 MiB there in one piece
			continue
		}
		t.Check(0, err == nil && frames.Info(now).Node() == int(h.To) && holds(now, uint64(h.User)), "what is hinted at moves, whole")
		l.Byte(' ').Int(int(h.Home)).Str("->").Int(int(h.To))
	}
	put(&l)
	closeSpace(t, 0, s)
	t.Equal(0, freeFrames(), g.before, "free frames at the end")
	t.Count(1)
}

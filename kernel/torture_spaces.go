//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/numa"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/spaces: a storm of shootdowns. CPUs come and go in two spaces and write and read their pages by way of ring 3's
// addresses, while CPUs take pages away, make them read-only, and move them to other nodes. What was taken away is filled
// with poison, and must stay so; what is read-only must not change; and what is read is the page's own. One page is never
// taken away, only moved: each CPU counts in a word of it, and no count may be lost.

const (
	spacePages  = 12           // of 4 KiB, and one of 2 MiB, in each space
	countedPage = testBase * 3 // in the first
)

type spacesTortured struct {
	buffer                               [mm.FrameSize]byte
	in                                   int    // 1 + the space that the CPU runs; 0: none
	open                                 uint64 // handlers that interrupted a copy
	count                                uint64 // in the CPU's word of the counted page
	written, read, faults                uint64
	taken, protected, moved, huge, empty uint64
}

var spacesTest struct {
	claims  [2][spacePages + 1]atom.Uint32 // 1: a CPU changes this page's mapping
	counted atom.Uint32                    // the same, of the counted page
	cpus    []spacesTortured
	sent    []uint64 // interrupts, before
	free    uint64
}

func prepareSpaces(t *ktest.T) {
	g := &spacesTest
	g.cpus = room[spacesTortured](t.CPUs)
	g.sent = room[uint64](t.CPUs)
	g.free = freeFrames()
	for i := range testSpaces {
		openSpace(t, 0, i, 16)
	}
	f, ok := userFrame(0, int(topology.NodeOf(0)))
	t.Check(0, ok && testSpaces[0].mapPage(countedPage, f, paging.Small, paging.Read|paging.Write) == nil, "a page can be mapped")
	amd64.Handle(vectorTest, func(f *amd64.Frame) {
		me := here()
		if f.RFLAGS&amd64.FlagAC != 0 {
			spacesTest.cpus[me.cpu].open++
		}
		torture.t.Check(me.cpu, !amd64.CPUFeatures.SMAP || !amd64.UserAccessOpen(), "a handler does not have ring 3's memory open")
		stumble(me)
	})
}

// pageTag is what CPUs write into a page; it is never poison.
func pageTag(space, page int) uint64 { return scramble(uint64(space*64+page)) | 1 }

func pageVA(page int) uint64 {
	if page == spacePages {
		return testLarge
	}
	return uint64(testBase + page*mm.FrameSize)
}

func testTortureSpaces(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/spaces", prepareSpaces, nil) {
		return
	}
	g := &spacesTest
	w, r := &g.cpus[cpu], t.Rand(cpu)
	g.sent[cpu] = here().shot
	for more := true; more; more = going(t, cpu) { // some, however slow the machine is
		for range 16 {
			w.step(t, cpu, r)
		}
		jostle(t, r)
	}
	drop()
	g.sent[cpu] = here().shot - g.sent[cpu]
	endTorture(t, cpu)
	if cpu == 0 {
		finishSpaces(t)
		t.Equal(0, freeFrames(), spacesTest.free, "free frames at the end")
	}
}

func (w *spacesTortured) step(t *ktest.T, cpu int, r *ktest.Rand) {
	page := int(r.N(spacePages + 1))
	switch op := r.N(100); {
	case op < 12:
		w.in = int(r.N(2))
		enter(&testSpaces[w.in])
		w.in++
	case op < 15:
		leave()
		w.in = 0
	case op < 17:
		drop()
		w.in = 0
	case op < 30:
		for range 20 {
			w.countUp(t, cpu)
		}
	case op < 33:
		claim := &spacesTest.counted
		if claim.CompareAndSwap(0, 1) {
			for range 5 {
				w.move(t, cpu, &testSpaces[0], countedPage, r)
			}
			claim.StoreRelease(0)
		}
	case op < 50:
		w.write(page, r)
	case op < 75:
		w.check(t, cpu, page, r)
	default:
		space := int(r.N(2))
		claim := &spacesTest.claims[space][page]
		if !claim.CompareAndSwap(0, 1) {
			return
		}
		s := &testSpaces[space]
		switch {
		case op >= 95:
			w.protect(t, cpu, s, space, page, r)
		case op >= 90:
			if f, ok := w.move(t, cpu, s, pageVA(page), r); ok {
				for _, p := range words(f) {
					t.Check(cpu, *p == 0 || *p == pageTag(space, page), "a page that moved has its content")
				}
			}
		default:
			w.replace(t, cpu, s, page, r)
		}
		claim.StoreRelease(0)
	}
}

// write writes the page's tag to one of its words, if the page is there.
func (w *spacesTortured) write(page int, r *ktest.Rand) {
	if w.in == 0 {
		return
	}
	var b [8]byte
	*word64(b[:], 0) = pageTag(w.in-1, page)
	if amd64.CopyOut(pageVA(page)+[3]uint64{0, mm.FrameSize / 2, mm.FrameSize - 8}[r.N(3)], b[:]) {
		w.written++
	} else {
		w.faults++
	}
}

// check reads one or all of them: each is a 0 or the tag.
func (w *spacesTortured) check(t *ktest.T, cpu, page int, r *ktest.Rand) {
	if w.in == 0 {
		return
	}
	at, b := 8*int(r.N(mm.FrameSize/8)), w.buffer[:8]
	switch r.N(8) {
	case 0:
		at, b = 0, w.buffer[:]
	case 1, 2, 3:
		at = [3]int{0, mm.FrameSize / 2, mm.FrameSize - 8}[r.N(3)]
	}
	if !amd64.CopyIn(b, pageVA(page)+uint64(at)) {
		w.faults++
		return
	}
	w.read++
	tag := pageTag(w.in-1, page)
	for i := 0; i < len(b); i += 8 {
		if v := *word64(b, i); v != tag && !t.Check(cpu, v == 0, "a CPU reads through a mapping that was taken away") {
			break
		}
	}
}

// replace takes a page away, if it is there, and looks whether anybody still writes to its frame; then it maps another.
func (w *spacesTortured) replace(t *ktest.T, cpu int, s *space, page int, r *ktest.Rand) {
	size := paging.Small
	if page == spacePages {
		size = paging.Large
	}
	var b paging.Batch
	old, err := s.unmapPage(pageVA(page), size, &b)
	if err == nil {
		s.shoot(&b, nil)
		f := old.Frame()
		fillFrame(f, poison)
		spend(r)
		t.Check(cpu, holds(f, poison), "a CPU writes through a mapping that was taken away")
		freeTestPage(cpu, f, size)
		if size == paging.Large {
			w.huge++
		}
		w.taken++
		if r.N(4) == 0 {
			return // for a while there is none
		}
	}
	node := int(r.N(uint64(topology.Nodes())))
	c := preemptOff()
	var f mm.Frame
	if size == paging.Large {
		f, err = frames.AllocHuge(cpu, node, mm.User, testOwner)
	} else {
		f, err = frames.Alloc(cpu, node, mm.User, testOwner)
	}
	c.PreemptEnable()
	if err != nil {
		w.empty++
		return
	}
	clear(amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize << (9 * size)))
	switch err := s.mapPage(pageVA(page), f, size, paging.Read|paging.Write); err {
	case nil:
	case paging.ErrTables: // those that were taken away count until they are shot
		w.empty++
		freeTestPage(cpu, f, size)
	default:
		t.Check(cpu, false, "where nothing is mapped a page can be")
	}
}

// freeTestPage frees a page's frame. The task stays on its CPU.
func freeTestPage(cpu int, f mm.Frame, size paging.Size) {
	c := preemptOff()
	if size == paging.Large {
		frames.FreeHuge(cpu, f)
	} else {
		frames.Free(cpu, f)
	}
	c.PreemptEnable()
}

// protect makes a page read-only for a while: nobody writes to it meanwhile.
func (w *spacesTortured) protect(t *ktest.T, cpu int, s *space, space, page int, r *ktest.Rand) {
	size := paging.Small
	if page == spacePages {
		size = paging.Large
	}
	var b paging.Batch
	old, err := s.protectPage(pageVA(page), size, paging.Read, &b)
	if err != nil {
		return
	}
	s.shoot(&b, nil)
	before := words(old.Frame())
	now := [3]uint64{*before[0], *before[1], *before[2]}
	if tag := pageTag(space, page); now[0] == tag { // it would not show if it were written again
		*before[0], now[0] = 0, 0
	}
	spend(r)
	after := words(old.Frame())
	t.Check(cpu, *after[0] == now[0] && *after[1] == now[1] && *after[2] == now[2], "a CPU writes to what was made read-only")
	s.protectPage(pageVA(page), size, paging.Read|paging.Write, &b)
	s.shoot(&b, nil)
	w.protected++
}

// move moves a page to some node, and fills a frame of where it was, most likely its old one, with poison for a while.
func (w *spacesTortured) move(t *ktest.T, cpu int, s *space, va uint64, r *ktest.Rand) (f mm.Frame, ok bool) {
	to := int(r.N(uint64(topology.Nodes())))
	from := s.nodeOfPage(va)
	f, err := s.migratePage(va, numa.Node(to))
	switch {
	case err == paging.ErrNotMapped:
	case err == mm.ErrNoMemory:
		w.empty++
	case t.Check(cpu, err == nil && frames.Info(f).Node() == to, "a page moves to the node that was asked for"):
		w.moved++
		if old, ok := userFrame(cpu, from); ok {
			fillFrame(old, poison)
			spend(r)
			freeFrame(amd64.PhysAddr(old.Addr()))
		}
		return f, true
	}
	return f, false
}

// nodeOfPage is where a page's frame is, 0 if there is none.
func (s *space) nodeOfPage(va uint64) int {
	c := s.hold()
	m, _ := s.Lookup(va)
	s.lock.Unlock(c)
	return frames.Info(m.Frame).Node()
}

// countUp adds 1 to the CPU's word of the counted page, which has what was written last.
func (w *spacesTortured) countUp(t *ktest.T, cpu int) {
	if w.in != 1 {
		return
	}
	b, va := w.buffer[:8], uint64(countedPage+8*cpu)
	if t.Check(cpu, amd64.CopyIn(b, va), "a page that is only moved can always be read") {
		t.Equal(cpu, *word64(b, 0), w.count, "what was written last, before the page moved")
	}
	*word64(b, 0) = w.count + 1
	if amd64.CopyOut(va, b) {
		w.count++
	} else {
		w.faults++
	}
}

func finishSpaces(t *ktest.T) {
	g := &spacesTest
	var all spacesTortured
	var sent uint64
	for i := range g.cpus {
		w := &g.cpus[i]
		all.written += w.written
		all.read += w.read
		all.faults += w.faults
		all.taken += w.taken
		all.protected += w.protected
		all.moved += w.moved
		all.huge += w.huge
		all.empty += w.empty
		all.open += w.open
		sent += g.sent[i]
	}
	for i := range testSpaces {
		closeSpace(t, 0, &testSpaces[i])
	}
	t.Count(all.taken + all.protected + all.moved)
	var l text.Line
	put(said(&l, "spaces").Str("taken=").Uint(all.taken).Str(" huge=").Uint(all.huge).Str(" protected=").Uint(all.protected).
		Str(" moved=").Uint(all.moved).Str(" none-left=").Uint(all.empty).Str(" written=").Uint(all.written).
		Str(" read=").Uint(all.read).Str(" faults=").Uint(all.faults).Str(" interrupts=").Uint(sent).Str(" copies-interrupted=").Uint(all.open))
}

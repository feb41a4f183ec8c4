//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/fs/errno"
	"exo/kernel/ktest"
	"exo/kernel/mm"
)

// testExtentBlocks is how many blocks the file system in memory is made to leave.
const testExtentBlocks = 64

// lessFiles makes the file system smaller, and returns what it leaves.
func lessFiles(t *ktest.T) (o cap.Object, ok bool) {
	g := &files
	t.Equal(0, uint64(closeFiles()), uint64(errno.OK), "files are unmounted")
	ft := enterFiles()
	defer ft.leave()
	e := g.format(ft, uint64(len(g.ram.pages))-testExtentBlocks)
	if e == errno.OK {
		e = g.mount(ft, true)
	}
	if !t.Equal(0, uint64(e), uint64(errno.OK), "a smaller one is mounted") {
		return o, false
	}
	g.mounted.Store(1)
	return g.beyond(ft), true
}

// testExtents: blocks of an extent are read and written by who has it, as its rights say, and no other blocks; each refusal.
func testExtents(t *ktest.T, _ int) {
	withFiles(t, func(p, q *puppet, qe, _ uint64) {
		t := p.t
		o, ok := lessFiles(t)
		if !ok {
			return
		}
		t.Check(0, o.Second >= testExtentBlocks && o.First+o.Second == uint64(len(files.ram.pages)), "the rest of the disk")
		for i := range o.Second { // each block has its number
			b := files.ram.pages[o.First+i]
			clear(b[:])
			b[0] = byte(i)
		}
		last := *files.ram.pages[o.First-1]
		x := p.given(abi.KindExtent, o)
		f := p.makes("pages", abi.FrameAlloc, p.mem, 0, 0, 8)
		p.gets(0, "are mapped", abi.PageMap, f, 0, pupTest, 3)
		reads := func(p *puppet, x, block, want uint64) {
			p.gets(1, "a block is read", abi.ExtentRead, x, pupTest, 1, block)
			got, _ := p.load(pupTest)
			t.Equal(0, got&0xff, want, "which one")
		}
		reads(p, x, 0, 0)
		reads(p, x, o.Second-1, o.Second-1)
		p.gets(8, "several", abi.ExtentRead, x, pupTest, 8, 3)
		for i := range uint64(8) {
			got, _ := p.load(pupTest + i*mm.FrameSize)
			t.Equal(0, got, 3+i, "in order")
			p.store(pupTest+i*mm.FrameSize, 0x100+i)
		}
		p.gets(8, "are written", abi.ExtentWrite, x, pupTest, 8, 16)
		for i := range uint64(8) {
			b := files.ram.pages[o.First+16+i]
			t.Check(0, b[0] == byte(i) && b[1] == 1 && b[2] == 0, "where they belong")
		}
		p.gets(0, "and flushed", abi.ExtentFlush, x)
		for _, c := range [...]abi.Call{abi.ExtentRead, abi.ExtentWrite} {
			p.refused(abi.BadArgument, "the block after the last", c, x, pupTest, 1, o.Second)
			p.refused(abi.BadArgument, "beyond the last", c, x, pupTest, 2, o.Second-1)
			p.refused(abi.BadArgument, "before the first", c, x, pupTest, 1, ^uint64(0))
			p.refused(abi.BadArgument, "more than there are", c, x, pupTest, ^uint64(0), 1)
			p.refused(abi.BadArgument, "none", c, x, pupTest, 0, 1)
			p.refused(abi.BadArgument, "half a page", c, x, pupTest+512, 1, 1)
			for _, at := range [...]uint64{0, 0x5000_0000, abi.UserTop, amd64.DirectMap, amd64.KernelBase + 2<<20, pupTest + 8*mm.FrameSize} {
				p.refused(abi.BadAddress, "what is not the caller's", c, x, at&^(mm.FrameSize-1), 1, 1)
			}
			p.refused(abi.BadAddress, "in part", c, x, pupTest+6*mm.FrameSize, 3, 1)
		}
		p.refused(abi.BadAddress, "what may not be written", abi.ExtentRead, x, pupCode, 1, 1)

		part := p.data[pupFree+64:]
		narrow := func(first, n uint64) uint64 {
			part[0].Store(first)
			part[1].Store(n)
			return p.place(pupFree + 64)
		}
		p.refused(abi.BadArgument, "a block more", abi.CapDerive, x, abi.RightRead, 0, narrow(o.First-1, 2))
		p.refused(abi.BadArgument, "at the other end", abi.CapDerive, x, abi.RightRead, 0, narrow(o.First, o.Second+1))
		p.refused(abi.BadArgument, "none", abi.CapDerive, x, abi.RightRead, 0, narrow(o.First, 0))
		y := p.makes("a part", abi.CapDerive, x, abi.RightRead|abi.RightWrite|abi.RightDerive, qe, narrow(o.First+20, 10))
		z := p.makes("to be read", abi.CapDerive, x, abi.RightRead, 0, narrow(o.First+30, 10))
		reads(p, z, 0, 30)
		p.refused(abi.BadRights, "not written", abi.ExtentWrite, z, pupTest, 1, 0)
		p.refused(abi.BadRights, "nor flushed", abi.ExtentFlush, z)
		p.refused(abi.BadArgument, "and no more", abi.ExtentRead, z, pupTest, 1, 10)
		p.refused(abi.BadCap, "another's", abi.ExtentRead, y, pupTest, 1, 0)
		g := q.makes("a page", abi.FrameAlloc, q.mem, 0, 0, 1)
		q.gets(0, "is mapped", abi.PageMap, g, 0, pupTest, 3)
		reads(q, y, 9, 29)
		q.gets(1, "a block is written", abi.ExtentWrite, y, pupTest, 1, 5)
		reads(p, x, 25, 29)
		p.gets(0, "it is all revoked", abi.CapRevoke, x)
		q.refused(abi.BadCap, "then it is not read", abi.ExtentRead, y, pupTest, 1, 0)
		q.refused(abi.BadCap, "nor written", abi.ExtentWrite, y, pupTest, 1, 0)
		q.refused(abi.BadCap, "nor flushed", abi.ExtentFlush, y)
		reads(p, x, 25, 29)
		t.Check(0, *files.ram.pages[o.First-1] == last, "the file system's last block is as it was")
	})
}

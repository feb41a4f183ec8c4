//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/sys"
)

// Frames and pages, as the kernel has them.

const windowAt = 0x2000_0000_0000 // addresses that the library OS does not use

// Window maps frames there, until they are deleted.
func (t *T) Window(name sys.Cap, page uint64, perm abi.Perm) uint64 {
	at := uint64(windowAt + page*4096)
	t.OK(sys.PageMap(name, 0, at, perm), "PageMap")
	return at
}

// neverOthersBytes: what was written to frames that were given back is not there when frames are taken.
func neverOthersBytes(t *T) {
	for round := range 3 {
		for range 16 {
			c, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, 16, 0)
			t.OK(err, "FrameAlloc")
			w := words(t.Window(c, 0, readWrite), 16*4096)
			for i := range w {
				t.That(w[i] == 0, "round "+number(int64(round))+": a frame is not zero")
				w[i] = 0x5EC2E7
			}
			t.OK(sys.CapDelete(c), "CapDelete")
		}
	}
}

// byName: a frame can be asked for by its number: if it is free.
func byName(t *T) {
	c, first, err := sys.FrameAlloc(account(), abi.HowNear, 0, 1, 0)
	t.OK(err, "FrameAlloc")
	_, _, err = sys.FrameAlloc(account(), abi.HowAt, first, 1, 0)
	t.Is(err, abi.NoMemory, "taking a frame twice")
	t.OK(sys.CapDelete(c), "CapDelete")
	taken := false
	for range 1000 { // it may be on its way back
		c, got, err := sys.FrameAlloc(account(), abi.HowAt, first, 1, 0)
		if err == abi.OK {
			t.Hex(got, first, "the frame")
			t.OK(sys.CapDelete(c), "CapDelete")
			taken = true
			break
		}
		t.Is(err, abi.NoMemory, "taking a frame by its number")
		sys.Yield(0)
	}
	t.That(taken, "a frame that was given back cannot be taken again")
	for _, n := range []uint64{0, 1 << 40, ^uint64(0)} {
		_, _, err := sys.FrameAlloc(account(), abi.HowAt, n, 1, 0)
		t.Is(err, abi.NoMemory, "frame "+number(int64(n)))
	}
}

func byNode(t *T) {
	for node := range sys.Info().Nodes {
		c, _, err := sys.FrameAlloc(account(), abi.HowNode, node, 4, 0)
		if err == abi.NoMemory && sys.Info().Frames[node] == 0 {
			continue
		}
		t.OK(err, "FrameAlloc of a node")
		t.OK(sys.CapDelete(c), "CapDelete")
	}
	_, _, err := sys.FrameAlloc(account(), abi.HowNode, sys.Info().Nodes, 1, 0)
	t.Is(err, abi.BadArgument, "FrameAlloc of no node")
}

func aligned(t *T) {
	for _, align := range []uint64{1, 2, 8, 64} {
		c, first, err := sys.FrameAlloc(account(), abi.HowNear, 0, 3, align)
		t.OK(err, "FrameAlloc")
		t.Count(int64(first%align), 0, "the first frame, by its alignment")
		sys.CapDelete(c)
	}
	for _, r := range [][2]uint64{{0, 0}, {513, 0}, {1 << 40, 0}, {1, 3}, {1, 1024}} {
		_, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, r[0], r[1])
		t.Is(err, abi.BadArgument, "FrameAlloc of "+number(int64(r[0]))+" frames")
	}
	_, _, err := sys.FrameAlloc(account(), 77, 0, 1, 0)
	t.Is(err, abi.BadArgument, "FrameAlloc in no known way")
}

// huge: 512 frames in a row are one page of 2 MiB.
func huge(t *T) {
	c, first, err := sys.FrameAlloc(account(), abi.HowNear|abi.HowHuge, 0, 512, 0)
	t.OK(err, "FrameAlloc")
	t.Later(func() { sys.CapDelete(c) })
	t.Count(int64(first%512), 0, "the first frame, by its alignment")
	before := mine().frames
	w := words(t.Window(c, 0, readWrite), 2<<20)
	t.That(mine().frames-before <= 2, "a table was made for a page of 2 MiB")
	for i := 0; i < len(w); i += 512 {
		t.That(w[i] == 0, "it is not zero")
		w[i] = uint64(i)
	}
	t.Is(sys.PageProtect(c, 1, 1, abi.PermRead), abi.BadArgument, "PageProtect of a part of it")
	t.OK(sys.PageProtect(c, 0, 0, abi.PermRead), "PageProtect")
	t.Writes(addressOf(&w[512]), "writing it")
	t.Count(int64(w[512]), 512, "a word of it")
}

// twoAddresses: who co-owns frames may have them at two addresses.
func twoAddresses(t *T) {
	c, _ := t.Frames(1)
	d, err := sys.FrameShare(c, 0, abi.RightRead|abi.RightWrite|abi.RightDelete)
	t.OK(err, "FrameShare")
	a, b := words(t.Window(c, 0, readWrite), 8), words(t.Window(d, 10, readWrite), 8)
	a[0] = 42
	t.Count(int64(b[0]), 42, "the word at the other address")
	t.OK(sys.CapDelete(c), "CapDelete of the one")
	t.Count(int64(b[0]), 42, "the word after the one owner has gone")
	t.OK(sys.CapDelete(d), "CapDelete of the other")
	t.Reads(addressOf(&b[0]), "reading what nobody owns")
}

// moves: a capability is mapped in one place; where it was before it is no more.
func moves(t *T) {
	c, _ := t.Frames(2)
	w := words(t.Window(c, 0, readWrite), 8192)
	w[0], w[512] = 1, 2
	to := words(t.Window(c, 16, readWrite), 8192)
	t.That(to[0] == 1 && to[512] == 2, "it has other contents")
	t.Reads(addressOf(&w[0]), "reading where it was")
	t.Reads(addressOf(&w[512]), "reading where the rest was")
	t.Is(sys.PageMap(c, 0, addressOf(&to[0])+4096, readWrite), abi.Exists, "moving it by half its length")
	var info abi.CapInfo
	t.OK(sys.CapInspect(c, &info), "CapInspect")
	t.Hex(info.Mapped, addressOf(&to[0]), "where it is mapped")
	t.OK(sys.PageUnmap(c, 0, 0), "PageUnmap")
	t.Reads(addressOf(&to[0]), "reading what was unmapped")
	t.Is(sys.PageUnmap(c, 0, 0), abi.NotMapped, "PageUnmap again")
}

// replaces: what is mapped over a page replaces that; what was there goes without taking the new one along.
func replaces(t *T) {
	c, _ := t.Frames(1)
	d, _ := t.Frames(1)
	w := words(t.Window(c, 0, readWrite), 8)
	w[0] = 1
	t.Window(d, 0, readWrite)
	t.Count(int64(w[0]), 0, "the word of the new page")
	w[0] = 2
	t.OK(sys.CapDelete(c), "CapDelete of the old one")
	t.Count(int64(w[0]), 2, "the word after the old one has gone")
}

func protects(t *T) {
	c, _ := t.Frames(3)
	w := words(t.Window(c, 0, readWrite), 3*4096)
	w[0] = 1
	t.OK(sys.PageProtect(c, 1, 1, abi.PermRead), "PageProtect")
	t.Writes(addressOf(&w[512]), "writing the page that is read-only")
	w[0], w[1024] = 2, 3
	t.OK(sys.PageUnmap(c, 2, 1), "PageUnmap of a part")
	t.Reads(addressOf(&w[1024]), "reading the page that is gone")
	for _, r := range [][2]uint64{{0, 4}, {3, 1}, {1, ^uint64(0)}, {^uint64(0), 2}} {
		t.Is(sys.PageProtect(c, r[0], r[1], abi.PermRead), abi.BadArgument, "PageProtect of what it has not")
	}
}

// batches: PageOps stops at the first operation that is refused, and says how many were done.
func batches(t *T) {
	c, _ := t.Frames(1)
	d, _ := t.Frames(1)
	op := func(name, at uint64) abi.PageOp {
		return abi.PageOp{Op: abi.PageMap, Args: [4]uint64{name, 0, at, uint64(readWrite)}}
	}
	ops := []abi.PageOp{op(c, windowAt), op(d, windowAt+4096), op(c, 1), op(d, windowAt+8192)}
	n, err := sys.PageOps(ops)
	t.OK(err, "PageOps")
	t.Count(int64(n), 2, "operations that were done")
	t.Is(abi.Errno(ops[2].Ret), abi.BadArgument, "the third")
	words(windowAt, 8)[0], words(windowAt+4096, 8)[0] = 1, 2
	t.Reads(windowAt+8192, "reading where the fourth would be")
	ops = []abi.PageOp{{Op: abi.EnvDestroy}}
	n, err = sys.PageOps(ops)
	t.OK(err, "PageOps")
	t.Count(int64(n), 0, "operations that no batch has")
	t.Is(abi.Errno(ops[0].Ret), abi.BadCall, "EnvDestroy in a batch")
}

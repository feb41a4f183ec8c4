//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/ktest"
)

// The short ways of page calls (pagefast.go): one frame, whose table stays.
func testOnePage(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 8, 8)
		if !ok {
			return 0
		}
		const va, rw, ro = pupTest, uint64(abi.PermRead | abi.PermWrite), uint64(abi.PermRead)
		beside := uint64(p.do(abi.FrameAlloc, p.mem, 0, 0, 1))
		name := uint64(p.do(abi.FrameAlloc, p.mem, 0, 0, 1))
		less := uint64(p.do(abi.CapDerive, name, abi.RightRead|abi.RightDelete, 0, 0))
		is := func(got int64, want abi.Errno, what string) { t.Check(0, got == int64(want), what) }
		is(p.do(abi.PageMap, beside, 0, va+4096, rw), abi.OK, "the page beside it is mapped")
		is(p.do(abi.PageMap, name, 0, va, rw|uint64(abi.PermExecute)), abi.BadArgument, "a page is not written and executed")
		is(p.do(abi.PageMap, less, 0, va, rw), abi.BadRights, "a mapping needs the rights")
		is(p.do(abi.PageMap, name, 0, va, rw), abi.OK, "a page is mapped")
		t.Check(0, p.store(va, 1), "it can be written")
		is(p.do(abi.PageProtect, name, 0, 0, ro), abi.OK, "it permits less")
		t.Check(0, !p.store(va, 2), "it cannot be written any more")
		is(p.do(abi.PageProtect, name, 0, 0, rw), abi.OK, "it permits more")
		t.Check(0, p.store(va, 3), "it can be written again")
		is(p.do(abi.PageUnmap, name, 0, 0), abi.OK, "it is unmapped")
		_, ok = p.load(va)
		t.Check(0, !ok, "it is gone")
		is(p.do(abi.PageUnmap, name, 0, 0), abi.NotMapped, "it was mapped once")
		p.end()
		return 0
	})
}

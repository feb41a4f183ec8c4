//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
)

// testEnvTree: who holds an environment sees, and gets at, those below it, and no others.
func testEnvTree(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 150, 80)
		if !ok {
			return 0
		}
		other, ok := makePuppet(t, 8, 8)
		if !ok {
			return 0
		}
		q := p.breed(60, 40, 0)
		info, err := capTab.Inspect(cap.Name(q.makes("an environment", abi.EnvCreate, q.mem, 20, 12)), q.h)
		t.Check(0, err == nil, "its capability is the maker's")
		h := cap.Holder(info.Object.First)
		p.sees("its own tree", 0, uint64(p.h), uint64(q.h), uint64(h))
		p.sees("the child's", q.name, uint64(q.h), uint64(h))
		q.sees("the child", 0, uint64(q.h), uint64(h))
		other.sees("another", 0, uint64(other.h), 0)
		p.refused(abi.BadKind, "an account is no environment", abi.EnvNext, p.mem, 0, p.place(pupFree))
		p.refused(abi.BadAddress, "where it cannot be written", abi.EnvNext, 0, 0, pupCode)
		for _, from := range [...]uint64{1 << 20, 1 << 40, ^uint64(0), ^uint64(0) - 1} {
			p.gets(0, "behind the last one there is none", abi.EnvNext, 0, from, p.place(pupFree))
		}
		narrow := func(p *puppet, number uint64) uint64 {
			p.data[pupFree].Store(number)
			p.data[pupFree+1].Store(0)
			return p.place(pupFree)
		}
		rights := abi.RightRead | abi.RightDelete
		p.refused(abi.BadArgument, "another's is not below", abi.CapDerive, q.name, rights, 0, narrow(&p, uint64(other.h)))
		p.refused(abi.BadArgument, "nor what is above", abi.CapDerive, q.name, rights, 0, narrow(&p, uint64(p.h)))
		p.refused(abi.BadArgument, "nor nobody", abi.CapDerive, q.name, rights, 0, narrow(&p, 0))
		p.refused(abi.BadArgument, "nor a number that wraps", abi.CapDerive, q.name, rights, 0, narrow(&p, 1<<32|uint64(h)))
		weak := p.makes("to look only", abi.CapDerive, q.name, abi.RightRead|abi.RightDerive, 0, narrow(&p, uint64(q.h)))
		p.refused(abi.BadRights, "gives no right to end", abi.CapDerive, weak, rights, 0, narrow(&p, uint64(h)))
		name := p.makes("the grandchild", abi.CapDerive, q.name, rights, 0, narrow(&p, uint64(h)))
		p.gets(0, "is looked at", abi.EnvInspect, name, p.place(pupFree))
		t.Equal(0, p.data[pupFree+11].Load(), uint64(h), "its number")
		p.gets(0, "and ended", abi.EnvDestroy, name)
		t.Check(0, hasEnded(recordOf(h), h), "it ends")
		p.gets(0, "its name is given back", abi.CapDelete, name)
		p.end()
		other.end()
		return 0
	})
}

// sees checks that EnvNext tells of these environments, and of no others.
func (p *puppet) sees(what string, root uint64, numbers ...uint64) {
	n, sum, want := 0, uint64(0), uint64(0)
	for _, number := range numbers {
		want += number
		if number != 0 {
			n--
		}
	}
	for from := p.do(abi.EnvNext, root, 0, p.place(pupFree)); from > 0; from = p.do(abi.EnvNext, root, uint64(from), p.place(pupFree)) {
		sum += p.data[pupFree+11].Load()
		n++
	}
	p.t.Check(0, n == 0 && sum == want, what)
}

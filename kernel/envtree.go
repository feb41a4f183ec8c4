//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
)

// The tree of environments: who made whom. Who holds a capability for one may look at those below it, and have capabilities for
// them: for whoever made them can do with them what it likes anyhow, and ends with the one above.

// below says whether e is the environment of a number, or descends from it. e is pinned, so all above it keep their records.
func (e *env) below(number cap.Holder) bool {
	for ; e != nil; e = e.giver {
		if e.holder() == number {
			return true
		}
	}
	return false
}

// descends says whether part is an environment that descends from whole, or the same. Preemption is off.
func descends(whole, part cap.Object) bool {
	if part.First > uint64(cap.MaxHolder) || part.Second != whole.Second {
		return false
	}
	e := pin(cap.Holder(part.First))
	if e == nil {
		return false
	}
	below := e.below(cap.Holder(whole.First))
	e.unpin()
	return below
}

// sysEnvNext tells about one environment of a tree after the other.
func sysEnvNext(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	root := t.env.holder()
	if f.RDI != 0 {
		o, err := capTab.Lookup(cap.Name(f.RDI), root, cap.Kind(abi.KindEnv), cap.Read)
		if err != nil {
			return int64(capErrno(err))
		}
		root = cap.Holder(o.First)
	}
	for i := f.RSI + 1; i-1 < uint64(len(envTable))-1; i++ {
		var out abi.EnvInfo
		c := preemptOff()
		e := pin(cap.Holder(envTable[i].number.Load()))
		below := e != nil && e.below(root)
		if below {
			e.inspect(&out)
		}
		if e != nil {
			e.unpin()
		}
		c.PreemptEnable()
		switch {
		case !below:
		case !copyOut(f.RDX, &out):
			return int64(abi.BadAddress)
		default:
			return int64(i)
		}
	}
	return 0
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
)

// Offers: what an environment lets those take that it has made as heirs (abi.EnvHeir), if and when they need it. An offer is a name and
// rights, and no capability: it costs nobody anything, and what is taken is derived at that moment, by the rules of CapDerive, as if who
// offers had derived it for the heir. So what that one has lost, or given away, cannot be taken any more; a revocation takes what was
// taken, and the offer stays until it is withdrawn.

// maxOffers is how many there are.
const maxOffers = 16

type offer struct {
	name   cap.Name // 0: nothing
	rights cap.Rights
}

// sysCapOffer offers a capability under a number, or withdraws what was offered.
func sysCapOffer(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	me := threadOf(s).env
	o := offer{cap.Name(f.RSI), cap.Rights(f.RDX) &^ owns}
	if f.RDI >= maxOffers || f.RDX > abi.AllRights {
		return int64(abi.BadArgument)
	}
	if o.name != 0 {
		if _, err := capTab.Inspect(o.name, me.holder()); err != nil {
			return int64(capErrno(err))
		}
	}
	c := preemptOff()
	me.lock.Lock(c)
	if o.name != 0 && !me.offering {
		me.offering, me.offers = true, [maxOffers]offer{}
	}
	if me.offering {
		me.offers[f.RDI] = o
	}
	me.lock.Unlock(c)
	c.PreemptEnable()
	return 0
}

// sysCapTake takes what the environment's maker offers under a number.
func sysCapTake(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	me := threadOf(s).env
	switch {
	case f.RDI >= maxOffers:
		return int64(abi.BadArgument)
	case !me.heir:
		return int64(abi.BadCap)
	}
	c := preemptOff()
	defer c.PreemptEnable()
	from := pinLiving(cap.Holder(me.parent))
	if from == nil {
		return int64(abi.Dead)
	}
	defer from.unpin()
	o := offer{}
	from.lock.Lock(c)
	if from.offering {
		o = from.offers[f.RDI]
	}
	from.lock.Unlock(c)
	if o.name == 0 {
		return int64(abi.BadCap)
	}
	return derive(c.CPU, o.name, from.holder(), me, &cap.Derivation{Rights: o.rights})
}

//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
)

// testOffers: what is taken is derived from what the maker offers, when it is taken; by heirs alone, of that maker.
func testOffers(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 160, 90)
		if !ok {
			return 0
		}
		const all = abi.AllRights &^ abi.RightOwn
		q := p.breedAs(40, 16, 0, abi.EnvHeir)
		_, caps := q.env.caps.Read()
		stranger := p.breed(40, 16, 0)
		f := p.makes("frames", abi.FrameAlloc, p.mem, 0, 0, 1)
		first := mm.Frame(p.rdx())
		weak := p.makes("a capability that cannot be given on", abi.CapDerive, f, abi.RightRead|abi.RightDerive)
		limited := p.makes("one to read", abi.CapDerive, f, abi.RightRead|abi.RightDerive|abi.RightTransfer|abi.RightDelete)

		p.refused(abi.BadArgument, "a number that is none", abi.CapOffer, maxOffers, f, all)
		p.refused(abi.BadArgument, "rights that are none", abi.CapOffer, 0, f, abi.AllRights+1)
		p.refused(abi.BadCap, "what another has", abi.CapOffer, 0, q.mem, all)
		p.refused(abi.BadCap, "what nobody has", abi.CapOffer, 0, f^1<<40, all)
		p.gets(0, "nothing is withdrawn before anything was offered", abi.CapOffer, 3, 0, 0)
		q.refused(abi.BadCap, "nothing is offered", abi.CapTake, 0)
		q.refused(abi.BadArgument, "a number that is none", abi.CapTake, maxOffers)

		p.gets(0, "frames", abi.CapOffer, 0, f, all)
		p.gets(0, "the last one", abi.CapOffer, maxOffers-1, limited, abi.RightRead|abi.RightDelete)
		p.gets(0, "what it has too little of", abi.CapOffer, 1, limited, abi.RightRead|abi.RightWrite)
		p.gets(0, "what cannot be given on", abi.CapOffer, 2, weak, abi.RightRead)
		_, now := q.env.caps.Read()
		t.Equal(0, now, caps, "capabilities of the heir, who has taken nothing")
		q.refused(abi.BadRights, "more rights than who offers has", abi.CapTake, 1)
		q.refused(abi.BadRights, "what cannot be given on", abi.CapTake, 2)
		q.refused(abi.BadCap, "between them is nothing", abi.CapTake, 4)
		stranger.refused(abi.BadCap, "who is no heir", abi.CapTake, 0)
		p.refused(abi.BadCap, "nor is who offers its own", abi.CapTake, 0)

		a := q.makes("frames", abi.CapTake, 0)
		b := q.makes("again", abi.CapTake, 0)
		c := q.makes("to read", abi.CapTake, maxOffers-1)
		info, err := capTab.Inspect(cap.Name(a), q.h)
		t.Check(0, a != b && err == nil && info.Kind == cap.Kind(abi.KindFrames) && info.Object.First == uint64(first), "are the maker's frames")
		t.Check(0, info.Rights&owns == 0, "which the heir does not own")
		info, err = capTab.Inspect(cap.Name(c), q.h)
		t.Check(0, err == nil && info.Rights == cap.Rights(abi.RightRead|abi.RightDelete), "with the rights that were offered")
		_, now = q.env.caps.Read()
		t.Equal(0, now, caps+3, "capabilities that the heir pays for")

		// What the heir has not offered its own heirs cannot have.
		r := q.makes("an heir's heir", abi.EnvCreate, q.mem, 10, 2, abi.EnvHeir)
		t.Check(0, recordOf(cap.Holder(q.data[pupR8].Load())).heir, "is one")
		q.gets(0, "it ends", abi.EnvDestroy, r)

		p.gets(0, "what was taken is revoked", abi.CapRevoke, f)
		q.refused(abi.BadCap, "so the heir has it no more", abi.CapInspect, a, q.place(pupFree))
		q.refused(abi.BadCap, "nor the other, whose parent is gone", abi.CapInspect, c, q.place(pupFree))
		q.refused(abi.BadCap, "which cannot be taken any more", abi.CapTake, maxOffers-1)
		a = q.makes("what is still offered", abi.CapTake, 0)
		p.gets(0, "it is withdrawn", abi.CapOffer, 0, 0, 0)
		q.refused(abi.BadCap, "then it is not", abi.CapTake, 0)
		q.gets(0, "but what was taken stays", abi.CapInspect, a, q.place(pupFree))
		p.gets(0, "it is offered again", abi.CapOffer, 0, f, all)
		for now < 16 {
			if _, now = q.env.caps.Read(); now < 16 {
				q.makes("as often as the heir may", abi.CapTake, 0)
			}
		}
		q.refused(abi.NoQuota, "no more", abi.CapTake, 0)
		p.gets(0, "who offers loses it", abi.CapDelete, f)
		q.refused(abi.BadCap, "and with it goes what was taken", abi.CapInspect, a, q.place(pupFree))
		q.refused(abi.BadCap, "nor is there anything to take", abi.CapTake, 0)
		p.gets(0, "one that can write alone", abi.EnvDestroy, q.name)
		p.gets(0, "the other", abi.EnvDestroy, stranger.name)
		p.end()
		return 0
	})
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
)

// Tests of visible revocation: one puppet wants something back, of another.

func testRepossess(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		p, ok := makePuppet(t, 8, 10)
		q, ok2 := makePuppet(t, 40, 80)
		if !ok || !ok2 {
			return 0
		}
		qe := p.given(abi.KindEnv, cap.Object{First: uint64(q.h)})
		late := amd64.NowNs() + 1<<40 // the time does not come before it is brought on
		settled := func(now bool) {
			if now {
				c := preemptOff()
				q.env.lock.Lock(c)
				q.env.asked.deadline.CompareAndSwap(late, 1)
				q.env.lock.Unlock(c)
				c.PreemptEnable()
				callTask(&repossessorTask)
			}
			t.Check(0, eventually(func() bool { return q.env.asked.deadline.Load() == 0 }), "what is asked has its end")
		}
		p.refused(abi.BadArgument, "of no kind", abi.RevokeRequest, qe, abi.NumKinds, 1, 1)
		p.refused(abi.BadArgument, "nothing", abi.RevokeRequest, qe, abi.KindFrames, 0, 1)
		p.refused(abi.BadCap, "of nobody", abi.RevokeRequest, 77, abi.KindFrames, 1, 1)
		q.gets(0, "who has lost nothing", abi.Repossessed, q.place(pupFree), 8)
		// One that takes no notice.
		keep := q.makes("frames", abi.FrameAlloc, q.mem, 0, 0, 2)
		_, used := q.env.frames.Read()
		f := q.makes("frames", abi.FrameAlloc, q.mem, 0, 0, 8)
		q.gets(0, "mapped", abi.PageMap, f, 0, pupTest, 3)
		p.gets(0, "eight frames", abi.RevokeRequest, qe, abi.KindFrames, 8, late)
		p.refused(abi.Busy, "one at a time", abi.RevokeRequest, qe, abi.KindFrames, 8, late)
		settled(true)
		_, now := q.env.frames.Read()
		t.Check(0, now <= used, "it has them no more")
		_, there := q.load(pupTest)
		t.Check(0, !there, "nor any page of them")
		q.gets(1, "it can find out", abi.Repossessed, q.place(pupFree), 8)
		d := q.data
		t.Check(0, d[pupFree].Load() == f && d[pupFree+1].Load() == abi.KindFrames && d[pupFree+3].Load() == 8, "what it has lost")
		q.gets(0, "once", abi.Repossessed, q.place(pupFree), 8)
		q.gets(0, "others it has", abi.CapInspect, keep, q.place(pupFree))
		t.Equal(0, q.env.lost.Load(), 1, "how many it has lost")
		// One that hears of it, and gives up something.
		f = q.makes("frames", abi.FrameAlloc, q.mem, 0, 0, 8)
		q.env.revoke.Store(q.env.fault.Load())
		n := q.makes("something to wait for", abi.NotifyCreate, q.mem)
		q.begins(abi.Wait, n, 1, abi.Forever)
		p.gets(0, "eight frames", abi.RevokeRequest, qe, abi.KindFrames, 8, late)
		q.wait()
		for i, want := range [...]uint64{abi.KindFrames, 8, late} {
			t.Equal(0, d[pupFault+i].Load(), want, "the upcall says what, how many, and until when")
		}
		q.gets(0, "it gives them up", abi.CapDelete, f)
		settled(true)
		q.gets(0, "and keeps the others", abi.CapInspect, keep, q.place(pupFree))
		q.gets(0, "nothing is lost", abi.Repossessed, q.place(pupFree), 8)
		q.env.revoke.Store(0)
		// More than the vector has room for.
		for range lostMost + 6 {
			q.makes("a capability", abi.CapDerive, n, abi.RightRead)
		}
		p.gets(0, "all", abi.RevokeRequest, qe, abi.KindNotification, 1000, amd64.NowNs()+5_000_000)
		settled(false) // the time comes by itself
		q.gets(10, "ten of the oldest", abi.Repossessed, q.place(pupFree), 10)
		q.gets(lostMost-10, "the others", abi.Repossessed, q.place(pupFree), 2*lostMost)
		q.refused(abi.BadCap, "all are gone", abi.Wait, n, 1, 0)
		// A slice.
		q.env.slice.Store(q.env.fault.Load())
		bits := p.makes("something", abi.NotifyCreate, p.mem)
		q.begins(abi.Wait, p.lends(&q, bits, abi.RightRead), 1, abi.Forever)
		q.env.first.away = 12345
		q.env.first.user.Pending.Or(pendSlice)
		p.gets(0, "it goes on", abi.Notify, bits, 1)
		q.wait()
		t.Equal(0, d[pupFault+1].Load(), 12345, "the time that others had")
		// It ends before the deadline.
		p.gets(0, "too late", abi.RevokeRequest, qe, abi.KindFrames, 1, amd64.NowNs()+1<<40)
		q.end()
		p.refused(abi.Dead, "it has ended", abi.RevokeRequest, qe, abi.KindFrames, 1, 1)
		t.Equal(0, uint64(revocations.Load()), 0, "revocations that are asked for at the end")
		p.end()
		return 0
	})
}

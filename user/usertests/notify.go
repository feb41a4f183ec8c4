//go:build exouser

package main

import (
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

// Notifications, timers, predicates.

func notify(t *T) {
	n := t.Notification()
	_, err := sys.Wait(n, 7, 0)
	t.Is(err, abi.Again, "Wait for what was not set")
	t.OK(sys.Notify(n, 5), "Notify")
	t.OK(sys.Notify(n, 8), "Notify")
	bits, err := sys.Wait(n, 1|8|16, 0)
	t.OK(err, "Wait")
	t.Hex(bits, 9, "the bits")
	bits, err = sys.Wait(n, ^uint64(0), 0)
	t.OK(err, "Wait for the rest")
	t.Hex(bits, 4, "the bit that nobody asked for")
	_, err = sys.Wait(n, 0, 0)
	t.Is(err, abi.BadArgument, "Wait for no bits")
	_, err = sys.Wait(n, 1, clock.Now()+aWhile)
	t.Is(err, abi.TimedOut, "Wait")
}

// notifyWakes: each of several threads is woken by its own bit.
func notifyWakes(t *T) {
	n := t.Notification()
	var all [5]*thread.Thread
	var got [len(all)]uint64
	for i := range all {
		all[i] = t.Go(func() {
			for range 20 {
				bits, _ := sys.Wait(n, 1<<i, abi.Forever)
				atomic.AddUint64(&got[i], bits)
			}
		})
	}
	for round := range uint64(20) {
		sys.Notify(n, 1<<len(all)-1)
		for i := range all {
			eventually(func() bool { return load(&got[i]) == (round+1)<<i })
		}
	}
	for _, th := range all {
		th.Join()
	}
}

func notifyGone(t *T) {
	var gone sys.Cap
	t.Revoked(sys.NotifyCreate, func(n sys.Cap) abi.Errno {
		gone = n
		_, err := sys.Wait(n, 1, abi.Forever)
		return err
	}, "Wait")
	t.Is(sys.Notify(gone, 1), abi.BadCap, "Notify of what is no more")
}

func notifyRights(t *T) {
	n := t.Notification()
	for _, c := range []struct {
		rights       uint64
		rings, waits abi.Errno
	}{{abi.RightRead, abi.BadRights, abi.Again}, {abi.RightWrite, abi.OK, abi.BadRights}} {
		d, err := sys.CapDerive(n, c.rights|abi.RightDelete, 0, nil)
		t.OK(err, "CapDerive")
		t.Is(sys.Notify(d, 1<<40), c.rings, "Notify")
		t.Is(sys.TimerSet(d, 1, 0), c.rings, "TimerSet")
		_, err = sys.Wait(d, 1, 0)
		t.Is(err, c.waits, "Wait")
		sys.CapDelete(d)
	}
	t.Is(sys.Notify(account(), 1), abi.BadKind, "Notify of an account")
}

// watched: a notification is told of the end of an environment; of one that has ended, at once.
func watched(t *T) {
	n := t.Notification()
	id := t.Spawn("wait")
	env := t.EnvOf(id)
	t.OK(sys.EnvWatch(env, n, 4), "EnvWatch")
	_, err := sys.Wait(n, 4, 0)
	t.Is(err, abi.Again, "Wait before its end")
	proc.Kill(id)
	_, err = sys.Wait(n, 4, abi.Forever)
	t.OK(err, "Wait")
	t.OK(sys.EnvWatch(env, n, 8), "EnvWatch of who has ended")
	_, err = sys.Wait(n, 8, 0)
	t.OK(err, "Wait")
	t.Wait(id)
	t.Is(sys.EnvWatch(0, n, 0), abi.BadArgument, "EnvWatch with no bits")
}

// threadEnds: a notification is told of the end of a thread.
func threadEnds(t *T) {
	n := t.Notification()
	p := t.Puppet(0xB8, byte(abi.ThreadExit), 0, 0, 0, 0x0F, 0x05)
	p.thread.Ended, p.thread.EndedBits = n, 2
	p.start(t)
	_, err := sys.Wait(n, 2, abi.Forever)
	t.OK(err, "Wait")
}

func timer(t *T) {
	n := t.Notification()
	when := clock.Now() + aWhile
	t.OK(sys.TimerSet(n, 1, when), "TimerSet")
	_, err := sys.Wait(n, 1, 0)
	if clock.Now() < when {
		t.Is(err, abi.Again, "Wait before the time")
	}
	if err != abi.OK {
		_, err = sys.Wait(n, 1, abi.Forever)
	}
	t.OK(err, "Wait")
	t.That(clock.Now() >= when, "it came too early")
	t.OK(sys.TimerSet(n, 2, 1), "TimerSet to a time that is past")
	_, err = sys.Wait(n, 2, abi.Forever)
	t.OK(err, "Wait")
}

// timerOff: a timer that is set again comes at its new time only, and one that is set to 0 never.
func timerOff(t *T) {
	n, m := t.Notification(), t.Notification()
	for while := uint64(aWhile); ; while *= 2 { // another program may have had the CPU until the first time was past
		first := clock.Now() + while
		t.OK(sys.TimerSet(n, 1, first), "TimerSet")
		t.OK(sys.TimerSet(m, 4, first), "TimerSet")
		t.OK(sys.TimerSet(n, 2, first+aWhile), "TimerSet again")
		t.OK(sys.TimerSet(m, 4, 0), "TimerSet to never")
		inTime := clock.Now() < first
		bits, err := sys.Wait(n, 3, abi.Forever)
		t.OK(err, "Wait")
		if inTime {
			t.Hex(bits, 2, "the bits")
			thread.Sleep(aWhile)
			_, err = sys.Wait(m, 4, 0)
			t.Is(err, abi.Again, "Wait for a timer that was stopped")
			return
		}
		if bits&2 == 0 { // it is yet to come
			_, err = sys.Wait(n, 2, abi.Forever)
			t.OK(err, "Wait")
		}
		sys.Wait(m, 4, 0) // set before that, if at all
	}
}

// timerOrder: many timers come in the order of their times, however they were set.
func timerOrder(t *T) {
	const count = 16
	var all [count]sys.Cap
	begin := clock.Now() + 2*aWhile
	for i := range all {
		all[i] = t.Notification()
		place := uint64(i*7%count) * (aWhile / 4)
		t.OK(sys.TimerSet(all[i], 1, begin+place), "TimerSet")
	}
	for k := range count {
		for i := range all {
			if i*7%count == k {
				_, err := sys.Wait(all[i], 1, abi.Forever)
				t.OK(err, "Wait")
				t.That(clock.Now() >= begin+uint64(k)*(aWhile/4), "it came too early")
			}
		}
	}
}

func sleeps(t *T) {
	for _, ns := range []uint64{0, 1, 10_000, 1_500_000} {
		until := clock.Now() + ns
		t.OK(sys.Sleep(until), "Sleep")
		t.That(clock.Now() >= until, "it was too short")
	}
	before := clock.Now()
	for range 1000 {
		now := clock.Now()
		t.That(now >= before, "the time goes back")
		before = now
	}
}

// predicate: a thread sleeps until a word in its frames has a value.
func predicate(t *T) {
	c, _ := t.Frames(1)
	w := words(t.Window(c, 0, readWrite), 8)
	const loadWord, equal, giveBack = 0x20, 0x15, 0x06 // of classic BPF
	isOne := []sys.Instruction{{Op: loadWord, K: 0}, {Op: equal, Jt: 0, Jf: 1, K: 1 << 24}, {Op: giveBack, K: 5}, {Op: giveBack}}
	_, _, err := sys.WaitUntil(isOne, c, 0)
	t.Is(err, abi.Again, "WaitUntil that does not wait")
	_, _, err = sys.WaitUntil(isOne, c, clock.Now()+aWhile)
	t.Is(err, abi.TimedOut, "WaitUntil")
	th := t.Go(func() {
		thread.Sleep(aWhile)
		atomic.StoreUint64(&w[0], 1)
	})
	v, _, err := sys.WaitUntil(isOne, c, abi.Forever)
	th.Join()
	t.OK(err, "WaitUntil")
	t.Count(int64(v), 5, "what the predicate returned")
	loop := []sys.Instruction{{Op: loadWord}, {Op: 0x05, K: 1 << 30}, {Op: giveBack}}
	_, at, err := sys.WaitUntil(loop, c, 0)
	t.Is(err, abi.BadPredicate, "a predicate that jumps out")
	t.Count(int64(at), 1, "the instruction that was refused")
	_, _, err = sys.WaitUntil(isOne, account(), 0)
	t.Is(err, abi.BadKind, "a predicate about an account")
}

// predicateRevoked: who waits for what is taken away hears so.
func predicateRevoked(t *T) {
	t.Revoked(func(account sys.Cap) (sys.Cap, abi.Errno) {
		c, _, err := sys.FrameAlloc(account, abi.HowNear, 0, 1, 0)
		return c, err
	}, func(c sys.Cap) abi.Errno {
		_, _, err := sys.WaitUntil([]sys.Instruction{{Op: 0x06}}, c, abi.Forever)
		return err
	}, "WaitUntil")
}

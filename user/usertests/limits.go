//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

// Where things end, and what is left when they did.

// frameHog: an account ends at its limit, to the frame, and all that was taken comes back.
func frameHog(t *T) {
	id, err := proc.Spawn(me, []string{me, runChild, "wait"}, &proc.Attr{Frames: 4000, Caps: 100})
	t.OK(err, "Spawn")
	proc.Kill(id)
	t.Wait(id)
	status := t.Forked(func() int {
		for n := uint64(512); n > 0; n /= 2 {
			for {
				if _, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, n, 0); err == abi.NoQuota || err == abi.NoMemory {
					break
				} else if err != abi.OK {
					return 1
				}
			}
		}
		if m := mine(); m.frames != m.limitFrames && m.caps != m.limitCaps {
			return 2
		}
		return 0
	})
	t.Count(status, 0, "what the hog found")
}

// capHog: so do capabilities.
func capHog(t *T) {
	status := t.Forked(func() int {
		before := mine()
		n := uint64(0)
		for {
			_, err := sys.CapDerive(account(), abi.RightRead|abi.RightDelete, 0, nil)
			if err == abi.NoQuota {
				break
			}
			if err != abi.OK {
				return 1
			}
			n++
		}
		if n != before.limitCaps-before.caps {
			return 2
		}
		if _, err := sys.NotifyCreate(account()); err != abi.NoQuota {
			return 3
		}
		if _, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, 1, 0); err != abi.NoQuota {
			return 4
		}
		if _, _, err := sys.EnvCreate(account(), 1, 1); err != abi.NoQuota {
			return 5
		}
		return 0
	})
	t.Count(status, 0, "what the hog found")
}

// threadHog: threads until there are no more; then the process ends with all of them.
func threadHog(t *T) {
	threads := settledCount(&sys.Info().Threads)
	status := t.Forked(func() int {
		n := 0
		for {
			th, err := thread.Go(func() {
				for {
					thread.Sleep(1 << 40)
				}
			})
			if err != nil {
				break
			}
			_ = th
			if n++; n == 300 {
				break
			}
		}
		if n < 10 {
			return 1
		}
		return 0
	})
	t.Count(status, 0, "what the hog found")
	eventually(func() bool { return load(&sys.Info().Threads) <= threads })
}

// envHog: environments until there are no more, all given back.
func envHog(t *T) {
	before := mine()
	var all []sys.Cap
	for len(all) < 2000 {
		e, _, err := sys.EnvCreate(account(), 16, 4)
		if err != abi.OK {
			t.That(err == abi.NoSlots || err == abi.NoQuota, "EnvCreate: "+err.Error())
			break
		}
		all = append(all, e)
	}
	t.That(len(all) > 20, "there are few environments")
	for _, e := range all {
		t.OK(sys.EnvDestroy(e), "EnvDestroy")
	}
	if why := before.less(); why != "" {
		t.Fail("after they were destroyed " + why)
	}
}

// endpointHog: endpoints and notifications until there are no more, all given back.
func endpointHog(t *T) {
	var all []sys.Cap
	for {
		c, err := sys.EndpointCreate(account())
		if len(all)%2 == 0 {
			sys.CapDelete(c)
			c, err = sys.NotifyCreate(account())
		}
		if err != abi.OK {
			t.That(err == abi.NoSlots || err == abi.NoQuota, "one more: "+err.Error())
			break
		}
		all = append(all, c)
	}
	t.That(len(all) > 50, "there are few")
	for _, c := range all {
		t.OK(sys.CapDelete(c), "CapDelete")
	}
	c, err := sys.EndpointCreate(account())
	t.OK(err, "EndpointCreate when there is room again")
	sys.CapDelete(c)
}

// spinners: children that spin on each CPU keep nobody from going on, and can be ended.
func spinners(t *T) {
	var ids []proc.ID
	for range 2 * sys.Info().CPUs {
		id, err := proc.Spawn(me, []string{me, runChild, "spin"}, &proc.Attr{Frames: 300, Caps: 100})
		t.OK(err, "Spawn")
		ids = append(ids, id)
	}
	for range 5 {
		t.Status(3, "exit", "3")
		thread.Sleep(100_000)
	}
	for _, id := range ids {
		eventually(func() bool { return ran(id) > 0 })
		t.OK(proc.Kill(id), "Kill")
		t.Count(t.Wait(id), abi.StatusKilled, "status")
	}
}

// yieldsTo: a thread can give its slice to another by name.
func yieldsTo(t *T) {
	stop, n := uint64(0), uint64(0)
	th := t.Go(func() {
		for load(&stop) == 0 {
			n++
			thread.Yield()
		}
	})
	for load(&n) < 10 {
		t.OK(sys.Yield(th.Name()), "Yield")
	}
	stop = 1
	th.Join()
	t.Is(sys.Yield(12345), abi.BadCap, "Yield to nobody")
}

// repossession: who is asked to give back and does not loses its newest, and can find out which.
func repossession(t *T) {
	w := t.Map(4096)
	r, pw := t.Pipe()
	id := t.Fork(func() int {
		var names [4]sys.Cap
		for i := range names {
			c, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, 4, 0)
			if err != abi.OK {
				return 1
			}
			names[i] = c
		}
		pw.WriteString("x")
		var lost [8]abi.Lost
		n := 0
		for n == 0 {
			thread.Sleep(1_000_000)
			k, err := sys.Repossessed(lost[n:])
			if err != abi.OK {
				return 2
			}
			n += k
		}
		if n != 1 || lost[0].Name != names[3] || lost[0].Kind != abi.KindFrames || lost[0].Object.Second != 4 {
			return 3
		}
		if sys.PageMap(names[3], 0, windowAt, readWrite) != abi.BadCap || sys.PageMap(names[2], 0, windowAt, readWrite) != abi.OK {
			return 4
		}
		return 0
	})
	r.Read(make([]byte, 1))
	r.Close()
	pw.Close()
	env := t.EnvOf(id)
	t.OK(sys.RevokeRequest(env, abi.KindFrames, 4, clock.Now()+aWhile), "RevokeRequest")
	t.Count(t.Wait(id), 0, "what who lost them found")
	_ = w
}

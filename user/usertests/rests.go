//go:build exouser

package main

import (
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

// Threads whose function has returned, and that rest until the next Go (libos/thread, rest.go).

func threadsNow(t *T) int64 { return int64(envInfo(t, 0).Threads) }

// threadRests: who is joined runs the next function, as often as one likes.
func threadRests(t *T) {
	thread.Drain()
	n := 0
	for range 10 {
		t.Go(func() { n++ }).Join()
		t.Count(threadsNow(t), 2, "threads while one rests")
	}
	a, b := t.Go(func() { n++ }), t.Go(func() { thread.Yield() })
	a.Join()
	b.Join()
	t.Count(int64(n), 11, "functions that ran")
	thread.Drain()
	t.Count(threadsNow(t), 1, "threads that are left")
}

// threadParticular: who has something in the kernel that a new thread has not does not rest.
func threadParticular(t *T) {
	const served = 2 // of them answer no call
	e := t.Endpoint()
	for i, fn := range []func(){
		func() { sys.IPCReceive(e, abi.Forever) },
		func() { sys.IPCReplyWait(e, 0, 0, 0, 0, 0) },
		func() { sys.IPCTimeout(1) },
		func() { sys.ThreadSchedule(0, 0, &abi.Schedule{}) },
		func() { sys.ThreadBases(0, abi.UserTop) }, // refused, but who knows
		func() { sys.Call6(abi.Null, 0, 0, 0, 0, 0, 0) },
	} {
		thread.Drain()
		th := t.Go(fn)
		if i < served {
			_, e := sys.IPCCall(e, 1, 0, 0, 0, 0)
			t.Is(e, abi.Dead, "IPCCall of who returns")
		}
		th.Join()
		t.Count(threadsNow(t), 1, "threads that are left by "+number(int64(i)))
	}
	th, err := thread.GoOn(1, func() {})
	t.OK(err, "GoOn")
	th.Join()
	t.Count(threadsNow(t), 1, "threads that are left of one for a certain CPU")
}

// threadNamed: who has a thread's name hears of its end.
func threadNamed(t *T) {
	thread.Drain()
	th := t.Go(func() {})
	name := th.Name()
	var info abi.ThreadInfo
	eventually(func() bool { return sys.ThreadInspect(name, &info) == abi.Dead })
	th.Join()
	t.Is(sys.ThreadInspect(name, &info), abi.BadCap, "the name of a thread that was joined")
	t.Count(threadsNow(t), 1, "threads that are left")

	done := uint64(0)
	th = t.Go(func() { atomic.StoreUint64(&done, 1) })
	eventually(func() bool { return load(&done) == 1 })
	thread.Sleep(1_000_000) // it rests, most likely
	name = th.Name()
	eventually(func() bool { return sys.ThreadInspect(name, &info) == abi.Dead })
	th.Join()
	t.Go(func() { done++ }).Join()
	t.Count(int64(done), 2, "functions that ran")
}

// threadUnjoined: of threads that nobody has joined yet a few stay, however many there were.
func threadUnjoined(t *T) {
	thread.Drain()
	n := uint64(0)
	var all [10]*thread.Thread
	for i := range uint64(len(all)) {
		all[i] = t.Go(func() { atomic.AddUint64(&n, 1) })
		eventually(func() bool { return load(&n) == i+1 })
	}
	eventually(func() bool { return threadsNow(t) <= 5 })
	for _, th := range all {
		th.Join()
	}
	t.Go(func() { n++ }).Join()
	t.Count(int64(n), 11, "functions that ran")
}

// forkWhileResting: a copy has none of its parent's threads, and makes its own; the parent's go on resting.
func forkWhileResting(t *T) {
	t.Go(func() {}).Join()
	status := t.Forked(func() int {
		n := 0
		for range 3 {
			th, err := thread.Go(func() { n++ })
			if err != nil {
				return 1
			}
			th.Join()
		}
		thread.Drain()
		if n != 3 || envInfo(t, 0).Threads != 1 {
			return 2
		}
		return 0
	})
	t.Count(status, 0, "what the copy found")
	n := 0
	t.Go(func() { n++ }).Join()
	t.Count(int64(n), 1, "functions that ran")
}

// forkedThreadEnds: the copy of a thread is the only one of its process, which ends with it.
func forkedThreadEnds(t *T) {
	var id proc.ID
	var err error
	t.Go(func() { id, err = proc.Fork() }).Join()
	t.OK(err, "Fork")
	t.Count(t.Wait(id), 0, "status of a copy whose only thread has returned")
}

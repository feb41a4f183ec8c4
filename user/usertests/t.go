//go:build exouser

package main

import (
	"strconv"
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

// T is what a test is given. What is wrong ends it: not to be used by threads that it starts.
type T struct {
	parent  proc.ID
	cleanup []func()
}

type failure string

// Fail ends the test.
func (t *T) Fail(why string) { panic(failure(why)) }

// That is: if not, that is what is wrong.
func (t *T) That(ok bool, wrong string) {
	if !ok {
		t.Fail(wrong)
	}
}

// Count says that a number is not what it should be.
func (t *T) Count(got, want int64, what string) {
	if got != want {
		t.Fail(what + ": " + number(got) + ", not " + number(want))
	}
}

// Hex is Count for addresses and the like.
func (t *T) Hex(got, want uint64, what string) {
	if got != want {
		t.Fail(what + ": 0x" + strconv.FormatUint(got, 16) + ", not 0x" + strconv.FormatUint(want, 16))
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// OK says that there was an error.
func (t *T) OK(err error, what string) { t.Is(err, nil, what) }

// Is says that there was another error, or none. abi.OK is none.
func (t *T) Is(got, want error, what string) {
	if plain(got) != plain(want) {
		t.Fail(what + ": " + errorText(got) + ", not: " + errorText(want))
	}
}

func plain(err error) error {
	if err == error(abi.OK) {
		return nil
	}
	return err
}

func errorText(err error) string {
	if plain(err) == nil {
		return "no error"
	}
	return err.Error()
}

// Later has fn called at the end of the test, however it ends; the last one first.
func (t *T) Later(fn func()) { t.cleanup = append(t.cleanup, fn) }

func (t *T) done() {
	if proc.Self() != t.parent {
		return // a child's end frees what it has
	}
	for i := len(t.cleanup); i > 0; i-- {
		t.cleanup[i-1]()
	}
	t.cleanup = nil
}

// Forked runs fn in a copy of the process, and returns its status.
func (t *T) Forked(fn func() int) int64 { return t.Wait(t.Fork(fn)) }

// Fork starts it.
func (t *T) Fork(fn func() int) proc.ID {
	id, err := proc.Fork()
	t.OK(err, "Fork")
	if id == 0 {
		proc.Exit(fn())
	}
	return id
}

// Wait is proc.Wait.
func (t *T) Wait(id proc.ID) int64 {
	status, err := proc.Wait(id)
	t.OK(err, "Wait")
	return status
}

// Spawn starts this program as a child that does something (child.go).
func (t *T) Spawn(args ...string) proc.ID {
	id, err := proc.Spawn(me, append([]string{me, runChild}, args...), nil)
	t.OK(err, "Spawn")
	return id
}

// Status spawns a child and wants it to end with a status.
func (t *T) Status(want int64, args ...string) {
	t.Count(t.Wait(t.Spawn(args...)), want, "status of "+args[0])
}

// Go starts a thread, which the test joins.
func (t *T) Go(fn func()) *thread.Thread {
	th, err := thread.Go(fn)
	t.OK(err, "Go")
	return th
}

// Blocked waits until a thread waits in the kernel: for what it is about to wait for, or perhaps for a lock on the way there.
func (t *T) Blocked(th *thread.Thread) {
	const blocked = 4 // of kernel/sched
	eventually(func() bool {
		var info abi.ThreadInfo
		t.OK(sys.ThreadInspect(th.Name(), &info), "ThreadInspect")
		return info.State == blocked
	})
}

// Revoked has a thread wait for something, which then is taken away: it hears that. If it comes to wait too late it hears that there is no
// such thing, and there is another try.
func (t *T) Revoked(makes func(account sys.Cap) (sys.Cap, abi.Errno), waits func(c sys.Cap) abi.Errno, what string) {
	var got abi.Errno
	for range 100 {
		c, err := makes(account())
		t.OK(err, "making what to wait for")
		th := t.Go(func() { got = waits(c) })
		t.Blocked(th)
		t.OK(sys.CapDelete(c), "CapDelete")
		th.Join()
		if got != abi.BadCap {
			break
		}
	}
	t.Is(got, abi.Revoked, what)
}

// account is the process's.
func account() sys.Cap { return sys.StartCap(1, 0) }

// Frames takes frames until the end of the test.
func (t *T) Frames(n uint64) (name sys.Cap, first uint64) {
	name, first, err := sys.FrameAlloc(account(), abi.HowNear, 0, n, 0)
	t.OK(err, "FrameAlloc")
	t.Later(func() { sys.CapDelete(name) })
	return name, first
}

// SharedPage is a page that the process's copies have, too.
func (t *T) SharedPage() []uint64 {
	c, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, 1, 0)
	t.OK(err, "FrameAlloc")
	at, err := mem.MapFrames(c, 1, readWrite, mem.FlagShared)
	t.OK(err, "MapFrames")
	t.Later(func() { mem.Unmap(at, mem.PageSize) })
	return words(at, mem.PageSize)
}

// Notification makes one.
func (t *T) Notification() sys.Cap {
	n, err := sys.NotifyCreate(account())
	t.OK(err, "NotifyCreate")
	t.Later(func() { sys.CapDelete(n) })
	return n
}

// Endpoint makes one.
func (t *T) Endpoint() sys.Cap {
	e, err := sys.EndpointCreate(account())
	t.OK(err, "EndpointCreate")
	t.Later(func() { sys.CapDelete(e) })
	return e
}

// EnvOf finds the process's capability for a child: the kernel lists what a process holds.
func (t *T) EnvOf(id proc.ID) sys.Cap {
	for _, name := range t.Held() {
		var info abi.CapInfo
		if sys.CapInspect(name, &info) == abi.OK && info.Kind == abi.KindEnv && info.Object.First == uint64(id) {
			return name
		}
	}
	t.Fail("the parent does not hold its child's environment")
	return 0
}

// Held are the names of all capabilities that the process holds.
func (t *T) Held() (all []sys.Cap) {
	var some [32]sys.Cap
	for slot := uint64(0); ; {
		n, next, err := sys.CapHeld(slot, some[:])
		t.OK(err, "CapHeld")
		if all = append(all, some[:n]...); next == 0 {
			return all
		}
		slot = next
	}
}

func load(p *uint64) uint64 { return atomic.LoadUint64(p) }

// eventually waits until something is so. It is not to be used for what may never be: the machine may be slow.
func eventually(fn func() bool) {
	for !fn() {
		thread.Sleep(500_000)
	}
}

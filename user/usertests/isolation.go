//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/proc"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// What a program must not be able to do, and the exact answer to each attempt.

// forgedNames: a name that one has not been given is no capability: random ones, and all around those that are.
func forgedNames(t *T) {
	own := map[sys.Cap]bool{}
	held := t.Held()
	for _, name := range held {
		own[name] = true
	}
	try := func(name sys.Cap) {
		if name == 0 || own[name] {
			return
		}
		var info abi.CapInfo
		err := error(sys.CapInspect(name, &info))
		if err == error(abi.OK) { // the heap has grown since
			for _, name := range t.Held() {
				own[name] = true
			}
			t.That(own[name], "a name that was guessed is one")
			return
		}
		t.Is(err, abi.BadCap, "CapInspect")
		t.Is(sys.CapDelete(name), abi.BadCap, "CapDelete")
		_, err = sys.CapDerive(name, abi.RightRead, 0, nil)
		t.Is(err, abi.BadCap, "CapDerive")
		t.Is(sys.PageMap(name, 0, windowAt, abi.PermRead), abi.BadCap, "PageMap")
		t.Is(sys.Notify(name, 1), abi.BadCap, "Notify")
		t.Is(sys.EnvDestroy(name), abi.BadCap, "EnvDestroy")
		_, _, err = sys.FrameAlloc(name, abi.HowNear, 0, 1, 0)
		t.Is(err, abi.BadCap, "FrameAlloc")
	}
	for _, name := range held {
		for bit := range 64 {
			try(name ^ 1<<bit)
		}
		try(name + 1)
		try(name - 1)
	}
	for slot := range uint64(2000) { // all places, with likely generations
		for gen := range uint64(4) {
			try(slot | gen<<32)
		}
	}
	x := sys.Start().Seed | 1
	for range 2000 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		try(x)
	}
}

// noCapability: 0 is nobody's name, but for the caller's own environment and thread.
func noCapability(t *T) {
	var info abi.CapInfo
	t.Is(sys.CapInspect(0, &info), abi.BadCap, "CapInspect")
	t.Is(sys.CapRevoke(0), abi.BadCap, "CapRevoke")
	t.Is(sys.PageMap(0, 0, windowAt, abi.PermRead), abi.BadCap, "PageMap")
	t.Is(sys.PageUnmap(0, 0, 0), abi.BadCap, "PageUnmap")
	t.Is(sys.Notify(0, 1), abi.BadCap, "Notify")
	_, err := sys.IPCCall(0, 1, 0, 0, 0, 0)
	t.Is(err, abi.BadCap, "IPCCall")
	_, err = sys.ConsoleWrite(0, []byte("x"))
	t.Is(err, abi.BadCap, "ConsoleWrite")
	_, _, err = sys.EnvCreate(0, 1, 1)
	t.Is(err, abi.BadCap, "EnvCreate")
	t.Is(sys.SystemEnd(0, 0), abi.BadCap, "SystemEnd")
	t.Is(sys.InterruptAck(0), abi.BadCap, "InterruptAck")
}

// kernelAddresses: nothing can be mapped at the kernel's addresses, over the page of kernel state, or at none.
func kernelAddresses(t *T) {
	c, _ := t.Frames(2)
	for _, at := range []uint64{kernelText, directMap, noAddress, noAddress - 4096, abi.UserTop, abi.UserTop - 4096, 1 << 63, ^uint64(0) &^ 4095,
		abi.InfoPage, abi.InfoPage - 4096} {
		t.Is(sys.PageMap(c, 0, at, abi.PermRead), abi.BadAddress, "PageMap at 0x"+hex(at))
	}
	for _, at := range []uint64{1, windowAt + 8, kernelText + 1} {
		t.Is(sys.PageMap(c, 0, at, abi.PermRead), abi.BadArgument, "PageMap at 0x"+hex(at))
	}
	t.Touched(abi.InfoPage, "the page of kernel state")
}

func hex(v uint64) string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[i] = digits[v>>(60-4*i)&15]
	}
	return string(b[:])
}

// neverBoth: no page may be written and executed.
func neverBoth(t *T) {
	c, _ := t.Frames(1)
	t.Is(sys.PageMap(c, 0, windowAt, abi.PermWrite|abi.PermExecute), abi.BadArgument, "PageMap to write and execute")
	t.Is(sys.PageMap(c, 0, windowAt, 8), abi.BadArgument, "PageMap for no known purpose")
	t.Is(sys.PageMap(c, 0, windowAt, ^abi.Perm(0)), abi.BadArgument, "PageMap for everything")
	t.Window(c, 0, readWrite)
	t.Is(sys.PageProtect(c, 0, 0, abi.PermRead|abi.PermWrite|abi.PermExecute), abi.BadArgument, "PageProtect to write and execute")
}

// pointers: what a call points at must be the caller's, for what the call does with it.
func pointers(t *T) {
	c, _ := t.Frames(1)
	readOnly := t.Window(c, 0, abi.PermRead)
	d, _ := t.Frames(1)
	end := t.Window(d, 32, readWrite) + 4096 - 8 // nothing is behind it
	e, console := t.Notification(), sys.StartCap(startpage.RoleConsole, 0)
	call := func(what string, n abi.Call, a0, a1, a2, a3 uint64) {
		r, _, _, _, _ := sys.Call6(n, a0, a1, a2, a3, 0, 0)
		t.Is(abi.Errno(r), abi.BadAddress, what)
	}
	both := func(at uint64, where string) {
		call("CapDerive from "+where, abi.CapDerive, account(), abi.RightRead, 0, at)
		call("EnvUpcalls from "+where, abi.EnvUpcalls, 0, at, 0, 0)
		call("ThreadCreate from "+where, abi.ThreadCreate, 0, at, 0, 0)
		call("ConsoleWrite from "+where, abi.ConsoleWrite, console, at, 16, 0)
		call("WaitUntil from "+where, abi.WaitUntil, at, 2, c, 0)
		call("PageOps from "+where, abi.PageOps, at, 1, 0, 0)
	}
	out := func(at uint64, where string) {
		call("CapInspect to "+where, abi.CapInspect, e, at, 0, 0)
		call("EnvInspect to "+where, abi.EnvInspect, 0, at, 0, 0)
		call("ThreadInspect to "+where, abi.ThreadInspect, 0, at, 0, 0)
		call("CapHeld to "+where, abi.CapHeld, e&(1<<32-1), at+4, 4, 0) // one name does not fit
	}
	for _, at := range []uint64{8, windowAt + 100<<12, abi.UserTop - 8, abi.UserTop, noAddress - 8, noAddress, directMap, kernelText, ^uint64(0) - 7, end} {
		both(at, hex(at))
		out(at, hex(at))
	}
	out(readOnly, "what is read-only")
	out(abi.InfoPage, "the page of kernel state")
	text := uint64(t.Code())
	out(text, "code")
}

// doubleGrant: what was given to one cannot be given to another, and what both own neither can take from the other.
func doubleGrant(t *T) {
	p, q := t.Puppet(spin...), t.Puppet(spin...)
	c, _ := t.Frames(1)
	t.OK(sys.CapTransfer(c, p.env), "the first transfer")
	t.Is(sys.CapTransfer(c, q.env), abi.BadCap, "the second transfer")
	_, err := sys.FrameShare(c, q.env, abi.RightRead)
	t.Is(err, abi.BadCap, "sharing what was given away")
	d, _ := t.Frames(1)
	theirs, err := sys.FrameShare(d, p.env, abi.RightRead|abi.RightWrite)
	t.OK(err, "FrameShare")
	t.Is(sys.CapDelete(theirs), abi.BadCap, "deleting the other's by its name")
	t.Is(sys.CapRevoke(theirs), abi.BadCap, "revoking it")
	t.OK(sys.CapRevoke(d), "CapRevoke")
	at := words(t.Window(d, 0, readWrite), 8)
	at[0] = 1
	t.OK(sys.CapDelete(d), "CapDelete")
	t.Count(int64(p.inspect(t).Frames), int64(q.inspect(t).Frames)+2, "frames of the one who was given two")
}

// othersFrames: a frame of the kernel's or of another's cannot be taken by its number; what can be is empty.
func othersFrames(t *T) {
	refused := 0
	for n := uint64(0); n < 2048; n++ {
		frame := n * 37 % (512 << 20 / 4096)
		c, first, err := sys.FrameAlloc(account(), abi.HowAt, frame, 1, 0)
		if err != abi.OK {
			t.Is(err, abi.NoMemory, "FrameAlloc")
			refused++
			continue
		}
		t.Hex(first, frame, "the frame")
		for _, w := range words(t.Window(c, 0, abi.PermRead), 4096) {
			if w != 0 {
				t.Fail("frame 0x" + hex(frame) + " has somebody's bytes")
			}
		}
		t.OK(sys.CapDelete(c), "CapDelete")
	}
	t.That(refused > 20, "hardly any frame is the kernel's")
}

// gone: what was given back cannot be seen any more, by any thread.
func gone(t *T) {
	c, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, 2, 0)
	t.OK(err, "FrameAlloc")
	w := words(t.Window(c, 0, readWrite), 8192)
	w[0] = 1
	t.OK(sys.CapDelete(c), "CapDelete")
	t.Reads(addressOf(&w[0]), "reading what was given back")
	t.Writes(addressOf(&w[512]), "writing it")
}

// childRevoked: what a parent revokes its child cannot see any more, in the middle of what it does.
func childRevoked(t *T) {
	c, _ := t.Frames(1)
	look := code(loadRAX(0x60_0000), []byte{0x48, 0x8B, 0x08, 0xEB, 0xFB}) // MOV RCX, [RAX]; JMP back
	p := t.Puppet(look...)
	d, err := sys.CapDerive(c, abi.RightRead|abi.RightTransfer|abi.RightDelete, 0, nil)
	t.OK(err, "CapDerive")
	t.OK(sys.PageMap(d, p.env, 0x60_0000, abi.PermRead), "PageMap")
	t.OK(sys.CapTransfer(d, p.env), "CapTransfer")
	p.start(t)
	eventually(func() bool { return p.inspect(t).RanNs > 0 })
	t.Count(int64(p.inspect(t).State), int64(abi.EnvRunning), "its state while it sees the page")
	t.OK(sys.CapRevoke(c), "CapRevoke")
	t.Count(p.end(t), abi.StatusFault, "status")
}

// othersEnvironment: who may only look at an environment may do nothing else with it.
func othersEnvironment(t *T) {
	p := t.Puppet(spin...)
	d, err := sys.CapDerive(p.env, abi.RightRead|abi.RightDerive, 0, nil)
	t.OK(err, "CapDerive")
	t.Later(func() { sys.CapDelete(d) })
	envInfo(t, d)
	c, _ := t.Frames(1)
	t.Is(sys.EnvDestroy(d), abi.BadRights, "EnvDestroy")
	t.Is(sys.EnvSuspend(d), abi.BadRights, "EnvSuspend")
	t.Is(sys.EnvResume(d), abi.BadRights, "EnvResume")
	t.Is(sys.EnvUpcalls(d, &abi.Upcalls{}), abi.BadRights, "EnvUpcalls")
	t.Is(sys.PageMap(c, d, windowAt, abi.PermRead), abi.BadRights, "PageMap")
	t.Is(sys.CapTransfer(c, d), abi.BadRights, "CapTransfer")
	_, err = sys.FrameShare(c, d, abi.RightRead)
	t.Is(err, abi.BadRights, "FrameShare")
	_, err = sys.ThreadCreate(d, &abi.ThreadStart{RIP: puppetCode})
	t.Is(err, abi.BadRights, "ThreadCreate")
	t.Is(sys.RevokeRequest(d, abi.KindFrames, 1, 1), abi.BadRights, "RevokeRequest")
	_, err = sys.CapDerive(d, abi.RightRead|abi.RightWrite, 0, nil)
	t.Is(err, abi.BadRights, "CapDerive")
	t.OK(sys.EnvDestroy(p.env), "EnvDestroy by who may")
	var info abi.EnvInfo
	t.That(sys.EnvInspect(d, &info) != abi.OK, "an environment that is no more can be looked at")
}

// othersAccount: a child's account is not the parent's to spend, though it knows the name.
func othersAccount(t *T) {
	p := t.Puppet(spin...)
	_, _, err := sys.FrameAlloc(p.account, abi.HowNear, 0, 1, 0)
	t.Is(err, abi.BadCap, "FrameAlloc by a child's account")
	_, err = sys.NotifyCreate(p.account)
	t.Is(err, abi.BadCap, "NotifyCreate by it")
	t.Is(sys.CapTransfer(account(), p.env), abi.BadRights, "giving one's own account away")
}

// machineEnd: only who was given that may end the machine.
func machineEnd(t *T) {
	console := sys.StartCap(startpage.RoleConsole, 0)
	t.That(console != 0, "there is no console")
	t.Is(sys.SystemEnd(console, 0), abi.BadRights, "SystemEnd")
	t.Is(sys.SystemEnd(account(), 0), abi.BadKind, "SystemEnd by an account")
	_ = proc.Self()
}

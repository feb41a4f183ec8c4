//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

// Calls of others through endpoints.

const aWhile = 2_000_000 // ns

// server answers calls with each word plus one until the first word is 0, which it answers, too.
func server(e sys.Cap) {
	m, err := sys.IPCReceive(e, abi.Forever)
	for err == abi.OK && m.W0 != 0 {
		m, err = sys.IPCReplyWait(e, m.W0+1, m.W1+1, m.W2+1, m.W3+1, 0)
	}
	if err == abi.OK {
		sys.IPCReply(0, 0, 0, 0, 0)
	}
}

func ipcCall(t *T) {
	e := t.Endpoint()
	th := t.Go(func() { server(e) })
	for i := uint64(1); i < 1000; i++ {
		m, err := sys.IPCCall(e, i, i<<40, ^i, 7, 0)
		t.OK(err, "IPCCall")
		t.That(m == sys.Message{W0: i + 1, W1: i<<40 + 1, W2: ^i + 1, W3: 8}, "the answer is another")
	}
	_, err := sys.IPCCall(e, 0, 0, 0, 0, 0)
	t.OK(err, "the last IPCCall")
	th.Join()
}

// ipcMany: each of several callers gets its own answers.
func ipcMany(t *T) {
	e := t.Endpoint()
	th := t.Go(func() { server(e) })
	var all [6]*thread.Thread
	var wrong [len(all)]int
	for k := range all {
		all[k] = t.Go(func() {
			for i := range uint64(200) {
				v := uint64(k+1)<<32 + i
				if m, err := sys.IPCCall(e, v, v, v, v, 0); err != abi.OK || m.W0 != v+1 || m.W3 != v+1 {
					wrong[k]++
				}
			}
		})
	}
	for _, c := range all {
		c.Join()
	}
	sys.IPCCall(e, 0, 0, 0, 0, 0)
	th.Join()
	for _, n := range wrong {
		t.Count(int64(n), 0, "wrong answers")
	}
}

// ipcAcross: between two processes, of which the one knows who the other is.
func ipcAcross(t *T) {
	e := t.Endpoint()
	r, w := t.Pipe()
	id := t.Fork(func() int {
		w.Close()
		name := words(addressOf(&[8]byte{}), 8)
		if _, err := r.Read(bytesAt(addressOf(&name[0]), 8)); err != nil {
			return 1
		}
		m, err := sys.IPCCall(name[0], 41, 2, 3, 4, 0)
		if err != abi.OK {
			return 2
		}
		if _, err := sys.IPCReceive(name[0], 0); err != abi.BadRights {
			return 3
		}
		return int(m.W0)
	})
	r.Close()
	name, err := sys.CapDerive(e, abi.RightExecute|abi.RightDelete, t.EnvOf(id), nil)
	t.OK(err, "CapDerive")
	w.Write(bytesAt(addressOf(&name), 8))
	w.Close()
	var number uint64
	rax, w1, w2, w3, _ := sys.Call6(abi.IPCReceive, e, abi.Forever, 0, 0, 0, 0)
	t.That(rax == 41 && w1 == 2 && w2 == 3 && w3 == 4, "the message is another")
	_ = number
	t.OK(sys.IPCReply(rax+1, 0, 0, 0, 0), "IPCReply")
	t.Count(t.Wait(id), 42, "status")
}

// ipcCapability: a capability in a message changes hands: its sender has it no more.
func ipcCapability(t *T) {
	e := t.Endpoint()
	r, w := t.Pipe()
	id := t.Fork(func() int {
		w.Close()
		var name uint64
		if _, err := r.Read(bytesAt(addressOf(&name), 8)); err != nil {
			return 1
		}
		c, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, 1, 0)
		if err != abi.OK || sys.PageMap(c, 0, windowAt, readWrite) != abi.OK {
			return 2
		}
		words(windowAt, 8)[0] = 77
		if _, err := sys.IPCCall(name, 1, 0, 0, 0, c); err != abi.OK {
			return 3
		}
		if sys.CapDelete(c) != abi.BadCap {
			return 4
		}
		return 0
	})
	r.Close()
	name, err := sys.CapDerive(e, abi.RightExecute|abi.RightDelete, t.EnvOf(id), nil)
	t.OK(err, "CapDerive")
	w.Write(bytesAt(addressOf(&name), 8))
	w.Close()
	before := mine()
	m, err := sys.IPCReceive(e, abi.Forever)
	t.OK(err, "IPCReceive")
	t.That(m.Cap != 0, "there came no capability")
	t.Count(int64(mine().frames-before.frames), 1, "frames that the receiver pays for")
	t.OK(sys.PageMap(m.Cap, 0, windowAt, abi.PermRead), "PageMap")
	t.Count(int64(words(windowAt, 8)[0]), 77, "the word that the sender wrote")
	t.OK(sys.IPCReply(0, 0, 0, 0, 0), "IPCReply")
	t.Count(t.Wait(id), 0, "status")
	t.Count(int64(words(windowAt, 8)[0]), 77, "the word after the sender has ended")
	t.OK(sys.CapDelete(m.Cap), "CapDelete")
}

func ipcTimeouts(t *T) {
	e := t.Endpoint()
	_, err := sys.IPCReceive(e, 0)
	t.Is(err, abi.Again, "IPCReceive that does not wait")
	_, err = sys.IPCReceive(e, clock.Now()+aWhile)
	t.Is(err, abi.TimedOut, "IPCReceive")
	until := clock.Now() + aWhile
	t.OK(sys.IPCTimeout(until), "IPCTimeout")
	_, err = sys.IPCCall(t.Endpoint(), 1, 2, 3, 4, 0)
	t.Is(err, abi.TimedOut, "IPCCall that nobody receives")
	t.That(clock.Now() >= until, "it came too early")
}

// ipcDeadlock: who would wait for itself is told so, also if another waits for it in between.
func ipcDeadlock(t *T) {
	mine, theirs := t.Endpoint(), t.Endpoint()
	_, err := sys.IPCReceive(mine, 0) // nobody else ever receives there
	t.Is(err, abi.Again, "IPCReceive that does not wait")
	_, err = sys.IPCCall(mine, 1, 0, 0, 0, 0)
	t.Is(err, abi.Deadlock, "calling oneself")
	var inner abi.Errno
	th := t.Go(func() {
		sys.IPCReceive(theirs, abi.Forever)
		_, inner = sys.IPCCall(mine, 1, 0, 0, 0, 0)
		sys.IPCReply(5, 0, 0, 0, 0)
	})
	m, err := sys.IPCCall(theirs, 1, 0, 0, 0, 0)
	th.Join()
	t.OK(err, "calling who calls back")
	t.Count(int64(m.W0), 5, "the answer")
	t.Is(inner, abi.Deadlock, "calling back")
}

// ipcGivenUp: who answers too late hears that nobody waits.
func ipcGivenUp(t *T) {
	e := t.Endpoint()
	err, got := abi.OK, abi.TimedOut
	for got == abi.TimedOut { // the call may be over before this thread comes here
		th := t.Go(func() {
			sys.IPCTimeout(clock.Now() + aWhile)
			_, err = sys.IPCCall(e, 1, 0, 0, 0, 0)
		})
		_, got = sys.IPCReceive(e, clock.Now()+10*aWhile)
		th.Join()
	}
	t.OK(got, "IPCReceive")
	t.Is(err, abi.TimedOut, "IPCCall that is answered too late")
	t.Is(sys.IPCReply(1, 0, 0, 0, 0), abi.Dead, "IPCReply to who has given up")
	t.Is(sys.IPCReply(1, 0, 0, 0, 0), abi.Again, "IPCReply to nobody")
}

// ipcEndpointGone: who waits at an endpoint that is deleted hears so.
func ipcEndpointGone(t *T) {
	var gone sys.Cap
	t.Revoked(sys.EndpointCreate, func(e sys.Cap) abi.Errno {
		_, err := sys.IPCCall(e, 1, 0, 0, 0, 0)
		return err
	}, "IPCCall")
	t.Revoked(sys.EndpointCreate, func(e sys.Cap) abi.Errno {
		gone = e
		_, err := sys.IPCReceive(e, abi.Forever)
		return err
	}, "IPCReceive")
	_, err := sys.IPCCall(gone, 1, 0, 0, 0, 0)
	t.Is(err, abi.BadCap, "IPCCall at what is no more")
}

// ipcServerEnds: a caller whose server ends before it has answered hears so.
func ipcServerEnds(t *T) {
	e := t.Endpoint()
	th := t.Go(func() { sys.IPCReceive(e, abi.Forever) }) // and ends
	_, err := sys.IPCCall(e, 1, 0, 0, 0, 0)
	th.Join()
	t.Is(err, abi.Dead, "IPCCall")
}

func ipcRights(t *T) {
	e := t.Endpoint()
	client, err := sys.CapDerive(e, abi.RightExecute|abi.RightDelete, 0, nil)
	t.OK(err, "CapDerive")
	serves, err := sys.CapDerive(e, abi.RightReceive|abi.RightDelete, 0, nil)
	t.OK(err, "CapDerive")
	_, err = sys.IPCReceive(client, 0)
	t.Is(err, abi.BadRights, "receiving as a client")
	_, err = sys.IPCReplyWait(client, 0, 0, 0, 0, 0)
	t.Is(err, abi.BadRights, "answering as a client")
	_, err = sys.IPCCall(serves, 1, 0, 0, 0, 0)
	t.Is(err, abi.BadRights, "calling as a server")
	_, err = sys.IPCCall(e, 1<<63, 0, 0, 0, 0)
	t.Is(err, abi.BadArgument, "a message that looks like an error")
	_, err = sys.IPCCall(account(), 1, 0, 0, 0, 0)
	t.Is(err, abi.BadKind, "calling an account")
	sys.CapDelete(client)
	sys.CapDelete(serves)
}

// ipcBadCapability: a capability that one has not cannot be sent.
func ipcBadCapability(t *T) {
	e := t.Endpoint()
	var received sys.Message
	th := t.Go(func() {
		received, _ = sys.IPCReceive(e, abi.Forever)
		sys.IPCReply(0, 0, 0, 0, 0)
	})
	t.Blocked(th)
	_, err := sys.IPCCall(e, 1, 0, 0, 0, 12345)
	t.Is(err, abi.BadCap, "IPCCall with a name that is none")
	_, err = sys.IPCCall(e, 2, 0, 0, 0, 0)
	t.OK(err, "IPCCall")
	th.Join()
	t.That(received.W0 == 2 && received.Cap == 0, "the server got something else")
}

// ipcTimeoutAcross: nobody waits for ever for who does not answer; and who is killed while it waits is gone.
func ipcKilledCaller(t *T) {
	e := t.Endpoint()
	r, w, err := file.Pipe()
	t.OK(err, "Pipe")
	id := t.Fork(func() int {
		w.Close()
		var name uint64
		r.Read(bytesAt(addressOf(&name), 8))
		sys.IPCCall(name, 1, 0, 0, 0, 0)
		return 0
	})
	r.Close()
	name, no := sys.CapDerive(e, abi.RightExecute|abi.RightDelete, t.EnvOf(id), nil)
	t.OK(no, "CapDerive")
	w.Write(bytesAt(addressOf(&name), 8))
	w.Close()
	_, no = sys.IPCReceive(e, abi.Forever)
	t.OK(no, "IPCReceive")
	proc.Kill(id)
	t.Count(t.Wait(id), abi.StatusKilled, "status")
	t.Is(sys.IPCReply(1, 0, 0, 0, 0), abi.Dead, "IPCReply to who was killed")
}

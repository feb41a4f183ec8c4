//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/sys"
)

// Capabilities: what may be derived, what goes when.

func (t *T) Inspect(name sys.Cap) (info abi.CapInfo) {
	t.OK(sys.CapInspect(name, &info), "CapInspect")
	return info
}

func capNarrows(t *T) {
	c, first := t.Frames(8)
	d, err := sys.CapDerive(c, abi.RightRead|abi.RightDelete, 0, &abi.Object{First: first + 2, Second: 3})
	t.OK(err, "CapDerive")
	i := t.Inspect(d)
	t.Hex(i.Kind, abi.KindFrames, "kind")
	t.Hex(i.Rights, abi.RightRead|abi.RightDelete, "rights")
	t.That(i.Object == abi.Object{First: first + 2, Second: 3}, "it is for other frames")
	w, v := words(t.Window(c, 0, readWrite), 8*4096), words(t.Window(d, 16, abi.PermRead), 3*4096)
	w[2*512] = 6
	t.Count(int64(v[0]), 6, "the word that both see")
	t.OK(sys.CapDelete(d), "CapDelete")
	t.Reads(addressOf(&v[0]), "reading by what is no more")
}

// capNeverWider: no right and no frame comes by deriving.
func capNeverWider(t *T) {
	c, first := t.Frames(4)
	d, err := sys.CapDerive(c, abi.RightRead|abi.RightDelete|abi.RightDerive, 0, &abi.Object{First: first + 1, Second: 2})
	t.OK(err, "CapDerive")
	for _, more := range []uint64{abi.RightWrite, abi.RightExecute, abi.RightShare, abi.RightRevoke, abi.RightTransfer} {
		_, err := sys.CapDerive(d, abi.RightRead|more, 0, nil)
		t.Is(err, abi.BadRights, "deriving more rights")
	}
	for _, o := range []abi.Object{{First: first, Second: 2}, {First: first + 1, Second: 3}, {First: first + 3, Second: 1}, {First: 0, Second: 1},
		{First: first + 1, Second: 0}, {First: first + 1, Second: ^uint64(0)}, {First: ^uint64(0), Second: 2}} {
		_, err := sys.CapDerive(d, abi.RightRead, 0, &o)
		t.Is(err, abi.BadArgument, "deriving other frames")
	}
	_, err = sys.CapDerive(d, 1<<40, 0, nil)
	t.Is(err, abi.BadArgument, "deriving a right that is none")
	e, err := sys.CapDerive(c, abi.RightRead|abi.RightOwn|abi.RightDelete, 0, nil)
	t.OK(err, "CapDerive with ownership")
	t.Hex(t.Inspect(e).Rights&abi.RightOwn, 0, "ownership that was derived")
	noDerive, err := sys.CapDerive(c, abi.RightRead|abi.RightDelete, 0, nil)
	t.OK(err, "CapDerive")
	_, err = sys.CapDerive(noDerive, abi.RightRead, 0, nil)
	t.Is(err, abi.BadRights, "deriving from what must not be derived from")
	sys.CapDelete(d)
	sys.CapDelete(e)
	sys.CapDelete(noDerive)
}

// capRevoke: all that was derived goes, and what was derived from that; not the capability itself.
func capRevoke(t *T) {
	c, _ := t.Frames(1)
	all := []sys.Cap{c}
	for i := range 20 {
		d, err := sys.CapDerive(all[i/2], abi.RightRead|abi.RightDelete|abi.RightDerive|abi.RightRevoke, 0, nil)
		t.OK(err, "CapDerive")
		all = append(all, d)
	}
	w := words(t.Window(all[20], 0, abi.PermRead), 8)
	_ = w[0]
	before := mine()
	t.OK(sys.CapRevoke(c), "CapRevoke")
	t.Count(int64(before.caps-mine().caps), 20, "capabilities that are back")
	for _, d := range all[1:] {
		var info abi.CapInfo
		t.Is(sys.CapInspect(d, &info), abi.BadCap, "CapInspect of what was revoked")
	}
	t.Reads(addressOf(&w[0]), "reading by what was revoked")
	t.Hex(t.Inspect(c).Kind, abi.KindFrames, "kind of what stays")
}

// capStale: a name is not used again, though its place is.
func capStale(t *T) {
	seen := map[sys.Cap]bool{}
	for range 2000 {
		d, err := sys.CapDerive(account(), abi.RightRead|abi.RightDelete, 0, nil)
		t.OK(err, "CapDerive")
		t.That(!seen[d], "a name came twice")
		seen[d] = true
		t.OK(sys.CapDelete(d), "CapDelete")
		t.Is(sys.CapDelete(d), abi.BadCap, "CapDelete again")
	}
}

// capHeld: the list of what one holds has everything once.
func capHeld(t *T) {
	var mineToo [70]sys.Cap
	for i := range mineToo {
		d, err := sys.CapDerive(account(), abi.RightRead|abi.RightDelete, 0, nil)
		t.OK(err, "CapDerive")
		t.Later(func() { sys.CapDelete(d) })
		mineToo[i] = d
	}
	n := map[sys.Cap]int{}
	for _, name := range t.Held() {
		n[name]++
		t.Count(int64(n[name]), 1, "how often a name is in the list")
	}
	for _, d := range mineToo {
		t.Count(int64(n[d]), 1, "how often a new one is")
	}
	t.That(n[account()] == 1, "the account is not in the list")
}

// capTransfer: who gives away has nothing left; who gets it pays.
func capTransfer(t *T) {
	p := t.Puppet(spin...)
	c, _ := t.Frames(4)
	before, theirs := mine(), p.inspect(t).Frames
	t.OK(sys.CapTransfer(c, p.env), "CapTransfer")
	t.Count(int64(before.frames-mine().frames), 4, "frames that the giver pays for no more")
	t.Count(int64(p.inspect(t).Frames-theirs), 4, "frames that the other pays for")
	t.Is(sys.CapTransfer(c, p.env), abi.BadCap, "giving it away twice")
	t.Is(sys.CapDelete(c), abi.BadCap, "deleting what was given away")
	t.Is(sys.PageMap(c, 0, windowAt, readWrite), abi.BadCap, "mapping it")
	big, _ := t.Frames(100)
	t.Is(sys.CapTransfer(big, p.env), abi.NoQuota, "giving more than the other may have")
	t.Hex(t.Inspect(big).Object.Second, 100, "frames that the giver still has")
	d, err := sys.CapDerive(big, abi.RightRead|abi.RightDelete, 0, nil)
	t.OK(err, "CapDerive")
	t.Is(sys.CapTransfer(d, p.env), abi.BadRights, "giving away without the right to")
	sys.CapDelete(d)
}

func capKinds(t *T) {
	n, e := t.Notification(), t.Endpoint()
	c, _ := t.Frames(1)
	var info abi.EnvInfo
	t.Is(sys.EnvInspect(n, &info), abi.BadKind, "EnvInspect of a notification")
	t.Is(sys.PageMap(e, 0, windowAt, readWrite), abi.BadKind, "PageMap of an endpoint")
	t.Is(sys.Notify(c, 1), abi.BadKind, "Notify of frames")
	_, _, err := sys.FrameAlloc(c, abi.HowNear, 0, 1, 0)
	t.Is(err, abi.BadKind, "FrameAlloc of frames")
	_, err = sys.ConsoleWrite(n, []byte("x"))
	t.Is(err, abi.BadKind, "ConsoleWrite to a notification")
	t.Is(sys.ThreadDestroy(account()), abi.BadKind, "ThreadDestroy of an account")
	_, err = sys.FrameShare(n, 0, abi.RightRead)
	t.Is(err, abi.BadKind, "FrameShare of a notification")
	t.Is(sys.InterruptAck(n), abi.BadKind, "InterruptAck of a notification")
}

// capWriteOnce: what may only be read cannot be mapped to be written, nor made so later.
func capReadOnly(t *T) {
	c, _ := t.Frames(1)
	d, err := sys.CapDerive(c, abi.RightRead|abi.RightDelete, 0, nil)
	t.OK(err, "CapDerive")
	t.Later(func() { sys.CapDelete(d) })
	t.Is(sys.PageMap(d, 0, windowAt, readWrite), abi.BadRights, "PageMap to write")
	t.Is(sys.PageMap(d, 0, windowAt, abi.PermExecute), abi.BadRights, "PageMap to execute")
	at := t.Window(d, 0, abi.PermRead)
	t.Is(sys.PageProtect(d, 0, 0, readWrite), abi.BadRights, "PageProtect to write")
	t.Writes(at, "writing it")
	_, err = sys.FrameShare(d, 0, abi.RightRead)
	t.Is(err, abi.BadRights, "FrameShare without the right to")
}

//go:build exokernel

package main

import (
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/cap: each CPU has a capability of its own, derives from it, and shows some of the names to all. Whoever finds
// one looks it up, derives from it, gives it to another holder, deletes it. Then the CPU revokes all that is below its
// own, and nothing that it has derived may be found any more. In the end each capability was torn down once, and all
// slots and frames are back.

const (
	capsShown = 64
	capsMade  = 24 // by a CPU between two revocations, at most
)

var capTorture struct {
	shown [capsShown]atom.Uint64 // names
	cpus  []capTortured
	free  uint64 // frames before
}

// capTortured is one CPU's part.
type capTortured struct {
	mine                                         cap.Name
	made                                         [capsMade]cap.Name
	n                                            int
	derived, refused, found, missed              uint64
	revoked, deleted, transferred, torn, retried uint64
	_                                            [64]byte
}

// tearTortured is on the CPU of whoever kills.
func tearTortured(cpu int, _ cap.Name, _ cap.Rights, o cap.Object) {
	c := &capTorture.cpus[cpu]
	c.torn++
	if o.Second != scramble(o.First) {
		c.torn += 1 << 32 // shows in the sum
	}
}

func prepareCap(t *ktest.T) {
	capTorture.free = allFreeFrames()
	capTested.kinds[capTorn].Teardown = tearTortured
	capTorture.cpus = room[capTortured](t.CPUs)
	for i := range capTorture.shown {
		capTorture.shown[i].Store(0)
	}
	if !t.Check(0, capTested.start(t.CPUs), "there is memory for a table") {
		return
	}
	for i := range capTorture.cpus {
		c := &capTorture.cpus[i]
		var err error
		c.mine, err = capTested.Create(0, cap.Capability{Kind: capTorn, Rights: cap.AllRights, Holder: cap.Holder(1 + i%2),
			Object: cap.Object{First: uint64(i), Second: scramble(uint64(i))}})
		t.Check(0, err == nil, "each CPU has a capability of its own")
		c.derived++
	}
}

func testTortureCap(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/cap", prepareCap, nil) {
		return
	}
	r := t.Rand(cpu)
	for more := true; more; more = going(t, cpu) { // some, however slow the machine is
		for range 16 {
			c := preemptOff()
			capTorture.cpus[cpu].step(t, cpu, r)
			c.PreemptEnable()
			jostle(t, r)
		}
	}
	w := &capTorture.cpus[cpu]
	t.Count(w.derived + w.found + w.revoked + w.deleted + w.transferred)
	endTorture(t, cpu)
	if cpu == 0 {
		finishCap(t)
		t.Equal(0, allFreeFrames(), capTorture.free, "free frames at the end")
	}
}

// step does one operation; preemption is off.
func (w *capTortured) step(t *ktest.T, cpu int, r *ktest.Rand) {
	table := &capTested
	shown := &capTorture.shown[r.N(capsShown)]
	name, by := cap.Name(shown.Load()), cap.Holder(1+r.N(2))
	switch op := r.N(100); {
	case op < 25 && w.n < capsMade: // from one's own, or from what one has derived before
		parent := w.mine
		if w.n > 0 && r.N(2) == 0 {
			parent = w.made[r.N(uint64(w.n))]
		}
		if got, ok := w.derive(cpu, parent, cap.Holder(1+cpu%2)); ok {
			w.made[w.n] = got
			w.n++
			if r.N(2) == 0 {
				shown.Store(uint64(got))
			}
		}
	case op < 40:
		if got, ok := w.derive(cpu, name, by); ok {
			shown.Store(uint64(got))
		}
	case op < 80:
		o, err := table.Lookup(name, by, capTorn, cap.Read)
		if err != nil {
			w.missed++
			break
		}
		w.found++
		t.Check(cpu, o.Second == scramble(o.First), "a lookup found words of two objects")
		t.Check(cpu, table.Check(name, cap.Holder(3), capTorn, 0) == cap.ErrNone, "somebody found what is another's")
	case op < 85:
		if table.Transfer(name, by, 3-by) == nil {
			w.transferred++
		}
	case op < 90:
		at, err := table.Delete(cpu, name, by, 0, 8)
		begun := err == nil // else it may have been the other's, who gives it back now
		for ; at != 0 && err == nil; at, err = table.Delete(cpu, name, by, at, 8) {
			w.retry()
		}
		if err == nil {
			w.deleted++
		}
		t.Check(cpu, !begun || table.Check(name, by, capTorn, 0) == cap.ErrNone, "it was found after Delete")
	case op < 93:
		spend(r)
	case op < 95:
		holder := cap.Holder(1 + cpu%2)
		at, err := table.Revoke(cpu, w.mine, holder, 0, 8)
		for ; at != 0 && err == nil; at, err = table.Revoke(cpu, w.mine, holder, at, 8) {
			w.retry()
		}
		t.Check(cpu, err == nil, "one's own can be revoked from")
		w.revoked++
		for _, m := range w.made[:w.n] {
			for by := cap.Holder(1); by <= 2; by++ {
				t.Check(cpu, table.Check(m, by, capTorn, 0) == cap.ErrNone, "it was found after Revoke")
			}
		}
		w.n = 0
	}
}

func (w *capTortured) derive(cpu int, parent cap.Name, by cap.Holder) (cap.Name, bool) {
	n, err := capTested.Derive(cpu, parent, by, cap.Derivation{To: by, Rights: cap.AllRights})
	if err != nil {
		w.refused++
		return 0, false
	}
	w.derived++
	return n, true
}

// retry is between two calls that belong together; another CPU may have to get on.
func (w *capTortured) retry() {
	w.retried++
	machine.Relax(0)
}

func finishCap(t *ktest.T) {
	c := preemptOff()
	for by := cap.Holder(1); by <= 2; by++ {
		for slot, at := capTested.Drop(0, by, 0, 0, 1000); slot != 0; {
			slot, at = capTested.Drop(0, by, slot, at, 1000)
		}
	}
	var all capTortured
	for i := range capTorture.cpus {
		w := &capTorture.cpus[i]
		all.derived += w.derived
		all.refused += w.refused
		all.found += w.found
		all.missed += w.missed
		all.revoked += w.revoked
		all.deleted += w.deleted
		all.transferred += w.transferred
		all.torn += w.torn
		all.retried += w.retried
	}
	t.Equal(0, all.torn, all.derived, "teardowns, of the capabilities that were made")
	free, slots := capTested.Free()
	t.Equal(0, uint64(free), uint64(slots), "free slots at the end, of all")
	capTested.giveBack(0)
	c.PreemptEnable()
	var l text.Line
	put(said(&l, "cap").Str("derived=").Uint(all.derived).Str(" refused=").Uint(all.refused).Str(" found=").Uint(all.found).
		Str(" missed=").Uint(all.missed).Str(" revoked=").Uint(all.revoked).Str(" deleted=").Uint(all.deleted).
		Str(" transferred=").Uint(all.transferred).Str(" again=").Uint(all.retried).Str(" slots=").Int(slots))
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/cap"
)

// Benchmarks of the capability table, on a table of its own with a thousand capabilities; beside the same in an array under a lock.

var benchCap struct {
	capTable
	ready  bool
	root   cap.Name
	names  [1024]cap.Name
	locked [1024]struct {
		name   uint64
		holder uint32
		rights uint32
		object [2]uint64
	}
	sum uint64
}

func prepareBenchCap() {
	b := &benchCap
	if b.ready {
		return
	}
	if !b.start(1) {
		panic("bench: no memory for a table of capabilities")
	}
	b.root, _ = b.Create(0, cap.Capability{Kind: capPlain, Rights: cap.AllRights, Holder: 1})
	for i := range b.names {
		b.names[i], _ = b.Derive(0, b.root, 1, cap.Derivation{To: 1, Rights: cap.AllRights})
		l := &b.locked[i]
		l.name, l.holder, l.rights = uint64(b.names[i]), 1, ^uint32(0)
	}
	b.ready = true
}

func benchCapCheck(ops uint64) {
	prepareBenchCap()
	b := &benchCap
	for i := range ops {
		if b.Check(b.names[i%1024], 1, capPlain, cap.Read) != nil {
			panic("bench: a capability is not found")
		}
	}
}

func benchCapLookup(ops uint64) {
	prepareBenchCap()
	b := &benchCap
	for i := range ops {
		o, err := b.Lookup(b.names[i%1024], 1, capPlain, cap.Read)
		if err != nil {
			panic("bench: a capability is not found")
		}
		b.sum += o.First
	}
}

func benchCapLookupLocked(ops uint64) {
	prepareBenchCap()
	b := &benchCap
	for i := range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		l := &b.locked[i%1024]
		if l.name == uint64(b.names[i%1024]) && l.holder == 1 && l.rights&1 != 0 {
			b.sum += l.object[0]
		}
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchCapDeriveDelete(ops uint64) {
	prepareBenchCap()
	b := &benchCap
	c := preemptOff()
	for range ops {
		n, _ := b.Derive(0, b.root, 1, cap.Derivation{To: 1, Rights: cap.AllRights})
		b.Delete(0, n, 1, 0, 4)
	}
	c.PreemptEnable()
}

func benchCapDeriveRevoke(ops uint64) {
	prepareBenchCap()
	b := &benchCap
	c := preemptOff()
	for range ops {
		b.Derive(0, b.names[0], 1, cap.Derivation{To: 1, Rights: cap.AllRights})
		b.Revoke(0, b.names[0], 1, 0, 4)
	}
	c.PreemptEnable()
}

// benchCapPairLocked puts an entry into a list and takes it out, each under the lock.
func benchCapPairLocked(ops uint64) {
	prepareBenchCap()
	b := &benchCap
	first, l := uint64(0), &b.locked[0]
	for i := range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		l.name, l.holder, l.rights, l.object[0], l.object[1], first = i, 1, ^uint32(0), 1, first, 1
		plainLock.Unlock()
		plainLock.Lock(nil)
		first, l.holder = l.object[1], 0
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
	b.sum += first
}

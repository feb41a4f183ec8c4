//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
)

// System calls: capabilities of any kind.

// revokeSteps is how many steps of a revocation are made with preemption off.
const revokeSteps = 32

func sysCapDerive(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	d := cap.Derivation{Rights: cap.Rights(f.RSI) &^ owns}
	if f.RSI > abi.AllRights {
		return int64(abi.BadArgument)
	}
	if f.R10 != 0 {
		var o abi.Object
		if !copyIn(&o, f.R10) {
			return int64(abi.BadAddress)
		}
		d.Narrow, d.Object = true, cap.Object{First: o.First, Second: o.Second}
	}
	c := preemptOff()
	e, no := t.env, abi.OK
	if f.RDX != 0 {
		e, no = t.pinEnv(f.RDX, cap.Rights(abi.RightShare))
	}
	got := int64(no)
	if no == abi.OK {
		got = t.derive(c.CPU, cap.Name(f.RDI), e, &d)
		if f.RDX != 0 {
			e.unpin()
		}
	}
	c.PreemptEnable()
	return got
}

// derive makes a capability for e, which is charged, from one of the caller's. Preemption is off.
func (t *thread) derive(cpu int, parent cap.Name, e *env, d *cap.Derivation) int64 {
	return derive(cpu, parent, t.env.holder(), e, d)
}

// derive makes a capability for e from one that h holds.
func derive(cpu int, parent cap.Name, h cap.Holder, e *env, d *cap.Derivation) int64 {
	if err := e.charge(0); err != abi.OK {
		return int64(err)
	}
	d.To = e.holder()
	kept := d.Object // a file's, if it is opened
	if !here().opening {
		kept, _ = capTab.ObjectOf(parent, h, cap.Kind(abi.KindInode))
	}
	if !keepFile(kept) {
		e.discharge(0)
		return int64(abi.NoSlots)
	}
	name, err := capTab.Derive(cpu, parent, h, *d)
	if err != nil {
		letFile(kept)
		e.discharge(0)
		return int64(capErrno(err))
	}
	e.made(name, 0)
	return int64(name)
}

func sysCapTransfer(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	c := preemptOff()
	e, no := t.pinEnv(f.RSI, cap.Rights(abi.RightShare))
	if no == abi.OK {
		no = transfer(cap.Name(f.RDI), t.env, e)
		e.unpin()
	}
	c.PreemptEnable()
	return int64(no)
}

// transfer gives a capability of one environment's to another, who pays for it from then on. Preemption is off, both are pinned or
// the caller's.
func transfer(name cap.Name, from, to *env) abi.Errno {
	info, err := capTab.Inspect(name, from.holder())
	if err != nil {
		return capErrno(err)
	}
	if info.Kind == cap.Kind(abi.KindEnv) && info.Rights&owns != 0 {
		// Else environments might own each other in a circle, or themselves, and live for ever (G5).
		if recordOf(cap.Holder(info.Object.First)).born <= to.born {
			return abi.BadArgument
		}
	}
	cost := costOf(uint64(info.Kind), info.Rights, info.Object)
	if err := to.charge(cost); err != abi.OK {
		return err
	}
	if err := capTab.Transfer(name, from.holder(), to.holder()); err != nil {
		to.discharge(cost)
		return capErrno(err)
	}
	to.noteSlot(uint32(name))
	payerOf(slotOf(name).Payer.Moved(name, from.holder(), to.holder())).discharge(cost)
	return abi.OK
}

func sysCapRevoke(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	return int64(threadOf(s).takeAway(capTab.Revoke, f.RDI))
}

func sysCapDelete(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	return int64(threadOf(s).delete(f.RDI))
}

func (t *thread) delete(name uint64) abi.Errno { return t.takeAway(capTab.Delete, name) }

// takeAway revokes or deletes. Other CPUs may do a part of it; then it waits for them.
func (t *thread) takeAway(fn func(cpu int, name cap.Name, by cap.Holder, at cap.Name, steps int) (cap.Name, error), name uint64) abi.Errno {
	at, err := cap.Name(0), error(nil)
	for again := false; ; again = true {
		before := at
		c := preemptOff()
		at, err = fn(c.CPU, cap.Name(name), t.env.holder(), at, revokeSteps)
		c.PreemptEnable()
		switch {
		case err != nil && again: // somebody else has done the rest
			return abi.OK
		case err != nil:
			return capErrno(err)
		case at == 0:
			return abi.OK
		case at == before:
			yield() // somebody else's teardown is under way
		}
	}
}

func sysCapInspect(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	h, name := t.env.holder(), cap.Name(f.RDI)
	i, err := capTab.Inspect(name, h)
	if err != nil {
		return int64(capErrno(err))
	}
	out := abi.CapInfo{
		Kind: uint64(i.Kind), Rights: uint64(i.Rights),
		Object: abi.Object{First: i.Object.First, Second: i.Object.Second},
	}
	if i.Kind == cap.Kind(abi.KindFrames) {
		c := preemptOff()
		b := &slotOf(name).Binding
		b.Lock()
		if capTab.Check(name, h, i.Kind, 0) == nil && b.Env != cap.Nobody {
			out.Mapped = b.VA
		}
		b.Unlock()
		c.PreemptEnable()
	}
	if !copyOut(f.RSI, &out) {
		return int64(abi.BadAddress)
	}
	return 0
}

const (
	heldNames = 32   // at most in one call of CapHeld
	heldSlots = 1024 // looked at
)

func sysCapHeld(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	var names [heldNames]cap.Name
	n, next := capTab.Held(t.env.holder(), uint32(min(f.RDI, uint64(len(capSlots)))), names[:min(f.RDX, heldNames)], heldSlots)
	// SAFETY: a Name is a word.
	if !amd64.CopyOut(f.RSI, unsafe.Slice((*byte)(unsafe.Pointer(&names)), 8*n)) {
		return int64(abi.BadAddress)
	}
	f.RDX = uint64(next)
	return int64(n)
}

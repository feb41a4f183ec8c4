//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// The usual cases of page calls: a capability for one frame, in the caller's own space, and nobody else just then at either. They run
// with interrupts off from the call's beginning to its end, and wait for nothing but the TLBs of other CPUs, as kernel/mm/paging
// has it. Whatever is unusual is left to pagecalls.go, with nothing changed.

// single locks a capability's binding and looks it up, if it is for one frame that is mapped in the caller's space, or, where that
// is said, nowhere.
func (t *thread) single(name uint64, need cap.Rights, free bool) (f mm.Frame, ok bool) {
	if uint32(name) >= uint32(len(capSlots)) {
		return 0, false
	}
	b := &capSlots[uint32(name)].Binding
	if !b.TryLock() {
		return 0, false
	}
	h := cap.Holder(t.env.number.Load())
	if b.Env == h || free && b.Env == cap.Nobody {
		if o, err := capTab.Lookup(cap.Name(name), h, cap.Kind(abi.KindFrames), need); err == nil && o.Second == 1 {
			return mm.Frame(o.First), true
		}
	}
	b.Unlock()
	return 0, false
}

// shootNow is space.shoot with interrupts off.
func (e *env) shootNow(me *local) {
	if !me.batch.Empty() {
		tlbs.Shoot(me.cpu, &e.space.Space, &me.batch, nil)
	}
}

// protectOne changes what the page permits: for that the space's lock is not needed, on a CPU that has the space loaded and
// interrupts off.
func (t *thread) protectOne(name uint64, perm paging.Perm, need cap.Rights) bool {
	f, ok := t.single(name, need, false)
	if !ok {
		return false
	}
	b := &capSlots[uint32(name)].Binding
	me := here()
	t.env.space.ProtectFrame(b.VA, f, perm, &me.batch)
	t.env.shootNow(me)
	b.Unlock()
	return true
}

// mapOne maps the page where nothing is.
func (t *thread) mapOne(name, va uint64, perm paging.Perm, need cap.Rights) bool {
	if va-abi.InfoPage < mm.FrameSize {
		return false
	}
	f, ok := t.single(name, need, true)
	if !ok {
		return false
	}
	b, e := &capSlots[uint32(name)].Binding, t.env
	if ok = b.Env == cap.Nobody; ok {
		c := this()
		if ok = e.space.lock.TryLock(c); ok {
			if ok = e.space.Map(va, f, paging.Small, perm) == nil; ok {
				b.Env, b.VA = cap.Holder(e.number.Load()), va
			}
			e.space.lock.Unlock(c)
		}
	}
	b.Unlock()
	return ok
}

// unmapOne takes the page away.
func (t *thread) unmapOne(name uint64) bool {
	f, ok := t.single(name, 0, false)
	if !ok {
		return false
	}
	b, e, me := &capSlots[uint32(name)].Binding, t.env, here()
	c := this()
	if ok = e.space.lock.TryLock(c); ok {
		e.space.UnmapFrame(b.VA, f, &me.batch)
		e.space.lock.Unlock(c)
		e.shootNow(me)
		b.Unbind()
	}
	b.Unlock()
	return ok
}

func sysPageMap(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	if perm, need, ok := permOf(f.R10); ok && f.RSI == 0 && t.mapOne(f.RDI, f.RDX, perm, need) {
		return 0
	}
	irqOn()
	return int64(t.pageMap(f.RDI, f.RSI, f.RDX, f.R10))
}

func sysPageProtect(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	if perm, need, ok := permOf(f.R10); ok && f.RSI == 0 && f.RDX <= 1 && t.protectOne(f.RDI, perm, need) {
		return 0
	}
	irqOn()
	return int64(t.pageProtect(f.RDI, f.RSI, f.RDX, f.R10))
}

func sysPageUnmap(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	if f.RSI == 0 && f.RDX <= 1 && t.unmapOne(f.RDI) {
		return 0
	}
	irqOn()
	return int64(t.pageUnmap(f.RDI, f.RSI, f.RDX))
}

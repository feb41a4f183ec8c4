//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	envs "exo/kernel/env"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// The usual cases of page calls: a capability for one frame, in the caller's own space, and nobody else just then at either. They run
// with interrupts off from the call's beginning to its end, and wait for nothing but the TLBs of other CPUs, as kernel/mm/paging
// has it. Whatever is unusual is left to pagecalls.go, with nothing changed.
//
// While a binding is locked its capability's teardown, which locks it too, does not end: so its slot is not another's (kernel/env, binding.go).

// bindingOf locks the binding of a capability; nil: there is none, or somebody has it.
//
//exo:inline
func bindingOf(name uint64) *envs.Slot {
	i := int(uint32(name))
	if i >= len(capSlots) {
		return nil
	}
	if b := &capSlots[i]; b.Binding.TryLock() {
		return b
	}
	return nil
}

// shootPage has all CPUs forget a page, whose entry has changed, before it returns. Interrupts are off.
//
//exo:inline
func (t *thread) shootPage(va uint64) {
	me := here()
	if me.tlb.ShootHere(t.space.Local(me.cpu), t.space) {
		amd64.ForgetPage(uintptr(va))
		return
	}
	t.shootAll(me, va)
}

//go:noinline
func (t *thread) shootAll(me *local, va uint64) {
	c := preemptOff() // it may wait for long, and then lets interrupts in
	me.batch.Page(va)
	tlbs.Shoot(me.cpu, t.space, &me.batch, nil)
	c.PreemptEnable()
}

// usualPerm says that a permission is one of read, read and write, read and execute.
func usualPerm(p uint64) bool {
	return p|uint64(abi.PermRead) < uint64(abi.PermRead|abi.PermWrite|abi.PermExecute)
}

func sysPageMap(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	if f.RSI == 0 && usualPerm(f.R10) && f.RDX-abi.InfoPage >= mm.FrameSize {
		if b := bindingOf(f.RDI); b != nil {
			if b.Binding.Env == cap.Nobody {
				p, h := f.R10|uint64(abi.PermRead), t.env.holder()
				if o := capTab.Kept(cap.Name(f.RDI), h, cap.Kind(abi.KindFrames), cap.Rights(p), 1); o != nil {
					if l := &t.env.space.lock; l.TryHold() {
						if t.space.MapFrame(f.RDX, mm.Frame(o.Load()), paging.Perm(p).Bits()) {
							l.Drop()
							b.Binding.Env, b.Binding.VA = h, f.RDX
							b.Binding.Unlock()
							return 0
						}
						l.Drop()
					}
				}
			}
			b.Binding.Unlock()
		}
	}
	irqOn()
	return int64(t.pageMap(f.RDI, f.RSI, f.RDX, f.R10))
}

// sysPageProtect changes what the page permits: for that the space's lock is not needed, on a CPU that has the space loaded and
// interrupts off.
func sysPageProtect(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	const only = uint64(abi.PermAlone)
	if f.RSI == 0 && usualPerm(f.R10&^only) && f.RDX <= 1 {
		if b := bindingOf(f.RDI); b != nil {
			if h := t.env.holder(); b.Binding.Env == h {
				p := f.R10&^only | uint64(abi.PermRead)
				if o := capTab.Kept(cap.Name(f.RDI), h, cap.Kind(abi.KindFrames), cap.Rights(p), 1); o != nil && (f.R10&only == 0 || alone(mm.Frame(o.Load()), 1)) {
					bits := paging.Perm(p).Bits()
					if old := t.space.ProtectFrame(b.Binding.VA, mm.Frame(o.Load()), bits); old != 0 {
						if old.Loses(bits) {
							t.shootPage(b.Binding.VA)
						}
						b.Binding.Unlock()
						return 0
					}
				}
			}
			b.Binding.Unlock()
		}
	}
	irqOn()
	return int64(t.pageProtect(f.RDI, f.RSI, f.RDX, f.R10))
}

func sysPageUnmap(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	if f.RSI == 0 && f.RDX <= 1 {
		if b := bindingOf(f.RDI); b != nil {
			if h := t.env.holder(); b.Binding.Env == h {
				if o := capTab.Kept(cap.Name(f.RDI), h, cap.Kind(abi.KindFrames), 0, 1); o != nil {
					if l := &t.env.space.lock; l.TryHold() {
						if t.space.UnmapFrame(b.Binding.VA, mm.Frame(o.Load())) {
							l.Drop()
							t.shootPage(b.Binding.VA)
							b.Binding.Unbind()
							b.Binding.Unlock()
							return 0
						}
						l.Drop()
					}
				}
			}
			b.Binding.Unlock()
		}
	}
	irqOn()
	return int64(t.pageUnmap(f.RDI, f.RSI, f.RDX))
}

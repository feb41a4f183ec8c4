//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	envs "exo/kernel/env"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// System calls: pages.

// maxRun is how many frames one call maps: with preemption off.
const maxRun = mm.HugeFrames

const _ = uint(paging.Read-paging.Perm(abi.PermRead)) + uint(paging.Write-paging.Perm(abi.PermWrite)) + uint(paging.Exec-paging.Perm(abi.PermExecute))

// permOf is what a page is to permit, and the rights that takes; false: never is that permitted.
func permOf(p uint64) (perm paging.Perm, need cap.Rights, ok bool) {
	p |= uint64(abi.PermRead)
	ok = p <= uint64(abi.PermRead|abi.PermWrite|abi.PermExecute) && p != uint64(abi.PermRead|abi.PermWrite|abi.PermExecute)
	return paging.Perm(p), cap.Rights(p), ok
}

const _ = uint(abi.RightRead-uint64(abi.PermRead)) + uint(abi.RightWrite-uint64(abi.PermWrite)) + uint(abi.RightExecute-uint64(abi.PermExecute))

// pageMap maps all frames of a capability.
func (t *thread) pageMap(name, into, va, p uint64) abi.Errno {
	perm, need, ok := permOf(p)
	switch {
	case !ok || va%mm.FrameSize != 0:
		return abi.BadArgument
	case uint32(name) >= uint32(len(capSlots)):
		return abi.BadCap
	}
	c := preemptOff()
	e, err := t.env, abi.OK
	if into != 0 {
		e, err = t.pinEnv(into, cap.Write)
	}
	if err == abi.OK {
		b := &slotOf(cap.Name(name)).Binding
		b.Lock()
		err = t.bind(b, name, need, e, va, perm)
		b.Unlock()
		if into != 0 {
			e.unpin()
		}
	}
	c.PreemptEnable()
	return err
}

// bind maps the frames of a capability, whose binding is locked; where they were before they are no more.
func (t *thread) bind(b *envs.Binding, name uint64, need cap.Rights, e *env, va uint64, perm paging.Perm) abi.Errno {
	return t.env.bindTo(b, name, need, e, va, permits{perm: perm})
}

// bindTo is bind for a capability that holder holds.
func (holder *env) bindTo(b *envs.Binding, name uint64, need cap.Rights, e *env, va uint64, p permits) abi.Errno {
	o, err := capTab.Lookup(cap.Name(name), holder.holder(), cap.Kind(abi.KindFrames), need) // under the lock (kernel/env, binding.go)
	if err != nil {
		return capErrno(err)
	}
	n := o.Second
	if n > maxRun || va > paging.UserLimit || overlaps(va, n, abi.InfoPage, 1) {
		return abi.BadAddress
	}
	first, h := mm.Frame(o.First), e.holder()
	moves := b.Env != cap.Nobody && (b.Env != h || b.VA != va)
	if moves && b.Env == h && overlaps(va, n, b.VA, n) {
		return abi.Exists
	}
	if err := e.mapRun(first, n, va, sizeAt(first, n, va), p); err != abi.OK {
		return err
	}
	if moves {
		unbind(b, first, n)
	}
	b.Env, b.VA = h, va
	return abi.OK
}

func overlaps(a, n, b, m uint64) bool { return a < b+m*mm.FrameSize && b < a+n*mm.FrameSize }

// bound locks a capability's binding, looks it up, and finds where so many of its frames from the first on are mapped; the caller
// unlocks the binding and unpins the environment, if that is not its own. Preemption is off.
func (t *thread) bound(name, from, n uint64, need cap.Rights) (m boundRun, errno abi.Errno) {
	if uint32(name) >= uint32(len(capSlots)) {
		return m, abi.BadCap
	}
	b := &slotOf(cap.Name(name)).Binding
	b.Lock()
	o, err := capTab.Lookup(cap.Name(name), t.env.holder(), cap.Kind(abi.KindFrames), need)
	switch {
	case err != nil:
		errno = capErrno(err)
	case b.Env == cap.Nobody:
		errno = abi.NotMapped
	case from > o.Second || n > o.Second-from || from == o.Second && from != 0:
		errno = abi.BadArgument
	default:
		m.size = sizeAt(mm.Frame(o.First), o.Second, b.VA)
		m.all = from == 0 && (n == 0 || n == o.Second)
		if n == 0 {
			n = o.Second - from
		}
		if m.size == paging.Large && (from|n)%mm.HugeFrames != 0 {
			errno = abi.BadArgument
			break
		}
		m.first, m.n, m.va = mm.Frame(o.First+from), n, b.VA+from*mm.FrameSize
		if m.env = t.env; b.Env != t.env.holder() {
			m.env = pinLiving(b.Env)
			m.pinned = m.env != nil
			if m.env == nil {
				b.Unbind()
				errno = abi.NotMapped
			}
		}
	}
	if errno != abi.OK {
		b.Unlock()
	}
	return m, errno
}

// boundRun is what bound has found.
type boundRun struct {
	env         *env
	first       mm.Frame
	n, va       uint64
	size        paging.Size
	pinned, all bool
}

// pageProtect changes what pages permit.
func (t *thread) pageProtect(name, from, n, p uint64) abi.Errno {
	perm, need, ok := permOf(p &^ uint64(abi.PermAlone))
	if !ok {
		return abi.BadArgument
	}
	c := preemptOff()
	m, err := t.bound(name, from, n, need)
	if err == abi.OK && p&uint64(abi.PermAlone) != 0 && !alone(m.first, m.n) {
		t.release(name, &m)
		err = abi.Busy
	}
	if err == abi.OK {
		m.env.protectRun(m.first, m.n, m.va, m.size, perm)
		t.release(name, &m)
	}
	c.PreemptEnable()
	return err
}

// alone says whether n frames in a row have one owner each; it stays so as long as that one does not share them.
func alone(first mm.Frame, n uint64) bool {
	for i := range mm.Frame(n) {
		if frames.Info(first+i).Refs() != 1 {
			return false
		}
	}
	return true
}

// pageUnmap takes pages away.
func (t *thread) pageUnmap(name, from, n uint64) abi.Errno {
	c := preemptOff()
	m, err := t.bound(name, from, n, 0)
	if err == abi.OK {
		m.env.unmapRun(m.first, m.n, m.va, m.size)
		if m.all {
			slotOf(cap.Name(name)).Binding.Unbind()
		}
		t.release(name, &m)
	}
	c.PreemptEnable()
	return err
}

// release is after bound.
func (t *thread) release(name uint64, m *boundRun) {
	if m.pinned {
		m.env.unpin()
	}
	slotOf(cap.Name(name)).Binding.Unlock()
}

// maxOps is how many PageOps one call takes.
const maxOps = 1024

// sysPageOps does one after another, until one is refused, or the thread is to do something else.
func sysPageOps(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	if f.RSI > maxOps {
		return int64(abi.BadArgument)
	}
	var op abi.PageOp
	for i := range f.RSI {
		at := f.RDI + i*uint64(unsafe.Sizeof(op))
		if at < f.RDI || !copyIn(&op, at) {
			return int64(abi.BadAddress)
		}
		var ret int64
		switch a := &op.Args; op.Op {
		case abi.PageMap:
			ret = int64(t.pageMap(a[0], a[1], a[2], a[3]))
		case abi.PageProtect:
			ret = int64(t.pageProtect(a[0], a[1], a[2], a[3]))
		case abi.PageUnmap:
			ret = int64(t.pageUnmap(a[0], a[1], a[2]))
		case abi.FrameShare:
			ret = t.frameShare(a[0], a[1], a[2])
		default:
			ret = int64(abi.BadCall)
		}
		if !copyOut(at+uint64(unsafe.Offsetof(op.Ret)), &ret) {
			return int64(abi.BadAddress)
		}
		if ret < 0 || t.interrupted() {
			if ret >= 0 {
				i++
			}
			return int64(i)
		}
	}
	return int64(f.RSI)
}

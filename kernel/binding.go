//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/cap"
	envs "exo/kernel/env"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// Where the frames of capabilities are mapped. A capability is bound to at most one place; its binding is locked while that is
// looked at or changed, and until TLBs have followed. An entry of a page table is touched only if it shows the frame that it
// should: what was mapped over it later is another capability's.

// sizeAt is the size of the pages by which n frames from first on are mapped at va.
func sizeAt(first mm.Frame, n, va uint64) paging.Size {
	if (uint64(first)|n)%mm.HugeFrames == 0 && va%paging.Large.Bytes() == 0 {
		return paging.Large
	}
	return paging.Small
}

// unbind takes away what is mapped by a binding, which the caller has locked. If the environment is no more, nothing is.
func unbind(b *envs.Binding, first mm.Frame, n uint64) {
	if b.Env == cap.Nobody {
		return
	}
	if e := pinLiving(b.Env); e != nil {
		e.unmapRun(first, n, b.VA, sizeAt(first, n, b.VA))
		e.unpin()
	}
	b.Unbind()
}

// unmapRun takes n frames in a row away from where they are mapped, pages of a size, and returns when no CPU has them. Preemption is
// off, interrupts are on.
func (e *env) unmapRun(first mm.Frame, n, va uint64, size paging.Size) {
	b := &here().batch
	c := e.space.hold()
	for i := uint64(0); i < n && size == paging.Small; {
		done := e.space.UnmapRun(va+i*mm.FrameSize, first+mm.Frame(i), n-i, b)
		if i += done; done == 0 {
			e.space.shoot(b, nil)
		}
	}
	for i := uint64(0); i < n && size != paging.Small; i += size.Frames() {
		at := va + i*mm.FrameSize
		m, ok := e.space.Lookup(at)
		if !ok || m.Frame != first+mm.Frame(i) || m.Size != size {
			continue
		}
		if _, err := e.space.Unmap(at, size, b); err == paging.ErrBatch {
			e.space.shoot(b, nil)
			e.space.Unmap(at, size, b)
		}
	}
	e.space.lock.Unlock(c)
	e.space.shoot(b, nil)
}

// protectRun changes what the pages of n frames permit, and returns when all CPUs follow.
func (e *env) protectRun(first mm.Frame, n, va uint64, size paging.Size, perm paging.Perm) {
	b := &here().batch
	c := e.space.hold()
	for i := uint64(0); i < n && size == paging.Small; {
		i += e.space.ProtectRun(va+i*mm.FrameSize, first+mm.Frame(i), n-i, perm, b)
	}
	for i := uint64(0); i < n && size != paging.Small; i += size.Frames() {
		at := va + i*mm.FrameSize
		if m, ok := e.space.Lookup(at); ok && m.Frame == first+mm.Frame(i) && m.Size == size {
			e.space.Protect(at, size, perm, b)
		}
	}
	e.space.lock.Unlock(c)
	e.space.shoot(b, nil)
}

// permits is what pages of a run permit: up to the last so many perm, these lastPerm.
type permits struct {
	perm, lastPerm paging.Perm
	last           uint64
}

// from is what the i-th of n pages permits, and up to where it goes on like that.
func (p *permits) from(i, n uint64) (perm paging.Perm, to uint64) {
	if i < n-p.last {
		return p.perm, n - p.last
	}
	return p.lastPerm, n
}

// mapRun maps n frames in a row, over what small or large pages are there already. Errors: NoQuota, for tables; Exists: pages of the
// other size; BadAddress. Then nothing has changed.
func (e *env) mapRun(first mm.Frame, n, va uint64, size paging.Size, p permits) abi.Errno {
	c := e.space.hold()
	done := uint64(0)
	for done < n && size == paging.Small { // the usual case: there is nothing
		perm, to := p.from(done, n)
		k, err := e.space.MapRun(va+done*mm.FrameSize, first+mm.Frame(done), to-done, perm)
		if err != nil {
			break
		}
		done += k
	}
	no := abi.OK
	if done < n {
		no = e.mapOver(first, n, va, size, p, done)
	}
	e.space.lock.Unlock(c)
	return no
}

// mapOver is mapRun from the i-th frame on, where something may be mapped already. Those before are mapped, where nothing was. The
// space is locked.
//
//go:noinline
func (e *env) mapOver(first mm.Frame, n, va uint64, size paging.Size, p permits, i uint64) abi.Errno {
	var there [mm.HugeFrames / 64]uint64 // bit i: a page is there already
	over := false
	for ; i < n; i += size.Frames() {
		at := va + i*mm.FrameSize
		var err error
		perm, to := p.from(i, n)
		if size == paging.Small {
			var done uint64
			if done, err = e.space.MapRun(at, first+mm.Frame(i), to-i, perm); err == nil {
				i += done - 1
			}
		} else {
			err = e.space.Map(at, first+mm.Frame(i), size, perm)
		}
		if err == nil {
			continue
		}
		if err == paging.ErrMapped {
			if m, ok := e.space.Lookup(at); ok && m.Size == size {
				over = true
				there[i/64%uint64(len(there))] |= 1 << (i % 64)
				continue
			}
		}
		e.takeBack(va, i, size, &there)
		switch err {
		case paging.ErrMapped:
			return abi.Exists
		case paging.ErrTables:
			return abi.NoQuota
		}
		return abi.BadAddress
	}
	if !over {
		return abi.OK
	}
	b := &here().batch
	for i := uint64(0); i < n; i += size.Frames() {
		if there[i/64%uint64(len(there))]>>(i%64)&1 != 0 {
			perm, _ := p.from(i, n)
			e.space.Remap(va+i*mm.FrameSize, first+mm.Frame(i), size, perm, b)
		}
	}
	// Before the lock is given up: the frames that were there may be freed as soon as somebody sees them gone.
	e.space.shoot(b, nil)
	return abi.OK
}

// takeBack unmaps the pages before the i-th that were not there before. No CPU can have used them in a way that matters.
func (e *env) takeBack(va, n uint64, size paging.Size, there *[mm.HugeFrames / 64]uint64) {
	b := &here().batch
	for i := uint64(0); i < n; i += size.Frames() {
		if there[i/64%uint64(len(there))]>>(i%64)&1 != 0 {
			continue
		}
		if _, err := e.space.Unmap(va+i*mm.FrameSize, size, b); err == paging.ErrBatch {
			e.space.shoot(b, nil)
			e.space.Unmap(va+i*mm.FrameSize, size, b)
		}
	}
	e.space.shoot(b, nil)
}

//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/numa"
)

// pageMover moves the one page of a space by which a frame is mapped: nobody writes while it is read-only, and so its
// content can be copied; then the other frame takes its place, and the page permits again what it did.
type pageMover struct {
	space *space
	page  paging.Mapping
	perm  paging.Perm // while it moves
}

const errMoved = paging.Error("spaces: the page is no longer what it was")

// migratePage moves the page that covers va to a node, with what is in it, its permissions and references, and returns
// where it is now. Tasks with interrupts on. Errors: paging.ErrNotMapped, numa.ErrNodes, and mm's.
func (s *space) migratePage(va uint64, to numa.Node) (mm.Frame, error) {
	c := s.hold()
	defer s.lock.Unlock(c)
	page, ok := s.Lookup(va)
	if !ok {
		return 0, paging.ErrNotMapped
	}
	m := &here().mover // preemption is off
	*m = pageMover{space: s, page: page, perm: page.Perm}
	return memory.Migrate(numa.CPU(c.CPU), page.Frame, to, m)
}

func (m *pageMover) permit(p paging.Perm) error {
	var b paging.Batch
	if _, err := m.space.Protect(m.page.VA, m.page.Size, p, &b); err != nil {
		return err
	}
	m.perm = p
	m.space.shoot(&b, nil)
	return nil
}

func (m *pageMover) Freeze(src mm.Frame) error {
	switch {
	case m.page.Frame != src || frames.Info(src).Refs() != 1:
		return errMoved // somebody else maps it, too
	case m.page.Perm&paging.Device != 0:
		return paging.ErrPerm
	}
	return m.permit(m.page.Perm &^ paging.Write)
}

func (m *pageMover) Copy(dst, src mm.Frame) error {
	n := m.page.Size.Bytes()
	copy(amd64.PhysAddr(dst.Addr()).Bytes(n), amd64.PhysAddr(src.Addr()).Bytes(n))
	return nil
}

// Switch needs no moment in which nothing is mapped: both frames have the same content, and nobody writes.
func (m *pageMover) Switch(_, dst mm.Frame) error {
	var b paging.Batch
	if _, err := m.space.Replace(m.page.VA, dst, m.page.Size, &b); err != nil {
		return err
	}
	m.space.shoot(&b, nil)
	return nil
}

func (m *pageMover) Thaw(_, _ mm.Frame) {
	if m.perm != m.page.Perm {
		if err := m.permit(m.page.Perm); err != nil {
			panic("spaces: a page that moved is not what it was")
		}
	}
}

package numa

import "exo/kernel/mm"

// Migration: a frame's content moves to another node, and whoever uses it keeps using it there.
//
//	Info ─▶ Alloc on the node ─▶ Freeze ─▶ references ─▶ Copy ─▶ Switch ─▶ Thaw ─▶ free the old
//	  │            │                │                      │        │
//	  └────────────┴────────────────┴──── on failure ──────┴────────┴──▶ Thaw ─▶ free the new
//
// Who maps a frame only the owner of the address spaces knows: it comes in as a Mover.
//
//	             Migrate                                               X: callers exclude each other
//	Migrate         X        for one frame; for different ones, on different CPUs, they may run together
//
// G1. Migrate either fails, and then the frame has its content, mappings, kind, owner and references as before; or it
// returns a frame of the node that has them all, and the old one is free.
// G2. Either way no frame is lost: as many are free as before.
// G3. Freeze that succeeded is followed by one Thaw, and Copy and Switch happen only between the two.
//
// Progress: as the Mover's; Migrate itself takes as many steps as there are references. Callers: any CPU, preemption off,
// who hold a reference to the frame; it goes over to the new one. Memory: one frame of the node, or one of 2 MiB.

// Mover moves what Migrate cannot see. An error means that the method did nothing.
type Mover interface {
	// Freeze stops all writes to src, by CPUs and devices, and all changes to its mappings and references, until Thaw.
	// It fails if it cannot, for a frame that a device writes, say.
	Freeze(src mm.Frame) error

	// Copy copies the content: 4 KiB, or 2 MiB if Info says so of src.
	Copy(dst, src mm.Frame) error

	// Switch makes all mappings of src ones of dst. When it has returned, no CPU has a translation to src in its TLB.
	Switch(src, dst mm.Frame) error

	// Thaw undoes Freeze(src). now is where the content is: dst after Switch, src if the migration failed.
	Thaw(src, now mm.Frame)
}

// Migrate moves src, a frame or the first one of 2 MiB, to node to, and returns where it is now: src if it was there
// already. The errors are ErrNodes, mm.ErrWild, mm.ErrNotTaken (nobody's, or the boot's), mm.ErrSize (inside 2 MiB),
// mm.ErrNoMemory (the node has none, or none that this CPU can reach), and the Mover's.
func (a *Allocator) Migrate(cpu CPU, src mm.Frame, to Node, m Mover) (mm.Frame, error) {
	was := a.frames.Info(src)
	switch {
	case int(to) >= a.top.nodes:
		return src, ErrNodes
	case was.Kind() == mm.NoFrame:
		return src, mm.ErrWild
	case was.Kind() <= mm.Boot:
		return src, mm.ErrNotTaken
	case was.Huge() && src%mm.HugeFrames != 0:
		return src, mm.ErrSize
	case was.Node() == int(to):
		return src, nil
	case !a.usable[a.top.NodeOf(cpu)].Has(to):
		return src, mm.ErrNoMemory
	}
	r := request{n: 1, align: 1, kind: was.Kind(), owner: was.Owner()}
	if was.Huge() {
		r.n = 0
	}
	dst, err := r.from(a.frames, cpu, to)
	if err != nil {
		return src, err
	}
	if err := m.Freeze(src); err != nil {
		a.drop(cpu, dst, 1)
		return src, err
	}
	refs := a.frames.Info(src).Refs() // they stand still now
	for range refs - 1 {
		if a.frames.Share(dst) != nil {
			panic("numa: the new frame cannot have the references of the old one")
		}
	}
	if err = m.Copy(dst, src); err == nil {
		err = m.Switch(src, dst)
	}
	if err != nil {
		m.Thaw(src, src)
		a.drop(cpu, dst, refs)
		return src, err
	}
	m.Thaw(src, dst)
	a.drop(cpu, src, refs)
	return dst, nil
}

// drop gives up the n references to a frame that nobody uses any more.
func (a *Allocator) drop(cpu CPU, f mm.Frame, n int) {
	huge := a.frames.Info(f).Huge()
	for range n {
		var err error
		if huge {
			_, err = a.frames.FreeHuge(int(cpu), f)
		} else {
			_, err = a.frames.Free(int(cpu), f)
		}
		if err != nil {
			panic("numa: a frame was freed while it moved")
		}
	}
}

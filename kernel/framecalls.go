//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/mm"
	"exo/kernel/numa"
)

// System calls: frames. A capability that owns its frames has one reference to each; those that were derived from it have
// none, for they are torn down first.

// frameRequest is what FrameAlloc is asked for.
type frameRequest struct {
	how      abi.How
	where    uint64
	n, align uint64
}

func sysFrameAlloc(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	e := t.env
	r := frameRequest{abi.How(f.RSI), f.RDX, f.R10, f.R8}
	if err := t.account(f.RDI); err != abi.OK {
		return int64(err)
	}
	if r.align == 0 {
		r.align = 1
	}
	if r.n == 0 || r.n > mm.HugeFrames || r.align > mm.HugeFrames || r.align&(r.align-1) != 0 {
		return int64(abi.BadArgument)
	}
	if err := e.charge(r.n); err != abi.OK {
		return int64(err)
	}
	first, err := r.get(e)
	if err == abi.NoMemory && r.how&^abi.HowHuge != abi.HowAt {
		drainTables()
		first, err = r.get(e)
	}
	if err != abi.OK {
		e.discharge(r.n)
		return int64(err)
	}
	for i := range mm.Frame(r.n) { // nobody else's bytes; others may run
		amd64.ClearFrames(amd64.PhysAddr((first + i).Addr()), 1)
	}
	c := preemptOff()
	name, err := e.create(c.CPU, abi.KindFrames, cap.AllRights, cap.Object{First: uint64(first), Second: r.n})
	if err != abi.OK {
		freeRun(c.CPU, first, r.n)
		c.PreemptEnable()
		return int64(err)
	}
	c.PreemptEnable()
	f.RDX = uint64(first)
	return int64(name)
}

// account checks that a capability is for the account of the caller's own environment.
func (t *thread) account(name uint64) abi.Errno {
	h := t.env.holder()
	o, err := capTab.Lookup(cap.Name(name), h, cap.Kind(abi.KindMemory), cap.Write)
	switch {
	case err != nil:
		return capErrno(err)
	case cap.Holder(o.First) != h:
		return abi.BadArgument
	}
	return abi.OK
}

// get takes the frames from where they are to come. Errors: NoMemory, BadArgument.
func (r *frameRequest) get(e *env) (mm.Frame, abi.Errno) {
	owner := mm.Owner(e.number.Load())
	c := preemptOff()
	defer c.PreemptEnable()
	cpu, n, align := c.CPU, int(r.n), int(r.align)
	huge := r.how&abi.HowHuge != 0
	if huge && n != mm.HugeFrames {
		return 0, abi.BadArgument
	}
	var f mm.Frame
	var err error
	switch how := r.how &^ abi.HowHuge; {
	case how == abi.HowNear && huge:
		f, err = memory.AllocHuge(numa.CPU(cpu), e.policy.Default(), mm.User, owner)
	case how == abi.HowNear && n == 1:
		f, err = memory.Alloc(numa.CPU(cpu), e.policy.Default(), mm.User, owner)
	case how == abi.HowNear && n <= mm.ShortRun && align == 1:
		f, err = memory.AllocShort(numa.CPU(cpu), e.policy.Default(), n, mm.User, owner)
	case how == abi.HowNear:
		f, err = memory.AllocRun(numa.CPU(cpu), e.policy.Default(), n, align, mm.User, owner)
	case how == abi.HowNode && r.where >= uint64(topology.Nodes()):
		return 0, abi.BadArgument
	case how == abi.HowNode && huge:
		f, err = frames.AllocHuge(cpu, int(r.where), mm.User, owner)
	case how == abi.HowNode && n == 1:
		f, err = frames.Alloc(cpu, int(r.where), mm.User, owner)
	case how == abi.HowNode:
		f, err = frames.AllocRun(cpu, int(r.where), n, align, mm.User, owner)
	case how == abi.HowAt && !huge:
		return allocAt(cpu, mm.Frame(r.where), mm.Frame(n), owner)
	default:
		return 0, abi.BadArgument
	}
	if err != nil {
		return 0, abi.NoMemory
	}
	return f, abi.OK
}

// allocAt takes n frames by their numbers, all or none.
func allocAt(cpu int, first, n mm.Frame, owner mm.Owner) (mm.Frame, abi.Errno) {
	if first == 0 || first > mm.PhysLimit.Frame()-n {
		return 0, abi.NoMemory
	}
	for i := range n {
		if frames.AllocAt(cpu, first+i, mm.User, owner) != nil {
			freeRun(cpu, first, uint64(i))
			return 0, abi.NoMemory
		}
	}
	return first, abi.OK
}

func sysFrameShare(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	return threadOf(s).frameShare(f.RDI, f.RSI, f.RDX)
}

// frameShare makes another owner of frames: an environment, which is charged for them and holds the new capability.
func (t *thread) frameShare(name, with, rights uint64) int64 {
	if uint32(name) >= uint32(len(capSlots)) {
		return int64(abi.BadCap)
	}
	c := preemptOff()
	e, err := t.env, abi.OK
	if with != 0 {
		e, err = t.pinEnv(with, cap.Rights(abi.RightShare))
	}
	got := int64(err)
	if err == abi.OK {
		b := &slotOf(cap.Name(name)).Binding
		b.Lock() // the frames are not given back meanwhile
		got, _ = t.sharePart(c.CPU, cap.Name(name), e, cap.Rights(rights)&^owns, 0, 0)
		b.Unlock()
		if with != 0 {
			e.unpin()
		}
	}
	c.PreemptEnable()
	return got
}

// sharePart is frameShare for some of the frames; the capability's binding is locked.
func (t *thread) sharePart(cpu int, name cap.Name, e *env, rights cap.Rights, from, count uint64) (int64, cap.Object) {
	h := t.env.holder()
	o, err := capTab.Lookup(name, h, cap.Kind(abi.KindFrames), cap.Rights(abi.RightShare)|rights)
	if err != nil {
		return int64(capErrno(err)), o
	}
	o, ok := part(o, from, count)
	if !ok {
		return int64(abi.BadArgument), o
	}
	if err := e.charge(o.Second); err != abi.OK {
		return int64(err), o
	}
	first, n := mm.Frame(o.First), mm.Frame(o.Second)
	if !shareRun(cpu, first, n) {
		e.discharge(uint64(n))
		return int64(abi.BadArgument), o
	}
	got, no := e.create(cpu, abi.KindFrames, rights|owns, o)
	if no != abi.OK {
		freeRun(cpu, first, uint64(n))
		return int64(no), o
	}
	return int64(got), o
}

// shareRun takes a reference to each of n frames in a row; false: they cannot be shared, for they are a part of 2 MiB or boot's.
func shareRun(cpu int, first, n mm.Frame) bool {
	if frames.Info(first).Huge() {
		return first%mm.HugeFrames == 0 && n == mm.HugeFrames && frames.Share(first) == nil
	}
	done := frames.ShareRun(first, int(n))
	if done < int(n) {
		frames.FreeRun(cpu, first, done)
	}
	return done == int(n)
}

//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// EnvGive: what a parent gives a child, in one call: capabilities, and where the frames are mapped. Each grant is checked, and
// charged to the environment that gets it, as the calls are that it stands for.

const (
	maxGrants    = 256
	maxCopied    = 64 // frames of one GrantCopy
	giveAtOnce   = 4  // grants, or
	framesAtOnce = 64 // so many, after which others may run
	grantRights  = cap.Rights(abi.RightWrite | abi.RightShare)
)

func sysEnvGive(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	if f.RDX > maxGrants {
		return int64(abi.BadArgument)
	}
	for i := uint64(0); i < f.RDX; {
		var all [giveAtOnce]abi.Grant
		some := all[:min(f.RDX-i, giveAtOnce)]
		at := f.RSI + i*uint64(unsafe.Sizeof(all[0]))
		// SAFETY: a Grant is words, any of which may have any value.
		raw := unsafe.Slice((*byte)(unsafe.Pointer(&all)), uintptr(len(some))*unsafe.Sizeof(all[0]))
		if at < f.RSI || !amd64.CopyIn(raw, at) {
			return int64(abi.BadAddress)
		}
		c := preemptOff()
		e, no := t.pinEnv(f.RDI, grantRights)
		done := 0
		if no == abi.OK {
			for work := uint64(0); done < len(some) && work < framesAtOnce; done++ {
				n := t.give(c.CPU, e, &some[done])
				if work += n; some[done].Name < 0 {
					break
				}
			}
			e.unpin()
		}
		c.PreemptEnable()
		switch i += uint64(done); {
		case no != abi.OK && i > 0:
			return int64(i)
		case no != abi.OK:
			return int64(no)
		case !amd64.CopyOut(at, raw):
			return int64(abi.BadAddress)
		case done < len(some) && some[done].Name < 0 || t.interrupted():
			return int64(i)
		}
	}
	return int64(f.RDX)
}

// give does one, and says for how many frames that was; what came of it is in its Name. Preemption is off, e is pinned.
func (t *thread) give(cpu int, e *env, g *abi.Grant) (n uint64) {
	perm, need, ok := permOf(uint64(g.Perm))
	if !ok || g.VA%mm.FrameSize != 0 || g.Rights > abi.AllRights {
		g.Name = int64(abi.BadArgument)
		return 0
	}
	lastPerm, lastNeed, ok := permOf(uint64(g.LastPerm))
	if g.Last != 0 {
		if !ok || g.VA == 0 || g.How == abi.GrantDerive || g.N != 0 && g.Last >= g.N {
			g.Name = int64(abi.BadArgument)
			return 0
		}
		need |= lastNeed
	}
	rights := cap.Rights(g.Rights) &^ owns
	var o cap.Object
	switch g.How {
	case abi.GrantDerive:
		d := cap.Derivation{Rights: rights}
		if g.First|g.N != 0 {
			info, err := capTab.Inspect(cap.Name(g.From), t.env.holder())
			if err != nil {
				g.Name = int64(capErrno(err))
				return 0
			}
			if d.Object, d.Narrow = part(info.Object, g.First, g.N); !d.Narrow {
				g.Name = int64(abi.BadArgument)
				return 0
			}
		}
		g.Name = t.derive(cpu, cap.Name(g.From), e, &d)
	case abi.GrantShare:
		g.Name, o = t.giveShare(cpu, e, g, rights)
	case abi.GrantCopy:
		g.Name, o = e.giveCopy(cpu, g)
	default:
		g.Name = int64(abi.BadArgument)
	}
	if g.Name < 0 || g.VA == 0 {
		return o.Second
	}
	b := &slotOf(cap.Name(g.Name)).Binding
	b.Lock()
	no := abi.BadArgument
	if g.Last == 0 || g.Last < o.Second && sizeAt(mm.Frame(o.First), o.Second, g.VA) == paging.Small {
		no = e.bindTo(b, uint64(g.Name), need, e, g.VA, permits{perm, lastPerm, g.Last})
	}
	b.Unlock()
	if no != abi.OK {
		capTab.DropOne(cpu, cap.Name(g.Name), e.holder(), revokeSteps) // it has hardly anything below it yet
		g.Name = int64(no)
	}
	return o.Second
}

// part is n frames of an object's from the first-th on, n 0: all of them from there on.
func part(o cap.Object, first, n uint64) (cap.Object, bool) {
	if first >= o.Second || n > o.Second-first {
		return o, false
	}
	if n == 0 {
		n = o.Second - first
	}
	return cap.Object{First: o.First + first, Second: n}, true
}

// giveShare makes e a co-owner of some of the frames of a capability of the caller's.
func (t *thread) giveShare(cpu int, e *env, g *abi.Grant, rights cap.Rights) (int64, cap.Object) {
	if uint32(g.From) >= uint32(len(capSlots)) {
		return int64(abi.BadCap), cap.Object{}
	}
	b := &slotOf(cap.Name(g.From)).Binding
	b.Lock() // the frames are not given back meanwhile
	name, o := t.sharePart(cpu, cap.Name(g.From), e, rights, g.First, g.N)
	b.Unlock()
	return name, o
}

// giveCopy takes frames for e, with bytes of the caller's in them. Errors: as FrameAlloc's, and BadAddress.
func (e *env) giveCopy(cpu int, g *abi.Grant) (int64, cap.Object) {
	n := g.N
	if n == 0 || n > maxCopied || g.First > n*mm.FrameSize || g.Bytes > n*mm.FrameSize-g.First {
		return int64(abi.BadArgument), cap.Object{}
	}
	if no := e.charge(n); no != abi.OK {
		return int64(no), cap.Object{}
	}
	r := frameRequest{how: g.Way, where: g.Where, n: n, align: 1}
	first, no := r.get(e)
	if no != abi.OK {
		e.discharge(n)
		return int64(no), cap.Object{}
	}
	all := amd64.PhysAddr(first.Addr()).Bytes(n * mm.FrameSize) // of which nothing stays as it was
	clearBytes(all[:g.First])
	clearBytes(all[g.First+g.Bytes:])
	if !amd64.CopyIn(all[g.First:g.First+g.Bytes], g.From) {
		freeRun(cpu, first, n)
		e.discharge(n)
		return int64(abi.BadAddress), cap.Object{}
	}
	o := cap.Object{First: uint64(first), Second: n}
	name, no := e.create(cpu, abi.KindFrames, cap.AllRights, o)
	if no != abi.OK {
		freeRun(cpu, first, n)
		return int64(no), o
	}
	return int64(name), o
}

// clearBytes is clear, fast for whole frames.
func clearBytes(b []byte) {
	if len(b) >= mm.FrameSize {
		n := uintptr(unsafe.Pointer(unsafe.SliceData(b))) % mm.FrameSize
		if n != 0 {
			n = mm.FrameSize - n
		}
		clear(b[:n])
		b = b[n:]
		if whole := len(b) / mm.FrameSize; whole > 0 {
			amd64.ClearFrames(amd64.PhysAddr(uintptr(unsafe.Pointer(unsafe.SliceData(b)))-amd64.DirectMap), uint64(whole))
			b = b[whole*mm.FrameSize:]
		}
	}
	clear(b)
}

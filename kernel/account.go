//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	envs "exo/kernel/env"
	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// The capabilities of all environments, and who pays for them. Each costs its holder one of its quota of capabilities, and if
// it owns frames, these of its quota of frames. Who makes one has the holder charged first; its teardown discharges who
// pays for it then (kernel/env, payer.go).

var (
	capTab   cap.Table
	capKinds [cap.Kinds]cap.Ops
	capCPUs  [amd64.MaxCPUs]cap.CPU
	capSlots []envs.Slot // beside each capability
)

// owns is the right that only the capability has which was made with the object: it cannot be derived.
const owns = cap.Rights(abi.RightOwn)

// capMemory is where the table's frames come from: the kernel's, up to as many as there are capSlots for.
type capMemory struct{ given atom.Int64 }

var theCapMemory capMemory

// slotsPerFrame is how many capabilities a frame of the table has.
const slotsPerFrame = 64

// GetFrame is for cap.Memory.
func (m *capMemory) GetFrame(int) *cap.Frame {
	if m.given.Add(1) > int64(len(capSlots)/slotsPerFrame) {
		m.given.Add(-1)
		return nil
	}
	pa, ok := kernelFrame(mm.Kernel)
	if !ok {
		m.given.Add(-1)
		return nil
	}
	return (*cap.Frame)(unsafe.Pointer(&pa.Bytes(mm.FrameSize)[0])) // SAFETY: the frame is mapped, and the table's for good
}

// PutFrame is for cap.Memory.
func (m *capMemory) PutFrame(_ int, f *cap.Frame) {
	clear(f[:])
	freeFrame(amd64.PhysAddr(uintptr(unsafe.Pointer(f)) - amd64.DirectMap))
	m.given.Add(-1)
}

// NowNs is for cap.Clock.
func (*capMemory) NowNs() uint64 { return amd64.NowNs() }

func startCaps() {
	for k := range abi.NumKinds {
		capKinds[k].Teardown = tearPlain
	}
	capKinds[abi.KindFrames] = cap.Ops{Teardown: tearFrames, Within: within}
	capKinds[abi.KindPorts].Within, capKinds[abi.KindExtent].Within = within, within
	capKinds[abi.KindEnv] = cap.Ops{Teardown: tearEnv, Within: descends}
	capKinds[abi.KindCPU].Teardown = tearCPU
	capKinds[abi.KindInode] = cap.Ops{Teardown: tearInode, Within: opened}
	capKinds[abi.KindEndpoint].Teardown, capKinds[abi.KindNotification].Teardown = tearGate, tearGate
	if capTab.Init(capCPUs[:ncpu], &capKinds, &theCapMemory, &theCapMemory) != nil {
		giveUp("out of memory", failure("there is none for capabilities"))
	}
}

// within says whether part is a piece of whole: both are a first one and how many.
func within(whole, part cap.Object) bool {
	return part.Second != 0 && part.First >= whole.First && part.Second <= whole.Second &&
		part.First-whole.First <= whole.Second-part.Second
}

func slotOf(n cap.Name) *envs.Slot { return &capSlots[uint32(n)] }

// costOf is how many frames a capability costs.
func costOf(k uint64, rights cap.Rights, o cap.Object) uint64 {
	if k == abi.KindFrames && rights&owns != 0 {
		return o.Second
	}
	return 0
}

// charge has e pay for a capability and so many frames.
func (e *env) charge(frames uint64) abi.Errno {
	if !e.caps.Take(1) {
		return abi.NoQuota
	}
	if frames != 0 && !e.frames.Take(frames) {
		e.caps.Give(1)
		return abi.NoQuota
	}
	return abi.OK
}

func (e *env) discharge(frames uint64) {
	if frames != 0 {
		e.frames.Give(frames)
	}
	e.caps.Give(1) // last: from then on e may be swept
}

// create makes a capability for e, which has been charged, and is discharged if it fails. Preemption off.
func (e *env) create(cpu int, kind uint64, rights cap.Rights, o cap.Object) (cap.Name, abi.Errno) {
	h := e.holder()
	name, err := capTab.Create(cpu, cap.Capability{Kind: cap.Kind(kind), Rights: rights, Holder: h, Object: o})
	if err != nil {
		e.discharge(costOf(kind, rights, o))
		return 0, capErrno(err)
	}
	e.made(name, costOf(kind, rights, o))
	return name, abi.OK
}

// made notes that e, which has been charged, holds a capability.
func (e *env) made(name cap.Name, cost uint64) {
	here().caps++
	e.noteSlot(uint32(name))
	slotOf(name).Binding.Born.StoreRelease(amd64.NowNs())
	if !slotOf(name).Payer.Made(name, e.holder()) {
		e.discharge(cost)
	}
}

// noteSlot notes that it holds, or is about to, the capability of a slot.
func (e *env) noteSlot(slot uint32) {
	if n := e.noted.Load(); n < firstNotes && e.noted.CompareAndSwap(n, n+1) {
		e.notes[n].StoreRelease(slot) // perhaps after a sweeper has looked; but it goes on until the holder pays for nothing
	}
	for low := e.lowSlot.Load(); slot < low && !e.lowSlot.CompareAndSwap(low, slot); low = e.lowSlot.Load() {
	}
	for high := e.highSlot.Load(); slot > high && !e.highSlot.CompareAndSwap(high, slot); high = e.highSlot.Load() {
	}
}

// tearPlain is the teardown of kinds that have nothing to be undone.
func tearPlain(_ int, name cap.Name, rights cap.Rights, o cap.Object) { unpaid(name, 0) }

// unpaid discharges who pays for a capability that is being torn down.
func unpaid(name cap.Name, cost uint64) {
	here().caps--
	if h := slotOf(name).Payer.Gone(name); h != cap.Nobody {
		payerOf(h).discharge(cost)
	}
}

// payerOf is who is charged for something: so its record is not given back before it has been discharged.
func payerOf(h cap.Holder) *env { return recordOf(h) }

// tearFrames undoes where they are mapped, and if the capability owns them gives up its references.
func tearFrames(cpu int, name cap.Name, rights cap.Rights, o cap.Object) {
	b := &slotOf(name).Binding
	b.Lock() // even if nothing is bound: somebody may be about to (kernel/env, binding.go)
	unbind(b, mm.Frame(o.First), o.Second)
	b.Unlock()
	if rights&owns != 0 {
		freeRun(cpu, mm.Frame(o.First), o.Second)
	}
	unpaid(name, costOf(abi.KindFrames, rights, o))
}

// freeRun gives up a reference to each of n frames in a row.
func freeRun(cpu int, first mm.Frame, n uint64) {
	if n == mm.HugeFrames && frames.Info(first).Huge() {
		frames.FreeHuge(cpu, first)
		return
	}
	frames.FreeRun(cpu, first, int(n))
}

// capErrno is why a capability was refused.
//
//go:noinline
func capErrno(err error) abi.Errno {
	e, _ := err.(cap.Error)
	switch e {
	case cap.ErrNone:
		return abi.BadCap
	case cap.ErrKind:
		return abi.BadKind
	case cap.ErrRights:
		return abi.BadRights
	case cap.ErrRate:
		return abi.RateLimited
	case cap.ErrRevoking:
		return abi.Busy
	case cap.ErrNoMemory:
		return abi.NoSlots
	}
	return abi.BadArgument
}

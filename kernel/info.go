//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/mm"
	"exo/kernel/numa"
	"exo/kernel/sync/atom"
)

// The page of kernel state that every environment sees: written at boot, and by whichever CPU's tick comes when it is old.

var (
	infoFrame mm.Frame
	info      *abi.Info // in the direct map
	infoDue   atom.Uint64
)

const infoNs = 10_000_000

const _ = uint(mm.FrameSize - unsafe.Sizeof(abi.Info{}))

func startInfo() {
	pa, ok := kernelFrame(mm.Kernel)
	if !ok {
		giveUp("out of memory", failure("there is none for the page of kernel state"))
	}
	infoFrame = mm.PhysAddr(pa).Frame()
	info = (*abi.Info)(unsafe.Pointer(&pa.Bytes(mm.FrameSize)[0])) // SAFETY: the frame is mapped, zeroed, and stays
	info.Version = abi.Version
	info.Multiplier, info.Shift = amd64.ClockRate()
	info.CPUs, info.Nodes = uint64(ncpu), uint64(topology.Nodes())
	for i := range ncpu {
		info.NodeOf[i] = uint8(topology.NodeOf(numa.CPU(i)))
	}
	for a := range topology.Nodes() {
		for b := range topology.Nodes() {
			info.Distance[a][b] = topology.Distance(numa.Node(a), numa.Node(b))
		}
		info.Frames[a] = frames.Total(a)
	}
	if amd64.CPUFeatures.FSGSBASE {
		info.Features |= abi.FeatureFSGSBASE
	}
	updateInfo(amd64.NowNs())
}

// tickInfo is called by each tick.
func tickInfo(now uint64) {
	due := infoDue.Load()
	if now < due || info == nil || !infoDue.CompareAndSwap(due, ^uint64(0)) {
		return
	}
	updateInfo(now)
}

// runs is the number of the environment whose thread the CPU runs, 0: of none. For others it is a guess: records are never given back.
func (me *local) runs() uint32 {
	if t := me.thread; t != nil {
		if e := t.env; e != nil {
			return e.number.Load()
		}
	}
	return 0
}

// updateInfo writes what changes; by one CPU at a time.
func updateInfo(now uint64) {
	// SAFETY: the word is aligned; ring 3 only reads it.
	sequence := (*atom.Uint64)(unsafe.Pointer(&info.Sequence))
	sequence.Store(sequence.Load() + 1) // order: before what follows; pairs with who reads it twice
	for n := range topology.Nodes() {
		info.Free[n] = frames.FreeCount(n)
	}
	info.Kept = uint64(kernelFrames.Load())
	caps := int64(0)
	for i := range ncpu {
		me := localOf(amd64.CPUByIndex(i))
		k := &me.sched.Counters
		info.Kept += uint64(me.tables.n + me.roots.n)
		caps += me.caps
		info.Ready[i] = uint32(me.sched.Waiting())
		info.Running[i] = me.runs()
		stolen := uint64(0)
		for _, n := range k.Steals {
			stolen += n
		}
		info.Switches[i], info.Steals[i], info.IdleNs[i] = k.Switches, stolen, k.IdleNs
	}
	info.Caps = uint64(max(caps, 0))
	info.Envs, info.Threads = uint64(envCount.Load()), uint64(threadCount.Load())
	info.GracePeriods, info.Callbacks = kernelRCU.Ended(), 0
	for i := range ncpu {
		info.Callbacks += uint64(kernelRCU.Backlog(i))
	}
	sequence.Store(sequence.Load() + 1)
	infoDue.Store(now + infoNs)
}

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
	"exo/kernel/numa"
	"exo/kernel/text"
)

// The initial environment: the one that the kernel makes, of the file init.bin in the initramfs. It is given all there is, and
// gives it on.

const (
	initName    = "init.bin"
	maxSegments = 16
	keptFrames  = 512 // that the kernel keeps for itself, and for stacks
)

// startInit makes the initial environment and starts its thread; false: there is no such file, or it cannot be.
func startInit() bool {
	file, ok := archive.Lookup(initName)
	if !ok {
		return false
	}
	defer amd64.IRQRestore(interruptsOn()) // an address space is changed
	if why := loadInit(file.Data); why != "" {
		var l text.Line
		put(l.Str("init: ").Str(why))
		return false
	}
	return true
}

func loadInit(image []byte) string {
	var h abi.ImageHeader
	if len(image) < len(bytesOf(&h)) || copy(bytesOf(&h), image) == 0 || asString(h.Magic[:]) != abi.ImageMagic ||
		h.Segments > maxSegments || uint64(len(image)) < headerBytes(h.Segments) {
		return "init.bin is no program"
	}
	e, no := newEnv(nil, initFrames(), uint64(len(capSlots)/2))
	if no != abi.OK {
		return no.Error()
	}
	copy(e.name[:], "init")
	start, no := e.firstPage(abi.InitStart, abi.PermRead|abi.PermWrite)
	if no != abi.OK {
		return no.Error()
	}
	for i := range h.Segments {
		var s abi.ImageSegment
		copy(bytesOf(&s), image[headerBytes(i):])
		if s.VA%mm.FrameSize != 0 || s.Bytes > s.Memory || s.Offset > uint64(len(image)) || s.Bytes > uint64(len(image))-s.Offset {
			return "a segment of init.bin is not in it"
		}
		if no := e.fill(s.VA, s.Memory, s.Perm, image[s.Offset:s.Offset+s.Bytes]); no != abi.OK {
			return no.Error()
		}
		start.ImageHigh = max(start.ImageHigh, s.VA+s.Memory)
		start.Image += s.Memory
	}
	if no := e.fill(abi.InitStackLow, abi.InitStackHigh-abi.InitStackLow, abi.PermRead|abi.PermWrite, nil); no != abi.OK {
		return no.Error()
	}
	if no := e.fill(abi.InitUpcallLow, abi.InitUpcallHigh-abi.InitUpcallLow, abi.PermRead|abi.PermWrite, nil); no != abi.OK {
		return no.Error()
	}
	if no := e.giveAll(start); no != abi.OK {
		return no.Error()
	}
	t, no := e.newThread()
	if no != abi.OK {
		return no.Error()
	}
	t.start = abi.ThreadStart{
		RIP: h.Entry, RSP: abi.InitStackHigh, Arg: abi.InitStart,
		UpcallLow: abi.InitUpcallLow, UpcallHigh: abi.InitUpcallHigh,
	}
	if no := t.run(0, 0); no != abi.OK {
		return no.Error()
	}
	return ""
}

func headerBytes(segments uint64) uint64 {
	return uint64(unsafe.Sizeof(abi.ImageHeader{})) + segments*uint64(unsafe.Sizeof(abi.ImageSegment{}))
}

// initFrames is how many frames the initial environment may have.
func initFrames() (n uint64) {
	for i := range topology.Nodes() {
		n += frames.FreeCount(i)
	}
	return n - min(n/16+keptFrames, n/2)
}

// firstPage gives e a page and returns it as Start.
func (e *env) firstPage(va uint64, perm abi.Perm) (*abi.Start, abi.Errno) {
	f, no := e.newRun(1, va, perm)
	if no != abi.OK {
		return nil, no
	}
	// SAFETY: the frame is zeroed and in the direct map; the environment's thread is not there yet.
	return (*abi.Start)(unsafe.Pointer(&amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize)[0])), abi.OK
}

// fill gives e so many bytes of memory from va on, which begin with data.
func (e *env) fill(va, bytes uint64, perm abi.Perm, data []byte) abi.Errno {
	for at := uint64(0); at < bytes; {
		n := min((bytes-at+mm.FrameSize-1)/mm.FrameSize, maxRun)
		f, no := e.newRun(n, va+at, perm)
		for no == abi.NoMemory && n > 1 {
			n = (n + 1) / 2
			f, no = e.newRun(n, va+at, perm)
		}
		if no != abi.OK {
			return no
		}
		if at < uint64(len(data)) {
			copy(amd64.PhysAddr(f.Addr()).Bytes(n*mm.FrameSize), data[at:])
		}
		at += n * mm.FrameSize
	}
	return abi.OK
}

// newRun gives e n frames in a row, mapped at va.
func (e *env) newRun(n, va uint64, perm abi.Perm) (mm.Frame, abi.Errno) {
	c := preemptOff()
	defer c.PreemptEnable()
	if no := e.charge(n); no != abi.OK {
		return 0, no
	}
	f, err := memory.AllocRun(numa.CPU(c.CPU), e.policy.Default(), int(n), 1, mm.User, mm.Owner(e.number.Load()))
	if err != nil {
		e.discharge(n)
		return 0, abi.NoMemory
	}
	clear(amd64.PhysAddr(f.Addr()).Bytes(n * mm.FrameSize))
	name, no := e.create(c.CPU, abi.KindFrames, cap.AllRights, cap.Object{First: uint64(f), Second: n})
	if no != abi.OK {
		freeRun(c.CPU, f, n)
		return 0, no
	}
	p, _, _ := permOf(uint64(perm))
	if no := e.mapRun(f, n, va, paging.Small, permits{perm: p}); no != abi.OK {
		return 0, no
	}
	b := &slotOf(name).Binding
	b.Lock()
	b.Env, b.VA = e.holder(), va
	b.Unlock()
	return f, abi.OK
}

// giveAll gives e the capabilities for what the machine has, and writes down their names.
func (e *env) giveAll(s *abi.Start) abi.Errno {
	c := preemptOff()
	defer c.PreemptEnable()
	s.Version = abi.Version
	s.LineBytes = uint64(copy(s.Line[:], loader.CommandLine()))
	account, no := e.giveAccount(c.CPU)
	s.Memory = uint64(account)
	all := cap.AllRights &^ owns
	give := func(to *uint64, kind uint64, rights cap.Rights, o cap.Object) {
		if no == abi.OK {
			if no = e.charge(0); no == abi.OK {
				var name cap.Name
				name, no = e.create(c.CPU, kind, rights, o)
				*to = uint64(name)
			}
		}
	}
	give(&s.Env, abi.KindEnv, all, cap.Object{First: uint64(e.holder())})
	give(&s.Console, abi.KindConsole, all, cap.Object{})
	give(&s.Ports, abi.KindPorts, all, cap.Object{Second: 1 << 16})
	if files.mounted.Load() != 0 {
		give(&s.Files, abi.KindInode, all, cap.Object{First: rootInode})
	}
	if files.spare.Second > 0 {
		give(&s.Extent, abi.KindExtent, all, files.spare)
	}
	for i := range ncpu {
		give(&s.CPUs[i], abi.KindCPU, all, cap.Object{First: uint64(i)})
	}
	for i := range s.Interrupts {
		give(&s.Interrupts[i], abi.KindInterrupt, all, cap.Object{First: uint64(i)})
	}
	if loader.NModules > 0 {
		m := &loader.Modules[0]
		first, last := mm.PhysAddr(m.Base).Frame(), mm.PhysAddr(m.Base+m.Len+mm.FrameSize-1).Frame()
		s.ArchiveAt, s.ArchiveBytes = m.Base%mm.FrameSize, m.Len
		give(&s.Archive, abi.KindFrames, all&^(cap.Write|cap.Execute|cap.Rights(abi.RightShare)),
			cap.Object{First: uint64(first), Second: uint64(last - first)})
	}
	return no
}

const _ = uint(envs.MaxQuota - maxSlots)

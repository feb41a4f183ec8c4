//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
)

const testOwner mm.Owner = 0x7e57

// testFramesAll takes every frame of every node and gives it back: as many as firmware says that there are, less those that
// boot took, each of its node, and each once.
func testFramesAll(t *ktest.T, cpu int) {
	c := preemptOff()
	defer c.PreemptEnable()
	for n := range topology.Nodes() {
		ram, boot, free := uint64(0), uint64(0), frames.FreeCount(n)
		mapRAM(func(lo, hi mm.PhysAddr) {
			for f := lo.Frame(); f < hi.Frame(); f++ {
				if int(topology.NodeOfAddr(f.Addr())) == n {
					ram++
				}
			}
		})
		kernels := uint64(0)
		countFrames(n, func(f mm.Frame, i mm.Info) {
			switch i.Kind() {
			case mm.Boot:
				boot++
			case mm.FreeFrame:
			default:
				kernels++ // since boot
			}
		})
		t.Equal(cpu, free+boot+kernels, ram, "free frames, those taken at boot and the kernel's, of all that the node has")
		got := uint64(0)
		for {
			f, err := frames.Alloc(cpu, n, mm.User, testOwner)
			if err != nil {
				break
			}
			i := frames.Info(f)
			if !t.Check(cpu, i.Node() == n && int(topology.NodeOfAddr(f.Addr())) == n && i.Owner() == testOwner && i.Refs() == 1,
				"a frame is of the node that was asked for, and its owner's") {
				return
			}
			got++
			t.Count(1)
		}
		t.Equal(cpu, got, free, "frames that were given out, of those that were free")
		t.Equal(cpu, frames.FreeCount(n), 0, "frames that are left")
		returned := uint64(0)
		countFrames(n, func(f mm.Frame, i mm.Info) {
			if i.Owner() == testOwner && i.Kind() == mm.User {
				if _, err := frames.Free(cpu, f); err == nil {
					returned++
				}
			}
		})
		t.Equal(cpu, returned, got, "frames found by their owner, of those that were given out")
		t.Equal(cpu, frames.FreeCount(n), free, "free frames at the end")
	}
}

// testFramesBoot looks at what must not be given out, and at errors.
func testFramesBoot(t *ktest.T, cpu int) {
	c := preemptOff()
	defer c.PreemptEnable()
	taken := func(start, end uint64, what string) {
		for a := start; a < end; a += mm.FrameSize {
			f := mm.PhysAddr(a).Frame()
			t.Check(cpu, frames.Info(f).Kind() == mm.Boot, what)
			t.Check(cpu, frames.AllocAt(cpu, f, mm.User, testOwner) == mm.ErrTaken, "a frame that boot took is given out")
			_, err := frames.Free(cpu, f)
			t.Check(cpu, err == mm.ErrNotTaken, "a frame that boot took is freed")
			t.Count(1)
		}
	}
	taken(amd64.Boot.Image.Start, amd64.Boot.Image.End, "the kernel's image is taken")
	for i := range loader.NModules {
		m := &loader.Modules[i]
		taken(m.Base, m.Base+m.Len, "a module is taken")
	}
	t.Check(cpu, frames.Info(mm.Frame(amd64.APICBase()>>mm.FrameShift)).Kind() == mm.NoFrame, "a device is no frame")
	for n := range topology.Nodes() {
		f, err := frames.Alloc(cpu, n, mm.User, testOwner)
		if err != nil {
			continue
		}
		_, err = frames.Free(cpu, f)
		t.Check(cpu, err == nil, "what was allocated can be freed")
		_, err = frames.Free(cpu, f)
		t.Check(cpu, err == mm.ErrNotTaken, "and not twice")
		t.Check(cpu, frames.AllocAt(cpu, f, mm.User, testOwner) == nil, "it can be had by its number")
		frames.Free(cpu, f)
		t.Count(3)
	}
}

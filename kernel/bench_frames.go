//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/mm"
)

// Benchmarks of the frame allocator, from a warm reservation: a pair is one frame out and back.

func benchFrame(ops uint64) {
	for range ops {
		c := preemptOff()
		f, _ := frames.Alloc(0, 0, mm.Kernel, 0)
		frames.Free(0, f)
		c.PreemptEnable()
	}
}

func benchHugeFrame(ops uint64) {
	for range ops {
		c := preemptOff()
		f, _ := frames.AllocHuge(0, 0, mm.Kernel, 0)
		frames.FreeHuge(0, f)
		c.PreemptEnable()
	}
}

// benchStock is what the locked baseline has: a stack of frame numbers, which knows neither nodes nor who has what.
var benchStock [8]mm.Frame

func benchFrameLocked(ops uint64) {
	n := len(benchStock)
	for range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		n--
		f := benchStock[n&7]
		plainLock.Unlock()
		plainLock.Lock(nil)
		benchStock[n&7] = f
		n++
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchFrames512(ops uint64) {
	c := preemptOff()
	for range ops {
		var got [mm.HugeFrames]mm.Frame
		for i := range got {
			got[i], _ = frames.Alloc(0, 0, mm.Kernel, 0)
		}
		for _, f := range got {
			frames.Free(0, f)
		}
	}
	c.PreemptEnable()
}

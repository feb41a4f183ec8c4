//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/numa"
)

// Benchmarks of the frame allocator, from a warm reservation: a pair is one frame out and back. The baseline is a buddy
// allocator with a lock, over frames that do not exist, as warm.

func benchFrame(ops uint64) {
	near := frames.CPU(0, 0)
	for range ops {
		c := preemptOff()
		f, _ := near.Alloc(mm.Kernel, 0)
		near.Free(f)
		c.PreemptEnable()
	}
}

func benchHugeFrame(ops uint64) {
	near := frames.CPU(0, 0)
	for range ops {
		c := preemptOff()
		f, _ := near.AllocHuge(mm.Kernel, 0)
		near.FreeHuge(f)
		c.PreemptEnable()
	}
}

// benchFrameByNode looks the reservation up each time, by CPU and node.
func benchFrameByNode(ops uint64) {
	for range ops {
		c := preemptOff()
		f, _ := frames.Alloc(c.CPU, 0, mm.Kernel, 0)
		frames.Free(c.CPU, f)
		c.PreemptEnable()
	}
}

// benchFrameByPolicy goes by a task's policy, which is local, and counts where the frames come from.
func benchFrameByPolicy(ops uint64) {
	for range ops {
		c := preemptOff()
		f, _ := memory.Alloc(numa.CPU(c.CPU), kernelMemory.Default(), mm.Kernel, 0)
		frames.Free(c.CPU, f)
		c.PreemptEnable()
	}
}

// benchStock is a stack of frame numbers, which knows neither nodes nor who has what.
var benchStock [8]mm.Frame

func benchFrameStack(ops uint64) {
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

// bench512 takes the frames of 2 MiB one by one before it gives back the first.
var bench512 [mm.HugeFrames]mm.Frame

func benchFrames512(ops uint64) {
	near := frames.CPU(0, 0)
	for range ops {
		c := preemptOff()
		for i := range bench512 {
			bench512[i], _ = near.Alloc(mm.Kernel, 0)
		}
		for _, f := range bench512 {
			near.Free(f)
		}
		c.PreemptEnable()
	}
}

// buddyFrames is how many frames the baseline believes to have.
const buddyFrames = 4 * mm.HugeFrames

var benchBuddies struct {
	mm.Buddy
	ready bool
}

// buddies is the baseline, which keeps what the first benchmark gave it.
func buddies() *mm.Buddy {
	b := &benchBuddies
	if !b.ready {
		b.ready = true
		b.Init(room[mm.Info](buddyFrames))
		b.SetNode(0, mm.BuddyMemory{Blocks: room[mm.BuddyBlock](buddyFrames)})
		b.Add(0, 0, buddyFrames)
		b.Alloc(0, 0, mm.Kernel, 0) // so that a pair splits and joins no 2 MiB: it has a list of single frames to go by
	}
	return &b.Buddy
}

func benchBuddy(ops uint64) {
	b := buddies()
	for range ops {
		c := preemptOff()
		f, _ := b.Alloc(0, 0, mm.Kernel, 0)
		b.Free(0, f)
		c.PreemptEnable()
	}
}

func benchBuddyHuge(ops uint64) {
	b := buddies()
	for range ops {
		c := preemptOff()
		f, _ := b.AllocHuge(0, 0, mm.Kernel, 0)
		b.FreeHuge(0, f)
		c.PreemptEnable()
	}
}

func benchBuddy512(ops uint64) {
	b := buddies()
	for range ops {
		c := preemptOff()
		for i := range bench512 {
			bench512[i], _ = b.Alloc(0, 0, mm.Kernel, 0)
		}
		for _, f := range bench512 {
			b.Free(0, f)
		}
		c.PreemptEnable()
	}
}

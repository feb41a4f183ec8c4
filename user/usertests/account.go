//go:build exouser

package main

import (
	"strconv"

	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

// What must be back after a test. There are three accounts: what the test's own process has, by its environment's account; what its
// parent has after the process has ended; and, after all tests, what is free in the whole machine, by the page of kernel state.

// own is what the caller's environment uses, and has left to give to others; and of that, what variables, stack and heap have: they
// give nothing back, and after a fork there are more copies of their pages, as these happen to be written.
type own struct{ frames, caps, limitFrames, limitCaps, heapPages, heapPieces uint64 }

func mine() own {
	thread.Drain()
	page := sys.Start()
	pages, pieces := mem.Held(page.Image.Low, mem.HeapEnd)
	stackPages, stackPieces := mem.Held(page.Stack.Low, page.Stack.High)
	var info abi.EnvInfo
	sys.EnvInspect(0, &info)
	return own{info.Frames, info.Caps, info.FrameLimit, info.CapLimit, pages + stackPages, pieces + stackPieces}
}

// less says what there is less of than before, "" for nothing. What variables, stack and heap have more is not.
func (before own) less() string {
	now := mine()
	heapPages, heapPieces := now.heapPages-before.heapPages, now.heapPieces-before.heapPieces
	if heapPages > 0 { // and tables for it, and pages to note it
		heapPages += 2 + heapPages/128
		heapPieces += 1 + heapPages/128
	}
	for _, c := range [...]struct {
		what            string
		missing, excuse uint64
	}{
		{"frames are kept", now.frames - min(before.frames, now.frames), heapPages},
		{"capabilities are kept", now.caps - min(before.caps, now.caps), heapPieces},
		{"frames of the quota have not come back", before.limitFrames - min(before.limitFrames, now.limitFrames), 0},
		{"capabilities of the quota have not come back", before.limitCaps - min(before.limitCaps, now.limitCaps), 0},
	} {
		if c.missing > c.excuse {
			return strconv.Itoa(int(c.missing)) + " " + c.what
		}
	}
	return ""
}

// settledCount waits until the page of kernel state is new, and returns a number that is there.
func settledCount(p *uint64) uint64 {
	thread.Sleep(2 * settleNs)
	newPage()
	return load(p)
}

// newPage waits until all of the page has been written anew. A write begins and ends with one more.
func newPage() {
	p := &sys.Info().Sequence
	s := load(p)
	eventually(func() bool { return load(p) >= s+4 })
}

// machine is how many frames are free in all, or kept by the kernel to be used again, and what there is.
type machine struct{ free, envs, threads, caps uint64 }

// look reads the page of kernel state when nobody writes it. What the caller has itself is as good as free: its heap grows.
func look() (m machine) {
	info, own := sys.Info(), mine()
	for {
		s := load(&info.Sequence)
		m.free = load(&info.Kept) + own.frames
		for n := range info.Nodes {
			m.free += load(&info.Free[n])
		}
		m.envs, m.threads, m.caps = load(&info.Envs), load(&info.Threads), load(&info.Caps)-own.caps
		if s%2 == 0 && load(&info.Sequence) == s {
			return m
		}
		thread.Yield()
	}
}

const (
	settleNs    = 20_000_000 // the page is written every 10 ms
	settleTries = 200
)

// settled is what there is when everything was used once, and what is given back late has been.
func settled() machine {
	for range 2 {
		id, err := proc.Spawn(me, []string{me, runOne, warm}, attr())
		if err == nil {
			proc.Wait(id)
		}
	}
	thread.Sleep(2 * settleNs)
	newPage()
	return look()
}

// missing says what is not back, "" for nothing. Some of it comes a little later than the end of who had it.
func (before machine) missing() (why string) {
	for range settleTries {
		thread.Sleep(settleNs)
		now := look()
		why = "of the machine's "
		switch {
		case now.free < before.free:
			why += "frames " + strconv.Itoa(int(before.free-now.free)) + " are missing"
		case now.caps > before.caps:
			why += "capabilities " + strconv.Itoa(int(now.caps-before.caps)) + " are missing"
		case now.envs > before.envs:
			why += "environments " + strconv.Itoa(int(now.envs-before.envs)) + " are missing"
		case now.threads > before.threads:
			why += "threads " + strconv.Itoa(int(now.threads-before.threads)) + " are missing"
		default:
			return ""
		}
	}
	return why
}

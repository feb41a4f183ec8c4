//go:build exouser

// Forktest forks until it is refused, and so does each of its children, and theirs: all are alive at once. Then all end, each waits for
// its own, and everything must be back: frames and capabilities, its own quotas, environments and threads of the machine. It does that
// several times. Its status is 0 if all is well.
package main

import (
	"strconv"
	"sync/atomic"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/file"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
	"exo/libos/wait"
)

const (
	rounds      = 3
	napNs       = 10_000_000 // hundreds of processes look whether they are to end
	settleNs    = 20_000_000 // the page of kernel state is written every 10 ms
	settleTries = 200
)

func say(text string) { file.Out.WriteString("forktest: " + text + "\n") }

func fail(text string) {
	say(text)
	proc.Exit(1)
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// state is what must be as before.
type state struct{ free, caps, envs, threads, leftFrames, leftCaps uint64 }

func look() (s state) {
	info := sys.Info()
	load := atomic.LoadUint64
	var own abi.EnvInfo
	sys.EnvInspect(0, &own)
	for { // nobody may write it meanwhile
		before := load(&info.Sequence)
		s = state{free: load(&info.Kept), caps: load(&info.Caps), envs: load(&info.Envs), threads: load(&info.Threads)}
		for n := range info.Nodes {
			s.free += load(&info.Free[n])
		}
		if before%2 == 0 && load(&info.Sequence) == before {
			break
		}
		thread.Yield()
	}
	// What the program itself has is as good as free: after a fork there are more copies of its pages, as they happen to be written.
	page := sys.Start()
	frames, caps := mem.Held(page.Image.Low, mem.HeapEnd)
	stackFrames, stackCaps := mem.Held(page.Stack.Low, page.Stack.High)
	s.leftFrames, s.leftCaps = own.FrameLimit-own.Frames+frames+stackFrames, own.CapLimit-own.Caps+caps+stackCaps
	s.free += own.Frames
	s.caps -= own.Caps
	return s
}

// missing says what there is less of than before, "" for nothing.
func (before state) missing(now state) string {
	for _, c := range [...]struct {
		what      string
		was, left uint64
	}{
		{"free frames", before.free, now.free}, {"frames of the quota", before.leftFrames, now.leftFrames},
		{"capabilities of the quota", before.leftCaps, now.leftCaps},
		{"capabilities", now.caps, before.caps}, {"environments", now.envs, before.envs}, {"threads", now.threads, before.threads},
	} {
		if c.left < c.was {
			return number(c.was-c.left) + " " + c.what
		}
	}
	return ""
}

// What all processes see: how many there are, how many of these have been refused, whether they are to end.
type shared struct{ processes, refused, over atomic.Uint64 }

func share() *shared {
	c, _, err := sys.FrameAlloc(mem.Account(), abi.HowNear, 0, 1, 0)
	if err != abi.OK {
		fail("no frame to share: " + err.Error())
	}
	at, err := mem.MapFrames(c, 1, abi.PermRead|abi.PermWrite, mem.FlagShared)
	if err != abi.OK {
		fail("it cannot be shared: " + err.Error())
	}
	return (*shared)(unsafe.Pointer(uintptr(at)))
}

// Statuses of a process: what it has found.
const (
	good = iota
	strange
)

// grow forks until that is refused, waits until all have been, and then for the children. It returns how many these were, why there were
// no more, and the worst that was found below.
func grow(all *shared, depth int) (n int, why error, worst int64) {
	for {
		all.processes.Add(1)
		id, err := proc.Fork()
		if err != nil {
			all.processes.Add(^uint64(0))
			why = err
			break
		}
		if id == 0 {
			if _, _, err := proc.WaitAny(); err != error(proc.ErrNoChild) {
				proc.Exit(strange) // it has its parent's
			}
			_, _, worst := grow(all, depth+1)
			proc.Exit(int(worst))
		}
		n++
	}
	all.refused.Add(1)
	forks := n
	for all.over.Load() == 0 {
		if depth == 0 && all.refused.Load() == all.processes.Load() {
			all.over.Store(1)
		}
		if id, status, _ := proc.PollAny(); id != 0 {
			n, worst = n-1, max(worst, status, -status)
			if all.over.Load() == 0 { // it has ended before it was to
				say("process " + number(uint64(id)) + " has ended, with status " + strconv.Itoa(int(status)))
				all.over.Store(1)
				worst = max(worst, strange)
			}
		}
		thread.Sleep(napNs)
	}
	for range n {
		_, status, err := proc.WaitAny()
		if err != nil {
			return forks, why, strange
		}
		worst = max(worst, status, -status)
	}
	if _, _, err := proc.WaitAny(); err != error(proc.ErrNoChild) {
		worst = max(worst, strange)
	}
	return forks, why, worst
}

// once does it, and returns how many processes there were in all.
func once() (processes uint64) {
	all := share()
	all.processes.Store(1)
	n, why, worst := grow(all, 0)
	processes = all.processes.Load()
	mem.Unmap(uint64(uintptr(unsafe.Pointer(all))), mem.PageSize)
	if worst != good {
		fail("a process ended with status " + strconv.Itoa(int(worst)))
	}
	if n < 4 {
		fail("after " + strconv.Itoa(n) + " children: " + why.Error())
	}
	say(number(processes) + " processes at once, " + strconv.Itoa(n) + " of them its own children, then: " + why.Error() + "; all have ended")
	return processes
}

func main() {
	wait.Own() // as below
	once()     // what is kept once it was used
	thread.Sleep(2 * settleNs)
	before := look()
	for range rounds {
		once()
		lost := "?"
		for try := 0; lost != "" && try < settleTries; try++ {
			thread.Sleep(settleNs)
			lost = before.missing(look())
		}
		if lost != "" {
			fail(lost + " are not back")
		}
	}
	say("all frames, capabilities, environments and threads are back")
}

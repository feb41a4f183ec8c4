//go:build exokernel

package amd64

import "runtime"

// What NMIs are used for, besides stopping the others in a panic: being seen (PingNMI), and seeing where a CPU is that does
// not take interrupts.

// Snapshot is where a CPU was at one moment.
type Snapshot struct {
	RIP     uint64
	Top     uint64 // the word on top of its stack: the return address if the function at RIP has no frame
	Callers [30]uint64
	N       int // how many Callers there are: return addresses, innermost first
}

// Look interrupts c by an NMI and stores in s where it was; it returns false if c does not answer for patienceUs
// microseconds. One call at a time.
func (c *CPU) Look(s *Snapshot, patienceUs uint64) bool {
	c.looked.Store(0)
	if c.looks.Swap(1) == 0 { // else an earlier NMI is still under way
		localAPIC.sendNMI(c.APICID)
	}
	start, n := TSC(), patienceUs*Clock.TSCKHz/1000
	for c.looked.Load() == 0 {
		if TSC()-start > n {
			return false
		}
		Pause()
	}
	*s = c.seenAt
	return true
}

// expectedNMI serves an NMI that somebody has sent for a purpose. Two that come as one do both, and then one that comes late
// may find nothing to do. It takes no lock and calls nothing that has a stack check, for it runs on a stack that is not g's.
//
//go:nosplit
func (c *CPU) expectedNMI(f *Frame) bool {
	done := uint32(0)
	if c.pings.Swap(0) != 0 {
		c.seen.Add(1)
		done++
	}
	if c.looks.Swap(0) != 0 {
		c.seenAt.take(f, c.g)
		c.looked.Store(1)
		done++
	}
	if done > 0 {
		c.spare += done - 1
		return true
	}
	if c.spare > 0 {
		c.spare--
		return true
	}
	return false
}

// take follows the frame pointers from where the trap came, as far as they lead up the stack of gp.
//
//go:nosplit
func (s *Snapshot) take(f *Frame, gp *runtime.G) {
	s.RIP, s.Top, s.N = f.RIP, 0, 0
	if rsp := uintptr(f.RSP); onStack(gp, rsp) {
		s.Top = *(*uint64)(Pointer(rsp))
	}
	for bp := uintptr(f.RBP); s.N < len(s.Callers) && onStack(gp, bp) && onStack(gp, bp+8); {
		ret, next := *(*uint64)(Pointer(bp + 8)), *(*uint64)(Pointer(bp))
		if !IsKernelText(uintptr(ret)) {
			return
		}
		s.Callers[s.N] = ret
		s.N++
		if uintptr(next) <= bp {
			return
		}
		bp = uintptr(next)
	}
}

// onStack says whether there is a word of gp's stack at va.
//
//go:nosplit
func onStack(gp *runtime.G, va uintptr) bool {
	return va%8 == 0 && va >= gp.StackLo && va <= gp.StackHi-8
}

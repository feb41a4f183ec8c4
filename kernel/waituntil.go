//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/bpf"
	"exo/kernel/cap"
	"exo/kernel/mm"
	"exo/kernel/sched"
)

// The system call of predicates: a program (kernel/bpf) looks at frames that the caller may read, and the thread goes on when it returns something
// else than 0. It is looked at when the call comes and at each tick then, by the thread itself and in its own time, without a way to
// ring 3: so there is no list of predicates, and nobody pays for another's. The capability is looked up each time; a frame that it names is
// not given to somebody else while the program looks.

const (
	predicateMost = 64      // instructions
	predicateSees = 1 << 18 // frames, at most
)

func sysWaitUntil(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	var program [predicateMost]bpf.Insn
	n, name, until := f.RSI, f.RDX, f.R10
	if n == 0 || n > predicateMost {
		return int64(abi.BadArgument)
	}
	// SAFETY: an Insn may have any value.
	if !amd64.CopyIn(unsafe.Slice((*byte)(unsafe.Pointer(&program)), n*uint64(unsafe.Sizeof(program[0]))), f.RDI) {
		return int64(abi.BadAddress)
	}
	if at, err := bpf.Verify(program[:n]); err != nil {
		f.RDX = uint64(at)
		return int64(abi.BadPredicate)
	}
	for first := true; ; first = false {
		v, no := t.ask(program[:n], cap.Name(name))
		now := amd64.NowNs()
		switch {
		case no != abi.OK && first:
			return int64(no)
		case no != abi.OK:
			return int64(abi.Revoked)
		case v != 0:
			return int64(v)
		case until == 0:
			return int64(abi.Again)
		case now >= until:
			return int64(abi.TimedOut)
		case t.interrupted():
			return int64(abi.Interrupted)
		}
		amd64.IRQDisable()
		here().sched.WakeAt(min(until, now+tickPeriod))
		if !t.interrupted() {
			here().reschedule(sched.Parks)
		}
		here().sched.Awake()
		irqOn()
	}
}

// ask runs a program on what a capability names. Errors: as of a lookup.
func (t *thread) ask(program []bpf.Insn, name cap.Name) (uint32, abi.Errno) {
	if uint32(name) >= uint32(len(capSlots)) {
		return 0, abi.BadCap
	}
	c := preemptOff()
	b := &slotOf(name).Binding
	b.Lock() // the frames are not given back meanwhile
	o, err := capTab.Lookup(name, t.env.holder(), cap.Kind(abi.KindFrames), cap.Read)
	if err != nil {
		b.Unlock()
		c.PreemptEnable()
		return 0, capErrno(err)
	}
	data := amd64.PhysAddr(mm.Frame(o.First).Addr()).Bytes(min(o.Second, predicateSees) * mm.FrameSize)
	around := bpf.Env{TimeNs: amd64.NowNs(), CPU: uint32(c.CPU)}
	v := bpf.Run(program, data, &around)
	b.Unlock()
	c.PreemptEnable()
	return v, abi.OK
}

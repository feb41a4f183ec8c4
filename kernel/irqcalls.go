//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sync"
)

// System calls: interrupts of devices, the old lines by their numbers. One that comes is masked, and whoever has bound it is told; it can
// come again after an InterruptAck.

// lines is who is told of each.
var lines struct {
	lock   sync.Ticket // interrupts off; of the I/O APICs' registers too, where lines are routed
	bound  [len(isa)]told
	by     [len(isa)]cap.Name // the capability for the line by which it was bound, the same holder's
	kernel [len(isa)]bool     // it has these itself; as of boot
}

// line finds the line of a capability. Errors: as of a lookup; Busy: the kernel has it.
func (t *thread) line(name uint64, need cap.Rights) (int, abi.Errno) {
	o, err := capTab.Lookup(cap.Name(name), t.env.holder(), cap.Kind(abi.KindInterrupt), need)
	switch {
	case err != nil:
		return 0, capErrno(err)
	case o.First >= uint64(len(isa)):
		return 0, abi.BadArgument
	case o.First == amd64.COM1IRQ || lines.kernel[o.First]:
		return 0, abi.Busy
	}
	return int(o.First), abi.OK
}

// sysInterruptBind has a notification told when the interrupt comes.
func sysInterruptBind(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	i, no := t.line(f.RDI, cap.Write)
	if no != abi.OK {
		return int64(no)
	}
	w, no := t.tells(f.RSI, f.RDX)
	if no != abi.OK {
		return int64(no)
	}
	lines.lock.Lock(pause)
	amd64.Handle(amd64.VectorIRQ+i, onLine) // before it can come; until the lock is free, that waits
	if openLine(i) {
		lines.bound[i], lines.by[i] = w, cap.Name(f.RDI)
	} else { // there is no such line, and none has been bound
		amd64.Handle(amd64.VectorIRQ+i, nil)
		no = abi.Unsupported
	}
	lines.lock.Unlock()
	return int64(no)
}

func sysInterruptAck(s *amd64.UserState, f *amd64.SysFrame) int64 {
	i, no := threadOf(s).line(f.RDI, cap.Write)
	if no != abi.OK {
		return int64(no)
	}
	lines.lock.Lock(pause)
	no = abi.Again
	if lines.bound[i].bits != 0 {
		openLine(i)
		no = abi.OK
	}
	lines.lock.Unlock()
	return int64(no)
}

// openLine has a line interrupt CPU 0. The lines are locked.
func openLine(i int) bool {
	l := &isa[i]
	return amd64.RouteGSI(l.gsi, uint8(amd64.VectorIRQ+i), l.trigger, amd64.CPUByIndex(0).APICID)
}

// onLine is the handler of all.
func onLine(f *amd64.Frame) {
	i := int(f.Vector-amd64.VectorIRQ) % len(isa)
	lines.lock.Lock(pause)
	amd64.MaskGSI(isa[i].gsi)
	w, by := lines.bound[i], lines.by[i]
	lines.lock.Unlock()
	if capTab.Check(by, w.holder, cap.Kind(abi.KindInterrupt), 0) == nil { // else it has been taken back
		w.tell()
	}
}

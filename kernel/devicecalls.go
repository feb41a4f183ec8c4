//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
)

// System calls: I/O ports, and the end of the machine.

// port checks a port number and a width against a capability.
func (t *thread) port(name, port, bytes uint64, need cap.Rights) abi.Errno {
	o, err := capTab.Lookup(cap.Name(name), t.env.holder(), cap.Kind(abi.KindPorts), need)
	switch {
	case err != nil:
		return capErrno(err)
	case bytes != 1 && bytes != 2 && bytes != 4 || !within(o, cap.Object{First: port, Second: bytes}):
		return abi.BadArgument
	}
	return abi.OK
}

func sysPortIn(s *amd64.UserState, f *amd64.SysFrame) int64 {
	if err := threadOf(s).port(f.RDI, f.RSI, f.RDX, cap.Read); err != abi.OK {
		return int64(err)
	}
	switch f.RDX {
	case 1:
		return int64(amd64.Inb(uint16(f.RSI)))
	case 2:
		return int64(amd64.Inw(uint16(f.RSI)))
	}
	return int64(amd64.Inl(uint16(f.RSI)))
}

func sysPortOut(s *amd64.UserState, f *amd64.SysFrame) int64 {
	if err := threadOf(s).port(f.RDI, f.RSI, f.RDX, cap.Write); err != abi.OK {
		return int64(err)
	}
	switch f.RDX {
	case 1:
		amd64.Outb(uint16(f.RSI), uint8(f.R10))
	case 2:
		amd64.Outw(uint16(f.RSI), uint16(f.R10))
	default:
		amd64.Outl(uint16(f.RSI), uint32(f.R10))
	}
	return 0
}

// sysSystemEnd ends the machine, for who may delete the console.
func sysSystemEnd(s *amd64.UserState, f *amd64.SysFrame) int64 {
	if err := capTab.Check(cap.Name(f.RDI), threadOf(s).env.holder(), cap.Kind(abi.KindConsole), cap.Delete|cap.Write); err != nil {
		return int64(capErrno(err))
	}
	irqOn()
	closeFiles()
	systemEnd(f.RSI == 0)
	return int64(abi.Unsupported)
}

// systemEnd turns the machine off, if it can.
func systemEnd(well bool) {
	code := uint32(amd64.ExitPass)
	if !well {
		code = amd64.ExitFail
	}
	amd64.DebugExit(code)
	softOff.PowerOff()
}

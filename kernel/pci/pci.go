// Package pci finds the functions of PCI devices, and what their configuration registers say (PCI Local Bus 3.0, PCI Express
// Base 5.0).
//
//	Functions ─► Function ─► BAR            where its registers are
//	    │           ├──────► Capabilities   MSIX, and what a driver knows (virtio)
//	    │           └──────► Enable, Disable
//	  Space: ECAM (memory) or Mechanism1 (two I/O ports)
//
// What registers say is not trusted: a walk of buses visits each once, one of a list of capabilities ends after as many as
// fit, an address makes sense or there is none. A function that vanishes reads as all ones, and is then none.
//
// Start reading here, then bar.go and capability.go.
//
// Callers: one at a time, for the ports are two, and a BAR's size is found by changing it. Memory: none.
package pci

import "exo/kernel/text"

// Address is a function's: 8 bits of bus, 5 of device, 3 of function.
type Address uint16

// At makes one.
func At(bus, device, function uint8) Address {
	return Address(bus)<<8 | Address(device&31)<<3 | Address(function&7)
}

func (a Address) Bus() uint8      { return uint8(a >> 8) }
func (a Address) Device() uint8   { return uint8(a>>3) & 31 }
func (a Address) Function() uint8 { return uint8(a) & 7 }

// Space is the configuration space of up to 256 buses. reg is a multiple of 4 below 256. Where there is no function all
// bits read as ones, and writes do nothing.
type Space interface {
	Read(a Address, reg uint8) uint32
	Write(a Address, reg uint8, v uint32)
}

// Registers of every function (PCI 3.0 §6.1).
const (
	regID      = 0x00 // vendor, device
	regCommand = 0x04 // command, status
	regClass   = 0x08 // revision, class
	regHeader  = 0x0c // kind of header in the third byte
	regBAR0    = 0x10
	regBuses   = 0x18 // of a bridge: primary, secondary, subordinate
	regSub     = 0x2c // subsystem's vendor, subsystem
	regList    = 0x34 // the first capability
	regLine    = 0x3c // interrupt line, pin
)

// The command register, and in its upper half status.
const (
	cmdIO         = 1 << 0
	cmdMemory     = 1 << 1
	cmdMaster     = 1 << 2
	cmdNoINTx     = 1 << 10
	cmdMask       = 0xffff
	hasList       = 1 << 20
	multifunction = 1 << 23
)

// Function is one function of a device.
type Function struct {
	At             Address
	Vendor, Device uint16
	Class          uint32 // class, subclass, interface: 8 bits each
	Revision       uint8
	Header         uint8  // 0: a device; 1: a bridge
	Subsystem      uint16 // of a device
	Line, Pin      uint8  // where firmware has wired its interrupt pin (1 to 4; 0: it has none)
	Secondary      uint8  // of a bridge: the bus behind it
}

const headerBridge = 1

// probe reads who is at an address; false: nobody.
func probe(s Space, a Address) (f Function, more, ok bool) {
	id := s.Read(a, regID)
	if v := uint16(id); v == 0xffff || v == 0 {
		return Function{}, false, false
	}
	class, header, line := s.Read(a, regClass), s.Read(a, regHeader), s.Read(a, regLine)
	f = Function{
		At: a, Vendor: uint16(id), Device: uint16(id >> 16),
		Class: class >> 8, Revision: uint8(class), Header: uint8(header>>16) & 0x7f,
		Line: uint8(line), Pin: uint8(line >> 8),
	}
	switch f.Header {
	case headerBridge:
		f.Secondary = uint8(s.Read(a, regBuses) >> 8)
	case 0:
		f.Subsystem = uint16(s.Read(a, regSub) >> 16)
	}
	return f, header&multifunction != 0, true
}

// Functions is a walk of a space: for f := range pci.Functions(s).All.
func Functions(s Space) Walk { return Walk{s} }

type Walk struct{ space Space }

// All yields every function on bus 0 and on the buses behind bridges that it finds, each bus once, as firmware has numbered
// them.
func (w Walk) All(yield func(Function) bool) {
	var seen [4]uint64 // buses that were visited, or are to be
	var todo [256]uint8
	seen[0] = 1
	for n, at := 1, 0; at < n; at++ {
		for device := range uint8(32) {
			for function := range uint8(8) {
				f, more, ok := probe(w.space, At(todo[at], device, function))
				if ok && f.Header == headerBridge && seen[f.Secondary/64]>>(f.Secondary%64)&1 == 0 {
					seen[f.Secondary/64] |= 1 << (f.Secondary % 64)
					todo[n] = f.Secondary
					n++
				}
				if ok && !yield(f) {
					return
				}
				if function == 0 && !(ok && more) {
					break
				}
			}
		}
	}
}

// Enable has the function answer at its BARs and reach memory. intx says whether it may use its interrupt pin.
func (f *Function) Enable(s Space, intx bool) {
	c := s.Read(f.At, regCommand)&cmdMask | cmdIO | cmdMemory | cmdMaster
	if c &^= cmdNoINTx; !intx {
		c |= cmdNoINTx
	}
	s.Write(f.At, regCommand, c)
}

// Disable has it reach no memory any more, and interrupt nobody.
func (f *Function) Disable(s Space) {
	s.Write(f.At, regCommand, s.Read(f.At, regCommand)&cmdMask&^cmdMaster|cmdNoINTx)
}

// Gone says whether it does not answer any more.
func (f *Function) Gone(s Space) bool {
	return s.Read(f.At, regID) != uint32(f.Device)<<16|uint32(f.Vendor)
}

// Print appends "00:03.0 1af4:1042 kind".
func (f *Function) Print(l *text.Line) *text.Line {
	l.HexDigits(uint64(f.At.Bus()), 2).Byte(':').HexDigits(uint64(f.At.Device()), 2).Byte('.').Uint(uint64(f.At.Function()))
	l.Byte(' ').HexDigits(uint64(f.Vendor), 4).Byte(':').HexDigits(uint64(f.Device), 4)
	return l.Byte(' ').Str(f.Kind())
}

// Kind is what it is, in a word.
func (f *Function) Kind() string {
	if f.Vendor == 0x1af4 && (f.Device == 0x1001 || f.Device == 0x1042) {
		return "virtio-blk"
	}
	for _, k := range [...]struct {
		class, bits uint32
		name        string
	}{
		{0x060000, 8, "host-bridge"}, {0x060100, 8, "isa-bridge"}, {0x060400, 8, "pci-bridge"}, {0x010600, 8, "sata"},
		{0x010800, 8, "nvme"}, {0x010100, 8, "ide"}, {0x0c0500, 8, "smbus"}, {0x0c0300, 8, "usb"}, {0x010000, 16, "storage"},
		{0x020000, 16, "network"}, {0x030000, 16, "display"}, {0x060000, 16, "bridge"},
	} {
		if f.Class>>k.bits == k.class>>k.bits {
			return k.name
		}
	}
	return "device"
}

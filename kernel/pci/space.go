package pci

// Ports are I/O ports, 32 bits wide.
type Ports interface {
	In(port uint16) uint32
	Out(port uint16, v uint32)
}

// Mechanism1 is configuration space by an address port and a data port (PCI 3.0 §3.2.2.3.2).
type Mechanism1 struct{ Ports Ports }

const (
	portAddress = 0xcf8
	portData    = 0xcfc
	addressOn   = 1 << 31
)

// Present says whether the address port keeps what is written to it, as one of this mechanism does.
func (m *Mechanism1) Present() bool {
	m.Ports.Out(portAddress, addressOn)
	ok := m.Ports.In(portAddress) == addressOn
	m.Ports.Out(portAddress, 0)
	return ok
}

func (m *Mechanism1) Read(a Address, reg uint8) uint32 {
	m.Ports.Out(portAddress, addressOn|uint32(a)<<8|uint32(reg&^3))
	return m.Ports.In(portData)
}

func (m *Mechanism1) Write(a Address, reg uint8, v uint32) {
	m.Ports.Out(portAddress, addressOn|uint32(a)<<8|uint32(reg&^3))
	m.Ports.Out(portData, v)
}

// Memory is physical memory in which registers are; false: nobody can reach these.
type Memory interface {
	Read32(at uint64) (uint32, bool)
	Write32(at uint64, v uint32) bool
}

// ECAM is configuration space in memory: 4 KiB for each function (PCI Express 5.0 §7.2.2). Base is where bus 0 is, or would
// be; First to Last are the buses that are there.
type ECAM struct {
	Memory      Memory
	Base        uint64
	First, Last uint8
}

func (e *ECAM) at(a Address, reg uint8) (uint64, bool) {
	return e.Base + uint64(a)<<12 + uint64(reg&^3), a.Bus() >= e.First && a.Bus() <= e.Last
}

func (e *ECAM) Read(a Address, reg uint8) uint32 {
	if at, ok := e.at(a, reg); ok {
		if v, ok := e.Memory.Read32(at); ok {
			return v
		}
	}
	return 1<<32 - 1
}

func (e *ECAM) Write(a Address, reg uint8, v uint32) {
	if at, ok := e.at(a, reg); ok {
		e.Memory.Write32(at, v)
	}
}

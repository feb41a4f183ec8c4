package acpi

// MCFG says where the configuration registers of PCI functions are in memory (PCI Firmware 3.3 §4.1.2).
type MCFG struct {
	body []byte // 16 bytes each
}

// MCFGEntry is the registers of some buses: 4 KiB for each function, 1 MiB for each bus.
type MCFGEntry struct {
	Base        uint64 // physical, of bus 0, whether that is among them or not
	Segment     uint16
	First, Last uint8 // buses
}

const (
	mcfgFixed = 44
	mcfgEntry = 16
)

// ParseMCFG verifies the table in b. Bytes that do not make up a whole entry are left out.
func ParseMCFG(b []byte) (MCFG, error) {
	b, err := check(b, "MCFG", mcfgFixed)
	if err != nil {
		return MCFG{}, err
	}
	return MCFG{body: b[mcfgFixed:]}, nil
}

// Entries yields those that make sense: buses in ascending order, and an address at which 256 buses fit.
func (t MCFG) Entries(yield func(MCFGEntry) bool) {
	for rest := t.body; len(rest) >= mcfgEntry; rest = rest[mcfgEntry:] {
		e := MCFGEntry{Base: le64(rest), Segment: le16(rest[8:]), First: rest[10], Last: rest[11]}
		if e.Base == 0 || e.Base%(1<<20) != 0 || e.Base > 1<<63 || e.First > e.Last {
			continue
		}
		if !yield(e) {
			return
		}
	}
}

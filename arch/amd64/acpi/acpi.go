// Package acpi reads the tables that firmware leaves in memory: which CPUs and
// interrupt controllers there are (MADT), what is near what (SRAT, SLIT), how to
// turn the machine off or reset it (FADT, DSDT), where its timer is (HPET) and where
// PCI is (MCFG).
//
//	FindRSDP ─ RSDP ─ Open ─ Root ─ Find("APIC") ─ ParseMADT ─ MADT.Entries
//	                          │     Find("SRAT") ─ ParseSRAT ─ SRAT.Entries
//	                          │     Find("SLIT") ─ ParseSLIT ─ SLIT.At
//	                          │     Find("HPET") ─ ParseHPET
//	                          │     Find("MCFG") ─ ParseMCFG ─ MCFG.Entries
//	                          │     Find("FACP") ─ ParseFADT ─ FADT.DSDT
//	                          └──── DSDT() ─ ParseS5
//
// Start reading in root.go. The bytes come from firmware and are not trusted: each
// length and each checksum is verified, nothing is read outside what Memory
// grants, no work is unbounded, and one bad table never hides the others.
//
// The package keeps no copies: what it returns points into the tables, so the
// memory they lie in must stay reserved. It uses no heap, and it may run on any
// CPU, before interrupts and before the other CPUs are up.
package acpi

// Memory gives access to physical memory.
type Memory interface {
	// Bytes returns the n bytes at physical address addr, or nil if any of them
	// cannot be read. It is never asked for a range that wraps around 2^64.
	Bytes(addr, n uint64) []byte
}

// Error is a fault found in the tables.
type Error string

func (e Error) Error() string { return string(e) }

// What can be wrong with a table.
const (
	ErrAbsent        = Error("acpi: no table has this signature")
	ErrUnreadable    = Error("acpi: the table lies outside readable memory")
	ErrSignature     = Error("acpi: the table has another signature than it should")
	ErrChecksum      = Error("acpi: the table's bytes do not sum to zero")
	ErrShort         = Error("acpi: the table is shorter than its fixed fields")
	ErrTooLong       = Error("acpi: the table is longer than the limit of 1 MiB")
	ErrRSDPLen       = Error("acpi: the RSDP is longer than the limit of 4 KiB")
	ErrTooManyTables = Error("acpi: the root table names more tables than the limit of 256")
	ErrEntry         = Error("acpi: the table has an entry of impossible length or content")
	ErrMatrixSize    = Error("acpi: the distance matrix does not fill its table exactly")
	ErrDistance      = Error("acpi: a distance is below 10, or from a locality to itself not 10")
	ErrSpace         = Error("acpi: the register block is not in memory space or has no address")
)

// Limits: a table beyond them is refused, so that the work done for any input is bounded.
const (
	MaxTableLen = 1 << 20 // bytes in one table
	MaxTables   = 256     // entries in the root table
)

// headerLen is the size of the header common to all tables but the RSDP (ACPI 6.5 §5.2.6).
const headerLen = 36

// read returns n bytes at addr, or nil. It is the only caller of Memory.Bytes.
func read(mem Memory, addr, n uint64) []byte {
	if addr+n < addr {
		return nil
	}
	b := mem.Bytes(addr, n)
	if uint64(len(b)) < n {
		return nil
	}
	return b[:n:n]
}

// table reads the table at addr, whatever its signature, and verifies its length and checksum.
func table(mem Memory, addr uint64) ([]byte, error) {
	h := read(mem, addr, headerLen)
	if h == nil {
		return nil, ErrUnreadable
	}
	n := le32(h[4:])
	if n < headerLen {
		return nil, ErrShort
	}
	if n > MaxTableLen {
		return nil, ErrTooLong
	}
	b := read(mem, addr, uint64(n))
	if b == nil {
		return nil, ErrUnreadable
	}
	if sum(b) != 0 {
		return nil, ErrChecksum
	}
	return b, nil
}

// check verifies that b starts with a sound table of this signature and at least
// fixed bytes, and cuts b to the length which that table gives.
func check(b []byte, sig string, fixed int) ([]byte, error) {
	if len(b) < headerLen {
		return nil, ErrShort
	}
	if string(b[:4]) != sig {
		return nil, ErrSignature
	}
	n := le32(b[4:])
	if n > MaxTableLen {
		return nil, ErrTooLong
	}
	if int(n) < fixed || int(n) > len(b) {
		return nil, ErrShort
	}
	b = b[:n:n]
	if sum(b) != 0 {
		return nil, ErrChecksum
	}
	return b, nil
}

// revision returns the revision of a table that check accepted.
func revision(b []byte) uint8 { return b[8] }

// next splits the entry that starts b from what follows it: entries of the MADT
// and the SRAT begin with a type byte and a length byte. It returns a nil entry if
// the length is impossible; an entry is never shorter than these two bytes, so a
// walk always ends.
func next(b []byte) (entry, rest []byte) {
	if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
		return nil, nil
	}
	n := b[1]
	return b[:n:n], b[n:]
}

// sum adds all bytes modulo 256; a sound table gives 0.
func sum(b []byte) uint8 {
	var s uint8
	for _, v := range b {
		s += v
	}
	return s
}

func le16(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }

func le32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func le64(b []byte) uint64 { return uint64(le32(b)) | uint64(le32(b[4:]))<<32 }

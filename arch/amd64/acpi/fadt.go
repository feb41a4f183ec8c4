package acpi

// FADT is the fixed ACPI description table, signature "FACP" (ACPI 6.5 §5.2.9): here
// only what it takes to switch ACPI on, the machine off, and to reset it.
type FADT struct {
	Revision    uint8
	DSDT        uint64  // physical; 0 if there is none
	SMICommand  uint16  // I/O port; 0 if ACPI mode is on from the start
	ACPIEnable  uint8   // value that switches ACPI mode on at SMICommand; 0 as above
	PM1aControl Address // register with SLP_TYP and SLP_EN (§4.8.3.2)
	PM1bControl Address // its second half, absent on most machines
	Reset       Address // absent if the machine has no reset register (§4.8.3.6)
	ResetValue  uint8   // what to write there
	BootArch    uint16  // IA-PC boot architecture flags (table 5.11)
	Flags       uint32  // fixed feature flags (table 5.10)
}

// Address is a generic address structure (ACPI 6.5 §5.2.3.2). Addr 0 means absent.
type Address struct {
	Space uint8 // SpaceMemory, SpaceIO, SpacePCI or another of table 5.1
	Bits  uint8 // width of the register
	Addr  uint64
}

// The address spaces that registers of the FADT may lie in.
const (
	SpaceMemory = 0
	SpaceIO     = 1
	SpacePCI    = 2 // configuration space of bus 0: device, function and offset in Addr
)

// Present says whether there is such a register.
func (a Address) Present() bool { return a.Addr != 0 }

const (
	fadtFixed    = 116 // up to the flags: what ACPI 1.0 has
	resetSupport = 1 << 10
)

// ParseFADT verifies the table in b. Fields past the table's length are absent:
// each revision of ACPI added some, and firmware gives what it knows.
func ParseFADT(b []byte) (FADT, error) {
	b, err := check(b, "FACP", fadtFixed)
	if err != nil {
		return FADT{}, err
	}
	t := FADT{
		Revision:   revision(b),
		DSDT:       uint64(le32(b[40:])),
		ACPIEnable: b[52],
		BootArch:   le16(b[109:]),
		Flags:      le32(b[112:]),
	}
	if port := le32(b[48:]); port <= 0xffff {
		t.SMICommand = uint16(port)
	}
	if len(b) >= 148 {
		if x := le64(b[140:]); x != 0 {
			t.DSDT = x
		}
	}
	width := b[89] * 8 // PM1_CNT_LEN is in bytes
	t.PM1aControl = register(b, 172, le32(b[64:]), width)
	t.PM1bControl = register(b, 184, le32(b[68:]), width)
	if t.Flags&resetSupport != 0 && len(b) >= 129 {
		// The three spaces that §4.8.3.6 allows.
		if a := gas(b[116:]); a.Space <= SpacePCI {
			t.Reset, t.ResetValue = a, b[128]
		}
	}
	return t, nil
}

// register returns a register block that the table gives twice: as a generic address
// at offset x, which counts where it is filled in, and as an I/O port (§5.2.9).
func register(b []byte, x int, port uint32, bits uint8) Address {
	if len(b) >= x+12 {
		if a := gas(b[x:]); a.Addr != 0 && a.Space <= SpaceIO {
			return a
		}
	}
	if port == 0 || port > 0xffff {
		return Address{}
	}
	return Address{Space: SpaceIO, Bits: bits, Addr: uint64(port)}
}

// gas decodes 12 bytes; an I/O port that is none makes the address absent.
func gas(b []byte) Address {
	a := Address{Space: b[0], Bits: b[1], Addr: le64(b[4:])}
	if a.Space == SpaceIO && a.Addr > 0xffff {
		return Address{}
	}
	return a
}

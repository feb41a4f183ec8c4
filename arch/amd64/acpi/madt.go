package acpi

// MADT is the multiple APIC description table, signature "APIC" (ACPI 6.5 §5.2.12).
type MADT struct {
	LocalAPIC uint64 // physical address of each CPU's local APIC, after an override entry
	PCAT      bool   // there is also a pair of 8259 controllers, which must be masked
	body      []byte
}

// MADTKind says which fields of a MADTEntry mean something.
type MADTKind uint8

// The kinds of entry that MADT.Entries yields.
const (
	MADTCPU      MADTKind = iota + 1 // APICID, UID, X2APIC, Enabled, OnlineCapable
	MADTIOAPIC                       // IOAPIC, Addr, GSI
	MADTOverride                     // Bus, IRQ, GSI, Polarity, Trigger
	MADTNMI                          // UID, LINT, Polarity, Trigger
)

// AllCPUs is the UID of a MADTNMI entry that holds for each CPU.
const AllCPUs = 0xffffffff

// Polarity of an interrupt input (ACPI 6.5 table 5.26).
type Polarity uint8

// The polarities; a bus's own is active high on ISA and active low on PCI.
const (
	PolarityBus Polarity = iota
	ActiveHigh
	ActiveLow
)

// Trigger mode of an interrupt input (ACPI 6.5 table 5.26).
type Trigger uint8

// The trigger modes; a bus's own is edge on ISA and level on PCI.
const (
	TriggerBus Trigger = iota
	Edge
	Level
)

// MADTEntry is one entry, in one shape for all kinds.
type MADTEntry struct {
	Kind          MADTKind
	X2APIC        bool   // given as an x2APIC entry (type 9), else as a local APIC (type 0)
	Enabled       bool   // the CPU can be started
	OnlineCapable bool   // the CPU is not there yet, and may be added while running
	APICID        uint32 // of the CPU's local APIC; firmware may name one twice
	UID           uint32 // the processor's name in the DSDT, or AllCPUs
	IOAPIC        uint8  // the I/O APIC's id
	Bus           uint8  // always 0, ISA
	IRQ           uint8  // interrupt line on that bus
	LINT          uint8  // the local APIC's input, 0 or 1, that NMI is wired to
	Polarity      Polarity
	Trigger       Trigger
	GSI           uint32 // global system interrupt: the I/O APIC's first, or where the line goes
	Addr          uint64 // the I/O APIC's registers, physical
}

const madtFixed = 44

// ParseMADT verifies the table in b. With ErrEntry the table returned is still
// usable: it leaves out the entries that make no sense, and all that follows an
// entry whose length is impossible.
func ParseMADT(b []byte) (MADT, error) {
	b, err := check(b, "APIC", madtFixed)
	if err != nil {
		return MADT{}, err
	}
	t := MADT{
		LocalAPIC: uint64(le32(b[36:])),
		PCAT:      le32(b[40:])&1 != 0,
		body:      b[madtFixed:],
	}
	for rest := t.body; len(rest) > 0; {
		var e []byte
		if e, rest = next(rest); e == nil {
			return t, ErrEntry
		}
		if len(e) < madtEntryLen(e[0]) {
			err = ErrEntry
		} else if e[0] == 5 { // local APIC address override (§5.2.12.8)
			t.LocalAPIC = le64(e[4:])
		}
	}
	return t, err
}

// madtEntryLen returns how many bytes an entry of this type has at least.
func madtEntryLen(typ uint8) int {
	switch typ {
	case 0:
		return 8
	case 1, 5, 10:
		return 12
	case 2:
		return 10
	case 4:
		return 6
	case 9:
		return 16
	}
	return 2
}

// Entries yields the entries in the table's order:
//
//	for e := range madt.Entries { ... }
func (t MADT) Entries(yield func(MADTEntry) bool) {
	for rest := t.body; len(rest) > 0; {
		var b []byte
		if b, rest = next(rest); b == nil {
			return
		}
		if len(b) < madtEntryLen(b[0]) {
			continue
		}
		if e := madtEntry(b); e.Kind != 0 && !yield(e) {
			return
		}
	}
}

// madtEntry decodes one entry of sufficient length; its Kind is 0 if there is
// nothing in it for the kernel.
func madtEntry(b []byte) MADTEntry {
	switch b[0] {
	case 0: // local APIC (§5.2.12.2); id 255 addresses all CPUs and so names none
		if b[3] == 0xff {
			return MADTEntry{}
		}
		return cpuEntry(uint32(b[3]), uint32(b[2]), le32(b[4:]))
	case 9: // local x2APIC (§5.2.12.12)
		id := le32(b[4:])
		if id == 0xffffffff {
			return MADTEntry{}
		}
		e := cpuEntry(id, le32(b[12:]), le32(b[8:]))
		e.X2APIC = true
		return e
	case 1: // I/O APIC (§5.2.12.3)
		return MADTEntry{Kind: MADTIOAPIC, IOAPIC: b[2], Addr: uint64(le32(b[4:])), GSI: le32(b[8:])}
	case 2: // interrupt source override (§5.2.12.5)
		p, t := inti(le16(b[8:]))
		return MADTEntry{Kind: MADTOverride, Bus: b[2], IRQ: b[3], GSI: le32(b[4:]), Polarity: p, Trigger: t}
	case 4: // local APIC NMI (§5.2.12.7)
		p, t := inti(le16(b[3:]))
		uid := uint32(b[2])
		if uid == 0xff {
			uid = AllCPUs
		}
		return MADTEntry{Kind: MADTNMI, UID: uid, LINT: b[5], Polarity: p, Trigger: t}
	case 10: // local x2APIC NMI (§5.2.12.13)
		p, t := inti(le16(b[2:]))
		return MADTEntry{Kind: MADTNMI, X2APIC: true, UID: le32(b[4:]), LINT: b[8], Polarity: p, Trigger: t}
	}
	return MADTEntry{}
}

// cpuEntry decodes the local APIC flags (ACPI 6.5 table 5.22): "online capable"
// means something only for a CPU that is not enabled.
func cpuEntry(id, uid, flags uint32) MADTEntry {
	enabled := flags&1 != 0
	return MADTEntry{Kind: MADTCPU, APICID: id, UID: uid, Enabled: enabled, OnlineCapable: !enabled && flags&2 != 0}
}

// inti decodes the MPS INTI flags (ACPI 6.5 table 5.26); what is reserved there is
// taken as the bus's own.
func inti(flags uint16) (p Polarity, t Trigger) {
	switch flags & 3 {
	case 1:
		p = ActiveHigh
	case 3:
		p = ActiveLow
	}
	switch flags >> 2 & 3 {
	case 1:
		t = Edge
	case 3:
		t = Level
	}
	return p, t
}

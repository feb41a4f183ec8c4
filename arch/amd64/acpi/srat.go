package acpi

// SRAT is the system resource affinity table: which CPU and which memory is in
// which proximity domain (ACPI 6.5 §5.2.16).
type SRAT struct {
	body []byte
	rev  uint8
}

// SRATKind says which fields of a SRATEntry mean something.
type SRATKind uint8

// The kinds of entry that SRAT.Entries yields.
const (
	SRATCPU    SRATKind = iota + 1 // Domain, APICID, X2APIC
	SRATMemory                     // Domain, Base, Len, Hotplug, NonVolatile
)

// SRATEntry is one enabled entry, in one shape for all kinds.
type SRATEntry struct {
	Kind        SRATKind
	X2APIC      bool   // given as an x2APIC entry (type 2), else as a local APIC (type 0)
	Hotplug     bool   // memory may be added there or removed; the range holds either way
	NonVolatile bool   // the memory keeps its bytes without power
	Domain      uint32 // proximity domain: any number, not dense
	APICID      uint32
	Base        uint64 // physical
	Len         uint64 // bytes, never 0; Base+Len does not wrap
}

const sratFixed = 48

// ParseSRAT verifies the table in b. With ErrEntry the table returned is still
// usable: it leaves out the entries that make no sense, and all that follows an
// entry whose length is impossible.
func ParseSRAT(b []byte) (SRAT, error) {
	b, err := check(b, "SRAT", sratFixed)
	if err != nil {
		return SRAT{}, err
	}
	t := SRAT{body: b[sratFixed:], rev: revision(b)}
	for rest := t.body; len(rest) > 0; {
		var e []byte
		if e, rest = next(rest); e == nil {
			return t, ErrEntry
		}
		if _, ok := t.entry(e); !ok {
			err = ErrEntry
		}
	}
	return t, err
}

// Entries yields the enabled entries in the table's order:
//
//	for e := range srat.Entries { ... }
func (t SRAT) Entries(yield func(SRATEntry) bool) {
	for rest := t.body; len(rest) > 0; {
		var b []byte
		if b, rest = next(rest); b == nil {
			return
		}
		if e, ok := t.entry(b); ok && e.Kind != 0 && !yield(e) {
			return
		}
	}
}

// entry decodes one entry. It is not ok if its length or content is impossible;
// its Kind is 0 if it is disabled, empty, or nothing for the kernel.
func (t SRAT) entry(b []byte) (e SRATEntry, ok bool) {
	switch b[0] {
	case 0: // processor local APIC affinity (§5.2.16.1)
		if len(b) < 16 {
			return e, false
		}
		if le32(b[4:])&1 == 0 {
			return e, true
		}
		high := uint32(b[9]) | uint32(b[10])<<8 | uint32(b[11])<<16
		return SRATEntry{Kind: SRATCPU, Domain: t.domain(uint32(b[2]) | high<<8), APICID: uint32(b[3])}, true
	case 1: // memory affinity (§5.2.16.2)
		if len(b) < 40 {
			return e, false
		}
		flags := le32(b[28:])
		base, n := le64(b[8:]), le64(b[16:])
		if flags&1 == 0 || n == 0 {
			return e, true
		}
		if base+n-1 < base {
			return e, false
		}
		return SRATEntry{
			Kind: SRATMemory, Domain: t.domain(le32(b[2:])), Base: base, Len: n,
			Hotplug: flags&2 != 0, NonVolatile: flags&4 != 0,
		}, true
	case 2: // processor local x2APIC affinity (§5.2.16.3)
		if len(b) < 24 {
			return e, false
		}
		if le32(b[12:])&1 == 0 {
			return e, true
		}
		return SRATEntry{Kind: SRATCPU, X2APIC: true, Domain: le32(b[4:]), APICID: le32(b[8:])}, true
	}
	return e, true
}

// domain drops the bytes of a domain's number that were reserved, and so may hold
// anything, before revision 2 of the table.
func (t SRAT) domain(d uint32) uint32 {
	if t.rev < 2 {
		return d & 0xff
	}
	return d
}

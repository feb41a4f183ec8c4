package acpi

// HPET is the table of one high precision event timer block (IA-PC HPET 1.0a §3.2.4).
type HPET struct {
	Base    uint64 // physical address of its 1 KiB of registers
	Number  uint8  // which block this is
	MinTick uint16 // smallest period, in counter ticks, that loses no interrupt
}

const hpetFixed = 56

// ParseHPET verifies the table in b; registers must be in memory space (ErrSpace).
func ParseHPET(b []byte) (HPET, error) {
	b, err := check(b, "HPET", hpetFixed)
	if err != nil {
		return HPET{}, err
	}
	base := gas(b[40:])
	if base.Space != SpaceMemory || !base.Present() {
		return HPET{}, ErrSpace
	}
	return HPET{Base: base.Addr, Number: b[52], MinTick: le16(b[53:])}, nil
}

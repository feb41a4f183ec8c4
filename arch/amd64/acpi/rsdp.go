package acpi

// Where firmware with a BIOS leaves the RSDP (ACPI 6.5 §5.2.5.1).
const (
	ebdaPointer = 0x40e // the BIOS data area's word: segment of the extended area
	ebdaLen     = 1 << 10
	biosStart   = 0xe0000
	biosEnd     = 0x100000
	rsdpStep    = 16 // its alignment
)

const (
	rsdpLen1 = 20 // bytes that revision 0 has and its checksum covers
	rsdpLen2 = 36 // bytes that revision 2 has at least
	rsdpMax  = 4 << 10
)

// rsdp is what the root system description pointer says (ACPI 6.5 §5.2.5.3).
type rsdp struct {
	rsdt uint64 // 0 if there is none
	xsdt uint64 // 0 if there is none
}

// FindRSDP looks for a sound RSDP in the first KiB of the extended BIOS data area,
// then between 0xE0000 and 0xFFFFF, at each multiple of 16, and returns its
// physical address (ACPI 6.5 §5.2.5.1). Under UEFI it is not there: the loader has it.
func FindRSDP(mem Memory) (addr uint64, ok bool) {
	if b := read(mem, ebdaPointer, 2); b != nil {
		ebda := uint64(le16(b)) << 4
		// A BIOS without an extended area leaves 0, or rubbish that points at the
		// interrupt vectors and at the BIOS data area itself.
		if ebda >= 0x500 {
			if addr, ok = scanRSDP(mem, ebda, ebda+ebdaLen); ok {
				return addr, true
			}
		}
	}
	return scanRSDP(mem, biosStart, biosEnd)
}

func scanRSDP(mem Memory, start, end uint64) (addr uint64, ok bool) {
	for addr = start; addr < end; addr += rsdpStep {
		if _, err := readRSDP(mem, addr); err == nil {
			return addr, true
		}
	}
	return 0, false
}

// readRSDP reads the RSDP at addr; from revision 2 on it gives its own length.
func readRSDP(mem Memory, addr uint64) (rsdp, error) {
	b := read(mem, addr, rsdpLen1)
	if b == nil {
		return rsdp{}, ErrUnreadable
	}
	r, err := parseRSDP(b)
	if err != nil || b[15] < 2 {
		return r, err
	}
	head := read(mem, addr, 24)
	if head == nil {
		return rsdp{}, ErrUnreadable
	}
	n := le32(head[20:])
	if n < rsdpLen2 {
		return rsdp{}, ErrShort
	}
	if n > rsdpMax {
		return rsdp{}, ErrRSDPLen
	}
	if b = read(mem, addr, uint64(n)); b == nil {
		return rsdp{}, ErrUnreadable
	}
	return parseRSDP(b)
}

// parseRSDP reads the RSDP in b. Bytes past the first 20 count only if there are
// any: a loader's copy in the old format is 20 bytes long whatever its revision.
func parseRSDP(b []byte) (rsdp, error) {
	if len(b) < rsdpLen1 {
		return rsdp{}, ErrShort
	}
	if string(b[:8]) != "RSD PTR " {
		return rsdp{}, ErrSignature
	}
	if sum(b[:rsdpLen1]) != 0 {
		return rsdp{}, ErrChecksum
	}
	r := rsdp{rsdt: uint64(le32(b[16:]))}
	if b[15] < 2 || len(b) < rsdpLen2 {
		return r, nil
	}
	n := le32(b[20:])
	if n < rsdpLen2 || uint64(n) > uint64(len(b)) {
		return rsdp{}, ErrShort
	}
	if n > rsdpMax {
		return rsdp{}, ErrRSDPLen
	}
	if sum(b[:n]) != 0 {
		return rsdp{}, ErrChecksum
	}
	r.xsdt = le64(b[24:])
	return r, nil
}

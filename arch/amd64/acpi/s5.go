package acpi

// S5 is what \_S5_ says: the sleep types that turn the machine off when written
// to the PM1 control registers with SLP_EN (ACPI 6.5 §7.4.2.5, §4.8.3.2).
type S5 struct {
	TypeA, TypeB uint8 // SLP_TYPa and SLP_TYPb, 0 to 7
}

// AML opcodes and prefixes (ACPI 6.5 §20.2).
const (
	amlZero    = 0x00
	amlOne     = 0x01
	amlName    = 0x08
	amlByte    = 0x0a
	amlPackage = 0x12
	amlRoot    = '\\'
)

// ParseS5 looks for Name(\_S5_, Package {a, b, ...}) in a DSDT or SSDT. It does
// not interpret AML: it takes the first place that reads like such a definition with
// two constants of three bits in front, and finds nothing in any other form.
func ParseS5(b []byte) (S5, bool) {
	if len(b) > MaxTableLen {
		return S5{}, false
	}
	for i := headerLen + 1; i+4 <= len(b); i++ {
		if string(b[i:i+4]) != "_S5_" {
			continue
		}
		named := b[i-1] == amlName || b[i-1] == amlRoot && b[i-2] == amlName
		if !named {
			continue
		}
		if s, ok := sleepPackage(b[i+4:]); ok {
			return s, true
		}
	}
	return S5{}, false
}

// sleepPackage decodes the first two integers of the package that b starts with:
// PackageOp, PkgLength, the number of elements, the elements (§20.2.5.4).
func sleepPackage(b []byte) (S5, bool) {
	if len(b) < 2 || b[0] != amlPackage {
		return S5{}, false
	}
	b = b[1:]
	// PkgLength (§20.2.4): the two high bits count the bytes that follow; without
	// any, six bits are the length, else four bits and eight more per byte. It
	// counts itself.
	more := int(b[0] >> 6)
	n := int(b[0] & 0x3f)
	if more > 0 {
		if len(b) < 1+more || b[0]&0x30 != 0 {
			return S5{}, false
		}
		n &= 0xf
		for i := 1; i <= more; i++ {
			n |= int(b[i]) << (8*i - 4)
		}
	}
	if n <= 1+more || n > len(b) {
		return S5{}, false
	}
	b = b[1+more : n]
	if b[0] < 2 { // elements
		return S5{}, false
	}
	x, b, ok := sleepType(b[1:])
	if !ok {
		return S5{}, false
	}
	y, _, ok := sleepType(b)
	if !ok {
		return S5{}, false
	}
	return S5{TypeA: x, TypeB: y}, true
}

// sleepType decodes one integer constant and returns what follows it.
func sleepType(b []byte) (v uint8, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && (b[0] == amlZero || b[0] == amlOne):
		return b[0], b[1:], true
	case len(b) >= 2 && b[0] == amlByte && b[1] <= 7:
		return b[1], b[2:], true
	}
	return 0, nil, false
}

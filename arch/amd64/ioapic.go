//go:build exokernel

package amd64

// I/O APICs (Intel 82093AA data sheet): device interrupts to CPUs. And the 8259s, which are only silenced.

// MaxIOAPICs is how many are used; more are reported by the kernel and left masked by reset.
const MaxIOAPICs = 8

const (
	ioapicSelect  = 0x00
	ioapicWindow  = 0x10
	ioapicVersion = 1
	ioapicTable   = 0x10

	routeMasked    = 1 << 16
	routeLevel     = 1 << 15
	routeActiveLow = 1 << 13
)

// IOAPIC serves the global system interrupts [GSIBase, GSIBase+Pins).
type IOAPIC struct {
	base    uintptr
	GSIBase uint32
	Pins    uint32
}

var ioapics [MaxIOAPICs]IOAPIC
var nioapic int

// AddIOAPIC maps an I/O APIC and masks all of its pins; false when there are MaxIOAPICs already, or when nothing at pa
// answers like one. pa must not be RAM.
func AddIOAPIC(pa PhysAddr, gsiBase uint32) bool {
	if nioapic == len(ioapics) {
		return false
	}
	io := &ioapics[nioapic]
	io.base, io.GSIBase = MapDevice(pa, PageSize), gsiBase
	v := io.read(ioapicVersion)
	if v == 0 || v == 1<<32-1 {
		return false
	}
	io.Pins = v>>16&0xff + 1
	for pin := range io.Pins {
		io.write(ioapicTable+2*pin, routeMasked)
		io.write(ioapicTable+2*pin+1, 0)
	}
	nioapic++
	return true
}

// IOAPICs returns what AddIOAPIC found.
func IOAPICs() []IOAPIC { return ioapics[:nioapic] }

func (io *IOAPIC) read(reg uint32) uint32 {
	mmioWrite32(io.base+ioapicSelect, reg)
	return mmioRead32(io.base + ioapicWindow)
}

func (io *IOAPIC) write(reg, v uint32) {
	mmioWrite32(io.base+ioapicSelect, reg)
	mmioWrite32(io.base+ioapicWindow, v)
}

// Trigger is how a line signals: ISA lines are edge, active high, unless the MADT overrides that.
type Trigger struct{ Level, ActiveLow bool }

// RouteGSI sends a global system interrupt to one CPU as vector; false if no I/O APIC has that pin. One CPU at a time.
func RouteGSI(gsi uint32, vector uint8, t Trigger, apicID uint32) bool {
	io, pin := findGSI(gsi)
	if io == nil || apicID > 254 {
		return false
	}
	v := uint32(vector)
	if t.Level {
		v |= routeLevel
	}
	if t.ActiveLow {
		v |= routeActiveLow
	}
	io.write(ioapicTable+2*pin, routeMasked)
	io.write(ioapicTable+2*pin+1, apicID<<24)
	io.write(ioapicTable+2*pin, v)
	return true
}

// MaskGSI stops a global system interrupt.
func MaskGSI(gsi uint32) {
	if io, pin := findGSI(gsi); io != nil {
		io.write(ioapicTable+2*pin, routeMasked)
	}
}

func findGSI(gsi uint32) (*IOAPIC, uint32) {
	for i := range ioapics[:nioapic] {
		io := &ioapics[i]
		if gsi >= io.GSIBase && gsi-io.GSIBase < io.Pins {
			return io, gsi - io.GSIBase
		}
	}
	return nil, 0
}

// SilencePIC moves the two 8259s' vectors away from the exceptions and masks every line.
func SilencePIC() {
	for _, w := range [...]struct {
		port uint16
		v    uint8
	}{
		{0x20, 0x11}, {0xA0, 0x11}, // initialise, cascade, four words
		{0x21, VectorIRQ}, {0xA1, VectorIRQ + 8},
		{0x21, 4}, {0xA1, 2},
		{0x21, 1}, {0xA1, 1},
		{0x21, 0xFF}, {0xA1, 0xFF},
	} {
		Outb(w.port, w.v)
	}
}

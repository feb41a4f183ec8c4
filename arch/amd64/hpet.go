//go:build exokernel

package amd64

// The HPET's main counter (IA-PC HPET specification 1.0a §2.3), read only.
type hpet struct {
	base   uintptr
	period uint64 // femtoseconds per tick
	start  uint32 // the counter when it was found
}

var theHPET hpet

const (
	hpetCapabilities = 0x000
	hpetConfig       = 0x010
	hpetCounter      = 0x0F0
	hpetMaxPeriod    = 100_000_000 // 100 ns, §2.3.4
	hpetMinPeriod    = 1_000_000   // 1 ns: faster than any, and slow enough not to wrap while it is used
)

// UseHPET maps the HPET at pa and starts its counter; false if what is there does not look like one.
func UseHPET(pa PhysAddr) bool {
	h := hpet{base: MapDevice(pa, PageSize)}
	h.period = uint64(mmioRead32(h.base + hpetCapabilities + 4))
	if h.period < hpetMinPeriod || h.period > hpetMaxPeriod {
		return false
	}
	mmioWrite32(h.base+hpetConfig, mmioRead32(h.base+hpetConfig)|1)
	h.start = mmioRead32(h.base + hpetCounter)
	before := h.read()
	for range 10_000 {
		if h.read() != before {
			theHPET = h
			return true
		}
	}
	return false
}

// read returns ticks since the HPET was found, from the low half of the counter: that wraps after 42 s at 100 MHz, the
// usual rate, and is used for milliseconds at boot.
func (h *hpet) read() uint64         { return uint64(mmioRead32(h.base+hpetCounter) - h.start) }
func (h *hpet) femtoseconds() uint64 { return h.period }

package pci

// Capability is an entry of the list in which a function says what else it can do (PCI 3.0 §6.7).
type Capability struct {
	ID uint8
	At uint8 // its first register, a multiple of 4
}

// Capabilities that are known here.
const (
	CapVendor = 0x09
	CapMSIX   = 0x11
)

const (
	firstCap = 0x40
	maxCaps  = (256 - firstCap) / 4
)

// Capabilities is the function's list: for c := range f.Capabilities(s).All.
func (f *Function) Capabilities(s Space) List { return List{s, *f} }

type List struct {
	space Space
	of    Function
}

// All yields the list: at most as many as fit, whatever it says.
func (w List) All(yield func(Capability) bool) {
	if w.of.Header > headerBridge || w.space.Read(w.of.At, regCommand)&hasList == 0 {
		return
	}
	at := uint8(w.space.Read(w.of.At, regList)) &^ 3
	for n := 0; n < maxCaps && at >= firstCap; n++ {
		v := w.space.Read(w.of.At, at)
		if v == 1<<32-1 || !yield(Capability{ID: uint8(v), At: at}) {
			return
		}
		at = uint8(v>>8) &^ 3
	}
}

// MSIX is where a function's table of message interrupts is (PCI 3.0 §6.8.2).
type MSIX struct {
	At      uint8  // the capability
	Entries uint16 // of 16 bytes
	BAR     uint8
	Offset  uint32 // in that BAR
}

// The upper half of the capability's first register.
const (
	msixEnable = 1 << 31
	msixMask   = 1 << 30
)

// MSIX returns the function's; false: it has none.
func (f *Function) MSIX(s Space) (MSIX, bool) {
	for c := range f.Capabilities(s).All {
		if c.ID != CapMSIX || c.At > 256-12 {
			continue
		}
		table := s.Read(f.At, c.At+4)
		if table&7 >= bars {
			continue
		}
		return MSIX{c.At, uint16(s.Read(f.At, c.At)>>16)&0x7ff + 1, uint8(table & 7), table &^ 7}, true
	}
	return MSIX{}, false
}

// EnableMSIX has the function interrupt by its table's messages, or by its pin again.
func (f *Function) EnableMSIX(s Space, m MSIX, on bool) {
	v := s.Read(f.At, m.At) &^ (msixEnable | msixMask)
	if on {
		v |= msixEnable
	}
	s.Write(f.At, m.At, v)
}

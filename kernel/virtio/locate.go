package virtio

import "exo/kernel/pci"

// Region is a piece of a BAR.
type Region struct {
	pci.BAR
	Offset, Len uint32
}

// Registers is where a device's registers are, and how they are to be used.
type Registers struct {
	Legacy                      bool
	Common, Notify, ISR, Device Region // all but Legacy; of that, only Common: the ports
	Multiplier                  uint32
}

// Vendor, and the numbers that disks have: transitional ones, and those that are modern only.
const (
	vendor        = 0x1af4
	deviceBlk     = 0x1042
	deviceBlkOld  = 0x1001
	capCommon     = 1 // kinds of a vendor's capability (§4.1.4)
	capNotify     = 2
	capISR        = 3
	capDevice     = 4
	capLen        = 16
	deviceConfLen = confBlockSize + 4
)

// IsDisk says whether a function is a disk.
func IsDisk(f *pci.Function) bool {
	return f.Vendor == vendor && (f.Device == deviceBlk || f.Device == deviceBlkOld) && f.Header == 0
}

// Locate reads where the registers of a disk are. Of several regions of a kind the first that can be counts, as the
// specification has it.
func Locate(s pci.Space, f *pci.Function) (Registers, error) {
	var r Registers
	for c := range f.Capabilities(s).All {
		if c.ID != pci.CapVendor || int(c.At)+capLen > 256 {
			continue
		}
		kind := uint8(s.Read(f.At, c.At) >> 24)
		at, least := (*Region)(nil), uint32(0)
		switch kind {
		case capCommon:
			at, least = &r.Common, commonLen
		case capNotify:
			at, least = &r.Notify, 2
		case capISR:
			at, least = &r.ISR, 1
		case capDevice:
			at, least = &r.Device, deviceConfLen
		}
		if at == nil || at.Len != 0 {
			continue
		}
		if region, ok := locate(s, f, c.At, least); ok {
			*at = region
			if kind == capNotify && int(c.At)+capLen+4 <= 256 {
				r.Multiplier = s.Read(f.At, c.At+capLen)
			}
		}
	}
	if r.Common.Len != 0 && r.Notify.Len != 0 && r.ISR.Len != 0 && r.Device.Len != 0 {
		return r, nil
	}
	if b, ok := f.BAR(s, 0); ok && b.IO && b.Size >= legacyLen && f.Device == deviceBlkOld && f.Revision == 0 {
		return Registers{Legacy: true, Common: Region{BAR: b, Len: uint32(b.Size)}}, nil
	}
	return Registers{}, ErrNoRegisters
}

// locate reads a region that has at least so many bytes, in memory.
func locate(s pci.Space, f *pci.Function, at uint8, least uint32) (Region, bool) {
	r := Region{Offset: s.Read(f.At, at+8), Len: s.Read(f.At, at+12)}
	b, ok := f.BAR(s, int(uint8(s.Read(f.At, at+4))))
	if !ok || b.IO || r.Len < least || uint64(r.Offset)+uint64(r.Len) > b.Size || r.Offset%4 != 0 {
		return Region{}, false
	}
	r.BAR = b
	return r, true
}

// Addr is where it begins.
func (r *Region) Addr() uint64 { return r.Base + uint64(r.Offset) }

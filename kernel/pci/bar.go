package pci

// BAR is a piece of memory, or of the I/O ports, in which a function's registers are (PCI 3.0 §6.2.5.1).
type BAR struct {
	Base, Size uint64 // bytes; Size is a power of two
	IO         bool
}

const bars = 6

// BAR returns the function's base address register i, with its size; false: there is none, or firmware has not given it an
// address, or what it says makes no sense. The function answers at no address for a moment, so its driver does not run.
func (f *Function) BAR(s Space, i int) (BAR, bool) {
	if f.Header != 0 || i < 0 || i >= bars {
		return BAR{}, false
	}
	reg := uint8(regBAR0 + 4*i)
	low := s.Read(f.At, reg)
	b, fixed := BAR{IO: low&1 != 0}, uint32(15)
	if b.IO {
		fixed = 3
	}
	wide := !b.IO && low>>1&3 == 2
	if !b.IO && low>>1&3&1 != 0 || wide && i == bars-1 {
		return BAR{}, false
	}

	command := s.Read(f.At, regCommand) & cmdMask
	s.Write(f.At, regCommand, command&^(cmdIO|cmdMemory))
	mask := uint64(size(s, f.At, reg, low) &^ fixed)
	b.Base = uint64(low &^ fixed)
	switch {
	case wide:
		high := s.Read(f.At, reg+4)
		b.Base |= uint64(high) << 32
		mask |= uint64(size(s, f.At, reg+4, high)) << 32
	case b.IO:
		mask |= 0xffff_ffff_ffff_0000 // the upper half of these may be without function
	default:
		mask |= 0xffff_ffff_0000_0000
	}
	s.Write(f.At, regCommand, command)

	b.Size = -mask
	switch {
	case b.Size == 0 || b.Size&(b.Size-1) != 0: // nothing is fixed, or not the lowest bits are
	case b.Base == 0 || b.Base&(b.Size-1) != 0 || b.Base+b.Size < b.Base:
	case b.IO && b.Base+b.Size > 1<<16:
	default:
		return b, true
	}
	return BAR{}, false
}

// size finds the bits of an address register that can be changed, and leaves it as it was.
func size(s Space, a Address, reg uint8, was uint32) uint32 {
	s.Write(a, reg, 1<<32-1)
	v := s.Read(a, reg)
	s.Write(a, reg, was)
	return v
}

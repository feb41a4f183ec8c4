package disk

import "unsafe"

// Words is how the machine itself continues a CRC-32C, as it is before the inversion at the end: over so many words of 8 bytes from
// an address on. nil: it cannot. It is set before the first use, and only where what is passed to functions does not move.
var Words func(c uint32, at, words uintptr) uint32

// Checksum continues CRC-32C (Castagnoli et al., IEEE ToC 1993): by Words, else eight bytes at a time (Kounavis & Berry, ISCC
// 2005), in portable code. Of nothing before, sum is 0.
func Checksum(sum uint32, b []byte) uint32 {
	t := &crcTable
	c := ^sum
	if n := len(b) &^ 7; Words != nil && n > 0 {
		// SAFETY: so many bytes are there, and stay; an address, so that b does not seem to go anywhere.
		c = Words(c, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(n/8))
		b = b[n:]
	}
	for len(b) >= 8 {
		lo, hi := u32(b)^c, u32(b[4:])
		c = t[7][byte(lo)] ^ t[6][byte(lo>>8)] ^ t[5][byte(lo>>16)] ^ t[4][lo>>24] ^
			t[3][byte(hi)] ^ t[2][byte(hi>>8)] ^ t[1][byte(hi>>16)] ^ t[0][hi>>24]
		b = b[8:]
	}
	for _, x := range b {
		c = t[0][byte(c)^x] ^ c>>8
	}
	return ^c
}

// checksumOf is the checksum of a block with a head: its number, and all but the checksum itself.
func checksumOf(p *Page, seed uint32, n uint64) uint32 {
	return Checksum(Checksum(mix(seed, n), p[:atSum]), p[atSum+4:])
}

// mix begins a checksum of what has the number n.
func mix(seed uint32, n uint64) uint32 {
	c := ^seed
	for range 8 {
		c = crcTable[0][byte(c)^byte(n)] ^ c>>8
		n >>= 8
	}
	return ^c
}

// Seal puts the checksums into a block that is about to be written as block n.
func (s *Shape) Seal(k Kind, n uint64, p *Page) {
	switch k {
	case None, Data:
	case Inodes:
		first := s.firstInode(n)
		for i := range PerBlock {
			b := p[i*InodeSize : (i+1)*InodeSize]
			set32(b[inodeSum:], s.inodeSum(first+uint32(i), b))
		}
	case Super:
		SealSuper(p)
	default:
		put32(p, atSum, checksumOf(p, s.Seed, n))
	}
}

// sound says whether a block with a head has the magic number and the checksum that it must have.
func (s *Shape) sound(k Kind, n uint64, p *Page) bool {
	return get32(p, atMagic) == magics[k] && get32(p, atSum) == checksumOf(p, s.Seed, n)
}

// Check says whether block n, as it was read, can be of kind k. What the inodes in it say is checked one by one (CheckInode).
func (s *Shape) Check(k Kind, n uint64, p *Page) bool {
	switch k {
	case Data:
		return true
	case Inodes:
		first := s.firstInode(n)
		for i := range PerBlock {
			if !s.SumInode(p, first+uint32(i), i) {
				return false
			}
		}
		return true
	case Super:
		_, _, ok := ParseSuper(p)
		return ok
	case Group:
		return s.sound(k, n, p) && s.checkGroup(n, p)
	case Extents:
		return s.sound(k, n, p) && s.checkExtents(p)
	case Leaf:
		return s.sound(k, n, p) && checkLeaf(p)
	case Index:
		return s.sound(k, n, p) && s.checkIndex(p)
	}
	return false
}

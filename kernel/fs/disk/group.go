package disk

import "math/bits"

// A group: its first block has a bit for each of its inodes and blocks, 1 for what is in use, and counts.
const (
	GroupBlocks = 24576 // of a group, all but the last one
	MaxPerGroup = 7680  // inodes of a group

	groupAtNumber  = 8
	groupAtBlocks  = 12 // free ones
	groupAtInodes  = 16 // free ones
	groupAtOrphans = 20 // inodes that have no name, or more extents than their size says (Inode.Cut)
	groupAtHigh    = 24 // so many blocks of the table of inodes were ever written
	inodeBits      = 64
	blockBits      = 1024
)

// tableBlocks is how many blocks a group's inodes take.
func (s *Shape) tableBlocks() uint32 { return s.PerGroup / PerBlock }

// GroupAt is the group block of group g.
func (s *Shape) GroupAt(g uint32) uint64 { return s.Base + uint64(g)*GroupBlocks }

// GroupOf is the group of block n, which is not below Base; and the block's number in it.
func (s *Shape) GroupOf(n uint64) (g, i uint32) {
	at := n - s.Base
	return uint32(at / GroupBlocks), uint32(at % GroupBlocks)
}

// GroupLen is how many blocks group g has.
func (s *Shape) GroupLen(g uint32) uint32 {
	return uint32(min(s.Blocks-s.GroupAt(g), GroupBlocks))
}

// FirstData is the number, in its group, of the first block that is neither bits nor inodes.
func (s *Shape) FirstData() uint32 { return 1 + s.tableBlocks() }

// IsData says whether count blocks from n on are all for data and nodes.
func (s *Shape) IsData(n, count uint64) bool {
	if n < s.Base || n >= s.Blocks || count == 0 || count > GroupBlocks {
		return false
	}
	g, i := s.GroupOf(n)
	return g < s.Groups && i >= s.FirstData() && uint64(i)+count <= uint64(s.GroupLen(g))
}

// InitGroup makes the group block of group g, all free.
func (s *Shape) InitGroup(p *Page, g uint32) {
	*p = Page{}
	put32(p, atMagic, magics[Group])
	put32(p, groupAtNumber, g)
	n := s.GroupLen(g)
	for i := range s.FirstData() {
		SetBlock(p, i)
	}
	for i := n; i < GroupBlocks; i++ {
		SetBlock(p, i)
	}
	for i := s.PerGroup; i < MaxPerGroup; i++ {
		SetInode(p, i)
	}
	AddFreeBlocks(p, int(n-s.FirstData()))
	AddFreeInodes(p, int(s.PerGroup))
}

// checkGroup looks at a group block's counts. That they agree with the bits is the checker's business, and that bits agree
// with the rest.
func (s *Shape) checkGroup(n uint64, p *Page) bool {
	g, i := s.GroupOf(n)
	return i == 0 && get32(p, groupAtNumber) == g && FreeBlocks(p) <= int(s.GroupLen(g)-s.FirstData()) &&
		FreeInodes(p) <= int(s.PerGroup) && Orphans(p) <= s.PerGroup && High(p) <= s.tableBlocks()
}

// FreeBlocks, FreeInodes, Orphans and High are the counts of a group block.
func FreeBlocks(p *Page) int { return int(get32(p, groupAtBlocks)) }
func FreeInodes(p *Page) int { return int(get32(p, groupAtInodes)) }
func Orphans(p *Page) uint32 { return get32(p, groupAtOrphans) }
func High(p *Page) uint32    { return get32(p, groupAtHigh) }

// AddFreeBlocks and the like change a count; SetHigh sets one.
func AddFreeBlocks(p *Page, d int) { put32(p, groupAtBlocks, uint32(FreeBlocks(p)+d)) }
func AddFreeInodes(p *Page, d int) { put32(p, groupAtInodes, uint32(FreeInodes(p)+d)) }
func AddOrphans(p *Page, d int)    { put32(p, groupAtOrphans, uint32(int(Orphans(p))+d)) }
func SetHigh(p *Page, n uint32)    { put32(p, groupAtHigh, n) }

// Block says whether block i of the group is in use, Inode so of an inode.
func Block(p *Page, i uint32) bool    { return p[blockBits+i/8]>>(i%8)&1 != 0 }
func InodeBit(p *Page, i uint32) bool { return p[inodeBits+i/8]>>(i%8)&1 != 0 }

func SetBlock(p *Page, i uint32)   { p[blockBits+i/8] |= 1 << (i % 8) }
func ClearBlock(p *Page, i uint32) { p[blockBits+i/8] &^= 1 << (i % 8) }
func SetInode(p *Page, i uint32)   { p[inodeBits+i/8] |= 1 << (i % 8) }
func ClearInode(p *Page, i uint32) { p[inodeBits+i/8] &^= 1 << (i % 8) }

// BlockWord is 64 of the bits of blocks, from number 64 × w on.
func BlockWord(p *Page, w uint32) uint64 { return get64(p, blockBits+int(w)*8) }

// BlockWords is how many there are.
const BlockWords = GroupBlocks / 64

// FreeInode finds the first inode that is not in use; -1: there is none.
func FreeInode(p *Page) int {
	for w := range MaxPerGroup / 64 {
		if free := ^get64(p, inodeBits+w*8); free != 0 {
			return w*64 + bits.TrailingZeros64(free)
		}
	}
	return -1
}

// SetBlockWord replaces 64 of the bits of blocks.
func SetBlockWord(p *Page, w uint32, bits uint64) { put64(p, blockBits+int(w)*8, bits) }

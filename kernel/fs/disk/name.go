package disk

import (
	"math/bits"

	"exo/kernel/fs/block"
)

// A directory's nodes. A leaf has slots in ascending order of hash, from the head up, and names, from the end down:
//
//	head │ slot slot slot … ►        ◄ … name name name │
//
// A slot is { hash 64, inode 32, where 16, length 8, type 8 }. An index node has { hash 64, child 32 }, in ascending order:
// under a child are the hashes from its own on to the next child's; the first child's own hash does not count.
const (
	slotSize  = 16
	indexSize = 12
	IndexMax  = (block.Size - headEnd) / indexSize
	// MaxNameDepth is how many levels of index nodes a directory has at most.
	MaxNameDepth = 4
)

// Slot is an entry of a leaf, without its name.
type Slot struct {
	Hash uint64
	Ino  uint32
	Type uint8 // upper four bits of Mode
	at   uint16
	len  uint8
}

// Hash is SipHash-1-3 (Aumasson & Bernstein, INDOCRYPT 2012) of a name, under the file system's key: who chooses names does
// not choose hashes. It is never the largest number.
func (s *Shape) Hash(name []byte) uint64 {
	v0, v1 := s.Key[0]^0x736f6d6570736575, s.Key[1]^0x646f72616e646f6d
	v2, v3 := s.Key[0]^0x6c7967656e657261, s.Key[1]^0x7465646279746573
	last := uint64(len(name)) << 56
	for len(name) >= 8 {
		m := u64(name)
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
		name = name[8:]
	}
	for i, b := range name {
		last |= uint64(b) << (8 * i)
	}
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 3 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return min(v0^v1^v2^v3, ^uint64(0)-1)
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}

// InitLeaf makes an empty leaf.
func InitLeaf(p *Page, owner uint32) {
	initNode(p, Leaf, owner, 0)
	put16(p, atHeap, block.Size)
}

// GetSlot is slot i of a leaf.
func GetSlot(p *Page, i int) Slot {
	b := p[headEnd+i*slotSize:]
	return Slot{Hash: u64(b), Ino: u32(b[8:]), at: u16(b[12:]), len: b[14], Type: b[15]}
}

func setSlot(p *Page, i int, s Slot) {
	b := p[headEnd+i*slotSize:]
	set64(b, s.Hash)
	set32(b[8:], s.Ino)
	set16(b[12:], s.at)
	b[14], b[15] = s.len, s.Type
}

// SlotName is the name that a slot of the leaf is for, as it lies in the leaf.
func SlotName(p *Page, s Slot) []byte { return p[s.at : int(s.at)+int(s.len)] }

// Point makes slot i lead to another inode.
func Point(p *Page, i int, ino uint32, typ uint8) {
	b := p[headEnd+i*slotSize:]
	set32(b[8:], ino)
	b[15] = typ
}

// FindSlot is the first slot whose hash is not less, which may be Count.
func FindSlot(p *Page, hash uint64) int {
	lo, hi := uint(0), uint(Count(p))
	for lo < hi {
		m := (lo + hi) / 2
		if at := (headEnd + m*slotSize) & atWord; u64(p[at:at+8]) < hash {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return int(lo)
}

// atWord keeps an offset that is in the block anyway from being looked at for that: a checked leaf has room for what it counts.
const atWord = block.Size - 8

func heap(p *Page) int { return int(get16(p, atHeap)) }
func dead(p *Page) int { return int(get16(p, atDead)) }

// LeafFits says whether a name of so many bytes fits into a leaf.
func LeafFits(p *Page, length int) bool {
	return heap(p)+dead(p)-(headEnd+Count(p)*slotSize) >= slotSize+length
}

// InsertSlot puts a name before slot i of a leaf that it fits into. scratch is any page, overwritten if names must move.
func InsertSlot(p *Page, i int, s Slot, name []byte, scratch *Page) {
	n := Count(p)
	if heap(p)-(headEnd+n*slotSize) < slotSize+len(name) {
		compact(p, scratch)
	}
	at := headEnd + i*slotSize
	copy(p[at+slotSize:headEnd+(n+1)*slotSize], p[at:headEnd+n*slotSize])
	h := heap(p) - len(name)
	copy(p[h:], name)
	put16(p, atHeap, uint16(h))
	s.at, s.len = uint16(h), uint8(len(name))
	setSlot(p, i, s)
	setCount(p, n+1)
}

// RemoveSlot takes slot i out.
func RemoveSlot(p *Page, i int) {
	n := Count(p)
	s := GetSlot(p, i)
	if int(s.at) == heap(p) {
		put16(p, atHeap, s.at+uint16(s.len))
	} else {
		put16(p, atDead, uint16(dead(p)+int(s.len)))
	}
	at := headEnd + i*slotSize
	copy(p[at:], p[at+slotSize:headEnd+n*slotSize])
	setCount(p, n-1)
	if n == 1 {
		put16(p, atHeap, block.Size)
		put16(p, atDead, 0)
	}
}

// compact moves a leaf's names together.
func compact(p, scratch *Page) {
	*scratch = *p
	h := block.Size
	for i := range Count(p) {
		s := GetSlot(scratch, i)
		h -= int(s.len)
		copy(p[h:], SlotName(scratch, s))
		s.at = uint16(h)
		setSlot(p, i, s)
	}
	put16(p, atHeap, uint16(h))
	put16(p, atDead, 0)
}

// SplitLeaf moves about half of what is in p, by bytes, to the empty leaf q, and returns the first hash there. Both have one
// at least, and p two before.
func SplitLeaf(q, p, scratch *Page) uint64 {
	n := Count(p)
	used, half := 0, (block.Size-headEnd-dead(p)-(heap(p)-headEnd-n*slotSize))/2
	from := 0
	for from < n-1 && (from == 0 || used < half) {
		used += slotSize + int(GetSlot(p, from).len)
		from++
	}
	for i := from; i < n; i++ {
		s := GetSlot(p, i)
		InsertSlot(q, i-from, s, SlotName(p, s), scratch)
	}
	setCount(p, from)
	compact(p, scratch)
	return GetSlot(q, 0).Hash
}

// checkLeaf looks at a leaf's slots.
func checkLeaf(p *Page) bool {
	n, h := Count(p), heap(p)
	if Level(p) != 0 || n == 0 || headEnd+n*slotSize > h || h > block.Size {
		return false
	}
	bytes, last := dead(p), uint64(0)
	for i := range n {
		s := GetSlot(p, i)
		if s.len == 0 || int(s.at) < h || int(s.at)+int(s.len) > block.Size || s.Ino == 0 || i > 0 && s.Hash <= last {
			return false
		}
		bytes += int(s.len)
		last = s.Hash
	}
	return bytes == block.Size-h
}

// InitIndex makes an index node with one child.
func InitIndex(p *Page, owner uint32, level int, child uint32) {
	initNode(p, Index, owner, level)
	InsertChild(p, 0, 0, child)
}

// GetChild is entry i of an index node.
func GetChild(p *Page, i int) (hash uint64, child uint32) {
	b := p[headEnd+i*indexSize:]
	return u64(b), u32(b[8:])
}

// FindChild is the entry under which a hash is.
func FindChild(p *Page, hash uint64) int {
	lo, hi := uint(1), uint(Count(p))
	for lo < hi {
		m := (lo + hi) / 2
		if at := min(headEnd+m*indexSize, atWord); u64(p[at:at+8]) <= hash {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return int(lo) - 1
}

// InsertChild puts a child before entry i of a node that is not full.
func InsertChild(p *Page, i int, hash uint64, child uint32) {
	n := Count(p)
	at := headEnd + i*indexSize
	copy(p[at+indexSize:headEnd+(n+1)*indexSize], p[at:headEnd+n*indexSize])
	set64(p[at:], hash)
	set32(p[at+8:], child)
	setCount(p, n+1)
}

// RemoveChild takes entry i out.
func RemoveChild(p *Page, i int) {
	n := Count(p)
	at := headEnd + i*indexSize
	copy(p[at:], p[at+indexSize:headEnd+n*indexSize])
	setCount(p, n-1)
}

// SplitIndex moves the upper half of p's children to a new node q, and returns the first hash there.
func SplitIndex(q, p *Page) uint64 {
	n := Count(p)
	from := n / 2
	initNode(q, Index, Owner(p), Level(p))
	copy(q[headEnd:], p[headEnd+from*indexSize:headEnd+n*indexSize])
	setCount(q, n-from)
	setCount(p, from)
	hash, _ := GetChild(q, 0)
	return hash
}

// checkIndex looks at an index node's children.
func (s *Shape) checkIndex(p *Page) bool {
	n := Count(p)
	if n == 0 || n > IndexMax || Level(p) == 0 || Level(p) > MaxNameDepth {
		return false
	}
	last := uint64(0)
	for i := range n {
		hash, child := GetChild(p, i)
		if i > 1 && hash <= last || !s.IsData(uint64(child), 1) {
			return false
		}
		last = hash
	}
	return true
}

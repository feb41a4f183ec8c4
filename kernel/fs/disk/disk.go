// Package disk is how the file system lies on a disk: what each kind of block holds, how it is checked, and how it is
// changed in place. It reads and writes nothing and knows of no locks: the file system and its checker build on the same
// functions.
//
//	block 0      superblock: what never changes, in its first sector, and the state, in its second; block 1: a copy
//	block 2 …    the log (kernel/fs/journal)
//	group 0 …    96 MiB each: one group block, the inodes, and data
//
//	group   ┌───────┬────────────────┬────────────────────────────────────────┐
//	        │ bits  │ inodes, 16     │ file data, extent nodes, directory     │
//	        │       │ a block        │ nodes, long symbolic links             │
//	        └───────┴────────────────┴────────────────────────────────────────┘
//	inode   attributes, and one of: 13 extents, or the root of a tree of them; a directory's root; a link's text
//	extents B+-tree of { block of the file, block of the disk, how many }, at most 4 levels with the inode's
//	names   B+-tree by 64-bit hash of the name; a leaf has slots in order of hash, and the names
//
// All numbers are little-endian. Every block of metadata has a checksum, CRC-32C, over its number and contents, and so has
// each inode: what was written elsewhere, torn, or never, is noticed. File data have none.
//
// A Check function says whether a block can be what it is said to be. What passed can be used with every other function of
// its kind without a panic, whatever wrote it.
//
// Start reading: super.go, group.go, inode.go; then extent.go and name.go.
package disk

import "exo/kernel/fs/block"

// Page is a block's contents.
type Page = block.Page

// Limits.
const (
	MaxBlocks = 1 << 32              // of a disk: 16 TiB
	MaxFile   = 1 << 40              // bytes of a file: 1 TiB
	MaxName   = 255                  // bytes of a name
	MaxLink   = 4000                 // bytes of a symbolic link's text
	MaxLinks  = 1_000_000_000        // names of an inode
	fileEnd   = MaxFile / block.Size // blocks of a file
)

// Kind is what a block holds.
type Kind uint8

// The kinds; each but Data and Inodes begins with a magic number and the checksum.
const (
	None Kind = iota
	Data
	Super
	Group
	Inodes
	Extents // a node of a tree of extents
	Leaf    // of a directory
	Index   // of a directory
)

var magics = [...]uint32{Super: 0x53784530, Group: 0x47784530, Extents: 0x45784530, Leaf: 0x4c784530, Index: 0x4e784530}

// The head of nodes. Bytes 20 to 31 are zero.
const (
	atMagic = 0
	atSum   = 4
	atOwner = 8  // inode
	atLevel = 12 // u16: 0 is a leaf
	atCount = 14 // u16: entries
	atHeap  = 16 // u16, Leaf: where names begin
	atDead  = 18 // u16, Leaf: bytes of names that are no more
	headEnd = 32
)

func get16(p *Page, at int) uint16 { return u16(p[at:]) }
func get32(p *Page, at int) uint32 { return u32(p[at:]) }
func get64(p *Page, at int) uint64 { return u64(p[at:]) }

func u16(b []byte) uint16 { _ = b[1]; return uint16(b[0]) | uint16(b[1])<<8 }
func u32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
func u64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func put16(p *Page, at int, v uint16) { set16(p[at:], v) }
func put32(p *Page, at int, v uint32) { set32(p[at:], v) }
func put64(p *Page, at int, v uint64) { set64(p[at:], v) }

func set16(b []byte, v uint16) { _ = b[1]; b[0], b[1] = byte(v), byte(v>>8) }
func set32(b []byte, v uint32) {
	_ = b[3]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}
func set64(b []byte, v uint64) {
	_ = b[7]
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	b[4], b[5], b[6], b[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}

// Owner is the inode that a node belongs to.
func Owner(p *Page) uint32 { return get32(p, atOwner) }

// Level is how many levels are below a node.
func Level(p *Page) int { return int(get16(p, atLevel)) }

// Count is how many entries a node has.
func Count(p *Page) int { return int(get16(p, atCount)) }

func setCount(p *Page, n int) { put16(p, atCount, uint16(n)) }

// initNode makes an empty node.
func initNode(p *Page, k Kind, owner uint32, level int) {
	*p = Page{}
	put32(p, atMagic, magics[k])
	put32(p, atOwner, owner)
	put16(p, atLevel, uint16(level))
}

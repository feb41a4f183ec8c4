package disk

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// The superblock: block 0, and a copy of its first sector in block 1. The first sector never changes once the disk is
// formatted; the second is the state, changed through the log. Each has its own checksum in its last four bytes, so that a
// write that is torn between sectors damages neither.
const (
	superMagic   = 0x31307346_6f784500 // "\0ExoFs01"
	superVersion = 1
	sumAt        = block.Sector - 4

	superAtVersion = 8
	superAtIPG     = 12
	superAtBlocks  = 16
	superAtLog     = 24
	superAtKey     = 32 // two words
	superAtLabel   = 64 // 32 bytes
	labelEnd       = 96

	stateAtGroups = block.Sector + 8
	stateAtClean  = block.Sector + 12
	stateAtMounts = block.Sector + 16
)

// LogStart is the log's first block, after the superblock and its copy.
const LogStart = 2

// LogMin and LogMax are how long a log may be, in blocks.
const (
	LogMin = 256
	LogMax = 1 << 18
)

// Shape is what never changes about a file system: where everything is.
type Shape struct {
	Blocks    uint64 // of the disk that are used
	LogBlocks uint32
	PerGroup  uint32    // inodes of a group, a multiple of PerBlock
	Key       [2]uint64 // of the hash of names; and what tells this file system from others
	Label     [32]byte

	// Derived.
	Seed   uint32 // of checksums
	Base   uint64 // first block of group 0
	Groups uint32
}

// State is what changes.
type State struct {
	Groups uint32 // how many groups are in use; the rest are as free as can be and have no group block yet
	Clean  bool   // nobody has it mounted, and the log is empty
	Mounts uint64
}

// Derive fills in what follows from the rest. It says what limit the shape breaks, if any.
func (s *Shape) Derive() errno.Errno {
	switch {
	case s.Blocks > MaxBlocks:
		return errno.DiskLarge
	case s.LogBlocks < LogMin:
		return errno.LogSmall
	case s.LogBlocks > LogMax:
		return errno.LogLarge
	case s.PerGroup == 0 || s.PerGroup > MaxPerGroup || s.PerGroup%PerBlock != 0:
		return errno.BadArgument
	}
	s.Blocks = min(s.Blocks, MaxBlocks-1) // so that a number + 1 has 32 bits
	s.Base = LogStart + uint64(s.LogBlocks)
	least := uint64(s.tableBlocks()) + 1 + 8
	if s.Blocks < s.Base+least {
		return errno.DiskSmall
	}
	rest := s.Blocks - s.Base
	s.Groups = uint32(rest / GroupBlocks)
	if rest%GroupBlocks >= least {
		s.Groups++
	} else if over := rest % GroupBlocks; over > 0 {
		s.Blocks -= over // too little for a group
	}
	var b [16]byte
	set64(b[:], s.Key[0])
	set64(b[8:], s.Key[1])
	s.Seed = Checksum(0, b[:])
	return errno.OK
}

// SetSuper makes a superblock.
func SetSuper(p *Page, s *Shape, st *State) {
	*p = Page{}
	put64(p, 0, superMagic)
	put32(p, superAtVersion, superVersion)
	put32(p, superAtIPG, s.PerGroup)
	put64(p, superAtBlocks, s.Blocks)
	put32(p, superAtLog, s.LogBlocks)
	put64(p, superAtKey, s.Key[0])
	put64(p, superAtKey+8, s.Key[1])
	copy(p[superAtLabel:labelEnd], s.Label[:])
	SetState(p, st)
	SealSuper(p)
}

// SetState replaces the state in a superblock.
func SetState(p *Page, st *State) {
	put32(p, stateAtGroups, st.Groups)
	clean := uint32(0)
	if st.Clean {
		clean = 1
	}
	put32(p, stateAtClean, clean)
	put64(p, stateAtMounts, st.Mounts)
}

// SealSuper puts in both checksums.
func SealSuper(p *Page) {
	put32(p, sumAt, Checksum(0, p[:sumAt]))
	put32(p, block.Sector+sumAt, Checksum(0, p[block.Sector:block.Sector+sumAt]))
}

// ParseShape reads the first sector of a superblock or of its copy.
func ParseShape(p *Page) (s Shape, e errno.Errno) {
	switch {
	case get64(p, 0) != superMagic:
		return s, errno.NotExo
	case get32(p, sumAt) != Checksum(0, p[:sumAt]):
		return s, errno.Corrupt
	case get32(p, superAtVersion) != superVersion:
		return s, errno.Version
	}
	s.Blocks, s.LogBlocks, s.PerGroup = get64(p, superAtBlocks), get32(p, superAtLog), get32(p, superAtIPG)
	s.Key = [2]uint64{get64(p, superAtKey), get64(p, superAtKey+8)}
	copy(s.Label[:], p[superAtLabel:labelEnd])
	if s.Derive() != errno.OK {
		return s, errno.Corrupt
	}
	return s, errno.OK
}

// ParseSuper reads a whole superblock.
func ParseSuper(p *Page) (s Shape, st State, ok bool) {
	s, e := ParseShape(p)
	if e != errno.OK || get32(p, block.Sector+sumAt) != Checksum(0, p[block.Sector:block.Sector+sumAt]) {
		return s, st, false
	}
	st = State{get32(p, stateAtGroups), get32(p, stateAtClean) == 1, get64(p, stateAtMounts)}
	return s, st, st.Groups >= 1 && st.Groups <= s.Groups
}

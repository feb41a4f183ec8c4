package disk

import "exo/kernel/fs/block"

// The log: its first block says where it begins, the others are a ring of transactions, each
//
//	tags, the blocks they name …  tags, blocks …  revokes?  commit
//
// A position counts blocks from the beginning of time; it is in the ring at position modulo its length. Every control block
// has the log's epoch, its transaction's number and the checksum over its own position, so what is left of another time or
// place does not pass for it; tags have the checksums of the blocks that they name.
const (
	logMagic  = 0x4a784530
	headMagic = 0x48784530

	logAtType  = 8
	logAtCount = 12
	logAtEpoch = 16
	logAtSeq   = 24
	logEntries = 32

	MaxTags    = (block.Size - logEntries) / 8
	MaxRevokes = (block.Size - logEntries) / 4
)

// Types of control blocks.
const (
	LogTags   = 1 + iota // count × { block, checksum }
	LogRevoke            // count × block: no copy in this transaction or before is to be used
	LogCommit            // count: blocks of the transaction before this one
)

// LogHead is where the log begins.
type LogHead struct {
	Epoch uint64 // raised at each recovery
	Seq   uint64 // the first transaction's
	Pos   uint64 // where it is, or would be
}

// LogRing is how many positions there are in the ring; LogBlock is where on the disk one is.
func (s *Shape) LogRing() uint64            { return uint64(s.LogBlocks) - 1 }
func (s *Shape) LogBlock(pos uint64) uint64 { return LogStart + 1 + pos%s.LogRing() }

// PutHead makes the log's first block; all that counts is in its first sector.
func (s *Shape) PutHead(p *Page, h LogHead) {
	*p = Page{}
	put32(p, 0, headMagic)
	put64(p, 8, h.Epoch)
	put64(p, 16, h.Seq)
	put64(p, 24, h.Pos)
	put32(p, sumAt, Checksum(s.Seed, p[:sumAt]))
}

// GetHead reads it.
func (s *Shape) GetHead(p *Page) (h LogHead, ok bool) {
	h = LogHead{get64(p, 8), get64(p, 16), get64(p, 24)}
	return h, get32(p, 0) == headMagic && get32(p, sumAt) == Checksum(s.Seed, p[:sumAt]) && h.Pos < 1<<62 && h.Seq < 1<<62
}

// InitLog makes a control block without entries.
func InitLog(p *Page, typ uint32, epoch, seq uint64) {
	*p = Page{}
	put32(p, atMagic, logMagic)
	put32(p, logAtType, typ)
	put64(p, logAtEpoch, epoch)
	put64(p, logAtSeq, seq)
}

// SealLog puts in the checksum of a control block at a position.
func (s *Shape) SealLog(p *Page, pos uint64) { put32(p, atSum, checksumOf(p, s.Seed, pos)) }

// CheckLog says whether a block is a control block of that time and place.
func (s *Shape) CheckLog(p *Page, epoch, seq, pos uint64) bool {
	if get32(p, atMagic) != logMagic || get64(p, logAtEpoch) != epoch || get64(p, logAtSeq) != seq ||
		get32(p, atSum) != checksumOf(p, s.Seed, pos) {
		return false
	}
	n := LogCount(p)
	switch LogType(p) {
	case LogTags:
		return n > 0 && n <= MaxTags
	case LogRevoke:
		return n > 0 && n <= MaxRevokes
	}
	return LogType(p) == LogCommit
}

// LogType and LogCount are what kind of control block it is and how many entries it has.
func LogType(p *Page) uint32 { return get32(p, logAtType) }
func LogCount(p *Page) int   { return int(get32(p, logAtCount)) }

// SetLogCount sets the number of entries.
func SetLogCount(p *Page, n int) { put32(p, logAtCount, uint32(n)) }

// NameTag adds a tag for block n, which is of kind k. A disk has at most 2^32 blocks: a tag has the lower half of the number.
func NameTag(p *Page, n uint64, k Kind) {
	i := LogCount(p)
	put32(p, logEntries+8*i, uint32(n))
	put32(p, logEntries+8*i+4, uint32(k)) // until the checksum comes
	SetLogCount(p, i+1)
}

// SealTag puts the checksums into the contents that tag i is about, and into the tag.
func (s *Shape) SealTag(p *Page, i int, contents *Page) {
	n := Tag(p, i)
	s.Seal(Kind(get32(p, logEntries+8*i+4)), n, contents)
	put32(p, logEntries+8*i+4, s.tagSum(n, contents))
}

// Tag is the block that tag i names.
func Tag(p *Page, i int) uint64 { return uint64(get32(p, logEntries+8*i)) }

// CheckTag says whether the contents are what tag i is about.
func (s *Shape) CheckTag(p *Page, i int, contents *Page) bool {
	return get32(p, logEntries+8*i+4) == s.tagSum(Tag(p, i), contents)
}

func (s *Shape) tagSum(n uint64, contents *Page) uint32 { return Checksum(mix(s.Seed, n), contents[:]) }

// AddRevoke and Revoke are a revoked block.
func AddRevoke(p *Page, n uint64) {
	i := LogCount(p)
	put32(p, logEntries+4*i, uint32(n))
	SetLogCount(p, i+1)
}
func Revoke(p *Page, i int) uint64 { return uint64(get32(p, logEntries+4*i)) }

// MayLog says whether a transaction may name the block: the superblock, or what is in a group.
func (s *Shape) MayLog(n uint64) bool { return n == 0 || n >= s.Base && n < s.Blocks }

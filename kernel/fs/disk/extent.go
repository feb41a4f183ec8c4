package disk

// Extent is a run of blocks of a file: its blocks At … At+Len-1 are the disk's Block … Block+Len-1. In an index node it
// stands for a child: Block is the child's node, At the first block of the file that may be in it; Len is 0.
type Extent struct {
	At    uint32
	Block uint32
	Len   uint32
}

// End is the block of the file after the extent.
func (e Extent) End() uint32 { return e.At + e.Len }

const (
	extentSize  = 12
	RootExtents = 13                            // entries in an inode
	NodeExtents = (4096 - headEnd) / extentSize // entries of a node
	MaxDepth    = 3                             // levels of nodes: 13 × 338³ extents are more than a file has blocks
)

// InitExtents makes an empty node.
func InitExtents(p *Page, owner uint32, level int) { initNode(p, Extents, owner, level) }

// GetExtent is entry i of a node.
func GetExtent(p *Page, i int) Extent {
	b := p[headEnd+i*extentSize:]
	return Extent{u32(b), u32(b[4:]), u32(b[8:])}
}

// SetExtent replaces entry i.
func SetExtent(p *Page, i int, e Extent) {
	b := p[headEnd+i*extentSize:]
	set32(b, e.At)
	set32(b[4:], e.Block)
	set32(b[8:], e.Len)
}

// InsertExtent puts e before entry i of a node that is not full.
func InsertExtent(p *Page, i int, e Extent) {
	n := Count(p)
	at := headEnd + i*extentSize
	copy(p[at+extentSize:headEnd+(n+1)*extentSize], p[at:headEnd+n*extentSize])
	SetExtent(p, i, e)
	setCount(p, n+1)
}

// RemoveExtent takes entry i out.
func RemoveExtent(p *Page, i int) {
	n := Count(p)
	at := headEnd + i*extentSize
	copy(p[at:], p[at+extentSize:headEnd+n*extentSize])
	setCount(p, n-1)
	clear(p[headEnd+(n-1)*extentSize : headEnd+n*extentSize])
}

// MoveExtents moves the entries from i on to the empty node q.
func MoveExtents(q, p *Page, i int) {
	n := Count(p)
	copy(q[headEnd:], p[headEnd+i*extentSize:headEnd+n*extentSize])
	clear(p[headEnd+i*extentSize : headEnd+n*extentSize])
	setCount(q, n-i)
	setCount(p, i)
}

// FindExtent is the last entry that begins at or before block at of the file; -1: there is none.
func FindExtent(p *Page, at uint32) int {
	lo, hi := 0, Count(p)
	for lo < hi {
		if m := (lo + hi) / 2; u32(p[headEnd+m*extentSize:]) <= at {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo - 1
}

// checkExtents looks at a node's entries.
func (s *Shape) checkExtents(p *Page) bool {
	n := Count(p)
	if n == 0 || n > NodeExtents || Level(p) >= MaxDepth {
		return false
	}
	end := uint32(0)
	for i := range n {
		e := GetExtent(p, i)
		if !s.checkExtent(e, Level(p) > 0, i == 0, end) {
			return false
		}
		end = e.End()
	}
	return true
}

// checkExtent looks at one entry; end is where the one before it ends.
func (s *Shape) checkExtent(e Extent, index, first bool, end uint32) bool {
	if index {
		return e.Len == 0 && s.IsData(uint64(e.Block), 1) && (first || e.At > end) && e.At < fileEnd
	}
	return e.Len > 0 && e.Len <= GroupBlocks && s.IsData(uint64(e.Block), uint64(e.Len)) && (first || e.At >= end) &&
		uint64(e.At)+uint64(e.Len) <= fileEnd
}

// checkRoot looks at the entries in an inode.
func (s *Shape) checkRoot(d *Inode) bool {
	if d.Depth > 0 && d.Count == 0 {
		return false
	}
	end := uint32(0)
	for i := range int(d.Count) {
		if !s.checkExtent(d.Body[i], d.Depth > 0, i == 0, end) {
			return false
		}
		end = d.Body[i].End()
	}
	return true
}

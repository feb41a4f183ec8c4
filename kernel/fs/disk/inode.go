package disk

// An inode, 256 bytes: 16 in a block.
const (
	InodeSize = 256
	PerBlock  = 16
	Root      = 1 // the number of the root directory; 0 is none

	inodeSum   = 0
	inodeRoom  = 96  // where what Body holds begins
	inodeBody  = 156 // its bytes
	InlineLink = 152 // bytes of a symbolic link's text that fit into the inode
)

// Types of inodes, in the upper bits of Mode, with the numbers that Unix gives them.
const (
	TypeMask = 0o170000
	TypeFile = 0o100000
	TypeDir  = 0o040000
	TypeLink = 0o120000
	ModeBits = 0o7777
)

// Inode is an inode in memory.
type Inode struct {
	Generation uint32 // of the number's lives
	Mode       uint16 // type and permission; 0: not in use
	Cut        bool   // there may be extents beyond Size, to be freed
	Depth      uint16 // files: levels of extent nodes; directories: of index nodes
	Count      uint16 // files: how many of Body's entries are in use
	Links      uint32 // how many names
	Blocks     uint32 // data and nodes
	UID, GID   uint32
	Parent     uint32 // of a directory
	Root       uint32 // of a directory: the block of its root node; 0: it is empty
	Size       uint64 // bytes; of a directory: entries
	Atime      int64  // ns since 1970
	Mtime      int64
	Ctime      int64
	Btime      int64
	Body       [RootExtents]Extent // of a file; of a long link, Body[0]
	Text       [InlineLink]byte    // of a link that is short
}

// Type is the inode's type.
func (d *Inode) Type() uint16 { return d.Mode & TypeMask }

// Inline says whether a link's text is in the inode.
func (d *Inode) Inline() bool { return d.Size <= InlineLink }

// InodeAt is where inode ino is: the block, and which of those there. ino is one that the disk has (HasInode).
func (s *Shape) InodeAt(ino uint32) (n uint64, i int) {
	g, k := s.InodeGroup(ino)
	return s.GroupAt(g) + 1 + uint64(k/PerBlock), int(k % PerBlock)
}

// HasInode says whether there is such a number.
func (s *Shape) HasInode(ino uint32) bool {
	return ino != 0 && uint64(ino)-1 < uint64(s.Groups)*uint64(s.PerGroup)
}

// InodeGroup is the group of an inode, and its number there.
func (s *Shape) InodeGroup(ino uint32) (g, k uint32) {
	return (ino - 1) / s.PerGroup, (ino - 1) % s.PerGroup
}

// InodeNumber is the number of inode k of group g.
func (s *Shape) InodeNumber(g, k uint32) uint32 { return g*s.PerGroup + k + 1 }

// firstInode is the number of the first inode in block n of a table.
func (s *Shape) firstInode(n uint64) uint32 {
	g, i := s.GroupOf(n)
	return s.InodeNumber(g, (i-1)*PerBlock)
}

func (s *Shape) inodeSum(ino uint32, b []byte) uint32 {
	return Checksum(mix(s.Seed, uint64(ino)), b[inodeSum+4:InodeSize])
}

// SumInode says whether the checksum of inode ino, number i of its block, is right.
func (s *Shape) SumInode(p *Page, ino uint32, i int) bool {
	b := p[i*InodeSize : (i+1)*InodeSize]
	return u32(b[inodeSum:]) == s.inodeSum(ino, b)
}

// PutInode writes an inode as number i of its block.
func PutInode(p *Page, i int, d *Inode) {
	b := p[i*InodeSize : (i+1)*InodeSize : (i+1)*InodeSize]
	set32(b[4:], d.Generation)
	set16(b[8:], d.Mode)
	flags := uint16(0)
	if d.Cut {
		flags = 1
	}
	set16(b[10:], flags)
	set32(b[12:], d.Links)
	set64(b[16:], d.Size)
	set32(b[24:], d.Blocks)
	set32(b[28:], d.UID)
	set32(b[32:], d.GID)
	set32(b[36:], d.Parent)
	set64(b[40:], uint64(d.Atime))
	set64(b[48:], uint64(d.Mtime))
	set64(b[56:], uint64(d.Ctime))
	set64(b[64:], uint64(d.Btime))
	set16(b[72:], d.Depth)
	set16(b[74:], d.Count)
	set32(b[76:], d.Root)
	body := b[inodeRoom : inodeRoom+inodeBody]
	if d.Type() == TypeLink && d.Inline() {
		copy(body, d.Text[:])
		return
	}
	for k := range d.Body {
		e := body[k*extentSize : (k+1)*extentSize]
		if k >= int(d.Count) {
			clear(body[k*extentSize:])
			break
		}
		set32(e, d.Body[k].At)
		set32(e[4:], d.Body[k].Block)
		set32(e[8:], d.Body[k].Len)
	}
}

// GetInode reads inode number i of its block. What it says is not checked (CheckInode).
func GetInode(p *Page, i int, d *Inode) {
	b := p[i*InodeSize : (i+1)*InodeSize : (i+1)*InodeSize]
	d.Generation = u32(b[4:])
	d.Mode = u16(b[8:])
	d.Cut = u16(b[10:])&1 != 0
	d.Links = u32(b[12:])
	d.Size = u64(b[16:])
	d.Blocks = u32(b[24:])
	d.UID = u32(b[28:])
	d.GID = u32(b[32:])
	d.Parent = u32(b[36:])
	d.Atime = int64(u64(b[40:]))
	d.Mtime = int64(u64(b[48:]))
	d.Ctime = int64(u64(b[56:]))
	d.Btime = int64(u64(b[64:]))
	d.Depth = u16(b[72:])
	d.Count = u16(b[74:])
	d.Root = u32(b[76:])
	body := b[inodeRoom : inodeRoom+inodeBody]
	copy(d.Text[:], body)
	for k := range d.Body {
		e := body[k*extentSize : (k+1)*extentSize]
		d.Body[k] = Extent{u32(e), u32(e[4:]), u32(e[8:])}
	}
}

// CheckInode says whether an inode that is in use can be one.
func (s *Shape) CheckInode(d *Inode) bool {
	if d.Links > MaxLinks || d.Count > RootExtents {
		return false
	}
	switch d.Type() {
	case TypeFile:
		return d.Size <= MaxFile && d.Depth <= MaxDepth && s.checkRoot(d)
	case TypeDir:
		if d.Root == 0 {
			return d.Depth == 0 && d.Size == 0
		}
		return d.Depth <= MaxNameDepth && s.IsData(uint64(d.Root), 1) && s.HasInode(d.Parent) && d.Links <= 1
	case TypeLink:
		if d.Size == 0 || d.Size > MaxLink || d.Depth != 0 {
			return false
		}
		return d.Inline() && d.Count == 0 || !d.Inline() && d.Count == 1 && s.checkRoot(d) && d.Body[0].Len == 1
	}
	return false
}

// SealInode puts in the checksum of inode ino, number i of its block, and leaves the others as they are.
func (s *Shape) SealInode(p *Page, ino uint32, i int) {
	b := p[i*InodeSize : (i+1)*InodeSize]
	set32(b[inodeSum:], s.inodeSum(ino, b))
}

package disk

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/fs/errno"
)

func shape(t *testing.T) *Shape {
	s := &Shape{Blocks: 3 * GroupBlocks, LogBlocks: LogMin, PerGroup: 256, Key: [2]uint64{1, 2}}
	require.Equal(t, errno.OK, s.Derive())
	return s
}

// The checksum is CRC-32C, however the bytes are cut up; and the table is what its comment says.
func TestChecksum_Table(t *testing.T) {
	table := crc32.MakeTable(crc32.Castagnoli)
	for b := range 256 {
		c := table[b]
		for k := range crcTable {
			require.Equal(t, c, crcTable[k][b])
			c = table[byte(c)] ^ c>>8
		}
	}
	seeds.Each(t, 50, func(r *rand.Rand) {
		b := make([]byte, r.IntN(300))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		cut := r.IntN(len(b) + 1)
		require.Equal(t, crc32.Checksum(b, table), Checksum(Checksum(0, b[:cut]), b[cut:]))
	})
}

// It is the same by words, whoever does these.
func TestChecksum_Words(t *testing.T) {
	defer func() { Words = nil }()
	seeds.Each(t, 50, func(r *rand.Rand) {
		b := make([]byte, r.IntN(300))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		Words = nil
		want := Checksum(7, b)
		calls := 0
		Words = func(c uint32, at, words uintptr) uint32 {
			calls++
			require.Equal(t, uintptr(unsafe.Pointer(unsafe.SliceData(b))), at)
			require.Equal(t, uintptr(len(b)/8), words)
			for _, x := range b[:len(b)&^7] {
				c = crcTable[0][byte(c)^x] ^ c>>8
			}
			return c
		}
		require.Equal(t, want, Checksum(7, b))
		require.Equal(t, len(b) >= 8, calls == 1)
	})
}

// A change of any bit of a sealed block is noticed, and so is a block in another's place.
func TestSeal_AnyBit(t *testing.T) {
	s := shape(t)
	var p Page
	s.InitGroup(&p, 1)
	n := s.GroupAt(1)
	s.Seal(Group, n, &p)
	require.True(t, s.Check(Group, n, &p))
	require.False(t, s.Check(Group, s.GroupAt(2), &p))
	for bit := 0; bit < len(p)*8; bit += 13 {
		p[bit/8] ^= 1 << (bit % 8)
		require.False(t, s.Check(Group, n, &p), "bit %d", bit)
		p[bit/8] ^= 1 << (bit % 8)
	}
	p = Page{}
	PutInode(&p, 3, &Inode{Generation: 1, Mode: TypeFile, Links: 1})
	n, _ = s.InodeAt(s.InodeNumber(1, 3))
	s.Seal(Inodes, n, &p)
	require.True(t, s.Check(Inodes, n, &p))
	for bit := 0; bit < len(p)*8; bit += 13 {
		p[bit/8] ^= 1 << (bit % 8)
		require.False(t, s.Check(Inodes, n, &p), "bit %d", bit)
		p[bit/8] ^= 1 << (bit % 8)
	}
}

// A superblock that is torn between sectors is still one.
func TestSuper_Torn(t *testing.T) {
	s := shape(t)
	var a, b Page
	SetSuper(&a, s, &State{Groups: 1, Clean: true})
	SetSuper(&b, s, &State{Groups: 2, Mounts: 7})
	for sectors := range 256 {
		p := a
		for i := range 8 {
			if sectors>>i&1 != 0 {
				copy(p[i*512:(i+1)*512], b[i*512:])
			}
		}
		got, st, ok := ParseSuper(&p)
		require.True(t, ok)
		require.Equal(t, *s, got)
		require.Contains(t, []State{{1, true, 0}, {2, false, 7}}, st)
	}
}

// What an inode says is what was put.
func TestInode_ThereAndBack(t *testing.T) {
	seeds.Each(t, 50, func(r *rand.Rand) {
		d := Inode{Generation: r.Uint32(), Mode: TypeFile | 0o644, Cut: r.IntN(2) == 0, Depth: uint16(r.IntN(4)), Links: r.Uint32(),
			Blocks: r.Uint32(), UID: r.Uint32(), GID: r.Uint32(), Parent: r.Uint32(), Root: r.Uint32(), Size: r.Uint64(),
			Atime: int64(r.Uint64()), Mtime: int64(r.Uint64()), Ctime: int64(r.Uint64()), Btime: int64(r.Uint64())}
		d.Count = uint16(r.IntN(RootExtents + 1))
		for i := range d.Count {
			d.Body[i] = Extent{r.Uint32(), r.Uint32(), r.Uint32()}
		}
		var p Page
		i := r.IntN(PerBlock)
		PutInode(&p, i, &d)
		var got Inode
		GetInode(&p, i, &got)
		got.Text = d.Text // the same bytes as Body
		require.Equal(t, d, got)
	})
}

// A leaf is a sorted map, whatever comes and goes, until it is full; then its halves are.
func TestLeaf_Model(t *testing.T) {
	s := shape(t)
	seeds.Each(t, 20, func(r *rand.Rand) {
		var p, q, scratch Page
		InitLeaf(&p, 9)
		model := map[string]uint32{}
		for step := range 600 {
			name := fmt.Sprint(r.IntN(400), string(make([]byte, r.IntN(30))))
			hash := s.Hash([]byte(name))
			i := FindSlot(&p, hash)
			there := i < Count(&p) && GetSlot(&p, i).Hash == hash
			require.Equal(t, model[name] != 0, there)
			switch {
			case there && r.IntN(2) == 0:
				require.Equal(t, model[name], GetSlot(&p, i).Ino)
				RemoveSlot(&p, i)
				delete(model, name)
			case !there && LeafFits(&p, len(name)):
				InsertSlot(&p, i, Slot{Hash: hash, Ino: uint32(step + 1), Type: 8}, []byte(name), &scratch)
				model[name] = uint32(step + 1)
			}
			if Count(&p) > 0 {
				require.True(t, checkLeaf(&p))
			}
		}
		InitLeaf(&q, 9)
		first := SplitLeaf(&q, &p, &scratch)
		require.True(t, checkLeaf(&p) && checkLeaf(&q))
		require.True(t, LeafFits(&p, MaxName) && LeafFits(&q, MaxName))
		var names []string
		for _, page := range []*Page{&p, &q} {
			for i := range Count(page) {
				s := GetSlot(page, i)
				require.Equal(t, page == &q, s.Hash >= first)
				names = append(names, string(SlotName(page, s)))
			}
		}
		require.Len(t, names, len(model))
		for _, n := range names {
			require.NotZero(t, model[n])
		}
	})
}

// Extents and children stay in order.
func TestNodes_Order(t *testing.T) {
	s := shape(t)
	var p, q Page
	InitExtents(&p, 1, 0)
	r := rand.New(rand.NewPCG(1, 1))
	for _, at := range r.Perm(NodeExtents) {
		x := Extent{uint32(at) * 2, uint32(s.GroupAt(1)) + s.FirstData() + uint32(at), 1}
		InsertExtent(&p, FindExtent(&p, x.At)+1, x)
		require.True(t, s.checkExtents(&p))
	}
	InitExtents(&q, 1, 0)
	MoveExtents(&q, &p, 100)
	require.Equal(t, 100, Count(&p))
	require.Equal(t, NodeExtents-100, Count(&q))
	require.True(t, s.checkExtents(&p) && s.checkExtents(&q))
	RemoveExtent(&q, 0)
	require.Equal(t, uint32(202), GetExtent(&q, 0).At)

	child := uint32(s.GroupAt(1)) + s.FirstData()
	InitIndex(&p, 1, 1, child)
	var hashes []uint64
	for range IndexMax - 1 {
		h := r.Uint64()
		hashes = append(hashes, h)
		InsertChild(&p, FindChild(&p, h)+1, h, child)
		require.True(t, s.checkIndex(&p))
	}
	slices.Sort(hashes)
	first := SplitIndex(&q, &p)
	require.True(t, s.checkIndex(&p) && s.checkIndex(&q))
	require.Equal(t, hashes[IndexMax/2-1], first)
	require.Equal(t, IndexMax, Count(&p)+Count(&q))
}

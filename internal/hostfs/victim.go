package hostfs

import (
	"encoding/binary"
	"fmt"
	"slices"

	"exo/internal/hostdisk"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
)

// Victim is a disk with a bit of everything, whose log is not empty, and of which changed copies can be made.
type Victim struct {
	Disk   *hostdisk.Sparse
	Shape  disk.Shape
	blocks []uint64             // of metadata and the log, in order
	kinds  map[uint64]disk.Kind // of those that are in their places
}

// VictimBlocks is how large it is.
const VictimBlocks = 1200

// NewVictim makes it. Small memory suffices for it.
func NewVictim() *Victim {
	v := &Victim{Disk: &hostdisk.Sparse{Blocks: VictimBlocks}, kinds: map[uint64]disk.Kind{}}
	t := NewTask()
	defer Release(t)
	o := fs.Options{LogBlocks: disk.LogMin, PerGroup: 64, Key: [2]uint64{1, 2}}
	v.Shape, _ = fs.Format(t, v.Disk, &o, new(block.Page))
	f := new(fs.FS)
	f.Mount(t, v.Disk, NewMemory(Small), &Ticks{}, true)
	root, _ := f.Root(t)
	for i := range 8 {
		ip, _ := f.Create(t, root, fmt.Append(nil, "file", i), fs.Attr{})
		f.Write(t, ip, 0, Pattern(9000, byte(i)))
		f.Put(t, ip)
	}
	ip, _ := f.Create(t, root, []byte("holes"), fs.Attr{})
	for i := range uint64(400) {
		f.Write(t, ip, i*8192, []byte{1})
	}
	f.Put(t, ip)
	dir, _ := f.Mkdir(t, root, []byte("dir"), fs.Attr{})
	ip, _ = f.Symlink(t, dir, []byte("long"), fs.Attr{}, Pattern(3000, 'x'))
	for i := range 400 {
		f.Link(t, dir, append(Pattern(60, 'b'), fmt.Sprint(i)...), ip)
	}
	f.Put(t, ip)
	f.Put(t, dir)
	f.Put(t, root)
	f.Unmount(t)
	f.Mount(t, v.Disk, NewMemory(Small), &Ticks{}, true)
	root, _ = f.Root(t)
	ip, _ = f.Create(t, root, []byte("in the log"), fs.Attr{})
	f.Write(t, ip, 0, Pattern(5000, 'l'))
	f.Put(t, ip)
	f.SyncAll(t) // and no more
	v.Disk.Each(func(n uint64, p *block.Page) {
		for k := disk.Super; k <= disk.Index; k++ {
			if n >= disk.LogStart && n < v.Shape.Base || k == disk.Inodes && !v.isTable(n) {
				continue
			}
			if v.Shape.Check(k, n, p) {
				v.kinds[n] = k
			}
		}
		if v.kinds[n] != disk.None || n < v.Shape.Base {
			v.blocks = append(v.blocks, n)
		}
	})
	slices.Sort(v.blocks)
	return v
}

func (v *Victim) isTable(n uint64) bool {
	if n < v.Shape.Base {
		return false
	}
	_, i := v.Shape.GroupOf(n)
	return i >= 1 && i < v.Shape.FirstData()
}

// Mutate makes changes that data says to a copy of the victim: seven bytes each: a block, where, how, and what.
func (v *Victim) Mutate(data []byte) *hostdisk.Sparse {
	d := v.Disk.Clone()
	for ; len(data) >= 7; data = data[7:] {
		n := v.blocks[int(binary.LittleEndian.Uint16(data))%len(v.blocks)]
		at := int(binary.LittleEndian.Uint16(data[2:])) % block.Size
		p := d.Page(n)
		switch data[4] % 5 {
		case 0, 1:
			p[at] = data[5]
		case 2:
			p[at] ^= 1 << (data[5] % 8)
		case 3: // a small number, where numbers are
			at &^= 3
			binary.LittleEndian.PutUint32(p[at:], uint32(data[5])|uint32(data[6])<<8)
		case 4: // another block's contents
			p = d.Page(v.blocks[int(data[5])%len(v.blocks)])
		}
		if data[4]&0x80 == 0 { // with a checksum that fits
			v.Shape.Seal(v.kinds[n], n, &p)
		}
		d.SetPage(n, p)
	}
	return d
}

// Pattern is n bytes that tell where they are.
func Pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = seed + byte(i/512) + byte(i%7)
	}
	return b
}

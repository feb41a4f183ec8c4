package fs_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	gosync "sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/internal/seeds"
	"exo/internal/timescale"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
)

// victim is a disk with a bit of everything, whose log is not empty, and its metadata.
var victim = gosync.OnceValue(func() (v struct {
	d      *hostdisk.Sparse
	shape  disk.Shape
	blocks []uint64             // of metadata and the log, in order
	kinds  map[uint64]disk.Kind // of those that are in their places
}) {
	v.d = &hostdisk.Sparse{Blocks: 1200}
	t := hostfs.NewTask()
	defer hostfs.Release(t)
	o := small
	v.shape, _ = fs.Format(t, v.d, &o, new(block.Page))
	f := new(fs.FS)
	f.Mount(t, v.d, hostfs.NewMemory(hostfs.Small), &hostfs.Ticks{}, true)
	root, _ := f.Root(t)
	for i := range 8 {
		ip, _ := f.Create(t, root, fmt.Append(nil, "file", i), fs.Attr{})
		f.Write(t, ip, 0, pattern(9000, byte(i)))
		f.Put(t, ip)
	}
	ip, _ := f.Create(t, root, []byte("holes"), fs.Attr{})
	for i := range uint64(400) {
		f.Write(t, ip, i*8192, []byte{1})
	}
	f.Put(t, ip)
	dir, _ := f.Mkdir(t, root, []byte("dir"), fs.Attr{})
	ip, _ = f.Symlink(t, dir, []byte("long"), fs.Attr{}, pattern(3000, 'x'))
	for i := range 400 {
		f.Link(t, dir, append(pattern(60, 'b'), fmt.Sprint(i)...), ip)
	}
	f.Put(t, ip)
	f.Put(t, dir)
	f.Put(t, root)
	f.Unmount(t)
	f.Mount(t, v.d, hostfs.NewMemory(hostfs.Small), &hostfs.Ticks{}, true)
	root, _ = f.Root(t)
	ip, _ = f.Create(t, root, []byte("in the log"), fs.Attr{})
	f.Write(t, ip, 0, pattern(5000, 'l'))
	f.Put(t, ip)
	f.SyncAll(t) // and no more
	v.kinds = map[uint64]disk.Kind{}
	v.d.Each(func(n uint64, p *block.Page) {
		for k := disk.Super; k <= disk.Index; k++ {
			if n >= disk.LogStart && n < v.shape.Base || k == disk.Inodes && !isTable(&v.shape, n) {
				continue
			}
			if v.shape.Check(k, n, p) {
				v.kinds[n] = k
			}
		}
		if v.kinds[n] != disk.None || n < v.shape.Base {
			v.blocks = append(v.blocks, n)
		}
	})
	slices.Sort(v.blocks)
	return v
})

func isTable(s *disk.Shape, n uint64) bool {
	if n < s.Base {
		return false
	}
	_, i := s.GroupOf(n)
	return i >= 1 && i < s.FirstData()
}

// mutate makes changes that data says to a copy of the victim: seven bytes each: a block, where, how, and what.
func mutate(data []byte) *hostdisk.Sparse {
	v := victim()
	d := v.d.Clone()
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
			v.shape.Seal(v.kinds[n], n, &p)
		}
		d.SetPage(n, p)
	}
	return d
}

// abuse does a bit of everything with a disk, and says how many operations were not refused.
func abuse(t *fs.Task, d block.Device, memory *fs.Memory) (done int) {
	f := new(fs.FS)
	if f.Mount(t, d, memory, &hostfs.Ticks{}, true) != errno.OK {
		return 0
	}
	count := func(e errno.Errno) {
		if e == errno.OK {
			done++
		}
	}
	root, e := f.Root(t)
	if e != errno.OK {
		return 0
	}
	if tr, err := look(f, t); err == nil {
		done += len(tr)
	}
	for i, name := range []string{"file0", "holes", "file3", "in the log"} {
		ip, e := f.Lookup(t, root, []byte(name))
		if e != errno.OK {
			continue
		}
		b := make([]byte, 30_000)
		_, e = f.Read(t, ip, 0, b)
		count(e)
		_, e = f.Write(t, ip, uint64(5000*i), b[:9000])
		count(e)
		count(f.Truncate(t, ip, uint64(100_000*i)))
		count(f.Sync(t, ip))
		f.Put(t, ip)
		count(f.Unlink(t, root, []byte(name)))
	}
	if dir, e := f.Lookup(t, root, []byte("dir")); e == errno.OK {
		for i := range 40 {
			ip, e := f.Create(t, dir, append(pattern(60, 'c'), fmt.Sprint(i)...), fs.Attr{})
			count(e)
			if e == errno.OK {
				f.Put(t, ip)
			}
			count(f.Unlink(t, dir, append(pattern(60, 'b'), fmt.Sprint(i)...)))
			count(f.Rename(t, dir, append(pattern(60, 'b'), fmt.Sprint(i+100)...), root, fmt.Append(nil, i)))
		}
		ip, e := f.Mkdir(t, dir, []byte("sub"), fs.Attr{})
		count(e)
		if e == errno.OK {
			count(f.Rename(t, root, []byte("dir"), ip, []byte("loop")))
			f.Put(t, ip)
		}
		count(f.Rmdir(t, dir, []byte("sub")))
		f.Put(t, dir)
	}
	ip, e := f.Create(t, root, []byte("last"), fs.Attr{})
	count(e)
	if e == errno.OK {
		_, e = f.Write(t, ip, 1<<30, make([]byte, 100_000))
		count(e)
		f.Put(t, ip)
	}
	count(f.SyncAll(t))
	f.Put(t, root)
	count(f.Unmount(t))
	return done
}

// ordeal abuses a mutated disk, and repairs another copy; that must then be whole.
func ordeal(t *testing.T, data []byte, memory *fs.Memory, check *fsck.Memory) (done, mended int) {
	limit, err := timescale.Stretch(20 * time.Second)
	require.NoError(t, err)
	task := hostfs.NewTask()
	watch := time.AfterFunc(limit, func() { panic("a mutated disk made the file system hang") })
	defer watch.Stop()
	defer hostfs.Release(task)
	done = abuse(task, mutate(data), memory)

	d := mutate(data)
	f := new(fs.FS)
	if f.Mount(task, d, memory, &hostfs.Ticks{}, true) == errno.OK {
		f.Unmount(task)
	}
	var found hostfs.Findings
	left, e := fsck.Repair(task, d, check, &found)
	if e != errno.OK {
		return done, 0
	}
	require.Zero(t, left, "of a disk that was repaired: %+v", found)
	require.NoError(t, (&checkMemory{check}).check(task, d))
	require.Equal(t, errno.OK, f.Mount(task, d, memory, &hostfs.Ticks{}, true))
	_, err = look(f, task)
	require.NoError(t, err)
	require.Equal(t, errno.OK, f.Unmount(task))
	if len(found) > 0 {
		mended = 1
	}
	return done, mended
}

// Whatever the disk says, no operation panics or hangs; and what fsck has repaired is whole.
func TestFS_G6_MutatedDisks(t *testing.T) {
	memory, check := hostfs.NewMemory(hostfs.Small), hostfs.NewCheckMemory(2)
	done, mended := 0, 0
	seeds.Each(t, int(atMost(150, 15)), func(r *rand.Rand) {
		data := make([]byte, 7*(1+r.IntN(6)))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		d, m := ordeal(t, data, memory, check)
		done, mended = done+d, mended+m
	})
	require.Greater(t, done, int(atMost(10_000, 500)))
	require.Greater(t, mended, int(atMost(20, 1)))
}

func FuzzDisk(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{3, 0, 12, 0, 3, 200, 1, 9, 0, 40, 0, 3, 7, 0})
	memory, check := hostfs.NewMemory(hostfs.Small), hostfs.NewCheckMemory(2)
	f.Fuzz(func(t *testing.T, data []byte) {
		ordeal(t, data[:min(len(data), 100)], memory, check)
	})
}

package fs_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// atMost is how much there is to do, less with the race detector.
func atMost(n, race uint64) uint64 {
	if raced {
		return race
	}
	return n
}

// fill takes blocks until so many are left.
func (m *mount) fill(left uint64) {
	m.t.Helper()
	ip := m.create("filler")
	for m.fs.Space().FreeBlocks > left {
		n := min(m.fs.Space().FreeBlocks-left, 16)
		var st fs.Stat
		m.fs.Stat(m.task, ip, &st)
		_, e := m.fs.Write(m.task, ip, st.Size, make([]byte, n*4096))
		require.Equal(m.t, errno.OK, e)
	}
	m.fs.Put(m.task, ip)
}

// Every operation, on a disk with no block free, one, two, …: it is refused and nothing has changed, or it has happened; and
// nothing is wrong with the disk.
func TestFS_G5_NoSpaceAnywhere(t *testing.T) {
	from := base(t)
	refused, done := 0, 0
	check := newCheckMemory()
	for _, a := range actions {
		for left := range uint64(6) {
			d := from.Clone()
			m := mountIt(t, d, hostfs.Small)
			m.fill(left)
			before, err := look(m.fs, m.task)
			require.NoError(t, err)
			a.do(m)
			after, err := look(m.fs, m.task)
			require.NoError(t, err)
			if before.String() == after.String() {
				refused++
				for p, n := range before {
					require.True(t, n.data == after[p].data || a.name == "overwrite", "%s with %d free changed %s", a.name, left, p)
				}
			} else {
				done++
			}
			m.unmount()
			require.NoError(t, check.check(m.task, d), "%s with %d free", a.name, left)
		}
	}
	require.Greater(t, refused, 5)
	require.Greater(t, done, 10)
}

// A directory grows until the disk is full, at every depth of its tree, and shrinks again; so does a file with a hole between
// any two of its blocks.
func TestFS_G5_TreesMeetTheEnd(t *testing.T) {
	for blocks := uint64(330); blocks < atMost(350, 332); blocks++ {
		d := &hostdisk.Sparse{Blocks: blocks}
		format(t, d, fs.Options{LogBlocks: disk.LogMin, PerGroup: 256, Key: [2]uint64{blocks, 2}})
		m := mountIt(t, d, hostfs.Small)
		free := m.fs.Space()
		dir, e := m.fs.Mkdir(m.task, m.root, []byte("dir"), fs.Attr{})
		require.Equal(t, errno.OK, e)
		target := m.create("target")
		long := make([]byte, 240)
		for i := range long {
			long[i] = 'x'
		}
		names := 0
		for ; ; names++ {
			if e = m.fs.Link(m.task, dir, fmt.Append(long[:len(long):len(long)], names), target); e != errno.OK {
				break
			}
		}
		require.Equal(t, errno.NoSpace, e)
		require.Greater(t, names, 300)
		for i := range names {
			require.Equal(t, errno.OK, m.fs.Unlink(m.task, dir, fmt.Append(long[:len(long):len(long)], i)))
		}
		for i := uint64(0); e != errno.OK || i == 0; i++ {
			if _, e = m.fs.Write(m.task, target, i*8192, []byte{1}); e != errno.OK {
				break
			}
			e = errno.NoSpace
		}
		require.Equal(t, errno.NoSpace, e)
		m.fs.Put(m.task, target)
		m.fs.Put(m.task, dir)
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("target")))
		require.Equal(t, errno.OK, m.fs.Rmdir(m.task, m.root, []byte("dir")))
		require.Equal(t, free, m.fs.Space())
		m.unmount()
		require.NoError(t, newCheckMemory().check(m.task, d))
	}
}

// When inodes run out, and slots for them, it is said, and what is freed can be had again.
func TestFS_G5_NoInodes(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	for i := range 63 {
		m.put(m.fs.Create(m.task, m.root, fmt.Append(nil, i), fs.Attr{}))
	}
	_, e := m.fs.Create(m.task, m.root, []byte("one more"), fs.Attr{})
	require.Equal(t, errno.NoInodes, e)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("7")))
	m.put(m.fs.Create(m.task, m.root, []byte("one more"), fs.Attr{}))
	var open []*fs.Inode
	for i := 8; ; i++ {
		ip, e := m.fs.Lookup(m.task, m.root, fmt.Append(nil, i))
		if e != errno.OK {
			require.Equal(t, errno.NotFound, e) // 64 slots: enough for all
			break
		}
		open = append(open, ip)
	}
	for _, ip := range open {
		m.fs.Put(m.task, ip)
	}
	require.Len(t, open, 55)
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, d))

	s := hostfs.Small
	s.Inodes = 16
	m = mountIt(t, d, s)
	for i := 8; ; i++ {
		ip, e := m.fs.Lookup(m.task, m.root, fmt.Append(nil, i))
		if e != errno.OK {
			require.Equal(t, errno.NoSlots, e)
			break
		}
		open = append(open, ip)
	}
	require.Len(t, open, 55+15)
	for _, ip := range open[55:] {
		m.fs.Put(m.task, ip)
	}
	m.unmount()
}

// Limits are errors that name the limit.
func TestFS_Limits(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	ip := m.create("f")
	_, e := m.fs.Write(m.task, ip, disk.MaxFile, []byte{1})
	require.Equal(t, errno.FileLarge, e)
	_, e = m.fs.Write(m.task, ip, ^uint64(0)-3, make([]byte, 10))
	require.Equal(t, errno.FileLarge, e)
	require.Equal(t, errno.FileLarge, m.fs.Truncate(m.task, ip, disk.MaxFile+1))
	n, e := m.fs.Write(m.task, ip, disk.MaxFile-1, []byte{7})
	require.Equal(t, errno.OK, e)
	require.Equal(t, 1, n)
	b := []byte{1, 2}
	n, e = m.fs.Read(m.task, ip, disk.MaxFile-2, b)
	require.Equal(t, errno.OK, e)
	require.Equal(t, []byte{0, 7}, b[:n])
	_, e = m.fs.Create(m.task, m.root, make([]byte, 256), fs.Attr{})
	require.Equal(t, errno.NameLong, e)
	_, e = m.fs.Symlink(m.task, m.root, []byte("l"), fs.Attr{}, make([]byte, disk.MaxLink+1))
	require.Equal(t, errno.LinkLong, e)
	for _, bad := range []string{"", ".", "..", "a/b", "a\x00"} {
		_, e = m.fs.Create(m.task, m.root, []byte(bad), fs.Attr{})
		require.Equal(t, errno.BadName, e, "%q", bad)
	}
	m.fs.Put(m.task, ip)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("f")))
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, d))
	task := hostfs.NewTask()
	defer hostfs.Release(task)
	_, e = fs.Format(task, &hostdisk.Sparse{Blocks: 1<<32 + 1}, &fs.Options{}, task.Scratch)
	require.Equal(t, errno.DiskLarge, e)
	_, e = fs.Format(task, &hostdisk.Sparse{Blocks: 250}, &fs.Options{}, task.Scratch)
	require.Equal(t, errno.DiskSmall, e)
	require.Equal(t, errno.NotExo, new(fs.FS).Mount(task, &hostdisk.Sparse{Blocks: 250}, hostfs.NewMemory(hostfs.Small), &hostfs.Ticks{}, true))
}

// A disk of 16 TiB is formatted and mounted, and a file lies at its end.
func TestFS_SixteenTiB(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 1 << 32}
	s := format(t, d, fs.Options{Key: [2]uint64{3, 4}})
	require.Greater(t, s.Groups, uint32(170_000))
	sizes := hostfs.Small
	sizes.Groups = int(s.Groups)
	m := mountIt(t, d, sizes)
	ip := m.create("sparse")
	for _, off := range []uint64{0, 1 << 20, 1 << 30, 1 << 38, 1<<40 - 4096} {
		_, e := m.fs.Write(m.task, ip, off, pattern(4096, byte(off>>20)))
		require.Equal(t, errno.OK, e)
	}
	for _, off := range []uint64{0, 1 << 20, 1 << 30, 1 << 38, 1<<40 - 4096} {
		b := make([]byte, 4096)
		_, e := m.fs.Read(m.task, ip, off, b)
		require.Equal(t, errno.OK, e)
		require.True(t, string(b) == string(pattern(4096, byte(off>>20))))
	}
	m.fs.Put(m.task, ip)
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, d))
}

// A file of many extents, in any order: a tree of three levels, cut in several operations, by two crashes' worth of mounts.
func TestFS_G1_ManyExtents(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 60_000}
	format(t, d, fs.Options{LogBlocks: disk.LogMin, PerGroup: 64, Key: [2]uint64{5, 6}})
	s := hostfs.Small
	s.Groups = 3
	m := mountIt(t, d, s)
	free := m.fs.Space()
	ip := m.create("holes")
	n := atMost(20_000, 3000)
	for i := range n {
		at := i * 7919 % n * 2
		_, e := m.fs.Write(m.task, ip, at*4096, []byte{byte(at), byte(at >> 8)})
		require.Equal(t, errno.OK, e)
	}
	b := make([]byte, 3)
	for at := uint64(0); at < 2*n-1; at++ {
		_, e := m.fs.Read(m.task, ip, at*4096, b)
		require.Equal(t, errno.OK, e)
		want := []byte{byte(at), byte(at >> 8), 0}
		if at%2 == 1 {
			want = []byte{0, 0, 0}
		}
		if at < 2*n-2 {
			require.Equal(t, want, b)
		}
	}
	require.Equal(t, errno.OK, m.fs.Truncate(m.task, ip, n*4096))
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	var st fs.Stat
	m.fs.Stat(m.task, ip, &st)
	require.Less(t, st.Blocks, n/2+100)
	m.fs.Put(m.task, ip)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("holes")))
	require.Equal(t, free.FreeInodes, m.fs.Space().FreeInodes)
	require.Equal(t, free.FreeBlocks, m.fs.Space().FreeBlocks)
	m.unmount()
	require.NoError(t, (&checkMemory{hostfs.NewCheckMemory(1)}).check(m.task, d))
}

// A directory of 100,000 names: each is found, listing gives each once, and all go again.
func TestFS_G1_ManyNames(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 60_000}
	format(t, d, fs.Options{LogBlocks: 4096, PerGroup: 64, Key: [2]uint64{7, 8}})
	m := mountIt(t, d, hostfs.Sizes{Buffers: 8192, Inodes: 64, Groups: 3, Frozen: 500})
	free := m.fs.Space()
	dir, e := m.fs.Mkdir(m.task, m.root, []byte("dir"), fs.Attr{})
	require.Equal(t, errno.OK, e)
	ip := m.create("f")
	n := int(atMost(100_000, 5000))
	for i := range n {
		require.Equal(t, errno.OK, m.fs.Link(m.task, dir, fmt.Append(nil, "name number ", i), ip))
	}
	seen := map[string]bool{}
	var from uint64
	es := make([]fs.Entry, 100)
	for {
		k, e := m.fs.ReadDir(m.task, dir, from, es)
		require.Equal(t, errno.OK, e)
		if k == 0 {
			break
		}
		for _, x := range es[:k] {
			name := string(x.Name[:x.Len])
			require.False(t, seen[name])
			seen[name] = true
			from = x.Next
		}
	}
	require.Len(t, seen, n)
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	for i := range n {
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, dir, fmt.Append(nil, "name number ", i*7919%n)))
	}
	m.fs.Put(m.task, dir)
	m.fs.Put(m.task, ip)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("f")))
	require.Equal(t, errno.OK, m.fs.Rmdir(m.task, m.root, []byte("dir")))
	require.Equal(t, free, m.fs.Space())
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, d))
}

package fs_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// A mount is a file system under test.
type mount struct {
	t    *testing.T
	d    block.Device
	fs   *fs.FS
	task *fs.Task
	root *fs.Inode

	synced bool // the last action made all before it last
}

var small = fs.Options{LogBlocks: disk.LogMin, PerGroup: 64, Key: [2]uint64{1, 2}}

func format(t *testing.T, d block.Device, o fs.Options) disk.Shape {
	t.Helper()
	task := hostfs.NewTask()
	defer hostfs.Release(task)
	s, e := fs.Format(task, d, &o, new(block.Page))
	require.Equal(t, errno.OK, e)
	return s
}

func mountIt(t *testing.T, d block.Device, s hostfs.Sizes) *mount {
	t.Helper()
	m := &mount{t: t, d: d, fs: new(fs.FS), task: hostfs.NewTask()}
	require.Equal(t, errno.OK, m.fs.Mount(m.task, d, hostfs.NewMemory(s), &hostfs.Ticks{}, true))
	var e errno.Errno
	m.root, e = m.fs.Root(m.task)
	require.Equal(t, errno.OK, e)
	return m
}

func (m *mount) unmount() {
	m.t.Helper()
	m.fs.Put(m.task, m.root)
	require.Equal(m.t, errno.OK, m.fs.Unmount(m.task))
	hostfs.Release(m.task)
}

func (m *mount) create(name string) *fs.Inode {
	m.t.Helper()
	ip, e := m.fs.Create(m.task, m.root, []byte(name), fs.Attr{Mode: 0o644})
	require.Equal(m.t, errno.OK, e, name)
	return ip
}

func TestFS_Smoke(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	free := m.fs.Space()
	for i := range 200 {
		name := fmt.Sprint("file", i%10)
		ip := m.create(name)
		data := make([]byte, 10000)
		for k := range data {
			data[k] = byte(i + k)
		}
		n, e := m.fs.Write(m.task, ip, uint64(i*1000), data)
		require.Equal(t, errno.OK, e)
		require.Equal(t, len(data), n)
		got := make([]byte, 20000)
		n, e = m.fs.Read(m.task, ip, uint64(i*1000), got)
		require.Equal(t, errno.OK, e)
		require.Equal(t, data, got[:n])
		m.fs.Put(m.task, ip)
		if i >= 5 {
			require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte(fmt.Sprint("file", (i-5)%10))))
		}
	}
	for i := range 5 {
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte(fmt.Sprint("file", 5+i))))
	}
	require.Equal(t, free, m.fs.Space())
	m.unmount()
	m = mountIt(t, d, hostfs.Small)
	require.Equal(t, free, m.fs.Space())
	m.unmount()
}

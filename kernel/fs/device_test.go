package fs_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// A file that is read from one end to the other is read in large requests, ahead of the reader.
func TestFS_ReadAhead(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 5000, Async: true}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	ip := m.create("f")
	want := pattern(400*4096, 3)
	_, e := m.fs.Write(m.task, ip, 0, want)
	require.Equal(t, errno.OK, e)
	m.fs.Put(m.task, ip)
	m.unmount()
	m = mountIt(t, d, hostfs.Small)
	before := d.Reads.Load()
	m.file("f", func(ip *fs.Inode) {
		got := make([]byte, len(want))
		for off := 0; off < len(got); off += 10_000 {
			_, e := m.fs.Read(m.task, ip, uint64(off), got[off:min(off+10_000, len(got))])
			require.Equal(t, errno.OK, e)
		}
		require.True(t, string(want) == string(got))
	})
	require.Less(t, d.Reads.Load()-before, int64(60))
	m.unmount()
}

// After a write has failed nothing more changes, reading goes on, and the next mount finds what was synced. Each write and
// flush of a series of operations is the one that fails.
//
// Also kernel/fs/journal/journal.go: G6.
func TestFS_G2_FailingDevice(t *testing.T) {
	from := base(t)
	stopped := 0
	for fail := int64(1); ; fail += int64(atMost(1, 20)) {
		d := from.Clone()
		m := mountIt(t, d, hostfs.Small)
		var count atomic.Int64
		d.Fail = func(r *block.Request) bool { return r.Op != block.Read && count.Add(1) == fail }
		var last []byte
		failed := false
		for i := range 40 {
			name := append([]byte("file"), byte('a'+i))
			ip, e := m.fs.Create(m.task, m.root, name, fs.Attr{})
			if e == errno.OK {
				if _, e = m.fs.Write(m.task, ip, 0, pattern(5000, byte(i))); e == errno.OK {
					e = m.fs.Sync(m.task, ip)
				}
				m.fs.Put(m.task, ip)
			}
			if e != errno.OK {
				failed = true
				require.Contains(t, []errno.Errno{errno.IO, errno.Stopped}, e)
				_, e = m.fs.Create(m.task, m.root, []byte("after"), fs.Attr{})
				require.Equal(t, errno.Stopped, e)
				break
			}
			last = name
		}
		m.fs.Put(m.task, m.root)
		m.fs.Unmount(m.task)
		hostfs.Release(m.task)
		d.Fail = nil
		m = mountIt(t, d, hostfs.Small)
		if last != nil {
			ip, e := m.fs.Lookup(m.task, m.root, last)
			require.Equal(t, errno.OK, e, "write %d failed, and %s was synced before", fail, last)
			m.fs.Put(m.task, ip)
		}
		m.unmount()
		require.NoError(t, newCheckMemory().check(m.task, d))
		if !failed {
			break
		}
		stopped++
	}
	require.Greater(t, stopped, int(atMost(100, 5)))
}

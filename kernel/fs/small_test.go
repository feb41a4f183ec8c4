package fs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/errno"
)

// What a file had beyond its end does not come back when it gets longer, by a write or by Truncate.
func TestFS_G4_TailIsZero(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	for _, longer := range []func(ip *fs.Inode) errno.Errno{
		func(ip *fs.Inode) errno.Errno { return m.fs.Truncate(m.task, ip, 9000) },
		func(ip *fs.Inode) errno.Errno {
			_, e := m.fs.Write(m.task, ip, 9000, []byte{1})
			return e
		},
		func(ip *fs.Inode) errno.Errno {
			_, e := m.fs.Write(m.task, ip, 3000, []byte{1})
			return e
		},
	} {
		ip := m.create("f")
		_, e := m.fs.Write(m.task, ip, 0, pattern(5000, 9))
		require.Equal(t, errno.OK, e)
		require.Equal(t, errno.OK, m.fs.Truncate(m.task, ip, 100))
		require.Equal(t, errno.OK, longer(ip))
		b := make([]byte, 2900)
		_, e = m.fs.Read(m.task, ip, 100, b)
		require.Equal(t, errno.OK, e)
		require.True(t, allZero(string(b)))
		m.fs.Put(m.task, ip)
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("f")))
	}
	m.unmount()
}

// A directory takes the place of an empty one only.
func TestFS_G5_RenameOverDirectory(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	for _, n := range []string{"a", "b"} {
		m.put(m.fs.Mkdir(m.task, m.root, []byte(n), fs.Attr{}))
	}
	m.file("b", func(dir *fs.Inode) { m.put(m.fs.Create(m.task, dir, []byte("x"), fs.Attr{})) })
	require.Equal(t, errno.NotEmpty, m.fs.Rename(m.task, m.root, []byte("a"), m.root, []byte("b")))
	require.Equal(t, errno.OK, m.fs.Rename(m.task, m.root, []byte("b"), m.root, []byte("a")))
	m.file("a/x", func(*fs.Inode) { m.synced = true })
	require.True(t, m.synced)
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, d))
}

// failing is a Source that fails from byte at on, having written something.
type failing struct{ at int }

func (s *failing) Get(at int, b []byte) errno.Errno {
	for i := range b {
		b[i] = 0xee
	}
	if at+len(b) > s.at {
		return errno.BadArgument
	}
	return errno.OK
}

// Blocks that a file has just got, and could not be written, are zeroes: neither what was there before, nor what was half written.
func TestFS_G4_SourceFails(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	ip := m.create("f")
	n, e := m.fs.WriteFrom(m.task, ip, 100, 5*4096, &failing{at: 3 * 4096})
	require.Equal(t, errno.OK, e)
	require.Equal(t, 3*4096-100, n, "blocks that were written")
	require.Equal(t, errno.OK, m.fs.Truncate(m.task, ip, 8*4096))
	b := make([]byte, 8*4096)
	_, e = m.fs.Read(m.task, ip, 0, b)
	require.Equal(t, errno.OK, e)
	for i, x := range b {
		if i >= 100 && i < 3*4096 {
			require.Equal(t, byte(0xee), x, i)
		} else {
			require.Zero(t, x, i)
		}
	}
	m.fs.Put(m.task, ip)
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, d))
}

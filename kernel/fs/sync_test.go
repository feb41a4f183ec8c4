package fs_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/errno"
)

// A Sync of an inode that lost its slot since it was changed, and has got another, makes the change last all the same.
func TestFS_G3_SyncOfWhatWasForgotten(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	o := small
	o.PerGroup = 256
	format(t, d, o)
	m := mountIt(t, d, hostfs.Small)
	others := 2 * hostfs.Small.Inodes
	for i := range others {
		m.fs.Put(m.task, m.create(fmt.Sprint("other", i)))
	}
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	ip := m.create("a")
	_, e := m.fs.Write(m.task, ip, 0, pattern(5000, 'x'))
	require.Equal(t, errno.OK, e)
	m.fs.Put(m.task, ip)
	for i := range others { // each takes a slot
		m.file(fmt.Sprint("other", i), func(*fs.Inode) {})
	}
	m.file("a", func(ip *fs.Inode) { require.Equal(t, errno.OK, m.fs.Sync(m.task, ip)) })

	left := mountIt(t, d.Clone(), hostfs.Small) // what a crash leaves
	found := false
	left.file("a", func(ip *fs.Inode) {
		var st fs.Stat
		left.fs.Stat(left.task, ip, &st)
		found = st.Size == 5000
	})
	require.True(t, found, "a file that was synced")
	left.unmount()
	m.unmount()
}

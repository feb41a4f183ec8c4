//go:build explore

package fs_test

import (
	"bytes"
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// createIn is a thread that makes an empty file in a directory.
func createIn(dir string) func(m *mount, task *fs.Task) errno.Errno {
	return func(m *mount, task *fs.Task) errno.Errno {
		return within(m, task, dir, func(dir *fs.Inode) errno.Errno {
			ip, e := m.fs.Create(task, dir, []byte("new"), fs.Attr{})
			if e == errno.OK {
				m.fs.Put(task, ip)
			}
			return e
		})
	}
}

// Two files are made at once, and their inodes are the first ones of a block that was never written: whoever comes second
// finds that block made.
func TestExplore_FS_G1_TwoInodesOfANewBlock(t *testing.T) {
	s := newStage(t, func(m *mount) {
		m.mkdir("a")
		m.mkdir("b")
		last := uint32(0)
		for i := 0; last < disk.PerBlock; i++ {
			ip := m.create(fmt.Sprint(i))
			last = ip.Number()
			m.fs.Put(m.task, ip)
		}
	})
	s.explored(t, nil, nil, createIn("a"), createIn("b"))
}

func syncAll(m *mount, task *fs.Task) errno.Errno { return m.fs.SyncAll(task) }

// touch changes an inode.
func (m *mount) touch() {
	must(m.fs.SetAttr(m.task, m.root, fs.SetMode, &fs.Stat{Mode: 0o755}))
}

// A directory's only block is freed, and while a checkpoint still writes what it was, another directory is given it: there is
// no other.
func TestExplore_FS_G1_CheckpointOfAFreedBlock(t *testing.T) {
	s := newStage(t, func(m *mount) {
		m.mkdir("a")
		m.mkdir("b")
		must(createIn("a")(m, m.task))
		m.fill(0)
	})
	head := func() *block.Page { return s.m.d.(*hostdisk.Overlay).At(disk.LogStart) }
	commits := 0 // until one has a checkpoint
	s.mount(t, 1)
	for before := head(); head() == before; commits++ {
		s.m.touch()
		must(s.m.fs.SyncAll(s.m.task))
	}
	require.NoError(t, s.leave())
	var before *block.Page
	checkpoints := 0
	s.explored(t, func(m *mount) {
		for range commits - 1 {
			m.touch()
			must(m.fs.SyncAll(m.task))
		}
		must(within(m, m.task, "a", func(dir *fs.Inode) errno.Errno { return m.fs.Unlink(m.task, dir, []byte("new")) }))
		before = head()
	}, func(m *mount) error {
		if head() != before {
			checkpoints++
		}
		return nil
	}, syncAll, createIn("b"))
	require.Greater(t, checkpoints, 500)
}

// A file is cut while the transaction in which it was written is being committed. What was written need not be written any
// more, but for that transaction: if the power fails after it, the file has its bytes, not what was in its block before.
func TestExplore_FS_G2_G4_CutWhileCommitting(t *testing.T) {
	s := newStage(t, func(m *mount) { m.fs.Put(m.task, m.create("f")) })
	want := pattern(3000, 1)
	other, again := hostfs.NewMemory(hostfs.Small), hostfs.NewTask()
	defer hostfs.Release(again)
	var after map[uint64]*block.Page // what is on the disk when the commit has been
	whole, empty := 0, 0
	s.explored(t, func(m *mount) {
		m.file("f", func(ip *fs.Inode) {
			_, e := m.fs.Write(m.task, ip, 0, want)
			must(e)
		})
	}, func(m *mount) error {
		n := &mount{t: t, fs: new(fs.FS), task: again}
		must(n.fs.Mount(again, &hostdisk.Overlay{Blocks: s.from.Blocks, Base: s.base, Pages: after}, other, &hostfs.Ticks{}, true))
		var e errno.Errno
		n.root, e = n.fs.Root(again)
		must(e)
		got := make([]byte, len(want)+1)
		n.file("f", func(ip *fs.Inode) {
			k, e := n.fs.Read(again, ip, 0, got)
			must(e)
			got = got[:k]
		})
		switch {
		case len(got) == 0:
			empty++
		case bytes.Equal(got, want):
			whole++
		default:
			return fmt.Errorf("of %d bytes, the file has %d others", len(want), len(got))
		}
		return nil
	}, func(m *mount, task *fs.Task) errno.Errno {
		e := m.fs.SyncAll(task)
		after = maps.Clone(m.d.(*hostdisk.Overlay).Pages)
		return e
	}, func(m *mount, task *fs.Task) errno.Errno {
		ip, e := m.fs.Lookup(task, m.root, []byte("f"))
		if e == errno.OK {
			e = m.fs.Truncate(task, ip, 0)
			m.fs.Put(task, ip)
		}
		return e
	})
	require.Greater(t, whole, 100)
	require.Greater(t, empty, 100)
}

// A file loses its last name while somebody ends the last use of it: one of the two frees what it had.
func TestExplore_FS_G1_UnlinkWhilePutting(t *testing.T) {
	s := newStage(t, func(m *mount) {
		m.fs.Put(m.task, m.create("new"))
		m.file("new", func(ip *fs.Inode) {
			_, e := m.fs.Write(m.task, ip, 0, pattern(3000, 1))
			must(e)
		})
	})
	var before fs.Space
	var ip *fs.Inode
	s.explored(t, func(m *mount) {
		before = m.fs.Space()
		var e errno.Errno
		ip, e = m.fs.Lookup(m.task, m.root, []byte("new"))
		must(e)
	}, func(m *mount) error {
		if now := m.fs.Space(); now.FreeBlocks != before.FreeBlocks+2 || now.FreeInodes != before.FreeInodes+1 {
			return fmt.Errorf("it was not freed: before %+v, now %+v", before, now)
		}
		return nil
	}, func(m *mount, task *fs.Task) errno.Errno {
		m.fs.Put(task, ip)
		return errno.OK
	}, func(m *mount, task *fs.Task) errno.Errno {
		return m.fs.Unlink(task, m.root, []byte("new"))
	})
}

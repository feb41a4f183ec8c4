package fs_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/internal/seeds"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// mountKept mounts with an Opens of the caller's.
func mountKept(t *testing.T, d block.Device, o *fs.Opens) *mount {
	t.Helper()
	m := &mount{t: t, d: d, fs: new(fs.FS), task: hostfs.NewTask()}
	memory := hostfs.NewMemory(hostfs.Small)
	memory.Opens = o
	require.Equal(t, errno.OK, m.fs.Mount(m.task, d, memory, &hostfs.Ticks{}, true))
	var e errno.Errno
	m.root, e = m.fs.Root(m.task)
	require.Equal(t, errno.OK, e)
	return m
}

// letGo frees what Take returns, and says how many that were.
func (m *mount) letGo(o *fs.Opens) (n int) {
	for {
		key, ok := o.Take(m.task.C)
		if !ok {
			return n
		}
		require.Equal(m.t, errno.OK, m.fs.Release(m.task, key))
		n++
	}
}

// What is counted stays without a name, in whatever slot, is written and read, and is freed when the count ends; whenever the power
// fails in between, the next mount frees it.
func TestFS_Opens_G1_G2_WithoutAName(t *testing.T) {
	start := &hostdisk.Sparse{Blocks: 2000}
	format(t, start, small)
	d := hostdisk.NewRecorder(start)
	o := hostfs.NewOpens(2)
	m := mountKept(t, d, o)
	c := m.task.C
	free := m.fs.Space()
	ip := m.create("f")
	key := ip.OpenKey()
	ino, life := ip.Number(), ip.Generation()
	_, e := m.fs.Write(m.task, ip, 0, pattern(10_000, 1))
	require.Equal(t, errno.OK, e)
	require.True(t, o.Add(c, key))
	require.True(t, o.Add(c, key))
	m.fs.Put(m.task, ip)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("f")))
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	gone := len(d.Log()) // from here on there is no name

	for i := range 2 * hostfs.Small.Inodes { // its slot is another's
		name := string(rune('a' + i%26))
		m.fs.Put(m.task, m.create(name))
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte(name)))
	}
	_, e = m.fs.Get(m.task, ino, life)
	require.Equal(t, errno.Stale, e, "for who is not counted it is no more")
	_, e = m.fs.GetOpen(m.task, ino, life+1)
	require.Equal(t, errno.Stale, e, "another life")
	ip, e = m.fs.GetOpen(m.task, ino, life)
	require.Equal(t, errno.OK, e)
	require.Equal(t, errno.Stale, m.fs.Link(m.task, m.root, []byte("again"), ip))
	_, e = m.fs.Write(m.task, ip, 10_000, pattern(300_000, 2))
	require.Equal(t, errno.OK, e)
	require.Equal(t, errno.OK, m.fs.Truncate(m.task, ip, 200_000))
	got := make([]byte, 200_000)
	n, e := m.fs.Read(m.task, ip, 0, got)
	require.Equal(t, errno.OK, e)
	require.Equal(t, append(pattern(10_000, 1), pattern(300_000, 2)[:190_000]...), got[:n])
	require.Equal(t, errno.OK, m.fs.Sync(m.task, ip))
	m.fs.Put(m.task, ip)
	require.False(t, o.End(c, key), "one of two")
	require.Zero(t, m.letGo(o))
	ip, e = m.fs.GetOpen(m.task, ino, life)
	require.Equal(t, errno.OK, e)
	require.True(t, o.End(c, key), "the last")
	require.Equal(t, 1, m.letGo(o))
	require.Less(t, m.fs.Space().FreeBlocks, free.FreeBlocks, "somebody uses it")
	m.fs.Put(m.task, ip)
	require.Equal(t, free, m.fs.Space())
	_, e = m.fs.GetOpen(m.task, ino, life)
	require.Equal(t, errno.Stale, e)
	m.unmount()

	log := d.Log()
	for i := gone; i <= len(log); i += 1 + len(log)/200 {
		cut := after(start, log[:i])
		m := mountKept(t, cut, hostfs.NewOpens(2))
		for name := byte('a'); name <= 'z'; name++ { // one of them may be there
			m.fs.Unlink(m.task, m.root, []byte{name})
		}
		require.Equal(t, free, m.fs.Space(), "record %d", i)
		m.unmount()
		require.NoError(t, newCheckMemory().check(m.task, cut))
	}
}

// Who unmounts while something is counted leaves an orphan on a disk that agrees with itself, and the next mount frees it.
func TestFS_Opens_G1_Unmounted(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	format(t, d, small)
	o := hostfs.NewOpens(1)
	m := mountKept(t, d, o)
	free := m.fs.Space()
	ip := m.create("f")
	require.True(t, o.Add(m.task.C, ip.OpenKey()))
	require.False(t, o.Add(m.task.C, 99), "there is no room")
	_, e := m.fs.Write(m.task, ip, 0, pattern(100_000, 1))
	require.Equal(t, errno.OK, e)
	m.fs.Put(m.task, ip)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("f")))
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, d))
	m = mountIt(t, d, hostfs.Small)
	require.Equal(t, free, m.fs.Space())
	m.unmount()
}

// Tasks open, unlink and let go of the same few files at the same time: none is freed that somebody has, and none is left.
func TestFS_Opens_G1_G2_Together(t *testing.T) {
	const tasks, names = 4, 2
	done := 0
	seeds.Each(t, 5, func(r *rand.Rand) {
		d := &hostdisk.Sparse{Blocks: 4000}
		format(t, d, small)
		o := hostfs.NewOpens(tasks * names)
		m := mountKept(t, d, o)
		free := m.fs.Space()
		var all sync.WaitGroup
		for range tasks {
			pick := rand.New(rand.NewPCG(r.Uint64(), 0))
			all.Add(1)
			go func() {
				defer all.Done()
				task := hostfs.NewTask()
				defer hostfs.Release(task)
				w := &mount{t: t, fs: m.fs, task: task}
				for range 100 {
					name := []byte{byte('a' + pick.IntN(names))}
					ip, e := m.fs.Create(task, m.root, name, fs.Attr{})
					if e == errno.Exists {
						ip, e = m.fs.Lookup(task, m.root, name)
					}
					if e != errno.OK {
						continue
					}
					key := ip.OpenKey()
					if !o.Add(task.C, key) {
						t.Error("no room")
					}
					m.fs.Put(task, ip)
					m.fs.Unlink(task, m.root, name)
					ip, e = m.fs.GetOpen(task, uint32(key), uint32(key>>32))
					if e != errno.OK {
						t.Error("what is counted is gone: ", e)
						return
					}
					if _, e := m.fs.Write(task, ip, uint64(pick.IntN(20_000)), pattern(5000, 1)); e != errno.OK {
						t.Error("a write: ", e)
					}
					if pick.IntN(2) == 0 {
						m.fs.Put(task, ip)
						ip = nil
					}
					o.End(task.C, key)
					w.letGo(o)
					if ip != nil {
						m.fs.Put(task, ip)
					}
				}
			}()
		}
		all.Wait()
		m.letGo(o)
		for i := range names {
			m.fs.Unlink(m.task, m.root, []byte{byte('a' + i)})
		}
		require.Equal(t, free, m.fs.Space())
		m.unmount()
		require.NoError(t, newCheckMemory().check(m.task, d))
		done++
	})
	require.Positive(t, done)
}

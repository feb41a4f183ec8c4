package fs_test

import (
	"fmt"
	"math/rand/v2"
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
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
)

// victim is a disk with a bit of everything.
var victim = gosync.OnceValue(hostfs.NewVictim)

// mutate makes changes that data says to a copy of it.
func mutate(data []byte) *hostdisk.Sparse { return victim().Mutate(data) }

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
//
// Also kernel/fs/fsck/fsck.go: G3.
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

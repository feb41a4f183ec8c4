package hostload

import (
	"fmt"
	"maps"
	"math/rand/v2"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/internal/seeds"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/load"
)

// drive has the workers do so many operations each, as the kernel's torture/files does, and tells what it would print.
func drive(t *testing.T, d block.Device, seed uint64, n int, tell func(string)) {
	var lines gosync.Mutex
	say := func(line string) {
		lines.Lock()
		defer lines.Unlock()
		tell(line)
	}
	f, task := new(fs.FS), hostfs.NewTask()
	defer hostfs.Release(task)
	require.Equal(t, errno.OK, f.Mount(task, d, hostfs.NewMemory(hostfs.Small), &hostfs.Ticks{}, true))
	root, e := f.Root(task)
	require.Equal(t, errno.OK, e)
	var b [load.TopLen]byte
	top, e := f.Mkdir(task, root, load.Top(seed, &b), fs.Attr{Mode: 0o755})
	require.Equal(t, errno.OK, e)
	f.Put(task, root)
	var workers [load.Workers]load.Worker
	var dirs [load.Workers]load.Dirs
	var done [load.Workers]atomic.Uint32
	for i := range workers {
		var b [8]byte
		workers[i].Init(seed, i)
		dirs[i].Top = top
		dirs[i].Own, e = f.Mkdir(task, top, load.Own(i, &b), fs.Attr{Mode: 0o755})
		require.Equal(t, errno.OK, e)
	}
	require.Equal(t, errno.OK, f.SyncAll(task))
	say(fmt.Sprintf("%sbegins %016x", Prefix, seed))
	var all gosync.WaitGroup
	for i := range workers {
		all.Go(func() {
			task := hostfs.NewTask()
			defer hostfs.Release(task)
			w := &workers[i]
			for range n {
				op := w.Next()
				upTo, syncs := w.Syncs(op)
				var promise [load.Workers]uint32
				if op.Kind == load.SyncAll {
					for k := range done {
						promise[k] = done[k].Load()
					}
				}
				w.Do(f, task, &dirs[i], op)
				w.Apply(op)
				done[i].Store(w.Done)
				if promise[i] = upTo; syncs {
					say(fmt.Sprintf("%ssynced %d %d %d %d %d %d", Prefix, i, w.Done, promise[0], promise[1], promise[2], promise[3]))
				}
			}
			w.ReadAll(f, task, &dirs[i])
		})
	}
	all.Wait()
	for i := range workers {
		require.Empty(t, workers[i].Wrong, "worker %d", i)
		f.Put(task, dirs[i].Own)
	}
	f.Put(task, top)
	require.Equal(t, errno.OK, f.Unmount(task))
}

// The power fails at any moment while four workers are at it, and leaves any part of what was written since the last flush.
func TestLoad_CutAnywhere(t *testing.T) {
	cuts, promises := 0, 0
	seeds.Each(t, 4, func(r *rand.Rand) {
		d := &hostdisk.Sparse{Blocks: 4096}
		task := hostfs.NewTask()
		_, e := fs.Format(task, d, &fs.Options{Key: [2]uint64{r.Uint64(), r.Uint64()}}, new(block.Page))
		hostfs.Release(task)
		require.Equal(t, errno.OK, e)
		before := map[uint64]*block.Page{}
		d.Each(func(n uint64, p *block.Page) { before[n] = p })
		rec := hostdisk.NewRecorder(d)
		seed := r.Uint64()
		drive(t, rec, seed, 250, rec.Mark)
		log := rec.Log()
		for range 25 {
			cut := r.IntN(len(log) + 1)
			var l Load
			l.Boot()
			left := leave(r, before, log[:cut], func(line string) { require.NoError(t, l.Line(line)) })
			require.NoError(t, l.Check(&hostdisk.Overlay{Blocks: d.Blocks, Base: left, Pages: map[uint64]*block.Page{}}), "cut at %d of %d", cut, len(log))
			cuts++
			promises += l.Promises
		}
	})
	require.Equal(t, 100, cuts)
	require.Greater(t, promises, 1000)
}

// leave is what is left of a disk: all up to the last flush, and of what was written later any sectors.
func leave(r *rand.Rand, before map[uint64]*block.Page, log []hostdisk.Record, say func(string)) map[uint64]*block.Page {
	left := maps.Clone(before)
	last := 0
	for i, x := range log {
		if x.Flush {
			last = i
		}
	}
	for i, x := range log {
		switch {
		case x.Mark != "":
			say(x.Mark)
		case x.Flush:
		case i < last:
			left[x.Block] = x.Page
		default:
			p := block.Page{}
			if left[x.Block] != nil {
				p = *left[x.Block]
			}
			hostdisk.Tear(r, &p, x.Page)
			left[x.Block] = &p
		}
	}
	return left
}

// What is lost, changed, or was never made is found.
func TestLoad_SeesWhatIsWrong(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 4096}
	task := hostfs.NewTask()
	defer hostfs.Release(task)
	_, e := fs.Format(task, d, &fs.Options{Key: [2]uint64{1, 2}}, new(block.Page))
	require.Equal(t, errno.OK, e)
	var l Load
	l.Boot()
	drive(t, d, 7, 200, func(line string) { require.NoError(t, l.Line(line)) })
	require.NoError(t, l.Check(d))
	for what, harm := range map[string]func(f *fs.FS, dir *fs.Inode, name []byte, ip *fs.Inode) errno.Errno{
		"lost":   func(f *fs.FS, dir *fs.Inode, name []byte, ip *fs.Inode) errno.Errno { return f.Unlink(task, dir, name) },
		"longer": func(f *fs.FS, _ *fs.Inode, _ []byte, ip *fs.Inode) errno.Errno { return f.Truncate(task, ip, 99_999) },
		"a new one": func(f *fs.FS, dir *fs.Inode, _ []byte, ip *fs.Inode) errno.Errno {
			return f.Link(task, dir, []byte("w099"), ip)
		},
		"another byte": func(f *fs.FS, _ *fs.Inode, _ []byte, ip *fs.Inode) errno.Errno {
			var b [1]byte
			f.Read(task, ip, 0, b[:])
			b[0] ^= 1
			_, e := f.Write(task, ip, 0, b[:])
			return e
		},
	} {
		t.Run(what, func(t *testing.T) {
			d, l := d.Clone(), l
			l.before, l.dropped = maps.Clone(l.before), maps.Clone(l.dropped)
			f := new(fs.FS)
			require.Equal(t, errno.OK, f.Mount(task, d, hostfs.NewMemory(hostfs.Small), &hostfs.Ticks{}, true))
			root, _ := f.Root(task)
			var b [load.TopLen]byte
			top, e := f.Lookup(task, root, load.Top(7, &b))
			require.Equal(t, errno.OK, e)
			harmed := false
			entries := make([]fs.Entry, 40)
			n, _ := f.ReadDir(task, top, 0, entries)
			for i := range n {
				name := entries[i].Name[:entries[i].Len]
				if ip, e := f.Lookup(task, top, name); e == errno.OK && name[0] == 'w' && !harmed {
					var st fs.Stat
					if f.Stat(task, ip, &st); st.Size > 0 {
						harmed = harm(f, top, name, ip) == errno.OK
					}
					f.Put(task, ip)
				} else if e == errno.OK {
					f.Put(task, ip)
				}
			}
			require.True(t, harmed)
			f.Put(task, top)
			f.Put(task, root)
			require.Equal(t, errno.OK, f.Unmount(task))
			require.Error(t, l.Check(d))
			l.Boot() // after another boot
			require.Error(t, l.Check(d))
			require.NoError(t, l.Line(Prefix+"drops 7"))
			require.NoError(t, l.Check(d))
		})
	}
}

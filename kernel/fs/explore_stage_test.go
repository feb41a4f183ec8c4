//go:build explore

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
	"exo/kernel/sync"
	"exo/kernel/sync/explore"
)

// stage is a file system that explored threads use: the same memory each time, mounted anew on the same disk.
type stage struct {
	from   *hostdisk.Sparse
	shape  disk.Shape
	base   map[uint64]*block.Page
	memory *fs.Memory
	check  *checkMemory

	m     *mount
	tasks []*fs.Task
}

// newStage makes the disk, on which prepare does what the threads find done.
func newStage(t *testing.T, prepare func(m *mount)) *stage {
	from := &hostdisk.Sparse{Blocks: 2000}
	shape := format(t, from, small)
	m := mountIt(t, from, hostfs.Small)
	prepare(m)
	m.unmount()
	s := &stage{from: from, shape: shape, base: map[uint64]*block.Page{}, memory: hostfs.NewMemory(hostfs.Small), check: newCheckMemory()}
	from.Each(func(n uint64, p *block.Page) { s.base[n] = p })
	relax := sync.Relax
	sync.Relax = func(int) { explore.Yield() }
	t.Cleanup(func() { sync.Relax = relax })
	return s
}

// mount mounts a copy of it, with so many tasks, of which the first is m's.
func (s *stage) mount(t *testing.T, tasks int) {
	s.tasks = nil
	for i := range tasks {
		task := &fs.Task{}
		task.Init(&sync.Context{CPU: i, Sleeper: new(explore.Permit)}, new(block.Page))
		s.tasks = append(s.tasks, task)
	}
	d := &hostdisk.Overlay{Blocks: s.from.Blocks, Base: s.base, Pages: map[uint64]*block.Page{}}
	s.m = &mount{t: t, d: d, fs: new(fs.FS), task: s.tasks[0]}
	must(s.m.fs.Mount(s.m.task, d, s.memory, &hostfs.Ticks{}, true))
	var e errno.Errno
	s.m.root, e = s.m.fs.Root(s.m.task)
	must(e)
}

// leave unmounts it, and says what is wrong with the disk; or that there is something that has no name.
func (s *stage) leave() error {
	s.m.fs.Put(s.m.task, s.m.root)
	if e := s.m.fs.Unmount(s.m.task); e != errno.OK {
		return fmt.Errorf("unmount: %w", e)
	}
	if p := s.m.d.(*hostdisk.Overlay).At(s.shape.GroupAt(0)); disk.Orphans(p) > 0 {
		return fmt.Errorf("%d inodes are left that have no name", disk.Orphans(p))
	}
	return s.check.check(s.m.task, s.m.d)
}

func must(e errno.Errno) {
	if e != errno.OK {
		panic(e)
	}
}

// explored runs threads, each with a task of its own, with one switch at every place where there can be one. Before, ready
// does what must be fresh each time; afterwards, done looks at what is there; both may be nil. Each operation goes well, and
// nothing is wrong with the disk at the end.
func (s *stage) explored(t *testing.T, ready func(m *mount), done func(m *mount) error, threads ...func(m *mount, task *fs.Task) errno.Errno) {
	errors := make([]errno.Errno, len(threads))
	explore.Exhaustive(t, explore.Config{Preemptions: 1, Steps: 100_000, AtLeast: 400}, func(x *explore.Run) ([]func(), func() error) {
		s.mount(t, len(threads))
		if ready != nil {
			ready(s.m)
		}
		var run []func()
		for i, f := range threads {
			run = append(run, func() { errors[i] = f(s.m, s.tasks[i]) })
		}
		return run, func() error {
			for i, e := range errors {
				if e != errno.OK {
					return fmt.Errorf("task %d: %w", i, e)
				}
			}
			if done != nil {
				if err := done(s.m); err != nil {
					return err
				}
			}
			return s.leave()
		}
	})
}

// within runs f with a directory below the root, in use.
func within(m *mount, task *fs.Task, dir string, f func(dir *fs.Inode) errno.Errno) errno.Errno {
	ip, e := m.fs.Lookup(task, m.root, []byte(dir))
	if e != errno.OK {
		return e
	}
	e = f(ip)
	m.fs.Put(task, ip)
	return e
}

// mkdir makes a directory below the root.
func (m *mount) mkdir(name string) {
	ip, e := m.fs.Mkdir(m.task, m.root, []byte(name), fs.Attr{})
	require.Equal(m.t, errno.OK, e)
	m.fs.Put(m.task, ip)
}

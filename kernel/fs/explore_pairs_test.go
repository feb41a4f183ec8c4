//go:build explore

package fs_test

import (
	"fmt"
	"slices"
	"testing"

	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync/explore"
)

// onFile makes an operation on the file f below a.
func onFile(f func(m *mount, task *fs.Task, ip *fs.Inode) errno.Errno) func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
	return func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		ip, e := m.fs.Lookup(task, a, []byte("f"))
		if e == errno.OK {
			e = f(m, task, ip)
			m.fs.Put(task, ip)
		}
		return e
	}
}

// made ends the use of what was made.
func made(m *mount, task *fs.Task, ip *fs.Inode, e errno.Errno) errno.Errno {
	if e == errno.OK {
		m.fs.Put(task, ip)
	}
	return e
}

// pairOps are operations on two directories, a and b. a has a file f, which is called g too, of two blocks, an empty directory
// d and a link of one block, l.
var pairOps = []struct {
	name string
	do   func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno
}{
	{"create", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		ip, e := m.fs.Create(task, b, []byte("x"), fs.Attr{})
		return made(m, task, ip, e)
	}},
	{"mkdir in d", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		d, e := m.fs.Lookup(task, a, []byte("d"))
		if e == errno.OK {
			var ip *fs.Inode
			ip, e = m.fs.Mkdir(task, d, []byte("x"), fs.Attr{})
			made(m, task, ip, e)
			m.fs.Put(task, d)
		}
		return e
	}},
	{"symlink", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		ip, e := m.fs.Symlink(task, a, []byte("x"), fs.Attr{}, pattern(300, 1))
		return made(m, task, ip, e)
	}},
	{"link", onFile(func(m *mount, task *fs.Task, ip *fs.Inode) errno.Errno {
		return m.fs.Link(task, m.root, []byte("x"), ip)
	})},
	{"unlink f", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno { return m.fs.Unlink(task, a, []byte("f")) }},
	{"unlink g", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno { return m.fs.Unlink(task, a, []byte("g")) }},
	{"unlink l", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno { return m.fs.Unlink(task, a, []byte("l")) }},
	{"rmdir", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno { return m.fs.Rmdir(task, a, []byte("d")) }},
	{"rename f over l", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		return m.fs.Rename(task, a, []byte("f"), a, []byte("l"))
	}},
	{"rename d", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		return m.fs.Rename(task, a, []byte("d"), b, []byte("d"))
	}},
	{"rename a into b", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		return m.fs.Rename(task, m.root, []byte("a"), b, []byte("a"))
	}},
	{"append", onFile(func(m *mount, task *fs.Task, ip *fs.Inode) errno.Errno {
		_, e := m.fs.Write(task, ip, 7000, pattern(8000, 2))
		return e
	})},
	{"overwrite", onFile(func(m *mount, task *fs.Task, ip *fs.Inode) errno.Errno {
		_, e := m.fs.Write(task, ip, 0, pattern(block.Size, 3))
		return e
	})},
	{"truncate", onFile(func(m *mount, task *fs.Task, ip *fs.Inode) errno.Errno { return m.fs.Truncate(task, ip, 100) })},
	{"read", onFile(func(m *mount, task *fs.Task, ip *fs.Inode) errno.Errno {
		_, e := m.fs.Read(task, ip, 0, make([]byte, 9000))
		return e
	})},
	{"read l", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		ip, e := m.fs.Lookup(task, a, []byte("l"))
		if e == errno.OK {
			_, e = m.fs.ReadLink(task, ip, make([]byte, 1000))
			m.fs.Put(task, ip)
		}
		return e
	}},
	{"list", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		_, e := m.fs.ReadDir(task, a, 0, make([]fs.Entry, 10))
		return e
	}},
	{"get", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno {
		for _, ino := range []uint32{5, 7, 8} { // f, l, and what is not there yet
			ip, e := m.fs.Get(task, ino, 0)
			if made(m, task, ip, e); e != errno.OK && e != errno.Stale {
				return e
			}
		}
		return errno.OK
	}},
	{"sync", func(m *mount, task *fs.Task, a, b *fs.Inode) errno.Errno { return m.fs.SyncAll(task) }},
}

// Any two operations at once, with one switch at every place where there can be one: each happens or is refused for a reason
// that can be, and afterwards nothing is wrong, and nothing is left that has no name.
func TestExplore_FS_G1_G5_Pairs(t *testing.T) {
	s := newStage(t, func(m *mount) {
		m.mkdir("a")
		m.mkdir("b")
		m.fs.Put(m.task, m.create("cut"))
		m.file("cut", func(ip *fs.Inode) {
			_, e := m.fs.Write(m.task, ip, 0, pattern(300, 1))
			must(e)
		})
		must(within(m, m.task, "a", func(a *fs.Inode) errno.Errno {
			ip, e := m.fs.Create(m.task, a, []byte("f"), fs.Attr{})
			must(e)
			_, e = m.fs.Write(m.task, ip, 0, pattern(2*block.Size, 1))
			must(e)
			must(m.fs.Link(m.task, a, []byte("g"), ip))
			m.fs.Put(m.task, ip)
			ip, e = m.fs.Mkdir(m.task, a, []byte("d"), fs.Attr{})
			must(made(m, m.task, ip, e))
			ip, e = m.fs.Symlink(m.task, a, []byte("l"), fs.Attr{}, pattern(300, 1))
			return made(m, m.task, ip, e)
		}))
	})
	may := []errno.Errno{errno.OK, errno.NotFound, errno.Exists, errno.Stale, errno.NotEmpty, errno.Loop, errno.NotLink}
	happened, ran := map[string]int{}, 0
	for i, p := range pairOps {
		for _, q := range pairOps[i:] {
			t.Run(p.name+" and "+q.name, func(t *testing.T) {
				ran++
				explore.Exhaustive(t, explore.Config{Preemptions: 1, Steps: 100_000, AtLeast: 2}, func(x *explore.Run) ([]func(), func() error) {
					s.mount(t, 2)
					m := s.m
					// The group has its page of busy blocks already: making one takes some hundreds of steps.
					m.file("cut", func(ip *fs.Inode) { must(m.fs.Truncate(m.task, ip, 0)) })
					a, e := m.fs.Lookup(m.task, m.root, []byte("a"))
					must(e)
					b, e := m.fs.Lookup(m.task, m.root, []byte("b"))
					must(e)
					var es [2]errno.Errno
					return []func(){
							func() { es[0] = p.do(m, s.tasks[0], a, b) }, func() { es[1] = q.do(m, s.tasks[1], a, b) },
						}, func() error {
							m.fs.Put(m.task, a)
							m.fs.Put(m.task, b)
							for i, name := range []string{p.name, q.name} {
								if !slices.Contains(may, es[i]) {
									return fmt.Errorf("%s: %w", name, es[i])
								}
								if es[i] == errno.OK {
									happened[name]++
								}
							}
							return s.leave()
						}
				})
			})
		}
	}
	if ran < len(pairOps)*(len(pairOps)+1)/2 {
		t.Logf("%d pairs, for the others were not asked for", ran)
		return
	}
	for _, p := range pairOps {
		if happened[p.name] == 0 {
			t.Errorf("%s never happened", p.name)
		}
	}
}

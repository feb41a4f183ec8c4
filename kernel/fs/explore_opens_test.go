//go:build explore

package fs_test

import (
	"fmt"
	"testing"

	"exo/kernel/fs"
	"exo/kernel/fs/errno"
)

// A file loses its last name while somebody who is counted uses it and lets it go, while somebody opens it by that name, and while
// one uses it who is not counted any more. Who is counted has it, and in the end it is freed, once.
func TestExplore_FS_Opens_G1_G2(t *testing.T) {
	name := []byte("new")
	s := newStage(t, func(m *mount) {
		m.fs.Put(m.task, m.create("new"))
		m.file("new", func(ip *fs.Inode) {
			_, e := m.fs.Write(m.task, ip, 0, pattern(3000, 1))
			must(e)
		})
	})
	var before fs.Space
	var key uint64
	o := s.memory.Opens
	freed := func(m *mount) error {
		if now := m.fs.Space(); now.FreeBlocks != before.FreeBlocks+2 || now.FreeInodes != before.FreeInodes+1 {
			return fmt.Errorf("it was not freed: before %+v, now %+v", before, now)
		}
		return nil
	}
	counted := func(m *mount) {
		before = m.fs.Space()
		ip, e := m.fs.Lookup(m.task, m.root, name)
		must(e)
		if key = ip.OpenKey(); !o.Add(m.task.C, key) {
			panic("no room")
		}
		m.fs.Put(m.task, ip)
	}
	uses := func(m *mount, task *fs.Task, key uint64) errno.Errno {
		ip, e := m.fs.GetOpen(task, uint32(key), uint32(key>>32))
		if e == errno.OK {
			_, e = m.fs.Write(task, ip, 0, pattern(1000, 2))
			m.fs.Put(task, ip)
		}
		return e
	}
	ends := func(m *mount, task *fs.Task, key uint64) errno.Errno {
		if !o.End(task.C, key) {
			return errno.OK
		}
		gone, ok := o.Take(task.C)
		if !ok || gone != key {
			return errno.Corrupt
		}
		return m.fs.Release(task, gone)
	}
	unlinks := func(m *mount, task *fs.Task) errno.Errno { return m.fs.Unlink(task, m.root, name) }
	t.Run("used", func(t *testing.T) {
		s.explored(t, counted, freed, unlinks, func(m *mount, task *fs.Task) errno.Errno {
			if e := uses(m, task, key); e != errno.OK {
				return e
			}
			return ends(m, task, key)
		})
	})
	t.Run("opened", func(t *testing.T) {
		s.explored(t, func(m *mount) { before = m.fs.Space() }, freed, unlinks, func(m *mount, task *fs.Task) errno.Errno {
			ip, e := m.fs.Lookup(task, m.root, name)
			if e == errno.NotFound {
				return errno.OK
			}
			if e != errno.OK || !o.Add(task.C, ip.OpenKey()) {
				return errno.Corrupt
			}
			key := ip.OpenKey()
			m.fs.Put(task, ip)
			if e := uses(m, task, key); e != errno.OK {
				return e
			}
			return ends(m, task, key)
		})
	})
	t.Run("let go", func(t *testing.T) {
		s.explored(t, counted, freed, unlinks, func(m *mount, task *fs.Task) errno.Errno {
			return ends(m, task, key)
		}, func(m *mount, task *fs.Task) errno.Errno {
			if e := uses(m, task, key); e != errno.Stale {
				return e
			}
			return errno.OK
		})
	})
}

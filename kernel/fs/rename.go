package fs

import (
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// Rename makes a name lead where another led, and takes that away, at one moment. What the new name led to loses it: it must
// be a directory, and empty, if what moves is one, and else none. If both lead to one inode nothing happens. The errors:
// Loop: a directory would come to lie in itself; NotEmpty, IsDirectory, NotDirectory, and Create's and Unlink's.
func (f *FS) Rename(t *Task, from *Inode, name []byte, to *Inode, target []byte) errno.Errno {
	if e := checkName(name); e != errno.OK {
		return e
	}
	if e := checkName(target); e != errno.OK {
		return e
	}
	switch {
	case !f.write:
		return errno.ReadOnly
	case from.Type() != disk.TypeDir || to.Type() != disk.TypeDir:
		return errno.NotDirectory
	}
	if from != to { // a directory may get another parent: while none else does, who is whose ancestor stays
		f.rename.Lock(t.C)
		defer f.rename.Unlock(t.C)
	}
	for tries := 0; ; {
		m := move{from: from, name: name, to: to, target: target}
		e := m.find(t, f)
		again := false
		if e == errno.OK {
			if e = f.journal.Begin(t.base(), 2*nameCost+3+dropCost, 0); e == errno.OK {
				again, e = m.try(t, f)
				f.journal.End(t.base())
			}
		}
		m.put(t, f)
		if !again && !f.again(t, e, &tries) {
			return e
		}
	}
}

// move is a rename.
type move struct {
	from, to     *Inode
	name, target []byte
	what, over   *Inode // in use; over is nil if the target is not there
}

func (m *move) put(t *Task, f *FS) {
	if m.what != nil {
		f.Put(t, m.what)
	}
	if m.over != nil {
		f.Put(t, m.over)
	}
}

// find finds out which inodes the move is about, and whether it makes a loop. try sees whether that is still so.
func (m *move) find(t *Task, f *FS) (e errno.Errno) {
	if m.what, e = f.Lookup(t, m.from, m.name); e != errno.OK {
		return e
	}
	if m.over, e = f.Lookup(t, m.to, m.target); e != errno.OK && e != errno.NotFound {
		return e
	}
	if m.what.Type() != disk.TypeDir || m.from == m.to {
		if m.what == m.to {
			return errno.Corrupt
		}
		return errno.OK
	}
	return m.loop(t, f)
}

// loop goes from the new parent to the root, and says Loop if it comes by what moves.
func (m *move) loop(t *Task, f *FS) errno.Errno {
	at := m.to
	f.Use(at)
	for steps := 0; ; steps++ {
		at.lock.Lock(t.C)
		ino, up := at.ino, at.d.Parent
		at.lock.Unlock(t.C)
		f.Put(t, at)
		switch {
		case ino == m.what.ino:
			return errno.Loop
		case ino == disk.Root:
			return errno.OK
		case steps > maxDepth || up == 0:
			return errno.Corrupt
		}
		var e errno.Errno
		if at, e = f.Get(t, up, 0); e != errno.OK {
			return e
		}
	}
}

// maxDepth is how deep directories lie that can be moved into.
const maxDepth = 100_000

// try does it, unless one of the names leads elsewhere by now: then again.
func (m *move) try(t *Task, f *FS) (again bool, e errno.Errno) {
	var set dirs
	set.add(m.from)
	set.add(m.to)
	if m.over != nil && m.over.Type() == disk.TypeDir {
		set.add(m.over)
	}
	for _, i := range set.all[:set.n] {
		f.inodes[i].names.Lock(t.C)
	}
	again, e = m.locked(t, f)
	for _, i := range set.all[:set.n] {
		f.inodes[i].names.Unlock(t.C)
	}
	return again, e
}

func (m *move) locked(t *Task, f *FS) (again bool, e errno.Errno) {
	hash := f.shape.Hash(m.target)
	s, e := f.search(t, m.from, f.shape.Hash(m.name), m.name)
	f.leave(t)
	if e == errno.NotFound || e == errno.OK && s.Ino != m.what.ino {
		return true, errno.OK
	}
	if e != errno.OK {
		return false, e
	}
	o, e := f.search(t, m.to, hash, m.target)
	f.leave(t)
	switch {
	case e == errno.OK && (m.over == nil || o.Ino != m.over.ino) || e == errno.NotFound && m.over != nil:
		return true, errno.OK
	case e != errno.OK && e != errno.NotFound:
		return false, e
	case m.to.d.Links == 0:
		return false, errno.Stale
	case m.over == m.what:
		return false, errno.OK
	}
	if m.over != nil {
		if e := m.mayReplace(); e != errno.OK {
			return false, e
		}
	}
	return false, m.perform(t, f, hash)
}

// mayReplace says whether what moves may take the place of what is there.
func (m *move) mayReplace() errno.Errno {
	switch dir, over := m.what.Type() == disk.TypeDir, m.over.Type() == disk.TypeDir; {
	case over && !dir:
		return errno.IsDirectory
	case dir && !over:
		return errno.NotDirectory
	case over && (m.over == m.from || m.over == m.to || m.over.d.Size > 0):
		return errno.NotEmpty
	}
	return errno.OK
}

// perform adds the new name, which may be refused for lack of space; from then on nothing is refused.
func (m *move) perform(t *Task, f *FS, hash uint64) errno.Errno {
	now := f.clock.WallNs()
	typ := uint8(m.what.Type() >> 12)
	if m.over == nil {
		if e := f.name(t, m.to, disk.Slot{Hash: hash, Ino: m.what.ino, Type: typ}, m.target, now); e != errno.OK {
			return e
		}
	} else if e := m.replace(t, f, hash, typ, now); e != errno.OK {
		return e
	}
	_, e := f.search(t, m.from, f.shape.Hash(m.name), m.name)
	if e == errno.OK {
		e = f.unname(t, m.from, now)
	}
	f.leave(t)
	if e != errno.OK {
		return f.stop(e)
	}
	m.what.lock.Lock(t.C)
	m.what.d.Ctime = now
	if typ == disk.TypeDir>>12 {
		m.what.d.Parent = m.to.ino
	}
	e = f.update(t, m.what)
	m.what.lock.Unlock(t.C)
	if e == errno.OK && m.over != nil {
		e = f.drop(t, m.over, now)
	}
	return e
}

// replace makes the name that is there lead to what moves.
func (m *move) replace(t *Task, f *FS, hash uint64, typ uint8, now int64) errno.Errno {
	_, e := f.search(t, m.to, hash, m.target)
	if e == errno.OK {
		b := t.nodes[t.depth-1]
		f.journal.Join(t.base(), b)
		disk.Point(b.Page, t.where[t.depth-1], m.what.ino, typ)
	}
	f.leave(t)
	if e != errno.OK {
		return e
	}
	m.to.lock.Lock(t.C)
	m.to.d.Mtime, m.to.d.Ctime = now, now
	e = f.update(t, m.to)
	m.to.lock.Unlock(t.C)
	return e
}

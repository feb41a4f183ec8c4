package load

import (
	"exo/kernel/fs"
	"exo/kernel/fs/errno"
)

// do.go: operations on a file system.

// Dirs are the directories that a worker's files lie in, in use: the shared one, and its own.
type Dirs struct{ Top, Own *fs.Inode }

// Do does an operation, the next one, and notes in Wrong what is not as it should be. It does not change what should be
// there: Apply does. The error is how it ended.
func (w *Worker) Do(f *fs.FS, t *fs.Task, d *Dirs, op Op) errno.Errno {
	name, dir := w.place(d, op.A, &w.a)
	e := errno.OK
	switch op.Kind {
	case SyncAll:
		e = f.SyncAll(t)
	case Create:
		var ip *fs.Inode
		if ip, e = f.Create(t, dir, name, fs.Attr{Mode: 0o644}); e == errno.OK {
			f.Put(t, ip)
		}
	case Unlink:
		e = f.Unlink(t, dir, name)
	case Rename:
		target, to := w.place(d, op.B, &w.b)
		e = f.Rename(t, dir, name, to, target)
	default:
		var ip *fs.Inode
		if ip, e = f.Lookup(t, dir, name); e == errno.OK {
			e = w.with(f, t, d, op, ip)
			f.Put(t, ip)
		}
	}
	if e != w.Expect(op) {
		w.wrong("an operation ended in another way")
	}
	return e
}

// place is where a name is.
func (w *Worker) place(d *Dirs, name uint8, b *[8]byte) ([]byte, *fs.Inode) {
	n, shared := w.Name(name, b)
	if shared {
		return n, d.Top
	}
	return n, d.Own
}

// with does what is done with a file that is in use.
func (w *Worker) with(f *fs.FS, t *fs.Task, d *Dirs, op Op, ip *fs.Inode) errno.Errno {
	switch op.Kind {
	case UnlinkUse:
		name, dir := w.place(d, op.A, &w.a)
		e := f.Unlink(t, dir, name)
		if m := w.At(op.A); e == errno.OK && m != nil && m.Links == 1 {
			return w.write(f, t, op, ip)
		}
		return e
	case Link:
		target, to := w.place(d, op.B, &w.b)
		return f.Link(t, to, target, ip)
	case Truncate:
		return f.Truncate(t, ip, uint64(op.At)*CellBytes)
	case Write:
		return w.write(f, t, op, ip)
	case Read:
		return w.read(f, t, op, ip)
	}
	return f.Sync(t, ip)
}

func (w *Worker) write(f *fs.FS, t *fs.Task, op Op, ip *fs.Inode) errno.Errno {
	w.first = uint64(op.At)
	n, e := f.WriteFrom(t, ip, w.first*CellBytes, int(op.Len)*CellBytes, w)
	if e == errno.OK && n != int(op.Len)*CellBytes {
		w.wrong("not all was written")
	}
	return e
}

func (w *Worker) read(f *fs.FS, t *fs.Task, op Op, ip *fs.Inode) errno.Errno {
	w.first, w.file, w.lost = uint64(op.At), w.At(op.A), false
	if w.file == nil {
		return errno.OK // there is one, and Do says that this is wrong
	}
	most := 0
	if op.At < w.file.Size {
		most = int(min(op.Len, w.file.Size-op.At)) * CellBytes
	}
	n, e := f.ReadTo(t, ip, w.first*CellBytes, int(op.Len)*CellBytes, w)
	if e == errno.OK && n != most {
		w.wrong("a file is of another length")
	}
	if w.lost {
		w.wrong("a file holds something else")
	}
	return e
}

// Get is for fs.Source: what the next operation writes.
func (w *Worker) Get(at int, b []byte) errno.Errno {
	for len(b) > 0 {
		from := at % CellBytes
		n := min(len(b), CellBytes-from)
		w.Fill(b[:n], w.Done+1, from)
		at, b = at+n, b[n:]
	}
	return errno.OK
}

// Put is for fs.Sink: it looks whether that is what should be there.
func (w *Worker) Put(at int, b []byte) errno.Errno {
	for len(b) > 0 {
		from := at % CellBytes
		n := min(len(b), CellBytes-from)
		if c := int(w.first) + at/CellBytes; c >= Cells || !w.Holds(b[:n], w.file.Cells[c], from) {
			w.lost = true
		}
		at, b = at+n, b[n:]
	}
	return errno.OK
}

func (w *Worker) wrong(what string) {
	if w.Wrong == "" {
		w.Wrong = what
	}
}

// ReadAll reads all of the worker's files, and counts them.
func (w *Worker) ReadAll(f *fs.FS, t *fs.Task, d *Dirs) (files int) {
	for name := range uint8(Names) {
		there := w.At(name) != nil
		if there {
			files++
		}
		for at := 0; at < Cells; at += most {
			w.Do(f, t, d, Op{Kind: Read, A: name, At: uint8(at), Len: uint8(min(most, Cells-at))})
		}
	}
	return files
}

// Sweeper removes directories. It is one task's.
type Sweeper struct {
	names   [sweepDepth][8]fs.Entry
	Removed uint64 // names
}

const sweepDepth = 3

// Remove removes a directory of others with all that is in it, directories in it included, but not in those.
func (s *Sweeper) Remove(f *fs.FS, t *fs.Task, dir *fs.Inode, name []byte) errno.Errno {
	return s.remove(f, t, dir, name, 0)
}

func (s *Sweeper) remove(f *fs.FS, t *fs.Task, dir *fs.Inode, name []byte, depth int) errno.Errno {
	if depth == sweepDepth {
		return errno.NotEmpty
	}
	s.Removed++
	e := f.Unlink(t, dir, name)
	if e != errno.IsDirectory {
		return e
	}
	ip, e := f.Lookup(t, dir, name)
	if e != errno.OK {
		return e
	}
	for e == errno.OK {
		var n int
		if n, e = f.ReadDir(t, ip, 0, s.names[depth][:]); n == 0 {
			break
		}
		for i := range n {
			x := &s.names[depth][i]
			if e = s.remove(f, t, ip, x.Name[:x.Len], depth+1); e != errno.OK {
				break
			}
		}
	}
	f.Put(t, ip)
	if e != errno.OK {
		return e
	}
	return f.Rmdir(t, dir, name)
}

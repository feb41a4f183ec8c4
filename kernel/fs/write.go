package fs

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// Write writes into a file from offset off on, and says how much: all, unless there is no more space. The errors: NotFile,
// FileLarge, NoSpace if nothing was written, ReadOnly, Stopped, IO, Corrupt, NoBuffers.
func (f *FS) Write(t *Task, ip *Inode, off uint64, from []byte) (int, errno.Errno) {
	t.bytes.B = from
	return f.WriteFrom(t, ip, off, len(from), &t.bytes)
}

// WriteFrom is Write from a Source. If it fails later than at once it says how much was written before, and no error.
func (f *FS) WriteFrom(t *Task, ip *Inode, off uint64, want int, from Source) (n int, e errno.Errno) {
	switch {
	case ip.Type() != disk.TypeFile:
		return 0, errno.NotFile
	case !f.write:
		return 0, errno.ReadOnly
	case want < 0 || off > disk.MaxFile || uint64(want) > disk.MaxFile-off:
		return 0, errno.FileLarge
	}
	most := min(pieceBlocks, f.journal.MaxData()-1)
	tries := 0
	for n < want {
		piece := min(want-n, most*blockSize-int(off%blockSize))
		w := writing{ip: ip, off: off, at: n, want: piece, from: from}
		e := w.run(t, f)
		n += w.n
		off += uint64(w.n)
		if e == errno.OK || f.again(t, e, &tries) {
			continue
		}
		if n > 0 {
			break
		}
		return 0, e
	}
	return n, errno.OK
}

// writing is a piece of a write: one operation.
type writing struct {
	ip   *Inode
	off  uint64
	at   int // the first byte's number in the whole
	want int
	n    int // written
	from Source
}

// extentCost is what one more extent changes at most: its group, and insert's.
const extentCost = 1 + insertCost

// run writes the piece. What was written before an error stays, and the inode says so.
func (w *writing) run(t *Task, f *FS) errno.Errno {
	ip := w.ip
	for {
		if e := f.journal.Begin(t.base(), 2*extentCost+2, int(blocksOf(uint64(w.want)))+2); e != errno.OK {
			return e
		}
		ip.lock.Lock(t.C)
		if !ip.d.Cut {
			break
		}
		ip.lock.Unlock(t.C)
		f.journal.End(t.base())
		if e := f.cutAll(t, ip); e != errno.OK {
			return e
		}
	}
	d := &ip.d
	e := errno.OK
	if w.off > d.Size {
		e = f.zeroTail(t, ip)
	}
	for e == errno.OK && w.n < w.want {
		var more bool
		if more, e = w.blocks(t, f); !more {
			break
		}
	}
	if w.n > 0 {
		d.Size = max(d.Size, w.off+uint64(w.n))
		d.Mtime = f.clock.WallNs()
		d.Ctime = d.Mtime
	}
	if e2 := f.update(t, ip); e == errno.OK { // in any case: the tree may have been split
		e = e2
	}
	ip.lock.Unlock(t.C)
	f.journal.End(t.base())
	return e
}

// zeroTail makes zeros of what the last block has beyond the file's end, before that moves.
func (f *FS) zeroTail(t *Task, ip *Inode) errno.Errno {
	lo := int(ip.d.Size % blockSize)
	if lo == 0 {
		return errno.OK
	}
	n, _, e := f.find(t, ip, uint32(ip.d.Size/blockSize), 1)
	if e != errno.OK || n == 0 {
		return e
	}
	b, e := f.cache.Read(&t.Task.Task, n, disk.Data)
	if e != errno.OK {
		return e
	}
	f.fill(t, b, lo, zeros[lo:])
	f.cache.Drop(b)
	return errno.OK
}

// blocks writes into the next blocks that lie in a row. more says that there is room in the operation for others.
func (w *writing) blocks(t *Task, f *FS) (more bool, e errno.Errno) {
	off := w.off + uint64(w.n)
	at := uint32(off / blockSize)
	n, count, e := f.find(t, w.ip, at, blocksOf(off%blockSize+uint64(w.want-w.n)))
	if e != errno.OK {
		return false, e
	}
	if n == 0 {
		if left, _ := t.Left(); left < extentCost+2 {
			return false, errno.OK
		}
		if n, count, e = w.grow(t, f, at, count); e == errno.OK {
			e = w.fresh(t, f, n, count)
		}
		return e == errno.OK, e
	}
	for i := range count {
		off := w.off + uint64(w.n)
		lo := int(off % blockSize)
		hi := min(blockSize, lo+w.want-w.n)
		if e := w.block(t, f, n+uint64(i), lo, hi); e != errno.OK {
			return false, e
		}
		w.n += hi - lo
	}
	return true, errno.OK
}

// grow puts blocks where a hole was, count at most, near those before it.
func (w *writing) grow(t *Task, f *FS, at, count uint32) (uint64, uint32, errno.Errno) {
	ip := w.ip
	goal := f.near(ip)
	if at > 0 {
		n, _, e := f.find(t, ip, at-1, 1)
		if e != errno.OK {
			return 0, 0, e
		}
		if n != 0 {
			goal = n + 1
		}
	}
	n, count, e := f.alloc(t, goal, count)
	if e != errno.OK {
		return 0, 0, e
	}
	if e := f.insert(t, ip, disk.Extent{At: at, Block: uint32(n), Len: count}); e != errno.OK {
		f.free(t, n, count, false)
		return 0, 0, e
	}
	ip.d.Blocks += count
	return n, count, errno.OK
}

// fresh writes into blocks that the file has just got, all of which the piece is for. Nobody sees what was there before, whatever goes
// wrong (G4): what is not written is zeroes.
func (w *writing) fresh(t *Task, f *FS, n uint64, count uint32) errno.Errno {
	e := errno.OK
	for i := range count {
		b, e2 := f.cache.FreshLocked(&t.Task.Task, n+uint64(i), disk.Data)
		if e2 != errno.OK {
			return f.stop(e2)
		}
		lo := int((w.off + uint64(w.n)) % blockSize)
		hi := min(blockSize, lo+w.want-w.n)
		clear(b.Page[:lo])
		clear(b.Page[hi:])
		if e == errno.OK {
			e = w.from.Get(w.at+w.n, b.Page[lo:hi])
		}
		if e == errno.OK {
			w.n += hi - lo
		} else {
			*b.Page = block.Page{}
		}
		f.journal.Data(t.base(), b)
		b.Lock.Unlock(t.C)
		f.cache.Drop(b)
	}
	return e
}

// block writes bytes lo to hi of block n of the disk, which the file had before.
func (w *writing) block(t *Task, f *FS, n uint64, lo, hi int) errno.Errno {
	var b *cache.Buffer
	var e errno.Errno
	if lo == 0 && hi == blockSize {
		b, e = f.cache.Whole(&t.Task.Task, n) // what is there need not be read
	} else {
		b, e = f.cache.Read(&t.Task.Task, n, disk.Data)
	}
	if e != errno.OK {
		return e
	}
	b.Lock.Lock(t.C)
	e = w.from.Get(w.at+w.n, b.Page[lo:hi])
	f.journal.Data(t.base(), b)
	b.Lock.Unlock(t.C)
	f.cache.Drop(b)
	return e
}

// Truncate makes a file so many bytes long. What is beyond is gone; what is added is a hole. The errors: NotFile, FileLarge,
// ReadOnly, Stopped, IO, Corrupt.
func (f *FS) Truncate(t *Task, ip *Inode, size uint64) errno.Errno {
	switch {
	case ip.Type() != disk.TypeFile:
		return errno.NotFile
	case !f.write:
		return errno.ReadOnly
	case size > disk.MaxFile:
		return errno.FileLarge
	}
	for {
		if e := f.journal.Begin(t.base(), cutReserve, 2); e != errno.OK {
			return e
		}
		ip.lock.Lock(t.C)
		again := ip.d.Cut
		more, e := false, errno.OK
		if !again {
			more, e = f.resize(t, ip, size)
		}
		ip.lock.Unlock(t.C)
		f.journal.End(t.base())
		if e == errno.OK && (again || more) {
			e = f.cutAll(t, ip)
		}
		if !again || e != errno.OK {
			return e
		}
	}
}

// resize changes a file's size in one operation, and says whether there is more to cut.
func (f *FS) resize(t *Task, ip *Inode, size uint64) (more bool, e errno.Errno) {
	d := &ip.d
	if size > d.Size {
		if e := f.zeroTail(t, ip); e != errno.OK {
			return false, e
		}
	}
	shorter := size < d.Size
	d.Size = size
	d.Mtime = f.clock.WallNs()
	d.Ctime = d.Mtime
	if shorter {
		done, e := f.cut(t, ip, blocksOf(size))
		if e != errno.OK {
			return false, f.stop(e)
		}
		if !done {
			d.Cut, more = true, true
			if d.Links > 0 {
				if e := f.orphan(t, ip, 1); e != errno.OK {
					return false, e
				}
			}
		}
	}
	return more, f.update(t, ip)
}

package fs

import (
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// Sink is where what is read goes: Put gets the bytes from number at on, in order. It may fail, and then the read ends. It is
// called with the inode's lock held: it does not wait for anything that may wait for this file system.
type Sink interface {
	Put(at int, b []byte) errno.Errno
}

// Source is where what is written comes from: Get fills b with the bytes from number at on. As with a Sink.
type Source interface {
	Get(at int, b []byte) errno.Errno
}

// Bytes is a Sink and a Source in memory.
type Bytes struct{ B []byte }

func (s *Bytes) Put(at int, b []byte) errno.Errno {
	copy(s.B[at:], b)
	return errno.OK
}

func (s *Bytes) Get(at int, b []byte) errno.Errno {
	copy(b, s.B[at:])
	return errno.OK
}

// pieceBlocks is how much is read or written at one moment (G1).
const pieceBlocks = 32

var zeros [blockSize]byte // what a hole holds

// Read copies what a file holds from offset off on, as far as it goes, and says how much. The errors: NotFile, IO, Corrupt,
// NoBuffers.
func (f *FS) Read(t *Task, ip *Inode, off uint64, into []byte) (int, errno.Errno) {
	t.bytes.B = into
	return f.ReadTo(t, ip, off, len(into), &t.bytes)
}

// ReadTo is Read to a Sink. If it fails later than at once it says how much was read before, and no error.
func (f *FS) ReadTo(t *Task, ip *Inode, off uint64, want int, to Sink) (n int, e errno.Errno) {
	if ip.Type() != disk.TypeFile {
		return 0, errno.NotFile
	}
	for n < want {
		piece := min(want-n, pieceBlocks*blockSize-int(off%blockSize))
		ip.lock.Lock(t.C)
		got, e := f.readPiece(t, ip, off, n, piece, to)
		ip.lock.Unlock(t.C)
		n += got
		off += uint64(got)
		if e != errno.OK && n == 0 {
			return 0, e
		}
		if e != errno.OK || got < piece {
			break
		}
	}
	return n, errno.OK
}

// readPiece reads up to want bytes, which are number at of the whole and later.
func (f *FS) readPiece(t *Task, ip *Inode, off uint64, at, want int, to Sink) (n int, e errno.Errno) {
	if off >= ip.d.Size {
		return 0, errno.OK
	}
	want = int(min(uint64(want), ip.d.Size-off))
	for n < want {
		block := uint32(off / blockSize)
		from, count, e := f.find(t, ip, block, blocksOf(off%blockSize+uint64(want-n)))
		if e != errno.OK {
			return n, e
		}
		for i := range count {
			lo := int(off % blockSize)
			hi := min(blockSize, lo+want-n)
			if from == 0 {
				e = to.Put(at+n, zeros[lo:hi])
			} else {
				e = f.readBlock(t, ip, block+i, from+uint64(i), at+n, lo, hi, to)
			}
			if e != errno.OK {
				return n, e
			}
			n += hi - lo
			off += uint64(hi - lo)
		}
	}
	return n, errno.OK
}

// readBlock reads from block i of a file, which is block n of the disk.
func (f *FS) readBlock(t *Task, ip *Inode, i uint32, n uint64, at, lo, hi int, to Sink) errno.Errno {
	b, e := f.cache.Hit(n, disk.Data), errno.OK
	if i == ip.ahead || b == nil && ip.ahead == 0 {
		f.readAhead(t, ip, i)
	}
	ip.next = i + 1
	if b == nil {
		if b, e = f.cache.Read(&t.Task.Task, n, disk.Data); e != errno.OK {
			return e
		}
	}
	e = to.Put(at, b.Page[lo:hi])
	f.cache.Drop(b)
	return e
}

// readAhead asks for the blocks from i on before they are needed, if the file seems to be read from one end to the other. When
// half of them have been read, the next are asked for: ip.ahead is that block, or 0.
func (f *FS) readAhead(t *Task, ip *Inode, i uint32) {
	first := i
	if i == ip.ahead {
		first += cache.AheadPages / 2
	}
	sequential := i == ip.next
	ip.ahead = 0
	if end := blocksOf(ip.d.Size); !sequential || first >= end || end-i < 2 {
		return
	}
	n, count, e := f.find(t, ip, first, min(cache.AheadPages, blocksOf(ip.d.Size)-first))
	if e != errno.OK || n == 0 {
		return
	}
	if got := f.cache.Ahead(&t.Task.Task, n, int(count)); got == cache.AheadPages {
		ip.ahead = first + cache.AheadPages/2
	}
}

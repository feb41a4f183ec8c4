// Package load is what files are tortured with: operations on files, one after another, drawn from a seed, and what should be
// there after each.
//
//	in the kernel   Next ── Do ── Apply ── Next …          a task with a Worker, on a file system
//	on a host       Next ──────── Apply ── Next …          the same Worker again, without one: what the kernel's has done
//
// So a host knows from a seed and a number of operations what should be on a disk whose power was cut
// (internal/hostload). It is no part of the file system.
//
// Start reading: Worker; then do.go.
package load

import (
	"exo/kernel/fs/errno"
	"exo/kernel/ktest"
)

const (
	Workers   = 4
	Names     = 12        // of a worker's files
	Shared    = Names / 2 // of these lie in a directory that all workers share, the others in one of its own
	Cells     = 64        // of a file, the unit in which it is written
	CellBytes = 700       // so that they lie across sectors and blocks

	// most is how many cells are written at once: of two blocks at most, for then a write is one operation of the file
	// system, whatever space is left.
	most = 5
)

// Kind is what an operation does, to the file of name A.
type Kind uint8

const (
	Create    Kind = iota
	Unlink         // take the name away
	UnlinkUse      // and, if it was the last, write into the file that has none any more
	Rename         // to name B
	Link           // one more name: B
	Truncate       // to At cells
	Write          // Len cells from At on
	Read           // as many
	Sync           // the file
	SyncAll        // everything
)

// Op is an operation.
type Op struct {
	Kind    Kind
	A, B    uint8
	At, Len uint8
}

// File is what a file should be. A cell holds the number of the operation that wrote it, 0: zeros.
type File struct {
	Born  uint32 // the number of the operation that made it
	Last  uint32 // and of the last that wrote or cut it
	Links uint8
	Size  uint8 // in cells
	Cells [Cells]uint32
}

// Worker is one task's operations. It is one task's.
type Worker struct {
	Done  uint32       // operations so far
	Names [Names]uint8 // which file each name leads to, + 1; 0: none
	Files [Names]File
	Wrong string // what was not as it should be, "" so far: Do's

	seed uint64
	i    int
	rand ktest.Rand

	a, b  [8]byte // names; they are not to be on the stack
	first uint64  // the cell at which a transfer begins
	file  *File   // what is being read
	lost  bool    // something else was there
}

// Init makes w worker i of a seed's.
func (w *Worker) Init(seed uint64, i int) {
	*w = Worker{seed: seed, i: i, rand: ktest.NewRand(seed ^ uint64(i+1)<<56)}
	w.rand = ktest.NewRand(w.rand.Uint64())
}

// Next draws the operation that comes next.
func (w *Worker) Next() (op Op) {
	r := &w.rand
	op.A, op.B = uint8(r.N(Names)), uint8(r.N(Names))
	op.At = uint8(r.N(Cells))
	op.Len = uint8(min(1+r.N(most), Cells-uint64(op.At)))
	switch n := r.N(32); {
	case n < 5:
		op.Kind = Create
	case n < 6:
		op.Kind = Unlink
	case n < 7:
		op.Kind = UnlinkUse
	case n < 10:
		op.Kind = Rename
	case n < 12:
		op.Kind = Link
	case n < 15:
		op.Kind = Truncate
	case n < 25:
		op.Kind = Write
	case n < 28:
		op.Kind = Read
	case n < 31:
		op.Kind = Sync
	default:
		op.Kind = SyncAll
	}
	return op
}

// At is the file that a name leads to, nil: none.
func (w *Worker) At(name uint8) *File {
	if w.Names[name] == 0 {
		return nil
	}
	return &w.Files[w.Names[name]-1]
}

// Expect is how an operation should end.
func (w *Worker) Expect(op Op) errno.Errno {
	switch there := w.At(op.A) != nil; {
	case op.Kind == SyncAll:
		return errno.OK
	case op.Kind == Create:
		if there {
			return errno.Exists
		}
		return errno.OK
	case !there:
		return errno.NotFound
	case op.Kind == Link && w.At(op.B) != nil:
		return errno.Exists
	}
	return errno.OK
}

// Syncs says whether an operation promises something, and up to which of the worker's operations.
func (w *Worker) Syncs(op Op) (upTo uint32, ok bool) {
	switch f := w.At(op.A); {
	case op.Kind == SyncAll:
		return w.Done, true
	case op.Kind == Sync && f != nil:
		return f.Last, true
	}
	return 0, false
}

// Apply makes it what comes after an operation, whether that was refused or not.
func (w *Worker) Apply(op Op) {
	refused := w.Expect(op) != errno.OK
	w.Done++
	if refused {
		return
	}
	f := w.At(op.A)
	switch op.Kind {
	case Create:
		for i := range w.Files {
			if f = &w.Files[i]; f.Links == 0 {
				*f = File{Born: w.Done, Last: w.Done, Links: 1}
				w.Names[op.A] = uint8(i + 1)
				break
			}
		}
	case Unlink, UnlinkUse:
		w.drop(op.A)
	case Rename:
		if f != w.At(op.B) {
			w.drop(op.B)
			w.Names[op.B], w.Names[op.A] = w.Names[op.A], 0
		}
	case Link:
		w.Names[op.B] = w.Names[op.A]
		f.Links++
	case Truncate:
		for i := int(op.At); i < Cells; i++ {
			f.Cells[i] = 0
		}
		f.Size, f.Last = op.At, w.Done
	case Write:
		for i := range op.Len {
			f.Cells[op.At+i] = w.Done
		}
		f.Size, f.Last = max(f.Size, op.At+op.Len), w.Done
	}
}

func (w *Worker) drop(name uint8) {
	if f := w.At(name); f != nil {
		f.Links--
		w.Names[name] = 0
	}
}

// Fill makes b what a cell holds from its byte number from on.
func (w *Worker) Fill(b []byte, cell uint32, from int) {
	word := w.word(cell)
	for i := range b {
		b[i] = at(word, from+i)
	}
}

// Holds says whether b is that.
func (w *Worker) Holds(b []byte, cell uint32, from int) bool {
	word := w.word(cell)
	for i := range b {
		if b[i] != at(word, from+i) {
			return false
		}
	}
	return true
}

// word is what a cell's bytes are made of; 0: they are zeros.
func (w *Worker) word(cell uint32) uint64 {
	if cell == 0 {
		return 0
	}
	r := ktest.NewRand(w.seed ^ uint64(w.i)<<32 ^ uint64(cell))
	return r.Uint64() | 1
}

func at(word uint64, i int) byte {
	if word == 0 {
		return 0
	}
	return byte(word>>(i%8*8)) + byte(i/8)
}

// Name writes the name of a file into b, and says whether it lies in the shared directory.
func (w *Worker) Name(name uint8, b *[8]byte) (_ []byte, shared bool) {
	shared = name < Shared
	b[0], b[1], b[2], b[3] = 'w', '0'+byte(w.i), '0'+name/10, '0'+name%10
	return b[:4], shared
}

// Own is the name of worker i's own directory, in the shared one.
func Own(i int, b *[8]byte) []byte {
	b[0], b[1] = 'd', '0'+byte(i)
	return b[:2]
}

// TopLen is the length of Top.
const TopLen = 20

// Top is the name of the shared directory of a seed: it lies in the root.
func Top(seed uint64, b *[TopLen]byte) []byte {
	const prefix, digits = "cut-", "0123456789abcdef"
	copy(b[:], prefix)
	for i := range 16 {
		b[len(prefix)+i] = digits[seed>>(60-4*i)&15]
	}
	return b[:]
}

// IsTop says whether a name is such a one, and of which seed.
func IsTop(name []byte) (seed uint64, ok bool) {
	if len(name) != TopLen || name[0] != 'c' || name[1] != 'u' || name[2] != 't' || name[3] != '-' {
		return 0, false
	}
	for _, c := range name[4:] {
		switch {
		case c >= '0' && c <= '9':
			seed = seed<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			seed = seed<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return seed, true
}

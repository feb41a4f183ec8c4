// Package disk keeps files in memory: for user/fsd, there is nowhere else to write to yet. It is a table of files with whole
// paths for names, and a chain of blocks for each (a file allocation table).
//
//	│ head, lock │ files … │ next block of each block … │ blocks of 1 KiB … │
//
// Callers: any thread of any program that has the memory, each call under a lock that lies there.
package disk

import (
	"strings"
	"sync/atomic"
	"unsafe"
)

// Sizes.
const (
	BlockSize = 1024
	MaxFiles  = 128
	MaxPath   = 79
)

const (
	free uint16 = 0xffff // next of a block: it is nobody's
	last uint16 = 0xfffe // it is a file's last
	none uint16 = 0xfffe // first of a file: it has no blocks
)

// Error is why something was refused.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons.
const (
	ErrNone     = Error("no such file")
	ErrExists   = Error("file exists")
	ErrFull     = Error("no space left")
	ErrName     = Error("bad file name")
	ErrNotEmpty = Error("folder not empty")
	ErrFolder   = Error("is a folder")
)

type inode struct {
	path   [MaxPath + 1]byte // ends with a 0; empty: free
	size   uint64
	life   uint32
	first  uint16
	folder bool
}

type head struct {
	magic, blocks uint64
	lock          atomic.Uint32
	files         [MaxFiles]inode
}

const magic = 0x315344_4f5845 // "EXODS1"

// Disk is the memory as a disk.
type Disk struct {
	h    *head
	next []uint16
	data []byte
	// Relax is called while the lock is waited for.
	Relax func()
}

// Ref is a file, by its place and how many others had that before.
type Ref struct{ Index, Life uint32 }

// Info tells about a file.
type Info struct {
	Path   string
	Size   uint64
	Folder bool
}

// Open makes a Disk of memory, which is empty if it is zero.
func Open(memory []byte, relax func()) *Disk {
	h := (*head)(unsafe.Pointer(unsafe.SliceData(memory))) // SAFETY: pages of memory, as large as the caller says
	at := (unsafe.Sizeof(head{}) + 7) &^ 7
	n := (uintptr(len(memory)) - at) / (BlockSize + 2)
	d := &Disk{h: h, Relax: relax}
	d.next = unsafe.Slice((*uint16)(unsafe.Add(unsafe.Pointer(h), at)), n)
	d.data = memory[uintptr(len(memory))-n*BlockSize:]
	d.lock()
	if h.magic != magic {
		for i := range d.next {
			d.next[i] = free
		}
		h.blocks, h.magic = uint64(n), magic
	}
	d.unlock()
	return d
}

func (d *Disk) lock() {
	for !d.h.lock.CompareAndSwap(0, 1) {
		d.Relax()
	}
}

func (d *Disk) unlock() { d.h.lock.Store(0) }

func (f *inode) name() string {
	n := 0
	for n < len(f.path) && f.path[n] != 0 {
		n++
	}
	return unsafe.String(&f.path[0], n)
}

func (f *inode) setName(s string) {
	f.path = [MaxPath + 1]byte{}
	copy(f.path[:MaxPath], s)
}

func (d *Disk) find(path string) int {
	for i := range d.h.files {
		if f := &d.h.files[i]; f.path[0] != 0 && f.name() == path {
			return i
		}
	}
	return -1
}

func (d *Disk) at(r Ref) (*inode, error) {
	if r.Index >= MaxFiles || d.h.files[r.Index].life != r.Life || d.h.files[r.Index].path[0] == 0 {
		return nil, ErrNone
	}
	return &d.h.files[r.Index], nil
}

// Lookup finds a file.
func (d *Disk) Lookup(path string) (Ref, Info, error) {
	d.lock()
	defer d.unlock()
	i := d.find(path)
	if i < 0 {
		return Ref{}, Info{}, ErrNone
	}
	f := &d.h.files[i]
	return Ref{uint32(i), f.life}, f.info(), nil
}

func (f *inode) info() Info { return Info{strings.Clone(f.name()), f.size, f.folder} }

// Stat tells about a file.
func (d *Disk) Stat(r Ref) (Info, error) {
	d.lock()
	defer d.unlock()
	f, err := d.at(r)
	if err != nil {
		return Info{}, err
	}
	return f.info(), nil
}

// Create makes an empty file or folder. Errors: ErrExists, ErrName, ErrFull.
func (d *Disk) Create(path string, folder bool) (Ref, error) {
	if path == "" || len(path) > MaxPath {
		return Ref{}, ErrName
	}
	d.lock()
	defer d.unlock()
	if d.find(path) >= 0 {
		return Ref{}, ErrExists
	}
	for i := range d.h.files {
		if f := &d.h.files[i]; f.path[0] == 0 {
			f.size, f.first, f.folder = 0, none, folder
			f.life++
			f.setName(path)
			return Ref{uint32(i), f.life}, nil
		}
	}
	return Ref{}, ErrFull
}

// Read reads from an offset on; 0: that is the end or behind it.
func (d *Disk) Read(r Ref, offset uint64, p []byte) (n int, err error) {
	d.lock()
	defer d.unlock()
	f, err := d.at(r)
	if err != nil || offset >= f.size {
		return 0, err
	}
	p = p[:min(uint64(len(p)), f.size-offset)]
	b := f.first
	for range offset / BlockSize {
		b = d.next[b]
	}
	for in := offset % BlockSize; n < len(p); in = 0 {
		n += copy(p[n:], d.data[uint64(b)*BlockSize+in:uint64(b+1)*BlockSize])
		b = d.next[b]
	}
	return n, nil
}

// Write writes from an offset on, at the end if that is asked for; what was between the end and there is zero. at is where it
// wrote. Errors: ErrFull, with n bytes written.
func (d *Disk) Write(r Ref, offset uint64, end bool, p []byte) (n int, at uint64, err error) {
	d.lock()
	defer d.unlock()
	f, err := d.at(r)
	if err != nil {
		return 0, 0, err
	}
	if end {
		offset = f.size
	}
	at = offset
	b, index := &f.first, uint64(0)
	for n < len(p) {
		if *b == last {
			fresh := d.take()
			if fresh == free {
				return n, at, ErrFull
			}
			*b = fresh
		}
		if index == offset/BlockSize {
			in := offset % BlockSize
			k := copy(d.data[uint64(*b)*BlockSize+in:uint64(*b+1)*BlockSize], p[n:])
			n += k
			offset += uint64(k)
			f.size = max(f.size, offset)
		}
		b = &d.next[*b]
		index++
	}
	return n, at, nil
}

// take finds a free block, zeroes it and makes it a last one.
func (d *Disk) take() uint16 {
	for i := range d.next {
		if d.next[i] == free {
			d.next[i] = last
			clear(d.data[i*BlockSize : (i+1)*BlockSize])
			return uint16(i)
		}
	}
	return free
}

// Truncate makes a file empty.
func (d *Disk) Truncate(r Ref) error {
	d.lock()
	defer d.unlock()
	f, err := d.at(r)
	if err != nil {
		return err
	}
	d.empty(f)
	return nil
}

func (d *Disk) empty(f *inode) {
	for b := f.first; b != last; {
		b, d.next[b] = d.next[b], free
	}
	f.first, f.size = none, 0
}

// Remove removes a file, or a folder that nothing is in.
func (d *Disk) Remove(path string) error {
	d.lock()
	defer d.unlock()
	i := d.find(path)
	if i < 0 {
		return ErrNone
	}
	f := &d.h.files[i]
	if f.folder && d.inside(path) {
		return ErrNotEmpty
	}
	d.empty(f)
	f.life++
	f.path[0] = 0
	return nil
}

func (d *Disk) inside(folder string) bool {
	for i := range d.h.files {
		if n := d.h.files[i].name(); len(n) > len(folder) && n[len(folder)] == '/' && strings.HasPrefix(n, folder) {
			return true
		}
	}
	return false
}

// Rename gives a file another path; another file there is removed. Folders keep their names.
func (d *Disk) Rename(from, to string) error {
	if to == "" || len(to) > MaxPath {
		return ErrName
	}
	d.lock()
	defer d.unlock()
	i, j := d.find(from), d.find(to)
	switch {
	case i < 0:
		return ErrNone
	case d.h.files[i].folder || j >= 0 && d.h.files[j].folder:
		return ErrFolder
	case i == j:
		return nil
	case j >= 0:
		d.empty(&d.h.files[j])
		d.h.files[j].life++
		d.h.files[j].path[0] = 0
	}
	d.h.files[i].setName(to)
	return nil
}

// List yields all that is in a folder, "" being the root, in no order.
func (d *Disk) List(folder string, yield func(Info) bool) {
	d.lock()
	var all []Info
	for i := range d.h.files {
		f := &d.h.files[i]
		n := f.name()
		if n == "" {
			continue
		}
		dir := ""
		if k := strings.LastIndexByte(n, '/'); k >= 0 {
			dir = n[:k]
		}
		if dir == folder {
			all = append(all, f.info())
		}
	}
	d.unlock()
	for _, i := range all {
		if !yield(i) {
			return
		}
	}
}

// Space is how much there is: bytes, and files.
type Space struct{ Bytes, Free, Files, FreeFiles uint64 }

// Space tells how much there is, and how much of it is free.
func (d *Disk) Space() Space {
	d.lock()
	defer d.unlock()
	s := Space{Bytes: uint64(len(d.next)) * BlockSize, Files: MaxFiles}
	for _, n := range d.next {
		if n == free {
			s.Free += BlockSize
		}
	}
	for i := range d.h.files {
		if d.h.files[i].path[0] == 0 {
			s.FreeFiles++
		}
	}
	return s
}

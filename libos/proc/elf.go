package proc

// Programs are ELF files as tools/mkimage makes them: for x86-64, linked to fixed addresses, each segment at a page of memory
// (System V ABI, gABI chapters 4 and 5). Only what loading takes is looked at.

import "exo/kernel/abi"

const pageSize = 4096

// maxSegments is how many a program has at most.
const maxSegments = 8

// segment is a part of a program: len(data) bytes from the file, and zeroes up to pages.
type segment struct {
	va    uint64
	pages uint64
	data  []byte
	perm  abi.Perm
}

// parseELF finds the entry and the segments of a program. Errors: ErrNoProgram.
func parseELF(file []byte, into *[maxSegments]segment) (entry uint64, n int, err error) {
	const headerBytes, programBytes, load = 64, 56, 1
	if len(file) < headerBytes || string(file[:7]) != "\x7fELF\x02\x01\x01" || le16(file[16:]) != 2 || le16(file[18:]) != 62 {
		return 0, 0, ErrNoProgram
	}
	entry = le64(file[24:])
	at, each, count := le64(file[32:]), uint64(le16(file[54:])), uint64(le16(file[56:]))
	if each != programBytes || at > uint64(len(file)) || count*each > uint64(len(file))-at {
		return 0, 0, ErrNoProgram
	}
	inText := false
	for i := range count {
		p := file[at+i*each:]
		if le32(p) != load {
			continue
		}
		flags, offset, va := le32(p[4:]), le64(p[8:]), le64(p[16:])
		bytes, memory := le64(p[32:]), le64(p[40:])
		s := segment{va: va, pages: (memory + pageSize - 1) / pageSize, perm: abi.PermRead}
		if flags&1 != 0 {
			s.perm |= abi.PermExecute
		}
		if flags&2 != 0 {
			s.perm |= abi.PermWrite
		}
		switch {
		case n == maxSegments || va%pageSize != 0 || va < abi.Image || memory == 0 || bytes > memory || memory > 1<<32:
			return 0, 0, ErrNoProgram
		case offset > uint64(len(file)) || bytes > uint64(len(file))-offset || s.perm == 7:
			return 0, 0, ErrNoProgram
		case n > 0 && va < into[n-1].va+into[n-1].pages*pageSize || va+s.pages*pageSize > imageTop:
			return 0, 0, ErrNoProgram
		}
		s.data = file[offset : offset+bytes : offset+bytes]
		inText = inText || s.perm&abi.PermExecute != 0 && entry >= va && entry < va+bytes
		into[n] = s
		n++
	}
	if !inText {
		return 0, 0, ErrNoProgram
	}
	return entry, n, nil
}

// imageTop is the address that images end below.
const imageTop = abi.LibOS + 1<<32

// Error is why something was refused.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons, besides those of packages file and kernel/abi (Errno).
const (
	ErrNoProgram = Error("not a program")
	ErrNoChild   = Error("no such child")
	ErrNoProcess = Error("no such process")
	ErrTooLong   = Error("arguments too long")
	ErrMany      = Error("too many children")
)

func le16(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }
func le32(b []byte) uint32 { return uint32(le16(b)) | uint32(le16(b[2:]))<<16 }
func le64(b []byte) uint64 { return uint64(le32(b)) | uint64(le32(b[4:]))<<32 }

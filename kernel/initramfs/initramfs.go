// Package initramfs reads the archive of files that a loader puts into memory beside
// the kernel: the programs that run before there is a disk. The format is cpio's
// "newc" (the kernel documentation of Linux, driver-api/early-userspace/buffer-format).
//
//	a, err := initramfs.Open(module)   // verifies all of it, once
//	e, ok := a.Lookup("bin/init")
//
// Start reading at Open, then header.go. Nothing is copied: names and contents point into
// the archive, whose memory must stay as it is. An open Archive is only read, so
// any CPU may use it at any time.
package initramfs

import "unsafe"

// Error is a fault in an archive.
type Error string

func (e Error) Error() string { return string(e) }

// What can be wrong with an archive; Archive.Offset says where.
const (
	ErrTruncated = Error("initramfs: the archive ends before its trailer")
	ErrMagic     = Error("initramfs: an entry does not start with 070701")
	ErrHex       = Error("initramfs: a header field is not eight hexadecimal digits")
	ErrNameLen   = Error("initramfs: a name is empty or longer than the limit of 4096 bytes")
	ErrName      = Error("initramfs: a name is absolute, has an empty or .. element, or does not end at its first NUL")
	ErrTrailing  = Error("initramfs: something follows the trailer")
)

// MaxNameLen limits the length of a name, in bytes with its NUL.
const MaxNameLen = 4096

// Types of a file, in the bits TypeMask of its mode.
const (
	TypeMask    = 0o170000
	TypeDir     = 0o040000
	TypeRegular = 0o100000
	TypeSymlink = 0o120000
)

// Entry is a file in an archive.
type Entry struct {
	Name string // relative to the root and without "./" in front; the root itself is "."
	Mode uint32 // type and permissions, as in stat(2)
	Data []byte // contents, or the target of a symbolic link
}

// Type returns the file's type, one of those above or another of stat(2).
func (e Entry) Type() uint32 { return e.Mode & TypeMask }

// Archive is an archive. Where several names are hard links of one file, only the
// last has the contents.
type Archive struct {
	// Offset is where Open stopped, in bytes from the start: at the fault, or after
	// the trailer if there is none.
	Offset int

	data []byte // entries, all verified, without the trailer
	n    int
}

// Open verifies the archive in b from the first byte to the last. After an error the
// archive returned is empty, but for Offset.
func Open(b []byte) (Archive, error) {
	off, n := 0, 0
	for {
		e, size, at, err := parse(b[off:])
		if err != nil {
			return Archive{Offset: off + at}, err
		}
		if e.Name == trailer {
			end := off + size
			for i := end; i < len(b); i++ {
				// Writers fill up their last block with zeros.
				if b[i] != 0 {
					return Archive{Offset: i}, ErrTrailing
				}
			}
			return Archive{Offset: end, data: b[:off:off], n: n}, nil
		}
		off += size
		n++
	}
}

// Len returns the number of entries.
func (a Archive) Len() int { return a.n }

// Entries yields the entries in the archive's order:
//
//	for e := range a.Entries { ... }
func (a Archive) Entries(yield func(Entry) bool) {
	for off := 0; off < len(a.data); {
		e, size, _, err := parse(a.data[off:])
		if err != nil || !yield(e) {
			return // Open found no error, so this one means that memory has changed
		}
		off += size
	}
}

// Lookup returns the entry of this name, written as Entry.Name is. It looks at all
// of them: where a name comes twice the last one counts, as if the archive were unpacked.
func (a Archive) Lookup(name string) (found Entry, ok bool) {
	for off := 0; off < len(a.data); {
		e, size, _, err := parse(a.data[off:])
		if err != nil {
			break
		}
		if e.Name == name {
			found, ok = e, true
		}
		off += size
	}
	return found, ok
}

// text views bytes as a string without a copy.
func text(b []byte) string {
	// SAFETY: b lies in the archive, which outlives the string and does not change.
	// A slice's pointer and length come first in it, as a string's do. unsafe.String would
	// check for lengths that a slice cannot have, and those checks have no place in ring 0.
	return *(*string)(unsafe.Pointer(&b))
}

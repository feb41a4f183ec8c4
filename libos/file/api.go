//go:build exouser

// Package file has what programs read and write: the console, pipes, files. A descriptor is a small number; a program's
// descriptors 0, 1 and 2 are where it reads, writes, and complains. Children get those that they are started with, or, by a
// fork, all.
//
// Start reading: table.go (descriptors), tree.go (names of files), pipe.go, terminal.go.
package file

// FD is a descriptor.
type FD int

// Descriptors that a program is started with.
const (
	In FD = iota
	Out
	Err
)

// Flags say what a file is opened for.
type Flags uint

// They are combined by |.
const (
	Read      Flags = 1 << iota
	Write           // files of the initramfs are read-only
	Create          // if there is none
	Truncate        // what is there is thrown away
	Append          // each write goes to the end
	Exclusive       // with Create: there must be none
)

// Kind is what something is.
type Kind uint8

// Kinds of files.
const (
	Regular Kind = iota
	Folder
	Pipes
	Console
	Link
	Null // Open("/dev/null"): what is written is gone, and there is nothing to read
)

// Info tells about a file.
type Info struct {
	Name  string // its last part
	Size  uint64
	Kind  Kind
	Fixed bool // of the initramfs: it cannot be changed
	Runs  bool // it may be executed

	// Below /disk, if Lstat or a descriptor's Stat tells: else 0.
	ID             uint64 // no two files have the same
	Links          uint32 // names
	Mode           uint32 // type and permission, as in Unix
	Blocks         uint64 // of 4 KiB
	Modified, Made int64  // ns since 1970
}

// Error is why something was refused.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons. At the end of a file or pipe it is io.EOF.
const (
	ErrDescriptor = Error("bad descriptor")
	ErrNone       = Error("no such file")
	ErrExists     = Error("file exists")
	ErrFolder     = Error("is a folder")
	ErrNoFolder   = Error("not a folder")
	ErrNotEmpty   = Error("folder not empty")
	ErrFixed      = Error("file is read-only")
	ErrAccess     = Error("not opened for that")
	ErrBroken     = Error("broken pipe")
	ErrFull       = Error("no space left")
	ErrMany       = Error("too many open files")
	ErrAgain      = Error("nothing there just now")
	ErrName       = Error("bad file name")
	ErrKind       = Error("not for such a file")
	ErrNoLinks    = Error("links are only below /disk")
)

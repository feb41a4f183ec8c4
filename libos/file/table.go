//go:build exouser

package file

import (
	"io"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/console"
	"exo/libos/disk"
	"exo/libos/mem"
	"exo/libos/pipe"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/wait"
)

// The table of descriptors lies in the start page: so a child has it from the start.

// MaxFiles is how many descriptors there are.
const MaxFiles = 32

// What a startpage.File is, in Kind.
const (
	closed     uint32 = iota
	isConsole         //
	isReadEnd         // At: the ring
	isWriteEnd        // likewise
	isFixed           // of the initramfs; At: where in it, More: bytes
	isDisk            // At: disk.Ref's index, More: its life
	isNull
	isFile // the kernel's; Name: a capability
)

// tableLock guards that an entry is taken once.
var tableLock mem.Lock

func init() {
	sys.Closing = closeAll
	for i := range table() { // those that the program was started with
		if f := &table()[i]; PipeOf(f) != 0 {
			keep(f.At, 1, f.Name)
		}
	}
}

func table() []startpage.File {
	p := sys.Start()
	return unsafe.Slice((*startpage.File)(unsafe.Add(unsafe.Pointer(p), p.Files.Offset)), p.Files.Entries)
}

func (fd FD) entry() (*startpage.File, error) {
	if t := table(); fd >= 0 && int(fd) < len(t) && t[fd].Kind != closed {
		return &t[fd], nil
	}
	return nil, ErrDescriptor
}

// take puts f into the lowest free entry.
func take(f startpage.File) (FD, error) {
	tableLock.Lock()
	defer tableLock.Unlock()
	for i, t := range table() {
		if t.Kind == closed {
			table()[i] = f
			if PipeOf(&f) != 0 {
				sys.Start().Pipes = 1
			}
			return FD(i), nil
		}
	}
	return -1, ErrMany
}

// Read waits until there is something, and returns it; at the end io.EOF.
func (fd FD) Read(p []byte) (n int, err error) { return fd.read(p, true) }

// TryRead is Read that does not wait: ErrAgain.
func (fd FD) TryRead(p []byte) (n int, err error) { return fd.read(p, false) }

func (fd FD) read(p []byte, patient bool) (n int, err error) {
	f, err := fd.entry()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	if Flags(f.Flags)&Read == 0 {
		return 0, ErrAccess
	}
	switch f.Kind {
	case isConsole:
		var e abi.Errno
		if patient {
			n, e = console.Read(p)
		} else if n, e = console.TryRead(p); e == abi.OK && n == 0 {
			return 0, ErrAgain
		}
		return n, errorOf(e)
	case isReadEnd:
		return readPipe(f, p, patient)
	case isFixed:
		files, err := archive()
		if err != nil {
			return 0, err
		}
		n = copy(p, files[f.At+min(f.Offset, f.More):f.At+f.More])
	case isDisk:
		d, err := theDisk()
		if err != nil {
			return 0, err
		}
		if n, err = d.Read(refOf(f), f.Offset, p); err != nil {
			return n, errorOfDisk(err)
		}
	case isFile:
		var e abi.Errno
		if n, e = sys.FileRead(f.Name, p, f.Offset); e != abi.OK {
			return 0, errorOfFile(e)
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	f.Offset += uint64(n)
	return n, nil
}

// Write writes all of p, or returns why not.
func (fd FD) Write(p []byte) (n int, err error) {
	f, err := fd.entry()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	if Flags(f.Flags)&Write == 0 {
		return 0, ErrAccess
	}
	switch f.Kind {
	case isConsole:
		n, e := console.Print(p)
		return n, errorOf(e)
	case isNull:
		return len(p), nil
	case isWriteEnd:
		return writePipe(f, p)
	case isDisk:
		d, err := theDisk()
		if err != nil {
			return 0, err
		}
		n, at, err := d.Write(refOf(f), f.Offset, Flags(f.Flags)&Append != 0, p)
		f.Offset = at + uint64(n)
		return n, errorOfDisk(err)
	case isFile:
		return writeFile(f, p)
	}
	return 0, ErrAccess
}

// WriteString is Write.
func (fd FD) WriteString(s string) (n int, err error) {
	return fd.Write(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// Seek sets where the next read or write is: offset from the beginning (whence 0), from here (1), from the end (2).
func (fd FD) Seek(offset int64, whence int) (at int64, err error) {
	f, err := fd.entry()
	if err != nil {
		return 0, err
	}
	i, err := fd.Stat()
	switch {
	case err != nil:
		return 0, err
	case f.Kind != isFixed && f.Kind != isDisk && f.Kind != isFile:
		return 0, ErrKind
	case whence == 1:
		offset += int64(f.Offset)
	case whence == 2:
		offset += int64(i.Size)
	}
	if offset < 0 {
		return 0, ErrKind
	}
	f.Offset = uint64(offset)
	return offset, nil
}

// Close closes it.
func (fd FD) Close() error {
	tableLock.Lock()
	f, err := fd.entry()
	if err != nil {
		tableLock.Unlock()
		return err
	}
	was := *f
	*f = startpage.File{}
	tableLock.Unlock()
	if was.Kind == isReadEnd || was.Kind == isWriteEnd {
		detach(&was)
	}
	if was.Kind == isFile {
		dropFile(was.Name)
	}
	return nil
}

// closeAll closes what others have to know of: the ends of pipes.
func closeAll() {
	if sys.Start().Pipes == 0 {
		return
	}
	for i, t := 0, table(); i < len(t); i++ {
		if PipeOf(&t[i]) != 0 {
			FD(i).Close()
		}
	}
}

// Dup returns another descriptor for the same, the lowest that is free. Each has a place of its own for the next read or write.
func (fd FD) Dup() (FD, error) {
	f, err := fd.entry()
	if err != nil {
		return -1, err
	}
	to, err := take(*f)
	if err == nil {
		attach(f)
	}
	return to, err
}

// DupTo makes to a descriptor for the same; what it was before is closed.
func (fd FD) DupTo(to FD) error {
	f, err := fd.entry()
	if err != nil || fd == to {
		return err
	}
	if to < 0 || int(to) >= len(table()) {
		return ErrDescriptor
	}
	to.Close()
	attach(f)
	table()[to] = *f
	return nil
}

// Stat tells about it.
func (fd FD) Stat() (Info, error) {
	f, err := fd.entry()
	if err != nil {
		return Info{}, err
	}
	switch f.Kind {
	case isConsole:
		return Info{Kind: Console}, nil
	case isReadEnd, isWriteEnd:
		return Info{Kind: Pipes, Size: uint64(ring(f).Len())}, nil
	case isNull:
		return Info{Kind: Null}, nil
	case isDisk:
		d, err := theDisk()
		if err != nil {
			return Info{}, err
		}
		i, err := d.Stat(refOf(f))
		return infoOf(i), errorOfDisk(err)
	case isFile:
		return fd.statFile(f.Name)
	}
	return Info{Size: f.More, Fixed: true}, nil
}

// IsConsole says whether it is the console.
func (fd FD) IsConsole() bool {
	f, err := fd.entry()
	return err == nil && f.Kind == isConsole
}

// Pass is what a child is to find in its table for a descriptor of the caller's; give derives it a capability. For libos/proc.
func Pass(fd FD, process uint64, give func(name sys.Cap, rights uint64) sys.Cap) (startpage.File, error) {
	f, err := fd.entry()
	if err != nil {
		return startpage.File{}, err
	}
	pass := *f
	if at := PipeOf(f); at != 0 {
		count(ring(f), f, uint32(process), 1)
		keep(at, 1, 0)
		if f.Name != 0 {
			pass.Name = give(f.Name, wait.Rights)
		}
	}
	if f.Kind == isFile {
		pass.Name = giveFile(f, process, give)
	}
	return pass, nil
}

// PipeOf is where the pipe is of an entry that is an end of one, else 0.
func PipeOf(f *startpage.File) uint64 {
	if f.Kind == isReadEnd || f.Kind == isWriteEnd {
		return f.At
	}
	return 0
}

// Forked notes that a process has a copy of the table, and returns where its pipes are. For libos/proc.
func Forked(page *startpage.Page, process uint64, give func(name sys.Cap, rights uint64) sys.Cap) (pipes []uint64) {
	copied := unsafe.Slice((*startpage.File)(unsafe.Add(unsafe.Pointer(page), page.Files.Offset)), page.Files.Entries)
	all := table()
	for i := range all {
		if f := &all[i]; f.Kind == isFile {
			copied[i].Name = giveFile(f, process, give)
		}
	}
	if page.Pipes == 0 {
		return nil
	}
	for i, t := 0, table(); i < len(t); i++ {
		f := &t[i]
		if f.Kind == closed {
			continue
		}
		at := PipeOf(f)
		if at == 0 {
			continue
		}
		count(ring(f), f, uint32(process), 1)
		keep(at, 1, 0)
		pipes = append(pipes, at)
		copied[i].Name = 0
		for k := range copied[:i] {
			if PipeOf(&copied[k]) == at {
				copied[i].Name = copied[k].Name
			}
		}
		if copied[i].Name == 0 && f.Name != 0 {
			copied[i].Name = give(f.Name, wait.Rights)
		}
	}
	return pipes
}

// Died notes that a child is no more, and had ends of these pipes.
func Died(process uint64, pipes []uint64) {
	takeBack(process)
	for _, at := range pipes {
		(*pipe.Ring)(unsafe.Pointer(uintptr(at))).Gone(uint32(process), self(), relax)
		ringOf(at)
		keep(at, -1, 0)
	}
}

// Left notes that a child which had ends of these pipes goes on without the caller.
func Left(process uint64, pipes []uint64) {
	for _, at := range pipes {
		(*pipe.Ring)(unsafe.Pointer(uintptr(at))).Left(uint32(process), self(), relax)
		keep(at, -1, 0)
	}
}

func refOf(f *startpage.File) disk.Ref {
	return disk.Ref{Index: uint32(f.At), Life: uint32(f.More)}
}

func errorOf(e abi.Errno) error {
	if e == abi.OK {
		return nil
	}
	return e
}

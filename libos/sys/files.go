//go:build exouser

package sys

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
)

func inText(s string) (at, n uint64) {
	at, n = address(unsafe.StringData(s)), uint64(len(s))
	read(at, n)
	return at, n
}

// FileOpen derives a capability for what a path below a directory leads to; mode is its type and permission, size its bytes.
func FileOpen(dir Cap, path string, rights uint64) (c Cap, mode uint32, size uint64, err abi.Errno) {
	at, n := inText(path)
	r, m, size, _, _ := runtime.Syscall(uint64(abi.FileOpen), dir, at, n, rights, 0, 0)
	c, err = value(r)
	return c, uint32(m), size, err
}

// FileMake makes a file or a directory, by its mode.
func FileMake(dir Cap, name string, mode uint64) abi.Errno {
	at, n := inText(name)
	_, err := call6(abi.FileMake, dir, at, n, mode, 0, 0)
	return err
}

// FileSymlink makes a symbolic link.
func FileSymlink(dir Cap, name, text string) abi.Errno {
	at, n := inText(name)
	to, k := inText(text)
	_, err := call6(abi.FileSymlink, dir, at, n, to, k, 0)
	return err
}

// FileLink gives a file another name.
func FileLink(dir Cap, name string, file Cap) abi.Errno {
	at, n := inText(name)
	_, err := call6(abi.FileLink, dir, at, n, file, 0, 0)
	return err
}

// FileRemove removes a name: of a directory, that is empty, if folder is 1; of anything else if it is 0.
func FileRemove(dir Cap, name string, folder uint64) abi.Errno {
	at, n := inText(name)
	_, err := call6(abi.FileRemove, dir, at, n, folder, 0, 0)
	return err
}

// FileRename gives what a name leads to another, maybe in another directory.
func FileRename(dir Cap, name string, to Cap, target string) abi.Errno {
	at, n := inText(name)
	at2, n2 := inText(target)
	_, err := call6(abi.FileRename, dir, at, n, to, at2, n2)
	return err
}

// FileRead reads from an offset on; 0: that is the end.
func FileRead(file Cap, into []byte, offset uint64) (n int, err abi.Errno) {
	at, count := outAll(into)
	v, err := call6(abi.FileRead, file, at, count, offset, 0, 0)
	return int(v), err
}

// FileWrite writes from an offset on, abi.Forever: at the end, and says where that was.
func FileWrite(file Cap, bytes []byte, offset uint64) (n int, where uint64, err abi.Errno) {
	at, count := inAll(bytes)
	r, where, _, _, _ := runtime.Syscall(uint64(abi.FileWrite), file, at, count, offset, 0, 0)
	v, err := value(r)
	return int(v), where, err
}

// FileTruncate makes it so many bytes long.
func FileTruncate(file Cap, size uint64) abi.Errno { return only3(abi.FileTruncate, file, size, 0) }

// FileStat tells about it.
func FileStat(inode Cap, into *abi.FileInfo) abi.Errno {
	return only3(abi.FileStat, inode, out(into), 0)
}

// FileChange sets some of that.
func FileChange(inode Cap, to *abi.FileInfo, which uint64) abi.Errno {
	return only3(abi.FileChange, inode, in(to), which)
}

// FileList puts entries of a directory into a buffer of words, from one on, and says how many bytes that is, and where to go on from.
func FileList(dir Cap, into []uint64, from uint64) (bytes int, next uint64, err abi.Errno) {
	at, count := outAll(into)
	r, next, _, _, _ := runtime.Syscall(uint64(abi.FileList), dir, at, 8*count, from, 0, 0)
	v, err := value(r)
	return int(v), next, err
}

// FileText reads a symbolic link.
func FileText(link Cap, into []byte) (n int, err abi.Errno) {
	at, count := outAll(into)
	v, err := call3(abi.FileText, link, at, count)
	return int(v), err
}

// FileSync returns when what was done to an inode lasts, or all that was done at all.
func FileSync(inode Cap, all bool) abi.Errno {
	n := uint64(0)
	if all {
		n = 1
	}
	return only3(abi.FileSync, inode, n, 0)
}

// FileSystem tells about the file system that an inode is of.
func FileSystem(inode Cap, into *abi.FileSystemInfo) abi.Errno {
	return only3(abi.FileSystem, inode, out(into), 0)
}

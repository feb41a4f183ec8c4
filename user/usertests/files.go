//go:build exouser

package main

import (
	"strings"

	"exo/libos/file"
	"exo/libos/proc"
)

// Files.

// Open opens a file that is removed at the end.
func (t *T) Open(path string, flags file.Flags) file.FD {
	fd, err := file.Open(path, flags)
	t.OK(err, "Open")
	if flags&file.Create != 0 {
		t.Later(func() { file.Remove(path) })
	}
	t.Later(func() { fd.Close() })
	return fd
}

func fileFixed(t *T) {
	i, err := file.Stat("/bin/usertests")
	t.OK(err, "Stat")
	t.That(i.Kind == file.Regular && i.Name == "usertests" && i.Fixed && i.Runs, "Stat says something else")
	fd := t.Open("bin/../bin/./usertests", file.Read)
	var b [4]byte
	fd.Read(b[:])
	t.Text(string(b[1:]), "ELF", "its first bytes")
	at, err := fd.Seek(-3, 2)
	t.OK(err, "Seek")
	t.Count(at, int64(i.Size)-3, "three before the end")
	n, _ := fd.Read(b[:])
	t.Count(int64(n), 3, "bytes to the end")
	n, err = fd.Read(b[:])
	t.That(n == 0 && err != nil, "it goes on behind its end")
	fd.Seek(1, 0)
	fd.Read(b[:3])
	t.Text(string(b[:3]), "ELF", "its first bytes, again")
}

func fileReadOnly(t *T) {
	_, err := file.Open("bin/usertests", file.Write)
	t.Is(err, file.ErrFixed, "opening a file of the initramfs to write")
	t.Is(file.Remove("bin/usertests"), file.ErrFixed, "removing one")
	t.Is(file.Rename("bin/usertests", "x"), file.ErrFixed, "renaming one")
	_, err = file.Open("nothing", file.Read)
	t.Is(err, file.ErrNone, "opening what is not there")
	fd := t.Open("bin/usertests", file.Read)
	_, err = fd.WriteString("x")
	t.Is(err, file.ErrAccess, "writing what was opened to read")
}

func fileMemory(t *T) {
	fd := t.Open("note", file.Write|file.Read|file.Create|file.Truncate)
	long := strings.Repeat("0123456789", 500)
	_, err := fd.WriteString(long)
	t.OK(err, "Write")
	fd.Seek(0, 0)
	t.That(t.All(fd) == long, "it has other contents")
	fd = t.Open("note", file.Write|file.Append)
	fd.WriteString("more")
	fd.Close()
	data, err := file.ReadFile("note")
	t.OK(err, "ReadFile")
	t.That(string(data) == long+"more", "it has other contents after an append")
	t.OK(file.Rename("note", "other"), "Rename")
	_, err = file.Stat("note")
	t.Is(err, file.ErrNone, "Stat by the old name")
	t.OK(file.Remove("other"), "Remove")
	_, err = file.Stat("other")
	t.Is(err, file.ErrNone, "Stat of what was removed")
}

func fileShared(t *T) {
	t.Status(0, "write")
	data, err := file.ReadFile("shared")
	file.Remove("shared")
	t.OK(err, "ReadFile")
	t.Text(string(data), "from the child", "it says")
}

func fileFolders(t *T) {
	t.OK(file.Mkdir("folder"), "Mkdir")
	t.Is(file.Mkdir("folder"), file.ErrExists, "Mkdir again")
	for _, n := range []string{"b", "a"} {
		fd, err := file.Open("folder/"+n, file.Write|file.Create)
		t.OK(err, "Open")
		fd.Close()
	}
	list, err := file.ReadDir("folder")
	t.OK(err, "ReadDir")
	t.That(len(list) == 2 && list[0].Name == "a" && list[1].Name == "b", "there are other files")
	t.Is(file.Remove("folder"), file.ErrNotEmpty, "removing a folder with files")
	file.Remove("folder/a")
	file.Remove("folder/b")
	t.OK(file.Remove("folder"), "Remove")
	_, err = file.Open("folder/c", file.Write|file.Create)
	t.Is(err, file.ErrNone, "a file in a folder that is not there")
	_, err = file.Open("/", file.Read)
	t.Is(err, file.ErrFolder, "opening the root")
	root, err := file.ReadDir("/")
	t.OK(err, "ReadDir")
	names := ""
	for _, i := range root {
		names += i.Name + " "
	}
	t.That(strings.Contains(names, "bin "), "in the root there is "+names)
}

func fileDescriptors(t *T) {
	var fds []file.FD
	for {
		fd, err := file.Open("bin/usertests", file.Read)
		if err != nil {
			t.Is(err, file.ErrMany, "Open")
			break
		}
		fds = append(fds, fd)
	}
	for _, fd := range fds {
		fd.Close()
	}
	_, err := fds[0].Read(make([]byte, 1))
	t.Is(err, file.ErrDescriptor, "reading a descriptor that was closed")
	t.Is(fds[0].Close(), file.ErrDescriptor, "closing it again")
	for _, fd := range []file.FD{-1, file.MaxFiles, 1 << 40, -1 << 62} {
		_, err := fd.Read(make([]byte, 1))
		t.Is(err, file.ErrDescriptor, "reading a descriptor that cannot be")
	}
	d, err := file.Out.Dup()
	t.OK(err, "Dup")
	t.That(d.IsConsole() == file.Out.IsConsole(), "it is for something else")
	t.OK(d.Close(), "Close")
}

// fileBig: a file of 300 kB, written and read in odd pieces.
func fileBig(t *T) {
	const bytes = 300_000
	fd := t.Open("big", file.Write|file.Read|file.Create)
	b := make([]byte, 7001)
	for at := 0; at < bytes; at += len(b) {
		for i := range b {
			b[i] = byte((at + i) % 251)
		}
		_, err := fd.Write(b[:min(len(b), bytes-at)])
		t.OK(err, "Write")
	}
	i, err := fd.Stat()
	t.OK(err, "Stat")
	t.Count(int64(i.Size), bytes, "size")
	for _, at := range []int64{0, 1, 4095, 4096, 65_537, bytes - 1} {
		fd.Seek(at, 0)
		n, err := fd.Read(b[:100])
		t.OK(err, "Read")
		for k := range n {
			t.Count(int64(b[k]), (at+int64(k))%251, "byte "+number(at+int64(k)))
		}
	}
}

// fileFull: the disk has an end, which is said; what was removed can be used again.
func fileFull(t *T) {
	for range 2 {
		fd := t.Open("huge", file.Write|file.Create|file.Truncate)
		b := make([]byte, 64<<10)
		total := 0
		for {
			n, err := fd.Write(b)
			total += n
			if err != nil {
				t.Is(err, file.ErrFull, "Write")
				break
			}
		}
		t.That(total > 1<<20, "the disk is small")
		i, _ := fd.Stat()
		t.Count(int64(i.Size), int64(total), "bytes that are there, of those that were written")
		t.OK(file.Remove("huge"), "Remove")
		fd.Close()
	}
}

// fileAppenders: what three processes append at once is all there, line by line.
func fileAppenders(t *T) {
	fd := t.Open("log", file.Write|file.Create)
	fd.Close()
	for _, name := range []string{"a", "bb", "ccc"} {
		t.Spawn("append", "log", name, "200")
	}
	for range 3 {
		_, status, err := proc.WaitAny()
		t.OK(err, "WaitAny")
		t.Count(status, 0, "status")
	}
	data, err := file.ReadFile("log")
	t.OK(err, "ReadFile")
	n := map[string]int{}
	for line := range strings.Lines(string(data)) {
		n[line]++
	}
	t.That(len(n) == 3 && n["a\n"] == 200 && n["bb\n"] == 200 && n["ccc\n"] == 200, "lines are missing, or broken")
}

func fileTruncate(t *T) {
	fd := t.Open("note", file.Write|file.Create)
	fd.WriteString("0123456789")
	fd.Close()
	t.Open("note", file.Write|file.Truncate).Close()
	i, err := file.Stat("note")
	t.OK(err, "Stat")
	t.Count(int64(i.Size), 0, "size")
	_, err = file.Open("note", file.Write|file.Create|file.Exclusive)
	t.Is(err, file.ErrExists, "making it once more")
}

func fileRename(t *T) {
	for _, n := range []string{"x", "y"} {
		fd := t.Open(n, file.Write|file.Create)
		fd.WriteString("this is " + n)
		fd.Close()
	}
	t.OK(file.Rename("x", "y"), "Rename")
	data, err := file.ReadFile("y")
	t.OK(err, "ReadFile")
	t.Text(string(data), "this is x", "it says")
	t.Is(file.Rename("x", "z"), file.ErrNone, "renaming what is no more")
	t.Is(file.Rename("y", "nowhere/y"), file.ErrNone, "renaming into no folder")
	t.Is(file.Rename("y", "bin/usertests"), file.ErrFixed, "renaming over a file of the initramfs")
}

// fileNames: which are none.
func fileNames(t *T) {
	_, err := file.Open(strings.Repeat("n", 5000), file.Write|file.Create)
	t.Is(err, file.ErrName, "a name of 5000 letters")
	for _, n := range []string{"", "/", ".", "..", "a/../.."} {
		_, err := file.Open(n, file.Write|file.Create)
		t.Is(err, file.ErrFolder, "opening the root as "+n)
	}
	fd := t.Open("../../up", file.Write|file.Create)
	fd.Close()
	_, err = file.Stat("/up")
	t.OK(err, "Stat of what is above the root")
}

// fileHole: who writes behind the end finds zeroes in between.
func fileHole(t *T) {
	fd := t.Open("sparse", file.Write|file.Read|file.Create)
	fd.Seek(10_000, 0)
	fd.WriteString("end")
	fd.Seek(0, 0)
	s := t.All(fd)
	t.Count(int64(len(s)), 10_003, "bytes")
	t.That(s == strings.Repeat("\x00", 10_000)+"end", "it has other contents")
}

// fileRemovedOpen: a file that was removed is no more, for those too who have it open; another that takes its place is not theirs.
func fileRemovedOpen(t *T) {
	fd := t.Open("gone", file.Write|file.Read|file.Create)
	fd.WriteString("one")
	t.OK(file.Remove("gone"), "Remove")
	other := t.Open("gone", file.Write|file.Read|file.Create)
	other.WriteString("two")
	fd.Seek(0, 0)
	var b [10]byte
	n, err := fd.Read(b[:])
	t.That(err != nil || string(b[:n]) == "one", "it reads another file: "+string(b[:n]))
	_, err = fd.WriteString("three")
	_ = err
	data, err := file.ReadFile("gone")
	t.OK(err, "ReadFile")
	t.Text(string(data), "two", "the other says")
}

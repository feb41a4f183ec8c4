//go:build exouser

package main

import (
	"io"
	"strconv"
	"strings"

	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/thread"
)

func all(fd file.FD) (string, error) {
	var b [1000]byte
	var s strings.Builder
	for {
		n, err := fd.Read(b[:])
		s.Write(b[:n])
		if err == io.EOF {
			return s.String(), nil
		}
		if err != nil {
			return s.String(), err
		}
	}
}

func pipeOne() string {
	r, w, err := file.Pipe()
	if err != nil {
		return err.Error()
	}
	if _, err := r.TryRead(make([]byte, 1)); err != error(file.ErrAgain) {
		return "an empty pipe is not empty"
	}
	w.WriteString("one ")
	w.WriteString("two")
	w.Close()
	s, err := all(r)
	r.Close()
	return because("Read", err) + check(s == "one two", "it said "+s)
}

func pipeFork() string {
	r, w, err := file.Pipe()
	if err != nil {
		return err.Error()
	}
	id, err := proc.Fork()
	if err != nil {
		return err.Error()
	}
	if id == 0 {
		r.Close()
		for i := range 10_000 {
			w.WriteString(strconv.Itoa(i) + "\n")
		}
		w.Close()
		proc.Exit(0)
	}
	w.Close()
	s, err := all(r)
	r.Close()
	proc.Wait(id)
	lines := strings.Split(s, "\n")
	if err != nil || len(lines) != 10_001 {
		return because("Read", err) + " lines: " + strconv.Itoa(len(lines))
	}
	for i, l := range lines[:10_000] {
		if l != strconv.Itoa(i) {
			return "line " + strconv.Itoa(i) + " is " + l
		}
	}
	return ""
}

func pipeSpawn() string {
	r1, w1, err := file.Pipe()
	if err != nil {
		return err.Error()
	}
	r2, w2, err := file.Pipe()
	if err != nil {
		return err.Error()
	}
	id, err := proc.Spawn(me, []string{me, "upper"}, &proc.Attr{Files: []file.FD{r1, w2, file.Err}})
	if err != nil {
		return err.Error()
	}
	r1.Close()
	w2.Close()
	w1.WriteString("some words")
	w1.Close()
	s, err := all(r2)
	r2.Close()
	status, _ := proc.Wait(id)
	return because("Read", err) + check(s == "SOME WORDS" && status == 0, "it said "+s)
}

func pipeBroken() string {
	r, w, err := file.Pipe()
	if err != nil {
		return err.Error()
	}
	r.Close()
	_, err = w.WriteString("x")
	w.Close()
	return check(err == error(file.ErrBroken), "one can write to a pipe that nobody reads")
}

func pipeKilled() string {
	r, w, err := file.Pipe()
	if err != nil {
		return err.Error()
	}
	id, err := proc.Spawn(me, []string{me, "wait"}, &proc.Attr{Files: []file.FD{file.In, w, file.Err}})
	if err != nil {
		return err.Error()
	}
	w.Close()
	if _, err := r.TryRead(make([]byte, 1)); err != error(file.ErrAgain) {
		return "the pipe has ended before its writer"
	}
	proc.Kill(id)
	proc.Wait(id)
	_, err = all(r)
	r.Close()
	return because("Read", err)
}

func fileFixed() string {
	i, err := file.Stat("/bin/libtest")
	if err != nil || i.Kind != file.Regular || i.Name != "libtest" || !i.Fixed || !i.Runs {
		return because("Stat", err) + " it says something else"
	}
	fd, err := file.Open("bin/../bin/./libtest", file.Read)
	if err != nil {
		return "Open: " + err.Error()
	}
	s, err := all(fd)
	if err != nil || uint64(len(s)) != i.Size || s[1:4] != "ELF" {
		return because("Read", err) + " other contents"
	}
	at, _ := fd.Seek(1, 0)
	var b [3]byte
	fd.Read(b[:])
	fd.Close()
	return check(at == 1 && string(b[:]) == "ELF", "Seek leads elsewhere")
}

func fileReadOnly() string {
	if _, err := file.Open("bin/libtest", file.Write); err != error(file.ErrFixed) {
		return "a file of the initramfs can be written"
	}
	if file.Remove("bin/libtest") == nil {
		return "a file of the initramfs can be removed"
	}
	_, err := file.Open("nothing", file.Read)
	return check(err == error(file.ErrNone), "a file that is not there can be opened")
}

func fileMemory() string {
	fd, err := file.Open("note", file.Write|file.Read|file.Create|file.Truncate)
	if err != nil {
		return "Open: " + err.Error()
	}
	long := strings.Repeat("0123456789", 500)
	if _, err := fd.WriteString(long); err != nil {
		return "Write: " + err.Error()
	}
	fd.Seek(0, 0)
	s, err := all(fd)
	fd.Close()
	if err != nil || s != long {
		return because("Read", err) + " other contents"
	}
	if fd, err = file.Open("note", file.Write|file.Append); err != nil {
		return "Open: " + err.Error()
	}
	fd.WriteString("more")
	fd.Close()
	data, err := file.ReadFile("note")
	if err != nil || string(data) != long+"more" {
		return because("ReadFile", err) + " other contents after an append"
	}
	if err := file.Rename("note", "other"); err != nil {
		return "Rename: " + err.Error()
	}
	if _, err := file.Stat("note"); err == nil {
		return "the old name is still there"
	}
	if err := file.Remove("other"); err != nil {
		return "Remove: " + err.Error()
	}
	_, err = file.Stat("other")
	return check(err != nil, "it is still there")
}

func fileShared() string {
	if why := statusOf(0, "write"); why != "" {
		return why
	}
	data, err := file.ReadFile("shared")
	file.Remove("shared")
	return because("ReadFile", err) + check(string(data) == "from the child", "it says something else")
}

func fileFolders() string {
	if err := file.Mkdir("folder"); err != nil {
		return "Mkdir: " + err.Error()
	}
	for _, n := range []string{"b", "a"} {
		fd, err := file.Open("folder/"+n, file.Write|file.Create)
		if err != nil {
			return "Open: " + err.Error()
		}
		fd.Close()
	}
	list, err := file.ReadDir("folder")
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" {
		return because("ReadDir", err) + " other files"
	}
	if file.Remove("folder") != error(file.ErrNotEmpty) {
		return "a folder with files can be removed"
	}
	file.Remove("folder/a")
	file.Remove("folder/b")
	if err := file.Remove("folder"); err != nil {
		return "Remove: " + err.Error()
	}
	root, err := file.ReadDir("/")
	names := ""
	for _, i := range root {
		names += i.Name + " "
	}
	return because("ReadDir", err) + check(strings.Contains(names, "bin "), "in the root there is "+names)
}

func fileDescriptors() string {
	var fds []file.FD
	for {
		fd, err := file.Open("bin/libtest", file.Read)
		if err != nil {
			if err != error(file.ErrMany) {
				return "Open: " + err.Error()
			}
			break
		}
		fds = append(fds, fd)
	}
	for _, fd := range fds {
		fd.Close()
	}
	if _, err := fds[0].Read(make([]byte, 1)); err != error(file.ErrDescriptor) {
		return "a closed one can be read"
	}
	d, err := file.Out.Dup()
	if err != nil || !d.IsConsole() && !file.Out.IsConsole() {
		return because("Dup", err)
	}
	return because("Close", d.Close())
}

func threadJoin() string {
	n := 0
	for i := range 20 {
		t, err := thread.Go(func() { n += i })
		if err != nil {
			return "Go: " + err.Error()
		}
		t.Join()
	}
	return check(n == 190, "they did something else")
}

func threadMutex() string {
	var m thread.Mutex
	var all []*thread.Thread
	n := 0
	for range 4 {
		t, err := thread.Go(func() {
			for i := range 1000 {
				m.Lock()
				v := n
				if i%100 == 0 {
					thread.Yield()
				}
				n = v + 1
				m.Unlock()
			}
		})
		if err != nil {
			return "Go: " + err.Error()
		}
		all = append(all, t)
	}
	for _, t := range all {
		t.Join()
	}
	return check(n == 4000, "4000 additions are "+strconv.Itoa(n))
}

func threadCond() string {
	var m thread.Mutex
	var c thread.Cond
	turn := 0
	play := func(mine int) func() {
		return func() {
			for range 50 {
				m.Lock()
				for turn%2 != mine {
					c.Wait(&m)
				}
				turn++
				m.Unlock()
				c.Broadcast()
			}
		}
	}
	a, err := thread.Go(play(0))
	if err != nil {
		return err.Error()
	}
	b, err := thread.Go(play(1))
	if err != nil {
		return err.Error()
	}
	a.Join()
	b.Join()
	return check(turn == 100, "turns: "+strconv.Itoa(turn))
}

func threadFaults() string {
	var all []*thread.Thread
	var sums [4]int
	for k := range 4 {
		t, err := thread.Go(func() {
			b := make([]int, 200_000)
			for i := range b {
				b[i] = i % 7
			}
			for _, v := range b {
				sums[k] += v
			}
			sums[k] += deep(100)
		})
		if err != nil {
			return err.Error()
		}
		all = append(all, t)
	}
	for _, t := range all {
		t.Join()
	}
	return check(sums[0] > 0 && sums[0] == sums[3] && sums[1] == sums[2], "they count differently")
}

//go:build exouser

package main

import (
	"io"
	"strconv"
	"strings"

	"exo/libos/file"
	"exo/libos/pipe"
	"exo/libos/proc"
	"exo/libos/thread"
)

// Pipes.

func (t *T) Pipe() (r, w file.FD) {
	r, w, err := file.Pipe()
	t.OK(err, "Pipe")
	return r, w
}

// All reads to the end, and closes.
func (t *T) All(fd file.FD) string {
	var b [1000]byte
	var s strings.Builder
	for {
		n, err := fd.Read(b[:])
		s.Write(b[:n])
		if err == io.EOF {
			fd.Close()
			return s.String()
		}
		t.OK(err, "Read")
	}
}

// Text wants a text.
func (t *T) Text(got, want, what string) {
	if got != want {
		t.Fail(what + ": " + got)
	}
}

func pipeOne(t *T) {
	r, w := t.Pipe()
	_, err := r.TryRead(make([]byte, 1))
	t.Is(err, file.ErrAgain, "reading an empty pipe")
	w.WriteString("one ")
	w.WriteString("two")
	w.Close()
	t.Text(t.All(r), "one two", "it said")
}

func pipeFork(t *T) {
	r, w := t.Pipe()
	id := t.Fork(func() int {
		r.Close()
		for i := range 10_000 {
			w.WriteString(strconv.Itoa(i) + "\n")
		}
		w.Close()
		return 0
	})
	w.Close()
	lines := strings.Split(t.All(r), "\n")
	t.Count(t.Wait(id), 0, "status")
	t.Count(int64(len(lines)), 10_001, "lines")
	for i, l := range lines[:10_000] {
		t.Text(l, strconv.Itoa(i), "line "+strconv.Itoa(i))
	}
}

func (t *T) filter(in, out file.FD) proc.ID {
	id, err := proc.Spawn(me, []string{me, runChild, "upper"}, &proc.Attr{Files: []file.FD{in, out, file.Err}})
	t.OK(err, "Spawn")
	in.Close()
	out.Close()
	return id
}

func pipeSpawn(t *T) {
	r1, w1 := t.Pipe()
	r2, w2 := t.Pipe()
	id := t.filter(r1, w2)
	w1.WriteString("some words")
	w1.Close()
	t.Text(t.All(r2), "SOME WORDS", "it said")
	t.Count(t.Wait(id), 0, "status")
}

// pipeChain: three programs in a row, as a shell has them, and 64 kB through all of them.
func pipeChain(t *T) {
	const lines = 2000
	r0, w0 := t.Pipe()
	r1, w1 := t.Pipe()
	r2, w2 := t.Pipe()
	r3, w3 := t.Pipe()
	source := t.Fork(func() int {
		for range lines {
			if _, err := w0.WriteString("the quick brown fox jumps over it\n"); err != nil {
				return 1
			}
		}
		return 0
	})
	w0.Close()
	ids := []proc.ID{source, t.filter(r0, w1), t.filter(r1, w2), t.filter(r2, w3)}
	t.That(t.All(r3) == strings.Repeat("THE QUICK BROWN FOX JUMPS OVER IT\n", lines), "it comes out as something else")
	for _, id := range ids {
		t.Count(t.Wait(id), 0, "status")
	}
}

func pipeBroken(t *T) {
	r, w := t.Pipe()
	r.Close()
	_, err := w.WriteString("x")
	t.Is(err, file.ErrBroken, "writing to a pipe that nobody reads")
	w.Close()
}

// pipeReaderEnds: a writer that waits for room hears that the reader is no more.
func pipeReaderEnds(t *T) {
	r, w := t.Pipe()
	id := t.Fork(func() int {
		w.Close()
		r.Read(make([]byte, 10))
		return 0
	})
	r.Close()
	err := error(nil)
	for err == nil {
		_, err = w.WriteString(strings.Repeat("x", 1000))
	}
	t.Is(err, file.ErrBroken, "writing to who has ended")
	w.Close()
	t.Count(t.Wait(id), 0, "status")
}

// pipeFull: who writes into a full pipe waits for room, and nothing is lost.
func pipeFull(t *T) {
	r, w := t.Pipe()
	done := uint64(0)
	th := t.Go(func() {
		w.WriteString(strings.Repeat("ab", pipe.Size))
		done = 1
		w.Close()
	})
	size := func() uint64 {
		i, _ := r.Stat()
		return i.Size
	}
	eventually(func() bool { return size() == pipe.Size })
	thread.Sleep(aWhile)
	most, early := size(), load(&done)
	got := t.All(r)
	th.Join()
	t.Count(int64(early), 0, "the writer is ready before somebody reads")
	t.Count(int64(most), pipe.Size, "bytes in a full pipe")
	t.That(got == strings.Repeat("ab", pipe.Size), "it comes out as something else")
}

func pipeKilled(t *T) {
	r, w := t.Pipe()
	id, err := proc.Spawn(me, []string{me, runChild, "wait"}, &proc.Attr{Files: []file.FD{file.In, w, file.Err}})
	t.OK(err, "Spawn")
	w.Close()
	_, err = r.TryRead(make([]byte, 1))
	t.Is(err, file.ErrAgain, "reading before the writer has ended")
	proc.Kill(id)
	proc.Wait(id)
	t.Text(t.All(r), "", "it said")
}

// pipeMany: descriptors run out, which is said; closed they are all there again.
func pipeMany(t *T) {
	for range 2 {
		var all []file.FD
		for {
			r, w, err := file.Pipe()
			if err != nil {
				t.Is(err, file.ErrMany, "Pipe")
				break
			}
			all = append(all, r, w)
		}
		t.That(len(all) >= 20, "there are few pipes")
		for i := 0; i < len(all); i += 2 {
			all[i+1].WriteString(strconv.Itoa(i))
			all[i+1].Close()
			t.Text(t.All(all[i]), strconv.Itoa(i), "a pipe said")
		}
	}
}

// pipeTwoWriters: what two write at once comes out once each, each line whole.
func pipeTwoWriters(t *T) {
	r, w := t.Pipe()
	for k := range 2 {
		t.Fork(func() int {
			for i := range 500 {
				w.WriteString(strconv.Itoa(k) + " " + strconv.Itoa(i) + "\n")
			}
			return 0
		})
	}
	w.Close()
	next := [2]int{}
	for line := range strings.SplitSeq(strings.TrimSuffix(t.All(r), "\n"), "\n") {
		a, b, _ := strings.Cut(line, " ")
		k, _ := strconv.Atoi(a)
		t.That(k < 2, "a line is broken: "+line)
		t.Text(b, strconv.Itoa(next[k]), "a line of writer "+a)
		next[k]++
	}
	t.That(next == [2]int{500, 500}, "lines are missing")
	for range 2 {
		_, status, err := proc.WaitAny()
		t.OK(err, "WaitAny")
		t.Count(status, 0, "status")
	}
}

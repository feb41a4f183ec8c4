//go:build exouser

package main

import (
	"exo/libos/console"
	"exo/libos/file"
	"exo/libos/heap"
	"exo/libos/proc"
	"exo/user/sh/line"
)

// What is typed is read by the shell alone: for its own lines, for the job that is waited for if that reads its input, or for
// later. So Ctrl-C is seen whatever the job does.

// ahead is what has been typed and is nobody's yet; typeahead is where it lies between one line and the next.
var (
	ahead     []byte
	typeahead [1024]byte
)

// read is where it arrives. It is no local variable, for that would be new memory each time, which nothing gives back: a shell that waits
// looks fifty times a second.
var read [64]byte

const (
	ctrlC = 'C' - '@'
	ctrlD = 'D' - '@'
	ctrlU = 'U' - '@'
	ctrlZ = 'Z' - '@'
)

const showCursor = "\x1b[?25h"

// readLine reads a line with the editor.
func readLine() (event line.Event) {
	editor.Start()
	for {
		for len(ahead) > 0 {
			k := ahead[0]
			ahead = ahead[1:]
			if event = typed(k); event != line.Nothing {
				return event
			}
		}
		editor.Flush()
		console.Bind()
		n, err := file.In.Read(read[:])
		if err != nil {
			return line.End
		}
		ahead = append(typeahead[:0], read[:n]...)
	}
}

// typed gives the editor a key, and takes back what memory that needed for a while.
func typed(k byte) line.Event {
	mark, room := heap.Mark(), editor.Room()
	event := editor.Key(k)
	if editor.Room() == room {
		mark.Release()
	} else {
		heap.Keep()
	}
	return event
}

// serve gives a job what is typed; it says whether there was something.
func (j *job) serve() bool {
	n, _ := file.In.TryRead(read[:])
	waits, raw := j.keyboard.Wants()
	for _, k := range read[:n] {
		if raw && (k == ctrlC || k == ctrlZ) {
			file.Err.WriteString(showCursor) // it may have hidden it
		}
		switch {
		case k == ctrlC:
			file.Err.WriteString("^C\n")
			ahead, j.typed, broken = ahead[:0], j.typed[:0], true
			j.kill()
		case k == ctrlZ:
			j.halted = true
			j.each(proc.Stop)
		default:
			ahead = append(ahead, k)
		}
	}
	if raw {
		if k := min(len(ahead), j.keyboard.Room()); k > 0 {
			j.keyboard.Write(ahead[:k])
			ahead = ahead[k:]
		}
		return n > 0
	}
	for ; waits && len(ahead) > 0; waits, raw = j.keyboard.Wants() {
		k := ahead[0]
		ahead = ahead[1:]
		j.key(k)
	}
	return n > 0
}

// key is a key of a line for the job: with echo, Backspace, Ctrl-U; Enter or Ctrl-D sends it.
func (j *job) key(k byte) {
	switch {
	case k == '\r' || k == '\n':
		file.Err.WriteString("\n")
		j.typed = append(j.typed, '\n')
		j.send()
	case k == ctrlD:
		if len(j.typed) == 0 {
			j.keyboard.Close() // that is the end
			j.keyboard = -1
		}
		j.send()
	case k == 0x7f || k == '\b':
		j.rub(1)
	case k == ctrlU:
		j.rub(len(j.typed))
	case (k >= ' ' || k == '\t') && len(j.typed) < line.Most:
		j.typed = append(j.typed, k)
		file.Err.Write(j.typed[len(j.typed)-1:])
	}
}

func (j *job) send() {
	if len(j.typed) > 0 {
		j.keyboard.Write(j.typed)
		j.typed = j.typed[:0]
	}
}

// rub takes characters back.
func (j *job) rub(n int) {
	for ; n > 0 && len(j.typed) > 0; n-- {
		k := len(j.typed) - 1
		for k > 0 && j.typed[k]&0xC0 == 0x80 {
			k--
		}
		j.typed = j.typed[:k]
		file.Err.WriteString("\b \b")
	}
}

//go:build exouser

package file

import (
	"exo/libos/pipe"
)

// A terminal is a pipe from who has the console, the shell, to a program: what is typed goes through it. The program may
// say that it wants keys as they are typed; otherwise it gets lines.

const (
	modeTerminal = 1 << iota
	modeRaw
)

// Terminal makes one.
func Terminal() (r, w FD, err error) {
	if r, w, err = Pipe(); err == nil {
		f, _ := r.entry()
		ring(f).SetMode(modeTerminal, 0)
	}
	return r, w, err
}

func (fd FD) terminal() *pipe.Ring {
	f, err := fd.entry()
	if err != nil || PipeOf(f) == 0 || ring(f).Mode()&modeTerminal == 0 {
		return nil
	}
	return ring(f)
}

// IsTerminal says whether somebody types what comes out: it is the console, or a Terminal.
func (fd FD) IsTerminal() bool { return fd.IsConsole() || fd.terminal() != nil }

// Raw asks for keys as they are typed, without echo, or for lines again. The console has nothing but keys.
func (fd FD) Raw(on bool) error {
	r := fd.terminal()
	switch {
	case r == nil && fd.IsConsole():
		return nil
	case r == nil:
		return ErrKind
	case on:
		r.SetMode(modeRaw, 0)
	default:
		r.SetMode(0, modeRaw)
	}
	return nil
}

// Wants tells who writes to a terminal whether its reader waits and has read everything, and whether it wants keys.
func (fd FD) Wants() (waits, raw bool) {
	r := fd.terminal()
	if r == nil {
		return false, false
	}
	return r.SomeoneReads() && r.Len() == 0, r.Mode()&modeRaw != 0
}

// Room is how much can be written to a pipe without waiting.
func (fd FD) Room() int {
	f, err := fd.entry()
	if err != nil || PipeOf(f) == 0 {
		return 0
	}
	return ring(f).Room()
}

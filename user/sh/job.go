//go:build exouser

package main

import (
	"slices"

	"exo/kernel/abi"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/wait"
)

// job is the programs of a pipeline.
type job struct {
	number     int // 0: it is waited for
	text       string
	procs      []process
	background bool
	halted     bool // by Ctrl-Z
	killed     bool // by Ctrl-C
	// Its terminal: it reads from screen what the shell writes to keyboard; -1: it has none.
	keyboard, screen file.FD
	typed            []byte // the line that is being typed for it
}

type process struct {
	id     proc.ID
	ended  bool
	status int64
}

var (
	jobs []*job  // in the background or stopped, by number
	last proc.ID // $!
)

// input is what its first program reads from: a terminal, if somebody types; what the shell does; in the background, nothing.
func (j *job) input(background bool) file.FD {
	switch {
	case background:
		fd, _ := file.Open("/dev/null", file.Read)
		return fd
	case interactive:
		if r, w, err := file.Terminal(); err == nil {
			j.screen, j.keyboard = r, w
			fd, _ := r.Dup()
			return fd
		}
	}
	fd, _ := file.In.Dup()
	return fd
}

// add puts it into the list.
func (j *job) add() {
	if j.number == 0 {
		j.number = 1
		if len(jobs) > 0 {
			j.number = jobs[len(jobs)-1].number + 1
		}
		jobs = append(jobs, j)
	}
}

func (j *job) done() bool {
	return !slices.ContainsFunc(j.procs, func(p process) bool { return !p.ended })
}

// result is its status: that of its last program.
func (j *job) result() int {
	if j.killed {
		return interrupted
	}
	switch s := j.procs[len(j.procs)-1].status; s {
	case abi.StatusKilled:
		return 137
	case abi.StatusFault:
		return 139
	default:
		return int(s & 0xff)
	}
}

// end gives back what the shell has of it.
func (j *job) end() {
	if j.keyboard >= 0 {
		var b [256]byte
		var left []byte
		for {
			n, err := j.screen.TryRead(b[:])
			left = append(left, b[:n]...)
			if n == 0 || err != nil {
				break
			}
		}
		left = append(left, j.typed...)
		ahead = append(left, ahead...) // it has not been read, so it is the shell's
		j.keyboard.Close()
		j.screen.Close()
		j.keyboard, j.screen = -1, -1
	}
	jobs = slices.DeleteFunc(jobs, func(other *job) bool { return other == j })
}

// reap notes which programs have ended.
func reap() {
	for {
		id, status, err := proc.PollAny()
		if err != nil || id == 0 {
			return
		}
		note(current, id, status)
		for _, j := range jobs {
			note(j, id, status)
		}
	}
}

func note(j *job, id proc.ID, status int64) {
	if j == nil {
		return
	}
	for i := range j.procs {
		if p := &j.procs[i]; p.id == id && !p.ended {
			p.ended, p.status = true, status
			if status < 0 && !j.killed {
				complain(j.text + ": process " + number(int(id)) + " " + ends(status))
			}
		}
	}
}

func ends(status int64) string {
	switch status {
	case abi.StatusKilled:
		return "was killed"
	case abi.StatusFault:
		return "faulted"
	}
	return "ended with status " + number(int(status))
}

// report tells about jobs that are done.
func report() {
	for _, j := range slices.Clone(jobs) {
		if j.done() {
			say("[" + number(j.number) + "] " + j.state() + "  " + j.text)
			j.end()
		}
	}
}

func say(text string) { file.Out.WriteString(text + "\n") }

func (j *job) state() string {
	switch {
	case j.done() && j.result() == 0:
		return "done"
	case j.done():
		return "done, status " + number(j.result())
	case j.halted:
		return "stopped"
	}
	return "running"
}

// current is the job that is waited for.
var current *job

// foreground waits until a job is done or stopped, and gives it what is typed. It returns its status.
func (j *job) foreground() int {
	current = j
	defer func() { current = nil }()
	j.background, j.halted = false, false
	proc.Watch()
	for try := uint64(1); ; try++ {
		reap()
		if j.done() {
			break
		}
		if interactive && j.serve() {
			try = 1
		}
		if j.halted {
			j.add()
			say("\n[" + number(j.number) + "] stopped  " + j.text)
			return stopped
		}
		wait.For(try, wait.Own(), wait.BitChild|wait.BitConsole)
	}
	status := j.result()
	j.end()
	return status
}

// kill ends what of it still runs.
func (j *job) kill() {
	j.killed = true
	for i := range j.procs {
		if p := &j.procs[i]; !p.ended {
			proc.Kill(p.id)
		}
	}
}

// each does something to those of its programs that still run.
func (j *job) each(do func(proc.ID) error) {
	for i := range j.procs {
		if p := &j.procs[i]; !p.ended {
			do(p.id)
		}
	}
}

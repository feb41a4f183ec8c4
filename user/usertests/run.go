//go:build exouser

package main

import (
	"strconv"

	"exo/kernel/abi"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/thread"
	"exo/libos/wait"
)

// test is a line of the table.
type test struct {
	name  string
	shows string // what it shows, in a sentence
	run   func(t *T)
}

// isolated runs a test in a process of its own, and says what was wrong, "" for nothing.
func (t *test) isolated() string {
	before := mine()
	id, err := proc.Spawn(me, []string{me, runOne, t.name}, attr())
	if err != nil {
		return "it cannot be started: " + err.Error()
	}
	status, err := proc.Wait(id)
	switch {
	case err != nil:
		return "nobody knows how it ended: " + err.Error()
	case status != 0:
		return "status " + strconv.Itoa(int(status))
	}
	if why := before.stillLess(); why != "" {
		return "after it has ended " + why
	}
	return ""
}

// stillLess is less when all has come back that comes late: what children had that nobody has waited for comes when they have ended, too.
func (before own) stillLess() string {
	why := before.less()
	for try := 0; why != "" && try < settleTries; try++ {
		thread.Sleep(settleNs)
		why = before.less()
	}
	return why
}

// attr gives it most of what there is.
func attr() *proc.Attr {
	m := mine()
	frames, caps := m.limitFrames-m.frames, m.limitCaps-m.caps
	return &proc.Attr{Frames: frames - frames/8, Caps: caps - caps/8}
}

// warm is the name of a test that uses what is kept once it was used; it is not in the table.
const warm = "warm"

// alone is what the process of a test does. What a test keeps the first time it may keep, for next time; what it takes each time is
// lost.
func alone(name string) {
	t := &test{name: warm, run: warmUp}
	for i := range table {
		if table[i].name == name {
			t = &table[i]
		}
	}
	wait.Own() // kept, too; it is made when somebody waits for the first time, which may be in any round
	const rounds = 3
	why := ""
	for round := range rounds {
		before := mine()
		if failed := t.guarded(); failed != "" {
			file.Out.WriteString("# " + failed + "\n")
			proc.Exit(1)
		}
		if why = before.less(); why != "" && round == rounds-1 {
			why = before.stillLess()
		}
		if why == "" {
			return
		}
	}
	file.Out.WriteString("# each time " + why + "\n")
	proc.Exit(1)
}

// guarded runs a test, and makes its panic a failure.
func (t *test) guarded() (why string) {
	run := &T{parent: proc.Self()}
	defer func() {
		r := recover()
		run.done() // whatever it has left
		switch r := r.(type) {
		case nil:
		case failure:
			why = string(r)
		case error:
			why = "it panicked: " + r.Error()
		default:
			why = "it panicked"
		}
		if why != "" && proc.Self() != run.parent {
			file.Out.WriteString("# in a child: " + why + "\n")
			proc.Exit(failedInChild)
		}
	}()
	t.run(run)
	return ""
}

const failedInChild = 99

// warmUp uses a bit of everything.
func warmUp(t *T) {
	for range 4 {
		t.Status(0, "exit", "0")
		t.Count(t.Forked(func() int { return 3 }), 3, "status of a fork")
	}
	notify(t)
	t.OK(abi.OK, "")
}

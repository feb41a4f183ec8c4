//go:build exouser

// Sh is the shell.
//
//	sh                  reads lines: with editing where somebody types them
//	sh FILE [ARG …]     runs what is in a file
//	sh -c TEXT [ARG …]  runs a text
//
// It is made of: parse (what a line means), line (how it is edited), and here run.go (commands become programs),
// job.go (which are waited for), keys.go (what is typed meanwhile), builtin.go, value.go.
package main

import (
	"io"
	"strconv"

	"exo/libos/console"
	"exo/libos/file"
	"exo/libos/heap"
	"exo/libos/proc"
	"exo/user/sh/line"
	"exo/user/sh/parse"
)

const prompt = "exo$ "

const depth = "SHLVL"

// Statuses of the shell's own.
const (
	wrongUse    = 2
	cannotRun   = 126
	notFound    = 127
	interrupted = 130 // by Ctrl-C
	stopped     = 148 // by Ctrl-Z
	poweroff    = 100 // has init turn the machine off
)

// The shell's state; it has one thread.
var (
	interactive bool
	status      int      // of the last pipeline
	quit        bool     // exit was called
	broken      bool     // Ctrl-C: the rest of the line is not run
	args        []string // $0, $1, …
	editor      = line.Editor{Prompt: prompt, Out: func(b []byte) { file.Err.Write(b) }, Complete: complete}
)

func complain(what string) { file.Err.WriteString("sh: " + what + "\n") }

func main() {
	args = proc.Args()
	for _, e := range proc.Environ() {
		for i := range len(e) {
			if e[i] == '=' {
				set(e[:i], e[i+1:])
				break
			}
		}
	}
	switch {
	case len(args) >= 2 && args[1] == "-c":
		if len(args) < 3 {
			complain("-c wants a text")
			proc.Exit(wrongUse)
		}
		text := args[2]
		args = append([]string{"sh"}, args[3:]...)
		run(text)
	case len(args) >= 2:
		text, err := file.ReadFile(args[1])
		if err != nil {
			complain(args[1] + ": " + err.Error())
			proc.Exit(notFound)
		}
		args = args[1:]
		run(string(text))
	case file.In.IsTerminal():
		interact()
	default:
		run(all(file.In))
	}
	proc.Exit(status)
}

// run runs a text.
func run(text string) {
	script, err := parse.Parse(text)
	if err != nil {
		complain(err.Error())
		status = wrongUse
		return
	}
	broken = false
	execute(script)
}

// interact reads lines from who types them.
func interact() {
	interactive = true
	file.In.Raw(true)
	console.Bind()
	if value(depth) == "" { // a shell in a shell says nothing
		greet()
	}
	set(depth, "1")
	mark := heap.Mark()
	for !quit {
		reap()
		report()
		if release(mark) {
			mark = heap.Mark()
		}
		room := editor.Room()
		event := readLine()
		if event == line.Entered {
			editor.Remember()
		}
		if editor.Room() != room {
			heap.Keep()
			if len(jobs) == 0 {
				mark = heap.Mark()
			}
		}
		switch event {
		case line.End:
			quit = true
		case line.Entered:
			run(editor.Text())
		}
	}
}

// release gives back the memory of what has been run, and says whether it has. While there are jobs it waits, for they lie there; what is
// kept for longer says so (heap.Keep).
func release(mark heap.Position) bool {
	if len(jobs) > 0 || current != nil || len(ahead) > len(typeahead) {
		return false
	}
	jobs = nil
	ahead = typeahead[:copy(typeahead[:], ahead)]
	mark.Release()
	return true
}

func greet() {
	if text, err := file.ReadFile("/etc/motd"); err == nil {
		file.Out.Write(text)
	}
	file.Out.WriteString("Type help for a list of commands.\n")
}

// all reads everything.
func all(fd file.FD) string {
	var text []byte
	var b [1024]byte
	for {
		n, err := fd.Read(b[:])
		text = append(text, b[:n]...)
		if err != nil {
			if err != io.EOF {
				complain("reading: " + err.Error())
			}
			return string(text)
		}
	}
}

func number(n int) string { return strconv.Itoa(n) }

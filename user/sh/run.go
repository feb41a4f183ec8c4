//go:build exouser

package main

import (
	"slices"

	"exo/libos/file"
	"exo/libos/heap"
	"exo/libos/proc"
	"exo/user/sh/parse"
)

const self = "/bin/sh"

// execute runs a script.
func execute(script parse.Script) {
	for i := range script {
		if quit || broken {
			return
		}
		a := &script[i]
		mark := heap.Mark()
		if !a.Background {
			andOr(a)
			release(mark)
			continue
		}
		l := &a.Pipelines[0]
		if len(a.Pipelines) > 1 || l.Not || isBuiltin(l) { // another shell does that, one after the other
			l = &parse.Pipeline{Text: a.Text, Commands: []parse.Command{{Group: a.Text, Text: a.Text}}}
		}
		status = pipeline(l, true)
	}
}

// isBuiltin says that a pipeline is nothing but a builtin.
func isBuiltin(l *parse.Pipeline) bool {
	c := &l.Commands[0]
	if len(l.Commands) > 1 || len(c.Words) == 0 {
		return false
	}
	name := parse.Text(c.Words[0], value)
	return slices.ContainsFunc(builtins, func(b builtin) bool { return b.name == name })
}

func andOr(a *parse.AndOr) {
	for i := range a.Pipelines {
		l := &a.Pipelines[i]
		if quit || broken {
			return
		}
		if l.Then == parse.IfTrue && status != 0 || l.Then == parse.IfFalse && status == 0 {
			continue
		}
		status = pipeline(l, false)
		if l.Not {
			status = not(status)
		}
	}
}

func not(status int) int {
	if status == 0 {
		return 1
	}
	return 0
}

// stage is a command of a pipeline that is about to run.
type stage struct {
	args    []string
	files   []file.FD
	opened  []file.FD // to be closed when it has been started
	builtin *builtin
	id      proc.ID // 0: it could not be started, or is a builtin
	status  int
}

// open leads descriptors where redirections say.
func (s *stage) open(redirects []parse.Redirect) bool {
	for _, r := range redirects {
		for len(s.files) <= r.FD {
			s.files = append(s.files, -1)
		}
		if r.Op == parse.Dup {
			if r.From >= len(s.files) || s.files[r.From] < 0 {
				complain(number(r.From) + ": " + file.ErrDescriptor.Error())
				return false
			}
			s.files[r.FD] = s.files[r.From]
			continue
		}
		flags := map[parse.Op]file.Flags{
			parse.ReadFrom: file.Read, parse.WriteTo: file.Write | file.Create | file.Truncate,
			parse.AppendTo: file.Write | file.Create | file.Append,
		}[r.Op]
		name := parse.Text(r.File, value)
		fd, err := file.Open(name, flags)
		if err != nil {
			complain(name + ": " + err.Error())
			return false
		}
		s.opened = append(s.opened, fd)
		s.files[r.FD] = fd
	}
	return true
}

func (s *stage) close() {
	for _, fd := range s.opened {
		fd.Close()
	}
	s.opened = nil
}

// pipeline runs one, and returns its status; in the background, 0 if it could be started.
func pipeline(l *parse.Pipeline, background bool) int {
	n := len(l.Commands)
	if n == 1 && len(l.Commands[0].Words) == 0 && l.Commands[0].Group == "" { // nothing is to be run
		c := &l.Commands[0]
		s := stage{files: []file.FD{file.In, file.Out, file.Err}}
		ok := s.open(c.Redirects)
		s.close()
		for _, a := range c.Assigns {
			set(a.Name, parse.Text(a.Value, value))
		}
		return not(b2i(ok))
	}
	j := &job{text: l.Text, background: background, keyboard: -1, screen: -1}
	stages := make([]stage, n)
	in := j.input(background)
	for i := range stages {
		s, c := &stages[i], &l.Commands[i]
		s.files = []file.FD{in, file.Out, file.Err}
		s.opened = append(s.opened, in)
		in = -1
		if i < n-1 {
			r, w, err := file.Pipe()
			if err != nil {
				complain("pipe: " + err.Error())
				s.close()
				s.status = cannotRun
				break
			}
			in = r
			s.files[file.Out] = w
			s.opened = append(s.opened, w)
		}
		if !s.open(c.Redirects) {
			s.status = 1
			s.close()
			continue
		}
		s.prepare(c)
		if s.builtin == nil {
			if s.status == 0 {
				s.start(c, j, part(n-i, background))
			}
			s.close()
		}
	}
	for i := range stages { // when all who read what they write are there
		if s := &stages[i]; s.builtin != nil {
			s.status = s.builtin.run(s.args, out{s.files})
			s.close()
		}
	}
	switch {
	case len(j.procs) == 0:
		j.end()
		return stages[n-1].status
	case background:
		j.add()
		last = j.procs[len(j.procs)-1].id
		if interactive {
			file.Err.WriteString("[" + number(j.number) + "] " + number(int(last)) + "\n")
		}
		return 0
	}
	status := j.foreground()
	if s := &stages[n-1]; s.id == 0 && status < 128 {
		return s.status
	}
	return status
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// prepare finds out what a command is.
func (s *stage) prepare(c *parse.Command) {
	if c.Group != "" {
		s.args = []string{"sh", "-c", c.Group}
		return
	}
	if s.args = fields(c.Words); len(s.args) == 0 {
		s.status = 0
		s.builtin = &builtin{run: func([]string, out) int { return status }} // of nothing but empty variables
		return
	}
	for i := range builtins {
		if builtins[i].name == s.args[0] {
			s.builtin = &builtins[i]
		}
	}
}

// start starts the program.
func (s *stage) start(c *parse.Command, j *job, part proc.Part) {
	path, err := self, error(nil)
	if c.Group == "" {
		path, err = proc.Look(s.args[0], value("PATH"))
	}
	if err != nil {
		s.status = notFound
		if err == error(file.ErrNone) {
			err = errNoCommand
		}
		complain(s.args[0] + ": " + err.Error())
		return
	}
	a := proc.Attr{Files: s.files, Env: settings(c.Assigns), Part: part}
	if s.id, err = proc.Spawn(path, s.args, &a); err != nil {
		s.status = cannotRun
		complain(s.args[0] + ": " + err.Error())
		return
	}
	j.procs = append(j.procs, process{id: s.id})
}

const errNoCommand = proc.Error("no such command")

// part is what one of n programs may use: together, three quarters of what is left, or one in the background.
func part(n int, background bool) proc.Part {
	if background {
		return proc.Whole / 4 / proc.Part(n)
	}
	return proc.Whole * 3 / 4 / proc.Part(n)
}

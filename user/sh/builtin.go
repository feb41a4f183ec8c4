//go:build exouser

package main

import (
	"strconv"
	"strings"

	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/wait"
)

// builtin is a command that the shell runs itself.
type builtin struct {
	name, usage, what string
	run               func(args []string, to out) int
}

// out is where a builtin writes.
type out struct{ files []file.FD }

func (o out) say(text string) { o.files[file.Out].WriteString(text + "\n") }

func (o out) complain(text string) int {
	o.files[file.Err].WriteString("sh: " + text + "\n")
	return 1
}

func (o out) usage(args []string) int {
	for _, b := range builtins {
		if b.name == args[0] {
			o.complain("usage: " + b.name + " " + b.usage)
		}
	}
	return wrongUse
}

var builtins []builtin

func init() {
	builtins = []builtin{
		{"bg", "[%JOB]", "let a stopped job go on, in the background", runBg},
		{"cd", "[FOLDER]", "go to a folder", runCd},
		{"exit", "[STATUS]", "leave the shell", runExit},
		{"fg", "[%JOB]", "wait for a job of the background", runFg},
		{"help", "", "this list", runHelp},
		{"history", "", "lines of before", runHistory},
		{"jobs", "", "what runs in the background", runJobs},
		{"kill", "%JOB|PROCESS …", "end jobs or processes", runKill},
		{"poweroff", "", "turn the machine off", runPoweroff},
		{"pwd", "", "the folder", runPwd},
		{"set", "", "all variables", runSet},
		{"source", "FILE", "run what is in a file", runSource},
		{"unset", "NAME …", "forget variables", runUnset},
		{"wait", "[%JOB]", "wait for a job, or for all", runWait},
	}
}

func runCd(args []string, to out) int {
	target := value("HOME")
	switch {
	case len(args) > 2:
		return to.usage(args)
	case len(args) == 2 && args[1] == "-":
		target = value("OLDPWD")
	case len(args) == 2:
		target = args[1]
	}
	if target == "" {
		target = "/"
	}
	was := strings.Clone(file.Dir())
	if err := file.Chdir(target); err != nil {
		return to.complain("cd: " + target + ": " + err.Error())
	}
	set("OLDPWD", was)
	set("PWD", file.Dir())
	return 0
}

func runPwd(args []string, to out) int {
	to.say(file.Dir())
	return 0
}

func runExit(args []string, to out) int {
	s := status
	if len(args) > 1 {
		n, err := strconv.Atoi(args[1])
		if err != nil || len(args) > 2 {
			return to.usage(args)
		}
		s = n & 0xff
	}
	quit = true
	return s
}

func runPoweroff(args []string, to out) int {
	quit = true
	return poweroff
}

func runHelp(args []string, to out) int {
	for _, b := range builtins {
		to.say(pad(b.name+" "+b.usage, 24) + b.what)
	}
	var names []string
	for _, folder := range strings.Split(value("PATH"), ":") {
		all, _ := file.ReadDir(folder)
		for _, i := range all {
			if i.Name != "init" && i.Name != "box" {
				names = append(names, i.Name)
			}
		}
	}
	to.say("programs (NAME -h tells more): " + strings.Join(names, " "))
	to.say("a | b   a && b   a || b   a ; b   a &   < > >>  2>&1   'text' \"$NAME\" $?   * ?   (a; b)   NAME=value")
	return 0
}

// pad makes a text so many columns wide, of ASCII and "…".
func pad(text string, width int) string {
	n := width - len(text) + 2*strings.Count(text, "…")
	return text + strings.Repeat(" ", max(n, 1))
}

func runHistory(args []string, to out) int {
	first, lines := editor.Lines()
	for i, l := range lines {
		to.say(pad(number(first+i), 6) + l)
	}
	return 0
}

func runJobs(args []string, to out) int {
	reap()
	for _, j := range jobs {
		line := "[" + number(j.number) + "] " + pad(j.state(), 10)
		for _, p := range j.procs {
			line += number(int(p.id)) + " "
		}
		to.say(line + j.text)
	}
	for i := len(jobs) - 1; i >= 0; i-- {
		if j := jobs[i]; j.done() {
			j.end()
		}
	}
	return 0
}

// jobOf finds a job by %NUMBER, or the number of one of its processes; nil: there is none.
func jobOf(arg string) *job {
	n, err := strconv.Atoi(strings.TrimPrefix(arg, "%"))
	if err != nil {
		return nil
	}
	for _, j := range jobs {
		if arg[0] == '%' && j.number == n {
			return j
		}
		for _, p := range j.procs {
			if arg[0] != '%' && int(p.id) == n {
				return j
			}
		}
	}
	return nil
}

// chosen is the job that args ask for, the last one if for none.
func chosen(args []string, to out) *job {
	reap()
	switch {
	case len(args) > 2:
		to.usage(args)
	case len(args) == 2:
		if j := jobOf(args[1]); j != nil {
			return j
		}
		to.complain(args[0] + ": " + args[1] + ": no such job")
	case len(jobs) > 0:
		return jobs[len(jobs)-1]
	default:
		to.complain(args[0] + ": no jobs")
	}
	return nil
}

func runFg(args []string, to out) int {
	j := chosen(args, to)
	if j == nil {
		return 1
	}
	to.say(j.text)
	j.halted = false
	j.each(proc.Continue)
	return j.foreground()
}

func runBg(args []string, to out) int {
	j := chosen(args, to)
	if j == nil {
		return 1
	}
	j.background, j.halted = true, false
	j.each(proc.Continue)
	to.say("[" + number(j.number) + "] " + j.text)
	return 0
}

func runWait(args []string, to out) int {
	if len(args) > 2 {
		return to.usage(args)
	}
	if len(args) == 2 {
		j := chosen(args, to)
		if j == nil {
			return notFound
		}
		return await(j)
	}
	result := 0
	for len(jobs) > 0 && !broken && !jobs[0].halted {
		result = await(jobs[0])
	}
	if broken {
		return interrupted
	}
	return result
}

// await waits for a job without giving it what is typed; Ctrl-C ends the waiting.
func await(j *job) int {
	proc.Watch()
	for try := uint64(1); !j.done(); try++ {
		if interactive {
			n, _ := file.In.TryRead(read[:])
			for _, k := range read[:n] {
				if k == ctrlC {
					file.Err.WriteString("^C\n")
					ahead, broken = ahead[:0], true
					return interrupted
				}
				ahead = append(ahead, k)
			}
		}
		wait.For(try, wait.Own(), wait.BitChild|wait.BitConsole)
		reap()
	}
	status := j.result()
	j.end()
	return status
}

func runKill(args []string, to out) int {
	if len(args) < 2 {
		return to.usage(args)
	}
	result := 0
	for _, arg := range args[1:] {
		if j := jobOf(arg); j != nil && arg[0] == '%' {
			j.each(proc.Kill)
			continue
		}
		n, err := strconv.Atoi(arg)
		if err != nil {
			result = to.complain("kill: " + arg + ": neither a job nor a process")
			continue
		}
		if err := proc.EndAny(proc.ID(n)); err != nil {
			result = to.complain("kill: " + arg + ": " + err.Error())
		}
	}
	return result
}

func runSet(args []string, to out) int {
	for _, v := range variables {
		to.say(v.name + "=" + string(v.value))
	}
	return 0
}

func runUnset(args []string, to out) int {
	for _, name := range args[1:] {
		unset(name)
	}
	return 0
}

func runSource(args []string, to out) int {
	if len(args) != 2 {
		return to.usage(args)
	}
	text, err := file.ReadFile(args[1])
	if err != nil {
		return to.complain("source: " + args[1] + ": " + err.Error())
	}
	run(string(text))
	return status
}

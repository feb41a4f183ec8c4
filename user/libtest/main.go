//go:build exouser

// Libtest tests the library OS from within, and prints a line of TAP for each test. It starts itself again, with arguments, to
// have children that do something.
package main

import (
	"strconv"

	"exo/libos/file"
	"exo/libos/proc"
)

// A test says what is wrong, "" for nothing.
type test struct {
	name string
	run  func() string
}

func say(s string) { file.Out.WriteString(s + "\r\n") }

func main() {
	args := proc.Args()
	if len(args) > 1 {
		child(args[1:])
		return
	}
	say("TAP version 13")
	say("1.." + strconv.Itoa(len(tests)))
	failed := 0
	for i, t := range tests {
		why := t.guarded()
		line := "ok "
		if why != "" {
			failed++
			line = "not ok "
		}
		line += strconv.Itoa(i+1) + " - " + t.name
		if why != "" {
			line += " # " + why
		}
		say(line)
	}
	if failed > 0 {
		proc.Exit(1)
	}
}

// guarded runs a test, and makes a panic of its a failure.
func (t *test) guarded() (why string) {
	defer func() {
		if r := recover(); r != nil {
			why = "it panicked"
			if e, ok := r.(error); ok {
				why += ": " + e.Error()
			}
		}
	}()
	return t.run()
}

// check says what is wrong if something is.
func check(ok bool, what string) string {
	if ok {
		return ""
	}
	return what
}

// because says which error there was, if there was one.
func because(what string, err error) string {
	if err == nil {
		return ""
	}
	return what + ": " + err.Error()
}

var tests = []test{
	{"mem/demand-zero", demandZero},
	{"mem/runs-of-frames", runsOfFrames},
	{"mem/unmap", unmapped},
	{"mem/protect", protected},
	{"mem/stack-grows", stackGrows},
	{"mem/many-regions", manyRegions},
	{"proc/spawn+wait", spawnWait},
	{"proc/arguments", arguments},
	{"proc/panic-status", panicStatus},
	{"proc/kill", kill},
	{"proc/stop+continue", stopContinue},
	{"proc/no-program", noProgram},
	{"proc/frames-come-back", framesComeBack},
	{"fork/status", forkStatus},
	{"fork/copy-on-write", copyOnWrite},
	{"fork/of-a-fork", forkOfFork},
	{"fork/many", forkMany},
	{"pipe/one-process", pipeOne},
	{"pipe/fork", pipeFork},
	{"pipe/spawn", pipeSpawn},
	{"pipe/broken", pipeBroken},
	{"pipe/killed-writer", pipeKilled},
	{"file/initramfs", fileFixed},
	{"file/read-only", fileReadOnly},
	{"file/memory", fileMemory},
	{"file/shared", fileShared},
	{"file/folders", fileFolders},
	{"file/descriptors", fileDescriptors},
	{"thread/join", threadJoin},
	{"thread/mutex", threadMutex},
	{"thread/cond", threadCond},
	{"thread/faults", threadFaults},
}

//go:build exouser

// Box is many small programs in one file: which one it is its name says, so bin has a link to it for each (initramfs/bin). They
// share one library OS, and one copy of its text in memory.
//
// Start reading: common.go (what they share), then any of the others: a program, a file.
package main

import (
	"strings"

	"exo/libos/proc"
)

// program is one of them. run returns its status.
type program struct {
	name, usage, what string
	run               func(c *call) int
}

var programs []program

// TestLinks in user/user_test.go wants a link for each of these.
func init() {
	programs = []program{
		{"cat", "[FILE …]", "write what is in files", cat},
		{"cp", "[-r] FROM … TO", "copy files; -r: folders too", cp},
		{"df", "", "how much space there is", df},
		{"du", "[-s] [FOLDER …]", "KiB in folders; -s: not in those within", du},
		{"echo", "[-n] [TEXT …]", "write words; -n: the line goes on", echo},
		{"ed", "[FILE]", "edit a file, line by line: a i c (a dot ends) d j m s/x/y/g p n = r w q Q, for 3 . $ 1,3 % /text/", ed},
		{"env", "[NAME=VALUE …] [PROGRAM …]", "write the settings, or run a program with some", env},
		{"false", "", "do nothing, badly", func(*call) int { return 1 }},
		{"find", "[FOLDER …] [-name PATTERN] [-type d|f|l]", "files below folders; -name: as in *.go, -type: folders, files, links", find},
		{"grep", "[-Fcinqv] PATTERN [FILE …]", "lines with a pattern; -F: a text, -c: how many, -i: large and small letters alike, -n: with numbers, -q: none, -v: the others", grep},
		{"head", "[-n LINES] [FILE …]", "the first lines", head},
		{"ln", "[-s] FILE NAME", "give a file below /disk another name; -s: one that says where to look", ln},
		{"log", "[-n] [TEXT …]", "what is in the log beside the file system, or add a line to it, which lasts; -n: begin a new one", logs},
		{"ls", "[-al] [FILE …]", "what is in folders; -a: hidden files too, -l: more about them", ls},
		{"mkdir", "[-p] FOLDER …", "make folders; -p: those above too, and never mind those that are there", mkdir},
		{"mv", "FROM … TO", "give a file another name, or put files into a folder", mv},
		{"place", "[-c CPUS] [-m NODE] [-w WEIGHT] [PROGRAM …]", "run a program on CPUs such as 0-2,5, with memory of a node, with a share of CPUs; without one: what there is", place},
		{"ps", "", "processes", ps},
		{"rm", "[-fr] FILE …", "remove files and empty folders; -r: all folders, -f: never mind what is not there", rm},
		{"rmdir", "FOLDER …", "remove empty folders", rmdir},
		{"sleep", "SECONDS", "wait", sleep},
		{"sort", "[-nru] [FILE …]", "lines in order; -n: by number, -r: the other way round, -u: each once", sorted},
		{"stat", "FILE …", "what is known of files", stat},
		{"sync", "", "wait until what was written below /disk lasts", syncFiles},
		{"tail", "[-n LINES] [FILE …]", "the last lines", tail},
		{"time", "PROGRAM …", "how long a program takes", timed},
		{"top", "[-n TIMES] [-d SECONDS]", "what the machine does; q leaves", top},
		{"touch", "FILE …", "make empty files", touch},
		{"true", "", "do nothing, well", func(*call) int { return 0 }},
		{"wc", "[-clw] [FILE …]", "count lines, words, bytes", wc},
		{"yes", "[TEXT …]", "write a line for ever", yes},
	}
}

func main() {
	args := proc.Args()
	if len(args) == 0 {
		return
	}
	name := args[0][strings.LastIndexByte(args[0], '/')+1:]
	for i := range programs {
		if p := &programs[i]; p.name == name {
			c := call{program: p}
			status := c.start(args[1:])
			if flush() != nil && status == 0 {
				status = 1
			}
			proc.Exit(status)
		}
	}
	for _, p := range programs {
		say(p.name + " " + p.usage + ": " + p.what)
	}
	flush()
	proc.Exit(wrong)
}

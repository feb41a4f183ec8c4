//go:build exouser

// Usertests tests the kernel as programs see it, and the library OS, from within: the table in table.go has a test in each line.
//
//	usertests              all of them
//	usertests fork/* ipc   those whose names match, or begin so
//	usertests -l           what there is, and what each one shows
//
// It prints TAP, and its status is 0 if all is well. Each test is run by a process of its own, usertests again, so that what one of
// them breaks is not the next one's; and after each one all frames and capabilities must be back.
//
// Start reading: table.go, t.go (what a test is given), run.go (how one is run), account.go (what must be back).
package main

import (
	"strconv"
	"strings"

	"exo/libos/file"
	"exo/libos/proc"
)

const (
	me       = "bin/usertests"
	runOne   = "-run"   // NAME: what usertests is called with to run one test
	runChild = "-child" // WHAT…: and by that one, to have a child that does something (child.go)
)

func say(s string) { file.Out.WriteString(s + "\n") }

func main() {
	args := proc.Args()[1:]
	switch {
	case len(args) == 0:
		tests(selected(nil))
	case args[0] == "-l" && len(args) == 1:
		for i := range table {
			say(table[i].name + strings.Repeat(" ", max(28-len(table[i].name), 1)) + table[i].shows)
		}
	case args[0] == runOne && len(args) == 2:
		alone(args[1])
	case args[0] == runChild && len(args) > 1:
		child(args[1:])
	case strings.HasPrefix(args[0], "-"):
		file.Err.WriteString("usage: usertests [-l] [NAME|GLOB…]\n")
		proc.Exit(2)
	default:
		chosen := selected(args)
		if chosen == nil {
			proc.Exit(2)
		}
		tests(chosen)
	}
}

// selected are the tests of the table that one of the patterns names, in order of the table; of no patterns, all. nil: there is a
// pattern that names none, which has been said.
func selected(patterns []string) []*test {
	chosen := []*test{}
	used := make([]bool, len(patterns))
	for i := range table {
		take := len(patterns) == 0
		for k, p := range patterns {
			if matches(p, table[i].name) {
				take, used[k] = true, true
			}
		}
		if take {
			chosen = append(chosen, &table[i])
		}
	}
	for k, u := range used {
		if !u {
			file.Err.WriteString("usertests: no test is called " + patterns[k] + "; usertests -l lists them\n")
			return nil
		}
	}
	return chosen
}

// matches says whether a pattern names a test: as a glob, or as the part before its slash.
func matches(pattern, name string) bool {
	area, _, _ := strings.Cut(name, "/")
	return glob(pattern, name) || pattern == area
}

// glob matches * with any text, and ? with any character.
func glob(pattern, s string) bool {
	for i := 0; ; i++ {
		switch {
		case i == len(pattern):
			return i == len(s)
		case pattern[i] == '*':
			for k := i; k <= len(s); k++ {
				if glob(pattern[i+1:], s[k:]) {
					return true
				}
			}
			return false
		case i == len(s) || pattern[i] != '?' && pattern[i] != s[i]:
			return false
		}
	}
}

// tests runs some, one after the other, and ends with a status.
func tests(chosen []*test) {
	begin := settled()
	say("TAP version 14")
	failed := 0
	for i, t := range chosen {
		why := t.isolated()
		line := "ok "
		if why != "" {
			failed++
			line = "not ok "
			say("# " + why)
		}
		say(line + strconv.Itoa(i+1) + " - " + t.name)
	}
	n := len(chosen) + 1
	if why := begin.missing(); why != "" {
		failed++
		say("# " + why)
		say("not ok " + strconv.Itoa(n) + " - " + everything)
	} else {
		say("ok " + strconv.Itoa(n) + " - " + everything)
	}
	say("1.." + strconv.Itoa(n))
	if failed > 0 {
		say("# " + strconv.Itoa(failed) + " of " + strconv.Itoa(n) + " failed")
		proc.Exit(1)
	}
}

// everything is the name of the check that comes last.
const everything = "all/frames-and-capabilities-are-back"

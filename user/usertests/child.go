//go:build exouser

package main

import (
	"strconv"
	"strings"

	"exo/libos/file"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/thread"
)

// child is what this program does for a test that has spawned it.
func child(args []string) {
	switch args[0] {
	case "exit":
		n, _ := strconv.Atoi(args[1])
		proc.Exit(n)
	case "args":
		if strings.Join(args[1:], ",") != "a,b c,,d" || proc.Getenv("KEY") != "value" {
			proc.Exit(1)
		}
	case "panic":
		var p *int
		*p = 1
	case "recurse":
		recurse(1)
	case "eat":
		at, _ := mem.Map(1<<40, readWrite)
		for ; ; at += 4096 {
			words(at, 8)[0] = 1
		}
	case "spin":
		for {
		}
	case "wait":
		for {
			thread.Sleep(1_000_000)
		}
	case "family": // a child that waits, and waits itself
		if id, err := proc.Spawn(me, []string{me, runChild, "wait"}, nil); err != nil || id == 0 {
			proc.Exit(1)
		}
		file.Out.WriteString("x")
		for {
			thread.Sleep(1_000_000)
		}
	case "upper":
		var b [100]byte
		for {
			n, err := file.In.Read(b[:])
			if err != nil {
				return
			}
			file.Out.WriteString(strings.ToUpper(string(b[:n])))
		}
	case "write":
		fd, err := file.Open("shared", file.Write|file.Create)
		if err != nil {
			proc.Exit(1)
		}
		fd.WriteString("from the child")
	case "append": // NAME TEXT TIMES
		fd, err := file.Open(args[1], file.Write|file.Append)
		n, _ := strconv.Atoi(args[3])
		for range n {
			if _, err2 := fd.WriteString(args[2] + "\n"); err != nil || err2 != nil {
				proc.Exit(1)
			}
		}
	case "descriptors": // how many it has
		n := 0
		for fd := range file.FD(file.MaxFiles) {
			if _, err := fd.Stat(); err == nil {
				n++
			}
		}
		proc.Exit(n)
	default:
		proc.Exit(77)
	}
}

//go:noinline
func recurse(n int) int {
	var pad [2048]byte
	pad[n%2048] = 1
	return recurse(n+1) + int(pad[n%7])
}

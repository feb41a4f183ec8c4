//go:build exouser

package main

import (
	"strconv"
	"strings"

	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

const me = "bin/libtest"

// child is what this program does with arguments.
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
		file.Err.Close()
		var p *int
		*p = 1
	case "spin":
		for {
		}
	case "wait":
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
	}
}

func spawn(args ...string) (proc.ID, error) {
	return proc.Spawn(me, append([]string{me}, args...), nil)
}

func statusOf(want int64, args ...string) string {
	id, err := spawn(args...)
	if err != nil {
		return "Spawn: " + err.Error()
	}
	status, err := proc.Wait(id)
	if err != nil {
		return "Wait: " + err.Error()
	}
	return check(status == want, "status "+strconv.Itoa(int(status)))
}

func spawnWait() string {
	for i := range 5 {
		if why := statusOf(int64(i*3), "exit", strconv.Itoa(i*3)); why != "" {
			return why
		}
	}
	_, err := proc.Wait(1)
	return check(err == error(proc.ErrNoChild), "one can wait for a process that is no child")
}

func arguments() string {
	id, err := proc.Spawn(me, []string{me, "args", "a", "b c", "", "d"}, &proc.Attr{Env: []string{"OTHER=1", "KEY=value"}})
	if err != nil {
		return err.Error()
	}
	status, _ := proc.Wait(id)
	return check(status == 0, "they did not arrive")
}

func panicStatus() string { return statusOf(2, "panic") }

func kill() string {
	id, err := spawn("spin")
	if err != nil {
		return err.Error()
	}
	thread.Sleep(2_000_000)
	if ended, _, _ := proc.Poll(id); ended {
		return "it has ended by itself"
	}
	if err := proc.Kill(id); err != nil {
		return "Kill: " + err.Error()
	}
	status, err := proc.Wait(id)
	if err != nil {
		return "Wait: " + err.Error()
	}
	return check(status == abi.StatusKilled, "status "+strconv.Itoa(int(status)))
}

func ran(id proc.ID) uint64 {
	for _, p := range proc.List() {
		if p.ID == id {
			return p.RanNs
		}
	}
	return 0
}

func stopContinue() string {
	id, err := spawn("spin")
	if err != nil {
		return err.Error()
	}
	defer func() {
		proc.Kill(id)
		proc.Wait(id)
	}()
	if err := proc.Stop(id); err != nil {
		return "Stop: " + err.Error()
	}
	thread.Sleep(1_000_000)
	before := ran(id)
	thread.Sleep(5_000_000)
	if ran(id) != before {
		return "it runs although it is stopped"
	}
	if err := proc.Continue(id); err != nil {
		return "Continue: " + err.Error()
	}
	for end := clock.Now() + 5_000_000_000; ran(id) == before; thread.Sleep(1_000_000) {
		if clock.Now() > end {
			return "it does not go on"
		}
	}
	return ""
}

func noProgram() string {
	if _, err := proc.Spawn("bin/nothing", nil, nil); err != error(file.ErrNone) {
		return "a program that is not there starts"
	}
	_, err := proc.Spawn("etc/motd", nil, nil)
	return check(err != nil, "a text starts")
}

func held() (frames, caps uint64) {
	var info abi.EnvInfo
	sys.EnvInspect(0, &info)
	return info.FrameLimit - info.Frames, info.CapLimit - info.Caps
}

func framesComeBack() string {
	if why := statusOf(1, "exit", "1"); why != "" {
		return why
	}
	frames, caps := held()
	for range 10 {
		if why := statusOf(1, "exit", "1"); why != "" {
			return why
		}
	}
	f, c := held()
	return check(f+16 >= frames && c+16 >= caps, "after ten children "+strconv.Itoa(int(frames-f))+" frames and "+
		strconv.Itoa(int(caps-c))+" capabilities are missing")
}

func forked(fn func() int) (int64, string) {
	id, err := proc.Fork()
	switch {
	case err != nil:
		return 0, "Fork: " + err.Error()
	case id == 0:
		proc.Exit(fn())
	}
	status, err := proc.Wait(id)
	if err != nil {
		return 0, "Wait: " + err.Error()
	}
	return status, ""
}

func forkStatus() string {
	status, why := forked(func() int { return 42 })
	return why + check(status == 42, " status "+strconv.Itoa(int(status)))
}

var global = 1

func copyOnWrite() string {
	local := 1
	heap := make([]int, 10_000)
	for i := range heap {
		heap[i] = i
	}
	status, why := forked(func() int {
		for i := range heap {
			if heap[i] != i {
				return 1
			}
			heap[i] = -1
		}
		if local != 1 || global != 1 {
			return 2
		}
		local, global = 2, 2
		more := make([]int, 100_000)
		more[len(more)-1] = 1
		return 0
	})
	if why != "" || status != 0 {
		return why + " the child found something else: " + strconv.Itoa(int(status))
	}
	for i := range heap {
		if heap[i] != i {
			return "the child's writes are seen"
		}
		heap[i]++
	}
	return check(local == 1 && global == 1, "the child's variables are seen")
}

func forkOfFork() string {
	v := make([]int, 5000)
	status, why := forked(func() int {
		v[1] = 5
		status, why := forked(func() int {
			v[1]++
			return v[1]
		})
		if why != "" || v[1] != 5 {
			return -1
		}
		return int(status)
	})
	return why + check(status == 6 && v[1] == 0, " status "+strconv.Itoa(int(status)))
}

func forkMany() string {
	var ids []proc.ID
	for i := range 8 {
		id, err := proc.Fork()
		if err != nil {
			return "Fork: " + err.Error()
		}
		if id == 0 {
			thread.Sleep(1_000_000)
			proc.Exit(i)
		}
		ids = append(ids, id)
	}
	sum := 0
	for range ids {
		_, status, err := proc.WaitAny()
		if err != nil {
			return "WaitAny: " + err.Error()
		}
		sum += int(status)
	}
	_, _, err := proc.WaitAny()
	return check(sum == 28 && err == error(proc.ErrNoChild), "statuses add up to "+strconv.Itoa(sum))
}

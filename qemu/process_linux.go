package qemu

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// processAttr makes QEMU die with us: the host's kernel kills it when the thread that
// started it ends, however we end. With a terminal it stays in our process group, for only
// the foreground group may read keys.
func processAttr(terminal bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: !terminal, Pdeathsig: syscall.SIGKILL}
}

// clockTick is the unit of CPU times in /proc: USER_HZ, which Linux fixes at 100 on x86 and arm64.
const clockTick = time.Second / 100

// sampleUsage reads a process's usage from /proc (proc_pid_stat(5)).
func sampleUsage(pid int) (usage, error) {
	var u usage
	_, u.cpu, _ = readStat(fmt.Sprintf("/proc/%d/stat", pid))
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return u, fmt.Errorf("process %d is gone", pid)
	}
	for _, t := range threads {
		state, _, err := readStat(t)
		if err == nil && (state == 'R' || state == 'T') {
			u.want = true
			break
		}
	}
	return u, nil
}

// readStat returns field 3 (state) and the sum of fields 14 and 15 (user and system time).
func readStat(path string) (state byte, cpu time.Duration, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	// Field 2 is the command in parentheses and may itself hold spaces and parentheses.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("%s has %d fields after the command; 13 are needed", path, len(fields))
	}
	for _, f := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("reading CPU times of %s: %w", path, err)
		}
		cpu += time.Duration(ticks) * clockTick
	}
	return fields[0][0], cpu, nil
}

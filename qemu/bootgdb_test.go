package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGDB is a session with the debugger: it stops at a Go function by name and by file and line, and prints Go variables.
func TestGDB(t *testing.T) {
	t.Parallel()
	gdb, err := exec.LookPath("gdb")
	require.NoError(t, err, "gdb is not installed: install gdb (make test does that where it can)")
	elf, err := filepath.Abs("../build/kernel.elf")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "exo-gdb-") // short: the path of a socket has little room
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })

	m := kernel(t, "tests=none seed=0x1234 exit")
	m.GDB, m.Stopped = filepath.Join(dir, "gdb.sock"), true
	defer takeSlots(1)()
	g, err := Start(t.Context(), m, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { g.Kill(); g.Wait() })
	require.Eventually(t, func() bool { _, err := os.Stat(m.GDB); return err == nil }, stretched(t, 10*time.Second), 10*time.Millisecond)

	cmd := exec.CommandContext(t.Context(), gdb, "-nx", "-q", "-batch",
		"-ex", "set confirm off", "-ex", "set substitute-path exo ..", "-ex", "file "+elf, "-ex", "target remote "+m.GDB,
		"-ex", "hbreak main.runTests", "-ex", "continue",
		"-ex", "backtrace 2", "-ex", "print main.ncpu", "-ex", "print/x main.options.Seed", "-ex", "list",
		"-ex", "hbreak kernel/main.go:"+lineOf(t, "../kernel/main.go", "func finish("), "-ex", "continue", "-ex", "disconnect")
	kill := time.AfterFunc(stretched(t, time.Minute), func() { cmd.Process.Kill() })
	defer kill.Stop()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, want := range []string{
		"main.runTests (", "exo/kernel/main.go:", "main.mainOnGuardedStack ()", "$1 = 4\n", "$2 = 0x1234\n",
		"func runTests() ktest.Result {", "main.finish (",
	} {
		assert.Contains(t, string(out), want)
	}
}

// lineOf finds the line of a file that begins with text.
func lineOf(t *testing.T, file, text string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	for i, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, text) {
			return strconv.Itoa(i + 1)
		}
	}
	t.Fatalf("%s has no line that begins with %q", file, text)
	return ""
}

// stretched is a limit as EXO_TIME_SCALE has it.
func stretched(t *testing.T, d time.Duration) time.Duration {
	t.Helper()
	l, err := Limits{Total: d}.Scaled()
	require.NoError(t, err)
	return l.Total
}

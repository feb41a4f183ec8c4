package hosttest

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"exo/internal/timescale"

	"github.com/stretchr/testify/require"
	"golang.org/x/arch/x86/x86asm"
)

// run executes a program and returns what it printed, and its status.
func run(t *testing.T, folder, path string, args ...string) (out string, status int) {
	t.Helper()
	limit, err := timescale.Stretch(2 * time.Minute)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = folder
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(b), exit.ExitCode()
	}
	require.NoError(t, err)
	return string(b), 0
}

// program builds one of testdata for ring 3, or, hosted, for Linux, and returns its file; the unstripped one has .elf.
func program(t *testing.T, name string, more ...string) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	for _, folder := range []string{"boot/runtime", "kernel/abi", "libos", "tools/mkimage"} { // so that go test knows what counts
		require.NoError(t, fs.WalkDir(os.DirFS(filepath.Join(root, folder)), ".", func(f string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				_, err = os.ReadFile(filepath.Join(root, folder, f))
			}
			return err
		}))
	}
	file := filepath.Join(t.TempDir(), name)
	args := append([]string{"run", "./tools/mkimage", "user", "-o", file, "-elf", file + ".elf"}, more...)
	out, status := run(t, root, "go", append(args, "./libos/hosttest/testdata/"+name)...)
	require.Zero(t, status, out)
	return file
}

func TestLanguage_DoesWhatGosOwnRuntimeDoes(t *testing.T) {
	want, status := run(t, "testdata/language", "go", "run", ".")
	require.Zero(t, status, want)
	got, status := run(t, "", program(t, "language", "-hosted"))
	require.Zero(t, status, got)
	require.Equal(t, want, got)
	n := regexp.MustCompile(`checks: (\d+)\n$`).FindStringSubmatch(got)
	require.NotNil(t, n)
	checks, err := strconv.Atoi(n[1])
	require.NoError(t, err)
	require.GreaterOrEqual(t, checks, 119)
	t.Logf("%d checks", checks)
}

// TestDeath_SaysWhoWhyAndWhere: a line with the program's name, the reason and an address in its text; then status 2.
func TestDeath_SaysWhoWhyAndWhere(t *testing.T) {
	file := program(t, "dies", "-hosted")
	tried := 0
	for how, says := range map[string]string{
		"panic": "panic: on purpose", "error": "panic: failure x", "number": "panic: -7", "value": "panic: a main.broken",
		"nil": "panic: runtime error: invalid memory address or nil pointer dereference", "again": "panic: first, then second",
		"bounds": "panic: runtime error: index or slice out of range", "divide": "panic: runtime error: integer divide by zero",
		"overflow": "stack overflow: [0x",
	} {
		t.Run(how, func(t *testing.T) {
			out, status := run(t, "", file, how)
			require.Equal(t, 2, status, out)
			require.Equal(t, 1, strings.Count(out, "\n"), out)
			require.True(t, strings.HasPrefix(out, file+": "+says), out)
			at := regexp.MustCompile(` at 0x([0-9a-f]+)\n$`).FindStringSubmatch(out)
			require.NotNil(t, at, out)
			pc, err := strconv.ParseUint(at[1], 16, 64)
			require.NoError(t, err)
			in := "main.main"
			if how == "overflow" {
				in = "main.dive"
			} else if how == "again" {
				in = "main.main.func1"
			}
			require.Equal(t, in, function(t, file+".elf", pc))
			tried++
		})
	}
	require.Equal(t, 9, tried)
}

func TestEnd_StatusAndMemory(t *testing.T) {
	file := program(t, "dies", "-hosted")
	for how, want := range map[string]struct {
		out    string
		status int
	}{
		"exit": {"", 7}, "return": {"", 0}, "memory": {file + ": out of memory: quota used up at 0x…\n", 2}, "released": {"true 0\n", 0},
		"print": {"p 1 -2 3 true +2.500000e+000 120 true false (+1.000000e+000+2.000000e+000i)\n", 0},
	} {
		out, status := run(t, "", file, how)
		require.Equal(t, want.status, status, how)
		require.Equal(t, want.out, regexp.MustCompile(`0x[0-9a-f]+`).ReplaceAllString(out, "0x…"), how)
	}
}

func TestUpcall_AllRegistersComeBackAndTheHandlerRunsOnItsOwnStack(t *testing.T) {
	file := program(t, "upcalls", "-hosted")
	want := "upcalls: 200 100 100 100, checks: 10400\n"
	out, status := run(t, "", file)
	require.Zero(t, status, out)
	require.Equal(t, want, out)
	cpus, err := os.ReadFile("/proc/cpuinfo")
	require.NoError(t, err)
	if !bytes.Contains(cpus, []byte("fsgsbase")) {
		t.Skip("this CPU does not let ring 3 set FS: the entries for foreign programs cannot run")
	}
	out, status = run(t, "", file, "own")
	require.Zero(t, status, out)
	require.Equal(t, want, out)
}

// TestCost_InInstructions counts what is on the way of a system call and of an upcall: code without branches.
func TestCost_InInstructions(t *testing.T) {
	file := program(t, "upcalls") // for ring 3
	for name, most := range map[string]int{
		"runtime.upcallFault": 90, "runtime.foreignFault": 95, "runtime.Syscall3": 6,
	} {
		n := instructions(t, file+".elf", name)
		t.Logf("%s: %d instructions", name, n)
		require.Positive(t, n, name)
		require.LessOrEqual(t, n, most, name)
	}
}

// symbols are the functions of an ELF.
func symbols(t *testing.T, path string) []elf.Symbol {
	t.Helper()
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	syms, err := f.Symbols()
	require.NoError(t, err)
	return syms
}

func function(t *testing.T, path string, pc uint64) string {
	for _, s := range symbols(t, path) {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && pc >= s.Value && pc < s.Value+s.Size {
			return s.Name
		}
	}
	return "none"
}

// instructions counts those of a function up to its RET or IRETQ.
func instructions(t *testing.T, path, name string) (n int) {
	t.Helper()
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	text := f.Section(".text")
	code, err := text.Data()
	require.NoError(t, err)
	for _, s := range symbols(t, path) {
		if s.Name != name {
			continue
		}
		for at := s.Value - text.Addr; ; n++ {
			i, err := x86asm.Decode(code[at:], 64)
			require.NoError(t, err)
			if i.Op == x86asm.RET || i.Op == x86asm.IRETQ {
				return n + 1
			}
			at += uint64(i.Len)
		}
	}
	return 0
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// moduleRoot is the module that these tests are in.
func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	return root
}

// built is the kernel of this module, built once for all tests from a snapshot; they only read it.
var built struct {
	once sync.Once
	dir  string // with exo.img, kernel.elf and what comes up on the way; the snapshot is in module
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func buildOnce(t *testing.T) (dir string) {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "mkimage-test-"); built.err != nil {
			return
		}
		module := filepath.Join(built.dir, "module")
		copySources(t, moduleRoot(t), module)
		built.err = buildKernel(module, filepath.Join(built.dir, "exo.img"), filepath.Join(built.dir, "kernel.elf"))
	})
	require.NoError(t, built.err)
	return built.dir
}

// copySources copies what a kernel is built from. That the test reads these files also tells go test when a result that
// it has cached is no longer true.
func copySources(t *testing.T, from, to string) {
	t.Helper()
	for _, f := range []string{"go.mod", "go.sum", "linker.ld"} {
		write(t, filepath.Join(to, f), read(t, filepath.Join(from, f)))
	}
	for _, folder := range []string{"arch", "boot", "kernel"} {
		require.NoError(t, os.CopyFS(filepath.Join(to, folder), os.DirFS(filepath.Join(from, folder))))
	}
}

// copyModule makes a copy of the snapshot, to break it.
func copyModule(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	copySources(t, filepath.Join(buildOnce(t), "module"), to)
	return to
}

// tiny is a kernel that is built in a fraction of a second: for tests that break it.
const tiny = `//go:build exokernel

package main

import _ "exo/arch/amd64"

var numbers = [2]int{1, 2}
var boxed [2]any

func main() {
	numbers[0] /= numbers[1]
	if boxed[0] == boxed[1] {
		boxed[0] = "text"
	}
}
`

// tinyModule makes a module whose kernel is tiny: arch, boot, and what those import.
func tinyModule(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, f := range []string{"go.mod", "go.sum", "linker.ld"} {
		write(t, filepath.Join(to, f), read(t, filepath.Join(moduleRoot(t), f)))
	}
	for _, folder := range []string{"arch", "boot", "kernel/abi"} {
		require.NoError(t, os.CopyFS(filepath.Join(to, folder), os.DirFS(filepath.Join(moduleRoot(t), folder))))
	}
	write(t, filepath.Join(to, "kernel", "main.go"), []byte(tiny))
	return to
}

// tinyOnce is the linked tiny kernel, built once for all tests; they only read it.
var tinyOnce struct {
	sync.Once
	elf []byte
}

func tinyKernel(t *testing.T) []byte {
	t.Helper()
	tinyOnce.Do(func() {
		module := tinyModule(t)
		require.NoError(t, build(module))
		tinyOnce.elf = read(t, filepath.Join(module, "build", "kernel.elf"))
	})
	require.NotEmpty(t, tinyOnce.elf)
	return slices.Clone(tinyOnce.elf)
}

// build builds the kernel of a module into a folder inside it.
func build(module string) error {
	return buildKernel(module, filepath.Join(module, "build", "exo.img"), filepath.Join(module, "build", "kernel.elf"))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o644))
}

// edit replaces old, which must be there, in a file.
func edit(t *testing.T, path, old, new string) {
	t.Helper()
	text := string(read(t, path))
	require.Contains(t, text, old, path)
	write(t, path, []byte(strings.Replace(text, old, new, 1)))
}

// sameBytes compares two files' bytes, and shows where they differ first.
func sameBytes(t *testing.T, want, got []byte, what string) {
	t.Helper()
	n := min(len(want), len(got))
	for i := range n {
		if want[i] != got[i] {
			require.FailNow(t, what+" differ", "first at byte %#x of %#x and %#x: % x, and % x", i, len(want), len(got),
				want[i:min(i+16, len(want))], got[i:min(i+16, len(got))])
		}
	}
	require.Equal(t, len(want), len(got), "%s differ in length alone", what)
}

// script makes an executable shell script.
func script(t *testing.T, path, body string) {
	t.Helper()
	write(t, path, []byte("#!/bin/sh\n"+body+"\n"))
	require.NoError(t, os.Chmod(path, 0o755))
}

var hostPath = os.Getenv("PATH")

// onlyTools makes PATH a folder with these programs of the host and no others.
func onlyTools(t *testing.T, names ...string) {
	t.Helper()
	bin := t.TempDir()
	t.Setenv("PATH", hostPath)
	for _, name := range names {
		path, err := tool(name)
		require.NoError(t, err, "make test installs it where it can")
		require.NoError(t, os.Symlink(path, filepath.Join(bin, name)))
	}
	t.Setenv("PATH", bin)
}

// oneLine checks that an error is one line that says all of this.
func oneLine(t *testing.T, err error, says ...string) {
	t.Helper()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	for _, s := range says {
		require.ErrorContains(t, err, s)
	}
}

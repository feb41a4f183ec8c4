package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// userModule copies what a program is built from.
func userModule(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, f := range []string{"go.mod", "go.sum"} {
		write(t, filepath.Join(to, f), read(t, filepath.Join(moduleRoot(t), f)))
	}
	for _, folder := range []string{"boot/runtime", "kernel/abi", "libos", "user/hello"} {
		require.NoError(t, os.CopyFS(filepath.Join(to, folder), os.DirFS(filepath.Join(moduleRoot(t), folder))))
	}
	return to
}

func TestProgram_TheSameSourcesGiveTheSameBytesInAnyFolder(t *testing.T) {
	var images [2][]byte
	for i := range images {
		module := userModule(t)
		require.NoError(t, buildPrograms(module, "user", filepath.Join(module, "out")))
		images[i] = read(t, filepath.Join(module, "out", "bin", "hello"))
		require.FileExists(t, filepath.Join(module, "build", "user", "hello.elf"))
	}
	require.True(t, bytes.Equal(images[0], images[1]))
	f, err := elf.NewFile(bytes.NewReader(images[0]))
	require.NoError(t, err)
	require.Len(t, f.Progs, 3)
	for i, want := range []elf.ProgFlag{elf.PF_R | elf.PF_X, elf.PF_R, elf.PF_R | elf.PF_W} {
		p := f.Progs[i]
		require.Equal(t, want, p.Flags)
		require.Zero(t, p.Vaddr%pageSize+p.Off%pageSize)
		require.GreaterOrEqual(t, p.Vaddr, uint64(programText))
	}
	require.EqualValues(t, uint64(programText), f.Progs[0].Vaddr)
	require.Empty(t, f.Sections, "no symbols, no DWARF")
	require.False(t, bytes.Contains(images[0], []byte("main.main")), "no table of functions")
}

func TestProgram_TheFlatImageHasTheSegmentsOfTheELF(t *testing.T) {
	module := userModule(t)
	require.NoError(t, os.Rename(filepath.Join(module, "user", "hello"), filepath.Join(module, "user", "init")))
	require.NoError(t, buildPrograms(module, "user", filepath.Join(module, "out")))
	f, err := elf.Open(filepath.Join(module, "out", "bin", "init"))
	require.NoError(t, err)
	defer f.Close()
	flat := read(t, filepath.Join(module, "out", "init.bin"))
	require.Equal(t, "EXOUSER1", string(flat[:8]))
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(flat[8*i:]) }
	require.Equal(t, []uint64{f.Entry, 3}, []uint64{word(1), word(2)})
	for i, p := range f.Progs {
		w := 3 + 5*i
		data := make([]byte, p.Filesz)
		_, err := p.ReadAt(data, 0)
		require.NoError(t, err)
		require.Equal(t, []uint64{p.Vaddr, p.Filesz, p.Memsz, []uint64{1 | 4, 1, 1 | 2}[i]}, []uint64{word(w), word(w + 2), word(w + 3), word(w + 4)})
		require.Zero(t, word(w+1)%pageSize)
		require.True(t, bytes.Equal(data, flat[word(w+1):][:len(data)]), "segment %d", i)
	}
}

func TestProgram_WhatItCannotHaveIsABuildErrorThatNamesIt(t *testing.T) {
	module := userModule(t)
	for name, c := range map[string]struct{ code, says string }{
		"go":      {"func f() {}\nfunc main() { go f() }", "runtime.newproc: a program has no goroutines"},
		"channel": {"var c chan int\nfunc main() { c = make(chan int); c <- 1 }", "a program has no channels"},
		"select":  {"var c, d chan int\nfunc main() { select { case <-c: case <-d: } }", "runtime.selectgo: a program has no channels"},
		"package": {"import \"fmt\"\nfunc main() { fmt.Println() }", "runtime that the shim does not have"},
		"missing": {"import \"exo/libos/none\"\nfunc main() { none.F() }", "user/broken/main.go:5:8: this import is neither in the module nor one of Go's own packages"},
		"no main": {"func notMain() {}", "function main is undeclared"},
	} {
		dir := filepath.Join("user", "broken")
		write(t, filepath.Join(module, dir, "main.go"), []byte("//go:build exouser\n\npackage main\n\n"+c.code+"\n"))
		err := buildProgram(module, dir, filepath.Join(module, "out", "broken"), "", false, false)
		require.Error(t, err, name)
		require.ErrorContains(t, err, c.says, name)
		require.NoFileExists(t, filepath.Join(module, "out", "broken"))
	}
	oneLine(t, buildProgram(module, "user/none", filepath.Join(module, "x"), "", false, false), "user/none: there is no such program")
	oneLine(t, buildPrograms(t.TempDir(), "user", "x"), "run mkimage in the module's root folder")
}

func TestProgram_ASegmentThatMayBeWrittenAndExecutedIsRefused(t *testing.T) {
	module := userModule(t)
	require.NoError(t, buildPrograms(module, "user", filepath.Join(module, "out")))
	b := read(t, filepath.Join(module, "build", "user", "hello.elf"))
	for _, at := range loads(t, b) {
		broken := bytes.Clone(b)
		binary.LittleEndian.PutUint32(broken[at+phFlags:], 7)
		path := filepath.Join(t.TempDir(), "broken.elf")
		write(t, path, broken)
		_, err := readLinked(path, programText-pageSize)
		oneLine(t, err, "W^X")
	}
}

func TestFunctionTable_ATableThatIsCutOffIsRefused(t *testing.T) {
	module := userModule(t)
	require.NoError(t, buildPrograms(module, "user", filepath.Join(module, "out")))
	k, err := readLinked(filepath.Join(module, "build", "user", "hello.elf"), programText-pageSize)
	require.NoError(t, err)
	whole, err := k.file.Section(".gopclntab").Data()
	require.NoError(t, err)
	_, err = functionTable(whole, nil)
	require.NoError(t, err)
	refused := 0
	for n := 0; n < len(whole)/2; n += 97 {
		if _, err := functionTable(whole[:n:n], nil); err != nil {
			refused++
		}
	}
	require.Greater(t, refused, 20)
}

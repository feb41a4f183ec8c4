package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyTestedVersionsPassWithoutAWarning(t *testing.T) {
	for _, v := range []string{"go1.26", "go1.26.0", "go1.26.8", "go1.27.3", "go1.26.8-X:nodwarf5"} {
		require.Empty(t, toolchain{version: v}.warning(), v)
	}
	for _, v := range []string{"go1.25.9", "go1.28", "go1.260", "go1.2", "go1.26rc1", "go2.26.1", "devel go1.27-abcdef", ""} {
		w := toolchain{version: v}.warning()
		require.Contains(t, w, v+" has not been tested with this kernel's runtime shim (tested: go1.26, go1.27)")
		require.NotContains(t, w, "\n")
	}
}

// stderr returns what f prints there.
func stderr(t *testing.T, f func()) string {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	old := os.Stderr
	os.Stderr = w
	f()
	os.Stderr = old
	require.NoError(t, w.Close())
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(out)
}

func TestAnUntestedGoIsUsedWithAWarning(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	for version, warns := range map[string]bool{"go1.26.8": false, "go1.99.1": true} {
		script(t, filepath.Join(bin, "go"), "echo /some/goroot; echo "+version)
		said := stderr(t, func() {
			got, err := activeToolchain(t.TempDir())
			require.NoError(t, err)
			require.Equal(t, toolchain{"/some/goroot", version}, got)
		})
		if warns {
			require.Equal(t, "mkimage: go1.99.1 has not been tested with this kernel's runtime shim (tested: go1.26, go1.27);"+
				" a missing symbol will be a link error\n", said)
		} else {
			require.Empty(t, said)
		}
	}
}

func TestAGoThatDoesNotAnswerIsOneClearLine(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	_, err := activeToolchain(t.TempDir())
	oneLine(t, err, "install Go 1.26", "PATH")
	script(t, filepath.Join(bin, "go"), "echo only one line")
	_, err = activeToolchain(t.TempDir())
	oneLine(t, err, "only one line", "not a Go installation")
	script(t, filepath.Join(bin, "go"), "echo 'go: go.mod requires go >= 1.26.0 (running go 1.20)' >&2; exit 1")
	_, err = activeToolchain(t.TempDir())
	oneLine(t, err, "go.mod requires go >= 1.26.0 (running go 1.20)")
}

func TestMissingToolsSayWhatToInstall(t *testing.T) {
	k, err := readKernel(filepath.Join(buildOnce(t), "kernel.elf"))
	require.NoError(t, err)
	wrap := func() error { return k.wrap(moduleRoot(t), t.TempDir(), filepath.Join(t.TempDir(), "exo.img"), nil) }
	onlyTools(t)
	oneLine(t, wrap(), "as is not installed: install binutils")
	onlyTools(t, "as")
	oneLine(t, wrap(), "ld is not installed: install binutils")
}

// TestTheUsersOwnGoSettingsDoNotReachTheKernel covers variables and what go env -w stores.
func TestTheUsersOwnGoSettingsDoNotReachTheKernel(t *testing.T) {
	want := read(t, filepath.Join(buildOnce(t), "kernel.elf"))
	settings := filepath.Join(t.TempDir(), "env")
	write(t, settings, []byte("GOFLAGS=-gcflags=all=-N\nGOEXPERIMENT=nodwarf5\n"))
	t.Setenv("GOENV", settings)
	t.Setenv("GOOS", "windows")
	t.Setenv("GOARCH", "arm64")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("GOWORK", filepath.Join(t.TempDir(), "go.work"))
	module := copyModule(t)
	require.NoError(t, build(module))
	require.True(t, bytes.Equal(want, read(t, filepath.Join(module, "build", "kernel.elf"))))
}

// TestAToolchainInTheModuleCacheBuildsToo makes a GOROOT as go leaves it after downloading a toolchain for itself: a
// plain overlay is refused there.
func TestAToolchainInTheModuleCacheBuildsToo(t *testing.T) {
	want := read(t, filepath.Join(buildOnce(t), "exo.img"))
	module := copyModule(t)
	active, err := activeToolchain(module)
	require.NoError(t, err)
	cache := t.TempDir()
	t.Setenv("GOMODCACHE", cache)
	goroot := filepath.Join(cache, "golang.org", "toolchain@v0.0.1-"+active.version+".linux-amd64")
	link := func(folder string) { // its entries, as links
		entries, err := os.ReadDir(filepath.Join(active.goroot, folder))
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(goroot, folder), 0o755))
		for _, e := range entries {
			err := os.Symlink(filepath.Join(active.goroot, folder, e.Name()), filepath.Join(goroot, folder, e.Name()))
			if !os.IsExist(err) {
				require.NoError(t, err)
			}
		}
	}
	for _, pkg := range []string{"src/runtime", "src/internal/runtime/maps"} {
		require.NoError(t, os.CopyFS(filepath.Join(goroot, pkg), os.DirFS(filepath.Join(active.goroot, pkg))))
	}
	for _, folder := range []string{"src/internal/runtime", "src/internal", "src", ""} {
		link(folder)
	}
	active.goroot = goroot
	elf := filepath.Join(module, "build", "kernel.elf")
	require.NoError(t, active.compile(module, filepath.Dir(elf), elf))
	k, err := readKernel(elf)
	require.NoError(t, err)
	symbols, err := k.symbolTable()
	require.NoError(t, err)
	img := filepath.Join(module, "build", "exo.img")
	require.NoError(t, k.wrap(module, filepath.Dir(img), img, symbols))
	require.True(t, bytes.Equal(want, read(t, img)), "where Go lies does not show in the image")
}

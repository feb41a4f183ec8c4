package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func replacements(t *testing.T, goroot, module string, r ring) map[string]string {
	t.Helper()
	js, err := overlay(goroot, module, r, nil)
	require.NoError(t, err)
	var o struct{ Replace map[string]string }
	require.NoError(t, json.Unmarshal(js, &o))
	return o.Replace
}

// TestOverlayLeavesNothingOfTheStockRuntimeButWhatIsKept looks at the Go that is active here.
func TestOverlayLeavesNothingOfTheStockRuntimeButWhatIsKept(t *testing.T) {
	module := moduleRoot(t)
	active, err := activeToolchain(module)
	require.NoError(t, err)
	replace := replacements(t, active.goroot, module, ring0)
	kept := map[string]bool{"memmove_amd64.s": true, "memclr_amd64.s": true, "duff_amd64.s": true}
	seen := 0
	for pkg, shim := range map[string]string{"runtime": "boot/runtime", "internal/runtime/maps": "boot/maps"} {
		stock, err := filepath.Glob(filepath.Join(active.goroot, "src", pkg, "*"))
		require.NoError(t, err)
		for _, f := range stock {
			to, has := replace[f]
			name := filepath.Base(f)
			isCode := strings.HasSuffix(name, ".s") || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
			if want := isCode && !(pkg == "runtime" && kept[name]); !want {
				require.False(t, has, f)
			} else {
				require.True(t, has && to == "", f)
				seen++
			}
		}
		ours, err := os.ReadDir(filepath.Join(module, shim))
		require.NoError(t, err)
		require.NotEmpty(t, ours)
		for _, f := range ours {
			from := filepath.Join(active.goroot, "src", pkg, "exo_"+f.Name())
			require.Equal(t, filepath.Join(module, shim, f.Name()), replace[from], "every file of the shim appears")
			require.NoFileExists(t, from)
			seen++
		}
	}
	require.Len(t, replace, seen, "the overlay has nothing else")
	require.Greater(t, seen, 200)
}

// fakeGo makes a folder that looks like GOROOT and one that looks like the module.
func fakeGo(t *testing.T) (goroot, module string) {
	goroot, module = t.TempDir(), t.TempDir()
	for _, f := range []string{"runtime/proc.go", "runtime/proc_test.go", "runtime/asm_amd64.s", "runtime/duff_amd64.s",
		"runtime/textflag.h", "runtime/README.md", "runtime/cgo/cgo.go", "internal/runtime/maps/map.go"} {
		write(t, filepath.Join(goroot, "src", f), nil)
	}
	for _, f := range []string{"boot/runtime/g.go", "boot/runtime/g_test.go", "boot/runtime/hot_amd64.s", "boot/runtime/NOTES", "boot/maps/maps.go"} {
		write(t, filepath.Join(module, f), nil)
	}
	return goroot, module
}

func TestOverlayTakesSourcesOnlyAndFollowsTheFoldersItIsGiven(t *testing.T) {
	goroot, module := fakeGo(t)
	src, boot := filepath.Join(goroot, "src"), filepath.Join(module, "boot")
	require.Equal(t, map[string]string{
		src + "/runtime/proc.go":                   "",
		src + "/runtime/asm_amd64.s":               "",
		src + "/runtime/exo_g.go":                  boot + "/runtime/g.go",
		src + "/runtime/exo_hot_amd64.s":           boot + "/runtime/hot_amd64.s",
		src + "/internal/runtime/maps/map.go":      "",
		src + "/internal/runtime/maps/exo_maps.go": boot + "/maps/maps.go",
	}, replacements(t, goroot, module, ring0))
}

func TestOverlaySaysWhatIsMissing(t *testing.T) {
	goroot, module := fakeGo(t)
	_, err := overlay(t.TempDir(), module, ring0, nil)
	oneLine(t, err, "GOROOT", "runtime")
	_, err = overlay(goroot, t.TempDir(), ring0, nil)
	oneLine(t, err, "runtime shim", "module's root folder")
}

// TestOverlayOfPrograms: what ring 3's shim keeps and shares is there, under the names of both.
func TestOverlayOfPrograms(t *testing.T) {
	module := moduleRoot(t)
	active, err := activeToolchain(module)
	require.NoError(t, err)
	replace := replacements(t, active.goroot, module, ring3)
	src := filepath.Join(active.goroot, "src", "runtime")
	for _, f := range ring3.replaced[0].shared {
		require.Equal(t, filepath.Join(module, "boot", "runtime", f), replace[filepath.Join(src, "exo_"+f)])
		require.FileExists(t, filepath.Join(module, "boot", "runtime", f))
	}
	for _, f := range []string{"utf8.go", "float.go", "complex.go", "memmove_amd64.s"} {
		require.FileExists(t, filepath.Join(src, f))
		require.NotContains(t, replace, filepath.Join(src, f))
	}
	require.Equal(t, "", replace[filepath.Join(src, "proc.go")])
	for f := range replace {
		require.NotContains(t, f, "internal/runtime/maps", "maps are Go's own")
	}
}

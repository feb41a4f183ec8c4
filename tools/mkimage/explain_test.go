package main

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplainKnowsTheCompilersAndTheLinkersWords(t *testing.T) {
	for text, want := range map[string]string{
		`link: reference to undefined builtin "runtime.makeslice" from package "main"`:    "\nmkimage: runtime.makeslice: make of a slice",
		`link: reference to undefined builtin "runtime.convT64" from package "main"`:      "\nmkimage: runtime.convT64: this conversion",
		`link: reference to undefined builtin "runtime.mapassign_fast64" from "main"`:     "\nmkimage: runtime.mapassign_fast64: ring 0 has no maps",
		`link: reference to undefined builtin "runtime.selectgo" from package "main"`:     "\nmkimage: runtime.selectgo: ring 0 has no channels",
		`main.a: relocation target runtime.Pause not defined`:                             "\nmkimage: runtime.Pause: ring 0 uses a part",
		"/go/src/runtime/x.go:1:2: y\n/go/src/sync/pool.go:240: undefined: runtime.GOMAX": "\nmkimage: runtime.GOMAX: ring 0 uses a part",
	} {
		got := explain(errors.New(text), ring0).Error()
		require.Contains(t, got, text+want)
		require.Contains(t, got, "(docs/01-no-runtime.md)")
	}
	crash := explain(errors.New("failed:\npanic: could not look up runtime.mapinitnoop\n\ngoroutine 1 [running]:\ncmd/link/…"), ring0).Error()
	require.Contains(t, crash, "could not look up runtime.mapinitnoop\nmkimage: runtime.mapinitnoop: ring 0 uses a part")
	require.NotContains(t, crash, "goroutine", "the linker's own backtrace is of no use")
	for _, other := range []string{"kernel/main.go:3:1: undefined: x", "no space left on device", `runtime.go:1: syntax error`} {
		err := errors.New(other)
		require.Equal(t, err, explain(err, ring0), "what is not about the runtime stays as it is")
	}
}

// TestWhatRing0LacksIsABuildErrorThatNamesIt compiles kernels that do what ring 0 cannot.
func TestWhatRing0LacksIsABuildErrorThatNamesIt(t *testing.T) {
	module := tinyModule(t)
	broken := filepath.Join(module, "kernel", "broken.go")
	const pkg = `from package "main"`
	for _, c := range []struct {
		name, code string
		says       []string
	}{
		{"make", "var s []byte\nvar n = 5\nfunc init() { s = make([]byte, n) }", []string{pkg, "runtime.makeslice: make of a slice needs a heap"}},
		{"go", "func f() {}\nfunc init() { go f() }", []string{pkg, "runtime.newproc: ring 0 has no goroutines"}},
		{"map", "var n = 5\nfunc init() { m := map[int]int{}; m[n] = 1; n = m[2] }", []string{pkg, "ring 0 has no maps"}},
		{"println", "func init() { println(1) }", []string{pkg, "runtime.printlock: ring 0 has no print"}},
		{"package", "import \"fmt\"\nfunc init() { fmt.Sprint() }", []string{"undefined: runtime.", "the package that wants it"}},
		{"initialiser", "func f(n int) int { if n > 2 { return f(n-1) }; return n }\nvar x = f(5)",
			[]string{"package main has initialisers that run code (main.init): ring 0 runs none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, broken, []byte("//go:build exokernel\n\npackage main\n\n"+c.code+"\n"))
			err := build(module)
			require.Error(t, err)
			for _, s := range c.says {
				require.ErrorContains(t, err, s)
			}
			require.NotContains(t, err.Error(), "goroutine 1")
			require.NoFileExists(t, filepath.Join(module, "build", "exo.img"))
		})
	}
}

// TestASymbolMissingFromTheShimIsABuildErrorThatNamesIt is what a new Go that wants more looks like.
func TestASymbolMissingFromTheShimIsABuildErrorThatNamesIt(t *testing.T) {
	for _, c := range []struct{ file, old, new, symbol string }{
		{"fault_amd64.s", "TEXT runtime·mapinitnoop", "TEXT runtime·somethingElse", "runtime.mapinitnoop"},
		{"fault_amd64.s", "FAULT(runtime·panicdivide<", "FAULT(runtime·somethingElse<", "runtime.panicdivide"},
		{"alg.go", "func strequal(", "func somethingElse(", "runtime.strequal"},
	} {
		module := tinyModule(t)
		edit(t, filepath.Join(module, "boot", "runtime", c.file), c.old, c.new)
		err := build(module)
		require.Error(t, err)
		require.ErrorContains(t, err, "\nmkimage: "+c.symbol+": ")
		require.ErrorContains(t, err, "boot/runtime")
		require.NotContains(t, err.Error(), "goroutine 1")
	}
}

func TestWithoutTheShimOrTheModuleTheBuildSaysWhereToRunIt(t *testing.T) {
	oneLine(t, build(t.TempDir()), "run mkimage in the module's root folder")
}

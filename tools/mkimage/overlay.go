package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The overlay makes the stock toolchain see a shim where Go's runtime was: every file of these packages is replaced by
// nothing, but for stock files that the shim keeps, and the shim's files are put beside.
type replaced struct {
	pkg    string   // in GOROOT/src
	shim   string   // in this module
	keep   []string // stock files
	shared []string // files of boot/runtime that this shim has, too
}

// A ring is what code is built for.
type ring struct {
	tag      string
	docs     string // the page about it
	replaced []replaced
	builtIns []meaning
	// experiment is GOEXPERIMENT: compiled code is to call one function to allocate, not one for each size.
	experiment string
}

// overlayName is the overlay's file in the build folder.
func (r ring) overlayName() string {
	if r.tag == "exokernel" {
		return "overlay.json"
	}
	return "overlay-" + r.tag + ".json"
}

var stockAssembly = []string{"memmove_amd64.s", "memclr_amd64.s", "duff_amd64.s"}

var ring0 = ring{
	tag: "exokernel", docs: "docs/01-no-runtime.md",
	replaced: []replaced{
		{pkg: "runtime", shim: "boot/runtime", keep: stockAssembly},
		{pkg: "internal/runtime/maps", shim: "boot/maps"},
	},
	builtIns: ring0Lacks,
}

var ring3 = ring{
	tag: "exouser", docs: "docs/11-programs.md",
	replaced: []replaced{{
		pkg: "runtime", shim: "libos/runtime",
		keep:   append([]string{"utf8.go", "float.go", "complex.go", "hash64.go"}, stockAssembly...),
		shared: []string{"alg.go", "atomic.go", "atomic_amd64.s", "cpuflags.go", "dwarf.go", "mem.go"},
	}},
	builtIns: ring3Lacks, experiment: "nosizespecializedmalloc",
}

// shimPrefix is put before the names of the shim's files, so that none stands in a stock file's place.
const shimPrefix = "exo_"

// overlay returns the JSON that go build -overlay reads; more files may be added to it, by where they are to appear.
func overlay(goroot, module string, r ring, more map[string]string) ([]byte, error) {
	replace := map[string]string{}
	for appears, file := range more {
		replace[appears] = file
	}
	for _, r := range r.replaced {
		dir := filepath.Join(goroot, "src", filepath.FromSlash(r.pkg))
		files, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("reading Go's own %s: %w (is GOROOT a whole Go installation?)", r.pkg, err)
		}
		for _, f := range files {
			if isSource(f.Name()) && !slices.Contains(r.keep, f.Name()) {
				replace[filepath.Join(dir, f.Name())] = ""
			}
		}
		shim := filepath.Join(module, filepath.FromSlash(r.shim))
		files, err = os.ReadDir(shim)
		if err != nil {
			return nil, fmt.Errorf("reading the runtime shim: %w (run mkimage in the module's root folder)", err)
		}
		for _, f := range files {
			if isSource(f.Name()) {
				replace[filepath.Join(dir, shimPrefix+f.Name())] = filepath.Join(shim, f.Name())
			}
		}
		for _, name := range r.shared {
			replace[filepath.Join(dir, shimPrefix+name)] = filepath.Join(module, "boot", "runtime", name)
		}
	}
	return json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
}

func isSource(name string) bool {
	return strings.HasSuffix(name, ".s") || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

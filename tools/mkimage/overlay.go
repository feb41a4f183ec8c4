package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The overlay makes the stock toolchain see the shim where Go's runtime was: every file of these packages is replaced
// by nothing, but for the stock assembly that the shim keeps, and the shim's files are put beside.
var replaced = []struct {
	pkg  string // in GOROOT/src
	shim string // in this module
	keep []string
}{
	{"runtime", "boot/runtime", []string{"memmove_amd64.s", "memclr_amd64.s", "duff_amd64.s"}},
	{"internal/runtime/maps", "boot/maps", nil},
}

// shimPrefix is put before the names of the shim's files, so that none stands in a stock file's place.
const shimPrefix = "exo_"

// overlay returns the JSON that go build -overlay reads.
func overlay(goroot, module string) ([]byte, error) {
	replace := map[string]string{}
	for _, r := range replaced {
		dir := filepath.Join(goroot, "src", filepath.FromSlash(r.pkg))
		files, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("reading Go's own %s: %w (is GOROOT a whole Go installation?)", r.pkg, err)
		}
		for _, f := range files {
			if isSource(f.Name()) && !contains(r.keep, f.Name()) {
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
	}
	return json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
}

func isSource(name string) bool {
	return strings.HasSuffix(name, ".s") || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// tested are the Go releases that this shim is known to boot under.
var tested = []string{"go1.26", "go1.27"}

const (
	entry = "exo/arch/amd64.rt0"
	// The image is linked at -2 GiB + 2 MiB; Go's linker takes the address as a signed number.
	textStart = "-0x7fe00000"
)

// toolchain is the Go that is active here, called by its own path so that nothing in between changes it.
type toolchain struct{ goroot, version string }

func activeToolchain() (toolchain, error) {
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return toolchain{}, fmt.Errorf("asking go for its version: %w (install Go 1.26 and put its bin folder on PATH)", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		return toolchain{}, fmt.Errorf("go env GOROOT GOVERSION printed %q: not a Go installation", out)
	}
	t := toolchain{lines[0], lines[1]}
	if !t.tested() {
		note("%s has not been tested with this kernel's runtime shim (tested: %s); a missing symbol will be a link error",
			t.version, strings.Join(tested, ", "))
	}
	return t, nil
}

func (t toolchain) tested() bool {
	for _, v := range tested {
		if t.version == v || strings.HasPrefix(t.version, v+".") {
			return true
		}
	}
	return false
}

// ring0 prepares a go command that builds for ring 0. The module cache is hidden: ring 0 imports nothing from outside
// the module, and a toolchain that lies in the cache would be refused the overlay.
func (t toolchain) ring0(build string, verb string, args ...string) (*exec.Cmd, error) {
	module, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if build, err = filepath.Abs(build); err != nil {
		return nil, err
	}
	noCache := filepath.Join(build, "no-modules")
	if err := os.MkdirAll(noCache, 0o755); err != nil {
		return nil, fmt.Errorf("making the build folder: %w", err)
	}
	js, err := overlay(t.goroot, module)
	if err != nil {
		return nil, err
	}
	overlayFile := filepath.Join(build, "overlay.json")
	if err := writeFile(overlayFile, js); err != nil {
		return nil, err
	}
	all := append([]string{verb, "-overlay", overlayFile, "-tags", "exokernel"}, args...)
	cmd := exec.Command(filepath.Join(t.goroot, "bin", "go"), all...)
	cmd.Env = append(os.Environ(),
		"GOROOT="+t.goroot, "GOTOOLCHAIN=local", "GOMODCACHE="+noCache, "GOPROXY=off", "GOFLAGS=", "GOWORK=off",
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT=", "GOFIPS140=off")
	return cmd, nil
}

// compile builds the kernel's ELF.
func (t toolchain) compile(build, elf string) error {
	cmd, err := t.ring0(build, "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-wb=false",
		"-ldflags=-T "+textStart+" -E "+entry+" -buildid=", "-o", elf, "./kernel")
	if err != nil {
		return err
	}
	if err := run(cmd); err != nil {
		return explain(err)
	}
	return nil
}

var missing = regexp.MustCompile(`(?:undefined builtin |not defined: |undefined: )?"?runtime\.([A-Za-z0-9_]+)"?`)

// explain adds what a missing piece of the runtime means.
func explain(err error) error {
	text := err.Error()
	if !strings.Contains(text, "undefined builtin") && !strings.Contains(text, "not defined") {
		return err
	}
	m := missing.FindStringSubmatch(text)
	if m == nil {
		return err
	}
	what := map[string]string{
		"newobject": "a value escapes to a heap that ring 0 does not have", "makeslice": "make of a slice needs a heap",
		"growslice": "append needs a heap", "makemap_small": "ring 0 has no maps", "makemap": "ring 0 has no maps",
		"newproc": "ring 0 has no goroutines", "makechan": "ring 0 has no channels", "printlock": "ring 0 has no print",
		"concatstrings": "joining strings needs a heap", "convT": "this conversion to an interface needs a heap",
	}[m[1]]
	if what == "" {
		what = "code in ring 0 uses a part of Go's runtime that the shim does not have; if Go was just updated, its" +
			" compiler may want a new symbol in boot/runtime"
	}
	return fmt.Errorf("%w\nmkimage: runtime.%s: %s (docs/01-no-runtime.md)", err, m[1], what)
}

// runVet runs go vet with the overlay, over what the ordinary go vet ./... cannot see.
func runVet(args []string) error {
	t, err := activeToolchain()
	if err != nil {
		return err
	}
	cmd, err := t.ring0("build", "vet", "./kernel", "./arch/amd64")
	if err != nil {
		return err
	}
	return run(cmd)
}

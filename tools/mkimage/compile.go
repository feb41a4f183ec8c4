package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// activeToolchain asks the go on PATH which toolchain the module is built with, and warns if the shim is new to it.
func activeToolchain(module string) (toolchain, error) {
	cmd := exec.Command("go", "env", "GOROOT", "GOVERSION")
	cmd.Dir = module
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return toolchain{}, fmt.Errorf("asking go for its version: %s", strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return toolchain{}, fmt.Errorf("asking go for its version: %w (install Go 1.26 and put its bin folder on PATH)", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		return toolchain{}, fmt.Errorf("go env GOROOT GOVERSION printed %q: not a Go installation", out)
	}
	t := toolchain{lines[0], lines[1]}
	if w := t.warning(); w != "" {
		note("%s", w)
	}
	return t, nil
}

// warning is what to tell the user of a Go that this shim has not been booted under, "" for the others.
func (t toolchain) warning() string {
	if t.tested() {
		return ""
	}
	return fmt.Sprintf("%s has not been tested with this kernel's runtime shim (tested: %s); a missing symbol will be a link error",
		t.version, strings.Join(tested, ", "))
}

func (t toolchain) tested() bool {
	for _, v := range tested {
		if t.version == v || strings.HasPrefix(t.version, v+".") {
			return true
		}
	}
	return false
}

// command prepares a go command that builds for a ring. The module cache is hidden: nothing there imports anything from
// outside the module, and a toolchain that lies in the cache would be refused the overlay. So is what the user has set by
// go env -w, which would fill in for every variable that is empty here.
func (t toolchain) command(r ring, module, build, verb string, args ...string) (*exec.Cmd, error) {
	return t.commandWith(r, nil, module, build, verb, args...)
}

// commandWith adds files to the overlay.
func (t toolchain) commandWith(r ring, more map[string]string, module, build, verb string, args ...string) (*exec.Cmd, error) {
	build, err := filepath.Abs(build)
	if err != nil {
		return nil, err
	}
	noCache := filepath.Join(build, "no-modules")
	if err := os.MkdirAll(noCache, 0o755); err != nil {
		return nil, fmt.Errorf("making the build folder: %w", err)
	}
	js, err := overlay(t.goroot, module, r, more)
	if err != nil {
		return nil, err
	}
	overlayFile := filepath.Join(build, r.overlayName())
	if err := writeFile(overlayFile, js); err != nil {
		return nil, err
	}
	all := append([]string{verb, "-overlay", overlayFile, "-tags", r.tag}, args...)
	cmd := exec.Command(filepath.Join(t.goroot, "bin", "go"), all...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(),
		"GOENV=off", "GOROOT="+t.goroot, "GOTOOLCHAIN=local", "GOMODCACHE="+noCache, "GOPROXY=off", "GOFLAGS=", "GOWORK=off",
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT="+r.experiment, "GOFIPS140=off")
	return cmd, nil
}

// compile builds the ELF of the kernel in the folder module.
func (t toolchain) compile(module, build, elf string) error {
	elf, err := filepath.Abs(elf)
	if err != nil {
		return err
	}
	hot, err := filepath.Abs(filepath.Join(build, "hot.pgo"))
	if err != nil {
		return err
	}
	cmd, err := t.command(ring0, module, build, "build", "-trimpath", "-buildvcs=false", "-pgo="+hot,
		"-gcflags=all=-wb=false -d=pgoinlinecdfthreshold=100,pgoinlinebudget=8000",
		"-ldflags=-T "+textStart+" -E "+entry+" -buildid= -funcalign=1", "-o", elf, "./kernel")
	if err != nil {
		return err
	}
	profile, err := hotProfile(module)
	if err != nil {
		return err
	}
	if err := writeFile(hot, profile); err != nil {
		return err
	}
	if err := run(cmd); err != nil {
		return explain(err, ring0)
	}
	return nil
}

// runVet runs go vet with the overlay, over what the ordinary go vet ./... cannot see.
func runVet(args []string) error {
	module, err := os.Getwd()
	if err != nil {
		return err
	}
	t, err := activeToolchain(module)
	if err != nil {
		return err
	}
	// Entry code begins without a frame to keep, and the test table reads best without keys.
	cmd, err := t.command(ring0, module, "build", "vet", "-framepointer=false", "-composites=false", "./kernel", "./arch/amd64")
	if err != nil {
		return err
	}
	if err := run(cmd); err != nil {
		return err
	}
	more, programs, err := t.programs(module, "user")
	if err != nil {
		return err
	}
	libos, err := os.ReadDir(filepath.Join(module, "libos"))
	if err != nil {
		return err
	}
	for _, d := range libos { // runtime can only be compiled as package runtime; hosttest is of the host
		if d.Name() != "runtime" && d.Name() != "hosttest" {
			programs = append(programs, "./libos/"+d.Name())
			tests, err := filepath.Glob(filepath.Join(module, "libos", d.Name(), "*_test.go"))
			if err != nil {
				return err
			}
			for _, file := range tests { // of the host: what they import is not there
				more[file] = ""
			}
		}
	}
	// Addresses are numbers here: memory comes from system calls.
	cmd, err = t.commandWith(ring3, more, module, filepath.Join("build", "user"), "vet",
		append([]string{"-framepointer=false", "-composites=false", "-unsafeptr=false"}, programs...)...)
	if err != nil {
		return err
	}
	return run(cmd)
}

// runList prints what go list knows of packages as ring 0 builds them, and of what they are made from, each after what it
// imports. The overlay is left in the build folder: for tools that read the sources themselves (tools/locks).
func runList(args []string) error {
	flags := flag.NewFlagSet("mkimage list", flag.ContinueOnError)
	build := flags.String("build", "build", "`folder` for overlay.json")
	if err := flags.Parse(args); err != nil {
		return err
	}
	module, err := os.Getwd()
	if err != nil {
		return err
	}
	t, err := activeToolchain(module)
	if err != nil {
		return err
	}
	cmd, err := t.command(ring0, module, *build, "list",
		append([]string{"-e", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Error"}, flags.Args()...)...)
	if err != nil {
		return err
	}
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list for ring 0: %w", err)
	}
	_, err = os.Stdout.Write(out)
	return err
}

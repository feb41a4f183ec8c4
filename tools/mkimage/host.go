package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// packages says which package of a host brings a tool.
var packages = map[string]string{
	"as":            "binutils",
	"ld":            "binutils",
	"grub-mkrescue": "grub-common, grub-pc-bin, xorriso and mtools (Debian names)",
	"xorriso":       "xorriso",
	"mformat":       "mtools",
}

// tool finds an external program, or says what to install.
func tool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: install %s", name, packages[name])
	}
	return path, nil
}

// run executes a program and returns an error that carries what it printed.
func run(cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s failed:\n%s", strings.Join(cmd.Args[:min(2, len(cmd.Args))], " "), strings.TrimSpace(out.String()))
	}
	if err != nil {
		return fmt.Errorf("running %s: %w", cmd.Path, err)
	}
	return nil
}

// writeFile writes through a temporary name, so that a reader never sees half a file and a failure loses nothing.
func writeFile(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

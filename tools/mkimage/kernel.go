package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// maxImage is what the image may weigh, symbol table included: a kernel that a student can read whole is small.
const maxImage = 1 << 20

func runKernel(args []string) error {
	fs := flag.NewFlagSet("mkimage kernel", flag.ContinueOnError)
	out := fs.String("o", "build/exo.img", "the multiboot `image` to write")
	elfPath := fs.String("elf", "build/kernel.elf", "the kernel's ELF `file`, for gdb")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("kernel takes no arguments, got %q", fs.Args())
	}
	module, err := os.Getwd()
	if err != nil {
		return err
	}
	return buildKernel(module, *out, *elfPath)
}

// buildKernel makes the image and the ELF of the kernel in the folder module. What comes up on the way is left
// beside the image.
func buildKernel(module, out, elfPath string) error {
	t, err := activeToolchain(module)
	if err != nil {
		return err
	}
	build := filepath.Dir(out)
	if err := os.MkdirAll(build, 0o755); err != nil {
		return fmt.Errorf("making the build folder: %w", err)
	}
	if err := t.compile(module, build, elfPath); err != nil {
		return err
	}
	k, err := readKernel(elfPath)
	if err != nil {
		return err
	}
	symbols, err := k.symbolTable()
	if err != nil {
		return err
	}
	if err := k.wrap(module, build, out, symbols); err != nil {
		return err
	}
	st, err := os.Stat(out)
	if err != nil {
		return err
	}
	if st.Size() > maxImage {
		return fmt.Errorf("%s has %d bytes, more than the %d it may have", out, st.Size(), maxImage)
	}
	return nil
}

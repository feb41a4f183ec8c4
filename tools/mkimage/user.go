package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// runUser builds one program, or all of them.
func runUser(args []string) error {
	fs := flag.NewFlagSet("mkimage user", flag.ContinueOnError)
	out := fs.String("o", "", "the program's `file`; with -all, the folder for them")
	elfPath := fs.String("elf", "", "the unstripped ELF `file`, for gdb (default build/user/NAME.elf)")
	flat := fs.Bool("flat", false, "write the flat image that the kernel starts, instead of an ELF")
	hosted := fs.Bool("hosted", false, "build it for Linux, to test the shim")
	all := fs.String("all", "", "build every program of this `folder` of the module")
	if err := fs.Parse(args); err != nil {
		return err
	}
	module, err := os.Getwd()
	if err != nil {
		return err
	}
	switch {
	case *out == "":
		return fmt.Errorf("user wants -o FILE")
	case *all != "" && fs.NArg() == 0:
		return buildPrograms(module, *all, *out)
	case *all == "" && fs.NArg() == 1:
		return buildProgram(module, fs.Arg(0), *out, *elfPath, *flat, *hosted)
	}
	return fmt.Errorf("user takes one program's folder, or -all FOLDER, got %q", fs.Args())
}

// buildProgram makes the file out of the program in the folder dir of the module.
func buildProgram(module, dir, out, elfPath string, flat, hosted bool) error {
	t, err := activeToolchain(module)
	if err != nil {
		return err
	}
	return t.buildProgram(module, dir, out, elfPath, flat, hosted)
}

func (t toolchain) buildProgram(module, dir, out, elfPath string, flat, hosted bool) error {
	build := filepath.Join(module, "build", "user")
	if elfPath == "" {
		elfPath = filepath.Join(build, filepath.Base(dir)+".elf")
	}
	for _, folder := range []string{build, filepath.Dir(out), filepath.Dir(elfPath)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("making the build folder: %w", err)
		}
	}
	p, err := t.program(module, build, dir, elfPath, hosted)
	if err != nil {
		return err
	}
	image := p.stripped()
	if flat {
		image = p.flat()
	}
	if len(image) > maxProgram {
		return fmt.Errorf("%s has %d bytes, more than the %d it may have", out, len(image), maxProgram)
	}
	if err := writeFile(out, image); err != nil {
		return err
	}
	return os.Chmod(out, 0o755)
}

// initProgram is the program that the kernel starts; it becomes init.bin beside the folder bin of the others.
const initProgram = "init"

// buildPrograms makes all programs of a folder: out/bin/NAME each, and out/init.bin of init if there is one.
func buildPrograms(module, folder, out string) error {
	t, err := activeToolchain(module)
	if err != nil {
		return err
	}
	_, packages, err := t.programs(module, folder)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(out, "bin")); err != nil { // of programs that are no more
		return fmt.Errorf("making room for the programs: %w", err)
	}
	for _, dir := range packages {
		name := filepath.Base(dir)
		if err := t.buildProgram(module, dir, filepath.Join(out, "bin", name), "", false, false); err != nil {
			return err
		}
		if name == initProgram {
			if err := t.buildProgram(module, dir, filepath.Join(out, "init.bin"), "", true, false); err != nil {
				return err
			}
		}
	}
	return nil
}

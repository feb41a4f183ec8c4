// Mkimage builds everything that QEMU is given: it compiles the kernel against the runtime shim, wraps it into a
// multiboot image with a symbol table for backtraces, packs the initramfs, and makes an ISO that GRUB boots.
//
//	mkimage kernel    [-o build/exo.img] [-elf build/kernel.elf]   compile and wrap the kernel
//	mkimage user      -o FILE [-flat] FOLDER                       a program of ring 3; -flat: as the kernel starts one
//	mkimage user      -o FOLDER -all user                          all programs: bin/NAME each, and init.bin
//	mkimage initramfs [-o build/initramfs.cpio] FOLDER…            pack a folder, and others into it, as a newc archive
//	mkimage iso       [-o build/exo.iso] [-append LINE]            GRUB, the kernel and the initramfs on a CD
//	mkimage disk      new|ls|cat|get|put|fsck …                    disks with the kernel's file system
//	mkimage vet                                                    go vet over the packages that only ring 0 builds
//	mkimage list      -build FOLDER PACKAGE…                       go list of ring 0's packages; FOLDER gets overlay.json
//
// The same inputs give the same bytes. Run it in the module's root folder.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

type command struct {
	run  func(args []string) error
	help string
}

var commands = map[string]command{
	"kernel":    {runKernel, "compile the kernel and wrap it into a multiboot image"},
	"user":      {runUser, "compile programs of ring 3"},
	"initramfs": {runInitramfs, "pack a folder as a newc cpio archive"},
	"iso":       {runISO, "put GRUB, the kernel and the initramfs on a bootable CD image"},
	"disk":      {runDisk, "make, look into and check disks"},
	"vet":       {runVet, "run go vet over the packages that only ring 0 builds"},
	"list":      {runList, "run go list over packages as ring 0 builds them"},
}

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	cmd, ok := commands[os.Args[1]]
	if !ok {
		usage()
	}
	if err := cmd.run(os.Args[2:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "mkimage: "+err.Error())
		}
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: mkimage COMMAND [options]")
	for _, name := range []string{"kernel", "user", "initramfs", "iso", "disk", "vet", "list"} {
		fmt.Fprintf(os.Stderr, "  %-10s %s\n", name, commands[name].help)
	}
	os.Exit(2)
}

// note prints something the user should know that is no failure.
func note(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "mkimage: "+format+"\n", args...)
}

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func runISO(args []string) error {
	fs := flag.NewFlagSet("mkimage iso", flag.ContinueOnError)
	out := fs.String("o", "build/exo.iso", "the ISO `file` to write")
	image := fs.String("kernel", "build/exo.img", "the multiboot `image`")
	initrd := fs.String("initrd", "build/initramfs.cpio", "the initramfs `file`")
	appendLine := fs.String("append", "", "the kernel's command `line`")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if strings.ContainsAny(*appendLine, "\n\"'\\$;{}") {
		return fmt.Errorf("the command line %q has a character that GRUB's script would read as its own", *appendLine)
	}
	for _, name := range []string{"grub-mkrescue", "xorriso", "mformat"} {
		if _, err := tool(name); err != nil {
			return err
		}
	}
	root, err := os.MkdirTemp("", "exo-iso-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := os.MkdirAll(filepath.Join(root, "boot", "grub"), 0o755); err != nil {
		return err
	}
	for from, to := range map[string]string{*image: "exo.img", *initrd: "initramfs.cpio"} {
		data, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("reading what goes on the ISO: %w (run make build)", err)
		}
		if err := os.WriteFile(filepath.Join(root, "boot", to), data, 0o644); err != nil {
			return err
		}
	}
	config := "serial --unit=0 --speed=115200\nterminal_input serial console\nterminal_output serial console\nset timeout=0\n" +
		"menuentry exo {\n\tmultiboot2 /boot/exo.img " + *appendLine + "\n\tmodule2 /boot/initramfs.cpio initramfs\n\tboot\n}\n"
	if err := os.WriteFile(filepath.Join(root, "boot", "grub", "grub.cfg"), []byte(config), 0o644); err != nil {
		return err
	}
	cmd := exec.Command("grub-mkrescue", "-o", *out, root)
	if err := run(cmd); err != nil {
		return err
	}
	return nil
}

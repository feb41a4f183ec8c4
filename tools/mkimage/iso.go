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
	config, err := grubConfig(*appendLine)
	if err != nil {
		return err
	}
	rescue := "grub-mkrescue"
	if _, err := exec.LookPath("grub2-mkrescue"); err == nil { // as some distributions call it
		rescue = "grub2-mkrescue"
	}
	for _, name := range []string{rescue, "xorriso", "mformat"} {
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
	if err := os.WriteFile(filepath.Join(root, "boot", "grub", "grub.cfg"), []byte(config), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o755); err != nil {
		return fmt.Errorf("making the build folder: %w", err)
	}
	// xorriso would write the time of day: as the files' dates, and as the volume's, which is its name to GRUB.
	const date = "1980010100000000"
	cmd := exec.Command(rescue, "-o", *out, root, "--", "-volume_date", "all_file_dates", date, "-volume_date", "uuid", date)
	return run(cmd)
}

// grubConfig is GRUB's script: one entry, started at once, on the screen and on the serial line.
func grubConfig(appendLine string) (string, error) {
	for _, c := range appendLine {
		if c < ' ' || c > '~' || strings.ContainsRune("\"'\\$;{}&|<>#", c) {
			return "", fmt.Errorf("the command line %q has the character %q, which GRUB's script would not pass on", appendLine, c)
		}
	}
	return "serial --unit=0 --speed=115200\nterminal_input serial console\nterminal_output serial console\nset timeout=0\n" +
		"menuentry exo {\n\tmultiboot2 /boot/exo.img " + appendLine + "\n\tmodule2 /boot/initramfs.cpio initramfs\n\tboot\n}\n", nil
}

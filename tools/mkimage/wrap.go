package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"exo/kernel/symtab"
)

// wrap links start-up code, the kernel's segments and the symbol table into the ELF32 that multiboot loaders take.
func (k *kernel) wrap(module, build, out string, symbols []byte) error {
	as, err := tool("as")
	if err != nil {
		return err
	}
	ld, err := tool("ld")
	if err != nil {
		return err
	}
	if symbols != nil {
		if symbols, err = symtab.Pack(symbols); err != nil {
			return err
		}
	}
	parts := []struct {
		section, file string
		data          []byte
		packed        bool // what a file has, unpacked
	}{
		{".ktext", "text.bin", k.text.data, true},
		{".krodata", "rodata.bin", k.rodata.data, true},
		{".kdata", "data.bin", k.data.data, false},
		{".symbols", "symbols.bin", symbols, false},
	}
	var src strings.Builder
	src.WriteString("# Written by mkimage: the kernel's segments and where they belong.\n")
	for _, p := range parts {
		if p.packed {
			fmt.Fprintf(&src, "\t.section %s, \"a\", @nobits\n\t.skip %d\n", p.section, len(p.data))
			label := "packed_" + strings.TrimSuffix(p.file, ".bin")
			fmt.Fprintf(&src, "\t.section .packed, \"a\"\n\t.globl %s, %s_end\n%s:\n\t.incbin \"%s\"\n%s_end:\n", label, label, label, p.file, label)
			if p.data, err = symtab.Block(p.data); err != nil {
				return fmt.Errorf("packing %s: %w", p.section, err)
			}
		} else {
			fmt.Fprintf(&src, "\t.section %s, \"a\"\n\t.incbin \"%s\"\n", p.section, p.file)
		}
		if err := writeFile(filepath.Join(build, p.file), p.data); err != nil {
			return err
		}
	}
	src.WriteString("\t.section .boot.data, \"aw\"\n\t.align 8\n\t.globl kernel_segments\nkernel_segments:\n")
	for _, s := range []segment{k.text, k.rodata, k.data} {
		fmt.Fprintf(&src, "\t.quad %#x, %#x\n", s.start, s.end)
	}
	if err := writeFile(filepath.Join(build, "payload.S"), []byte(src.String())); err != nil {
		return err
	}

	var objects []string
	for _, s := range []string{filepath.Join(module, "boot", "boot.S"), filepath.Join(module, "boot", "trampoline.S"), "payload.S"} {
		o := strings.TrimSuffix(filepath.Base(s), ".S") + ".o"
		cmd := exec.Command(as, "--32", "-o", o, s)
		cmd.Dir = build
		if err := run(cmd); err != nil {
			return err
		}
		objects = append(objects, o)
	}
	abs, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	def := func(name string, v uint64) string { return fmt.Sprintf("--defsym=%s=%#x", name, v) }
	bss := k.data.end - k.data.start - uint64(len(k.data.data))
	args := append([]string{"-m", "elf_i386", "--build-id=none", "-z", "noexecstack", "-T", filepath.Join(module, "linker.ld"),
		def("KTEXT", phys(k.text.start)), def("KRODATA", phys(k.rodata.start)), def("KDATA", phys(k.data.start)),
		def("KBSS", bss), def("kernel_entry", k.entry&0xffffffff), "-o", abs + ".tmp"}, objects...)
	cmd := exec.Command(ld, args...)
	cmd.Dir = build
	if err := run(cmd); err != nil {
		return err
	}
	return os.Rename(abs+".tmp", abs)
}

package main

import (
	"debug/elf"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// kernelBase is where the kernel image's virtual addresses begin: virtual = physical + kernelBase.
const kernelBase = 0xffffffff80000000

const pageSize = 4096

// segment is one load segment, widened to whole pages of addresses.
type segment struct {
	start, end uint64 // virtual, page-aligned
	data       []byte // file contents from start
}

// kernel is a linked ELF, the kernel's or a program's: three segments, each with one permission.
type kernel struct {
	path               string
	file               *elf.File
	text, rodata, data segment
	entry              uint64
}

// readKernel opens the linked kernel and checks what the image depends on.
func readKernel(path string) (*kernel, error) {
	k, err := readLinked(path, kernelBase)
	if err != nil {
		return nil, err
	}
	k.rodata.cut(k.file.Section(".gopclntab"))
	return k, k.checkNoInit()
}

// readLinked opens what Go's linker made and checks its segments: one of each kind, whole pages from base on, none that may
// be written and executed.
func readLinked(path string, base uint64) (*kernel, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading what was linked, %s: %w", path, err)
	}
	k := &kernel{path: path, file: f, entry: f.Entry}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		var s *segment
		switch p.Flags {
		case elf.PF_R | elf.PF_X:
			s = &k.text
		case elf.PF_R:
			s = &k.rodata
		case elf.PF_R | elf.PF_W:
			s = &k.data
		default:
			return nil, fmt.Errorf("%s: segment at %#x has permissions %v: only RX, R and RW are allowed (W^X)", path, p.Vaddr, p.Flags)
		}
		if s.end != 0 {
			return nil, fmt.Errorf("%s: more than one %v segment", path, p.Flags)
		}
		if p.Vaddr < base || p.Vaddr%pageSize != 0 {
			return nil, fmt.Errorf("%s: segment at %#x is not a page above %#x", path, p.Vaddr, base)
		}
		s.start, s.end = p.Vaddr, (p.Vaddr+p.Memsz+pageSize-1)&^(pageSize-1)
		if s.data, err = io.ReadAll(p.Open()); err != nil {
			return nil, fmt.Errorf("reading segment %#x of %s: %w", p.Vaddr, path, err)
		}
		if n := uint64(len(s.data)); n != p.Filesz || n > s.end-s.start {
			return nil, fmt.Errorf("%s: segment at %#x is cut off: %d bytes of %d", path, p.Vaddr, n, p.Filesz)
		}
	}
	for name, s := range map[string]segment{"text": k.text, "read-only data": k.rodata, "data": k.data} {
		if s.end == 0 {
			return nil, fmt.Errorf("%s: no %s segment", path, name)
		}
	}
	if k.text.end > k.rodata.start || k.rodata.end > k.data.start {
		return nil, fmt.Errorf("%s: segments share a page, so they cannot have different permissions", path)
	}
	return k, nil
}

// cut leaves out what begins with a section: the linker puts Go's own function table behind all other constants, and
// nobody in ring 0 reads that. It is as large as the kernel's text, and stays in the ELF file for the tools.
func (s *segment) cut(from *elf.Section) {
	if from == nil || from.Addr < s.start || from.Addr-s.start > uint64(len(s.data)) {
		return
	}
	s.data = s.data[:from.Addr-s.start]
	s.end = (from.Addr + pageSize - 1) &^ (pageSize - 1)
}

// initialiser is the symbol of code that Go runs before main: pkg.init gives package-level variables their values,
// pkg.init.0 and on are functions called init. Methods and function literals (pkg.init.func1) do not match.
var initialiser = regexp.MustCompile(`^((?:.*/)?[^/.]+)\.init(?:\.\d+)?$`)

// checkNoInit refuses package initialisation: ring 0 has nobody to run it, so a variable that needs code to get its
// value would silently stay zero. Go's own internal packages are what the shim stands on; it copes without theirs.
func (k *kernel) checkNoInit() error {
	syms, err := k.file.Symbols()
	if err != nil {
		return fmt.Errorf("reading the symbols of %s: %w", k.path, err)
	}
	for _, s := range syms {
		m := initialiser.FindStringSubmatch(s.Name)
		if m != nil && !strings.HasPrefix(m[1], "internal/") && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			return fmt.Errorf("package %s has initialisers that run code (%s): ring 0 runs none; use constants, literals or an explicit call", m[1], s.Name)
		}
	}
	return nil
}

func phys(va uint64) uint64 { return va - kernelBase }

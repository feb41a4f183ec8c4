package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"exo/kernel/abi"
)

// programText is where a program's text begins.
const programText = abi.LibOS + 2<<20

const programEntry = "exo/libos/start.rt0"

// maxProgram is what a program may weigh, stripped.
const maxProgram = 1 << 20

// programs returns the programs below a folder of the module, as packages, and what the overlay adds to each: the import of
// libos/start, so that a program is no more than package main with a func main.
func (t toolchain) programs(module, folder string) (more map[string]string, packages []string, err error) {
	dirs, err := os.ReadDir(filepath.Join(module, folder))
	if err != nil {
		return nil, nil, fmt.Errorf("looking for programs: %w (run mkimage in the module's root folder)", err)
	}
	more = map[string]string{}
	for _, d := range dirs {
		if d.IsDir() {
			packages = append(packages, "./"+folder+"/"+d.Name())
			addStart(more, module, filepath.Join(module, folder, d.Name()))
		}
	}
	sort.Strings(packages)
	return more, packages, nil
}

func addStart(more map[string]string, module, dir string) {
	more[filepath.Join(dir, shimPrefix+"start.go")] = filepath.Join(module, "libos", "start", "import.go.in")
}

// program builds the package main in dir into an ELF for the debugger and returns what it consists of. hosted makes it a
// program for Linux, to test the shim.
func (t toolchain) program(module, build, dir, elfPath string, hosted bool) (*kernel, error) {
	full := dir
	if !filepath.IsAbs(full) {
		full = filepath.Join(module, dir)
	}
	if st, err := os.Stat(full); err != nil {
		return nil, fmt.Errorf("%s: there is no such program", dir)
	} else if !st.IsDir() {
		return nil, fmt.Errorf("%s: a program is a folder with a package main", dir)
	}
	elfPath, err := filepath.Abs(elfPath)
	if err != nil {
		return nil, err
	}
	more := map[string]string{}
	addStart(more, module, full)
	r := ring3
	if hosted {
		r.tag += ",hosted"
	}
	cmd, err := t.commandWith(r, more, module, build, "build", "-trimpath", "-buildvcs=false",
		"-gcflags=all=-wb=false -d=noopendefer=1",
		fmt.Sprintf("-ldflags=-T %#x -E %s -buildid=", uint64(programText), programEntry), "-o", elfPath, full)
	if err != nil {
		return nil, err
	}
	if err := run(cmd); err != nil {
		return nil, explain(err, ring3)
	}
	p, err := readLinked(elfPath, programText-pageSize)
	if err != nil {
		return nil, err
	}
	if p.text.start != programText-pageSize || len(p.text.data) <= pageSize {
		return nil, fmt.Errorf("%s: the text begins at %#x, not a page of headers before %#x", elfPath, p.text.start, uint64(programText))
	}
	p.text.start, p.text.data = programText, p.text.data[pageSize:] // nobody reads the linker's headers
	return p, p.finish()
}

// finish puts the table of functable.go in place of Go's own function table, and leaves out what comes behind: lists of
// types, which nobody reads, and of itabs, which are in the table.
func (k *kernel) finish() error {
	s := k.file.Section(".gopclntab")
	if s == nil {
		return fmt.Errorf("%s: no .gopclntab section", k.path)
	}
	size := uint64(len(k.rodata.data))
	if s.Addr < k.rodata.start || s.Addr-k.rodata.start > size || s.Size > size-(s.Addr-k.rodata.start) {
		return fmt.Errorf("%s: .gopclntab is not in the read-only data", k.path)
	}
	behind := false
	for _, other := range k.file.Sections {
		behind = behind || other.Flags&elf.SHF_ALLOC != 0 && other.Addr > s.Addr && other.Addr < k.rodata.end &&
			other.Name != ".typelink" && other.Name != ".itablink"
	}
	itabs, err := k.itabs()
	if err != nil {
		return err
	}
	at := s.Addr - k.rodata.start
	table, err := functionTable(k.rodata.data[at:at+s.Size], itabs)
	if err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	if behind { // Go 1.27's types: they stay where they are
		copy(k.rodata.data[at:], append(table, make([]byte, s.Size-uint64(len(table)))...))
		return nil
	}
	k.rodata.data = append(k.rodata.data[:at:at], table...)
	k.rodata.end = (s.Addr + uint64(len(table)) + pageSize - 1) &^ (pageSize - 1)
	return nil
}

// stripped is the program as it is loaded: a header, and three segments, each at a page of the file, with what each may do.
func (k *kernel) stripped() []byte {
	var out bytes.Buffer
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Entry: k.entry, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 3,
	}
	binary.Write(&out, binary.LittleEndian, header) // to memory: cannot fail
	var body bytes.Buffer
	for _, s := range k.parts() {
		at := pageSize + uint64(body.Len())
		binary.Write(&out, binary.LittleEndian, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(s.flags), Off: at, Vaddr: s.start, Paddr: s.start,
			Filesz: uint64(len(s.data)), Memsz: s.end - s.start, Align: pageSize,
		})
		body.Write(s.data)
		body.Write(make([]byte, -body.Len()&(pageSize-1)))
	}
	out.Write(make([]byte, pageSize-out.Len()))
	out.Write(body.Bytes())
	return out.Bytes()
}

type part struct {
	segment
	flags elf.ProgFlag
}

func (k *kernel) parts() []part {
	return []part{{k.text, elf.PF_R | elf.PF_X}, {k.rodata, elf.PF_R}, {k.data, elf.PF_R | elf.PF_W}}
}

// flat is a flat image: abi.ImageHeader, abi.ImageSegment for each segment, then the segments, each at a page. The kernel
// loads no ELF; this it starts as the initial environment.
func (k *kernel) flat() []byte {
	var head, body bytes.Buffer
	header := abi.ImageHeader{Entry: k.entry, Segments: 3}
	copy(header.Magic[:], abi.ImageMagic)
	binary.Write(&head, binary.LittleEndian, header) // to memory: cannot fail
	for _, s := range k.parts() {
		perm := abi.PermRead
		if s.flags&elf.PF_W != 0 {
			perm |= abi.PermWrite
		}
		if s.flags&elf.PF_X != 0 {
			perm |= abi.PermExecute
		}
		binary.Write(&head, binary.LittleEndian, abi.ImageSegment{
			VA: s.start, Offset: pageSize + uint64(body.Len()), Bytes: uint64(len(s.data)), Memory: s.end - s.start, Perm: perm,
		})
		body.Write(s.data)
		body.Write(make([]byte, -body.Len()&(pageSize-1)))
	}
	head.Write(make([]byte, pageSize-head.Len()))
	return append(head.Bytes(), body.Bytes()...)
}

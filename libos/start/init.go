//go:build exouser

package start

import (
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/startpage"
)

// Addresses for the library OS of the initial environment: between its image and what the kernel put for it.
const (
	initHeapGap  = 1 << 16
	initHeapHigh = abi.LibOS + 1<<44
)

// initial is the start page of the initial environment: at the lower end of its stack, which the kernel has made large.
var initial *initialPage

const initialAt, initialBytes = abi.InitStackLow, 8 << 10

type initialPage struct {
	page startpage.Page
	args [1]startpage.Text
	name [4]byte
	caps [7 + 64 + 16 + 8]startpage.Cap
	// Its descriptors, and room for more capabilities, which init makes.
	files [32]startpage.File
	line  *abi.Start
}

const _ = uint(initialBytes - unsafe.Sizeof(initialPage{}))

// Line is the kernel's command line, for the initial environment; others have none.
func Line() string {
	if initial != nil {
		s := initial.line
		return unsafe.String(&s.Line[0], min(s.LineBytes, uint64(len(s.Line))))
	}
	return ""
}

// fromKernel makes a start page of what the kernel gives the initial environment.
func fromKernel(s *abi.Start) *startpage.Page {
	p := (*initialPage)(unsafe.Pointer(uintptr(initialAt)))
	initial, p.line = p, s
	// SAFETY: all of it lies in these pages.
	offset := func(q unsafe.Pointer) uint64 { return uint64(uintptr(q) - uintptr(unsafe.Pointer(&p.page))) }
	n := 0
	add := func(role, index, name, value uint64) {
		if name != 0 {
			p.caps[n] = startpage.Cap{Role: role, Index: index, Name: name, Value: value}
			n++
		}
	}
	add(startpage.RoleMemory, 0, s.Memory, 0)
	add(startpage.RoleConsole, 0, s.Console, 0)
	add(startpage.RoleEnv, 0, s.Env, 0)
	add(startpage.RolePorts, 0, s.Ports, 1<<16)
	add(startpage.RoleFiles, s.ArchiveAt, s.Archive, s.ArchiveBytes)
	add(startpage.RoleRoot, 0, s.Files, 0)
	add(startpage.RoleExtent, 0, s.Extent, 0)
	for i, c := range s.CPUs {
		add(startpage.RoleCPU, uint64(i), c, 0)
	}
	for i, c := range s.Interrupts {
		add(startpage.RoleInterrupt, uint64(i), c, 0)
	}
	p.name = [4]byte{'i', 'n', 'i', 't'}
	p.args[0] = startpage.Text{Offset: offset(unsafe.Pointer(&p.name)), Bytes: uint64(len(p.name))}
	p.page = startpage.Page{
		Version: startpage.Version, Size: uint64(unsafe.Sizeof(p.page)), Bytes: uint64(unsafe.Sizeof(*p)),
		Stack:  startpage.Range{Low: initialAt + initialBytes, High: abi.InitStackHigh},
		Upcall: startpage.Range{Low: abi.InitUpcallLow, High: abi.InitUpcallHigh},
		Image:  startpage.Range{Low: abi.Image, High: s.ImageHigh},
		Heap:   startpage.Range{Low: (s.ImageHigh + initHeapGap) &^ (initHeapGap - 1), High: initHeapHigh},
		Args:   startpage.Table{Offset: offset(unsafe.Pointer(&p.args)), Entries: 1},
		Caps:   startpage.Table{Offset: offset(unsafe.Pointer(&p.caps)), Entries: uint64(n)},
		Files:  startpage.Table{Offset: offset(unsafe.Pointer(&p.files)), Entries: uint64(len(p.files))},
	}
	for i := range 3 {
		p.files[i] = startpage.File{Kind: 1, Flags: 3} // libos/file: the console, to be read and written
	}
	return &p.page
}

//go:build exouser

package runtime

import (
	"internal/abi"
	"unsafe"
)

// Main makes the linker's itabs known, runs the package initialisers in the order that the linker chose, and main.main.
func Main() {
	keep = [2]*any{&dwarfTypes[0], &deferType}
	for tab := range staticITabs {
		addITab(tab)
	}
	t, _ := programTable()
	for _, tab := range unsafe.Slice((**abi.ITab)(unsafe.Pointer(&t.rest)), t.itabs) {
		addITab(tab)
	}
	for _, t := range firstmoduledata.inittasks {
		for i := range uintptr(t.functions) {
			f := unsafe.Pointer(uintptr(unsafe.Pointer(t)) + 8 + 8*i) // the closure of a function is a pointer to its address
			(*(*func())(unsafe.Pointer(&f)))()
		}
	}
	mainMain()
}

//go:linkname mainMain main.main
func mainMain()

// keep is what makes the types for the debugger reachable.
var keep [2]*any

var deferType any = (*_defer)(nil)

type initTask struct {
	state, functions uint32
	// so many addresses of functions
}

var lastmoduledatap *moduledata

// table is what mkimage puts in place of Go's function table, and pcHeader points at (tools/mkimage/functable.go).
type table struct {
	magic, funcs, itabs uint64
	rest                [0]uint64 // so many addresses of itabs, and of tableFunc, in the order of their addresses
}

// tableFunc is a function that defers calls, or one that the compiler made to wrap another.
type tableFunc struct {
	start, end  uint32 // from the text's beginning
	deferreturn uint32 // where, from start, the function runs what it deferred and returns; 0: it defers nothing
	wrapper     uint32 // 1: it wraps another
}

const tableMagic = 0x3152454645444f58 // "XODEFER1"

func programTable() (*table, []tableFunc) {
	t := (*table)(unsafe.Pointer(firstmoduledata.pcHeader))
	if t.magic != tableMagic {
		throw("this program was not finished by mkimage")
	}
	funcs := (*tableFunc)(add(unsafe.Pointer(&t.rest), 8*uintptr(t.itabs)))
	return t, unsafe.Slice(funcs, t.funcs)
}

// findFunc returns what the table knows of the function at pc.
func findFunc(pc uintptr) *tableFunc {
	_, funcs := programTable()
	off := uint32(pc - firstmoduledata.text)
	lo, hi := 0, len(funcs)
	for lo < hi {
		if m := int(uint(lo+hi) / 2); funcs[m].end <= off {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(funcs) && funcs[lo].start <= off {
		return &funcs[lo]
	}
	return nil
}

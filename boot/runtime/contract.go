//go:build exokernel

package runtime

import (
	"internal/runtime/maps"
	_ "unsafe" // for go:linkname
)

// What the linker of go1.26 and go1.27 insists on although ring 0 never uses it: the module data it fills in, and
// the types that it copies into DWARF for the debugger (dwarf.go). If one goes missing, the build says so by name.

type moduledata struct {
	pcHeader *byte
	_        [1024]byte // the linker writes its own, longer layout here; nobody reads it
}

var firstmoduledata moduledata
var lastmoduledatap *moduledata

// keep is what makes dwarfTypes reachable: Main, the kernel's way in, stores into it.
var keep [2]*any

//go:linkname mainMain main.main
func mainMain()

// Main calls the kernel's main.main. It is the only way in from arch/amd64.
func Main() {
	keep = [2]*any{&dwarfTypes[0], &maps.DWARF[0]}
	mainMain()
}

// unreachableMethod is what the linker puts in place of methods it removed.
func unreachableMethod()

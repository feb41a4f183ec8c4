//go:build exokernel

package runtime

import (
	"internal/abi"
	_ "internal/bytealg" // memequal, memequal_varlen, cmpstring
	"internal/runtime/maps"
	"unsafe"
)

// What the linker of go1.26 and go1.27 insists on although ring 0 never uses it: the module data it fills in, and
// the types that it copies into DWARF for the debugger. If one goes missing, the build says so by name.

type moduledata struct {
	pcHeader *byte
	_        [1024]byte // the linker writes its own, longer layout here; nobody reads it
}

var firstmoduledata moduledata
var lastmoduledatap *moduledata

// writeBarrier is tested by code compiled with barriers; ring 0 is built with -wb=false, and there is no collector.
var writeBarrier struct {
	enabled uint32
	_       [4]byte
}

var zerobase uintptr

type eface struct{ _type, data unsafe.Pointer }
type iface struct{ tab, data unsafe.Pointer }
type slice struct {
	array    unsafe.Pointer
	len, cap int
}
type stringStructDWARF struct {
	str *byte
	len int
}
type sudog struct{ g unsafe.Pointer }
type waitq struct{ first, last *sudog }
type hchan struct{ recvq, sendq waitq }

var dwarfTypes = [...]any{
	(*eface)(nil), (*iface)(nil), (*slice)(nil), (*stringStructDWARF)(nil), (*sudog)(nil), (*waitq)(nil),
	(*hchan)(nil), (*moduledata)(nil),
	(*abi.Type)(nil), (*abi.ArrayType)(nil), (*abi.ChanType)(nil), (*abi.FuncType)(nil), (*abi.MapType)(nil),
	(*abi.PtrType)(nil), (*abi.SliceType)(nil), (*abi.StructType)(nil), (*abi.InterfaceType)(nil), (*abi.ITab)(nil),
	(*abi.Imethod)(nil), unsafe.Pointer(nil), uintptr(0),
}

// keep is what makes the table above reachable: Main, the kernel's way in, stores into it.
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

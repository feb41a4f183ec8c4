//go:build exokernel || exouser

package runtime

import (
	"internal/abi"
	_ "internal/bytealg" // memequal, memequal_varlen, cmpstring
	"unsafe"
)

// What compiled code and the linker of go1.26 and go1.27 insist on in every ring: the types that it copies into DWARF for
// the debugger, among others.

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

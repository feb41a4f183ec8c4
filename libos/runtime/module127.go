//go:build exouser && go1.27

package runtime

import (
	"internal/abi"
	"unsafe"
)

// moduledata is the linker's: it writes these fields in this order.
type moduledata struct {
	pcHeader                   *byte
	_                          [6]slice // tables for backtraces
	_                          [3]uintptr
	text, etext                uintptr
	_                          [10]uintptr
	end, gcdata, gcbss         uintptr
	types, typedesclen, etypes uintptr
	itaboffset, itabsize       uintptr
	_                          [3]uintptr
	textsectmap                slice
	ptab                       slice
	pluginpath                 string
	pkghashes                  slice
	inittasks                  []*initTask
	_                          [256]byte // the rest, and room
}

var firstmoduledata moduledata

// staticITabs goes through the itabs that the linker made: they lie behind each other.
func staticITabs(yield func(*abi.ITab) bool) {
	at := firstmoduledata.types + firstmoduledata.itaboffset
	for end := at + firstmoduledata.itabsize; at < end; {
		tab := (*abi.ITab)(unsafe.Pointer(at))
		at += unsafe.Sizeof(abi.ITab{}) + uintptr(max(len(tab.Inter.Methods)-1, 0))*8
		if !yield(tab) {
			return
		}
	}
}

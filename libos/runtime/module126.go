//go:build exouser && !go1.27

package runtime

import "internal/abi"

// moduledata is the linker's: it writes these fields in this order.
type moduledata struct {
	pcHeader           *byte
	_                  [6]slice // tables for backtraces
	_                  [3]uintptr
	text, etext        uintptr
	_                  [10]uintptr
	end, gcdata, gcbss uintptr
	types, etypes      uintptr
	_                  [3]uintptr
	textsectmap        slice
	typelinks          []int32
	itablinks          slice
	ptab               slice
	pluginpath         string
	pkghashes          slice
	inittasks          []*initTask
	_                  [256]byte // the rest, and room
}

var firstmoduledata moduledata

// staticITabs has none: they are in mkimage's table.
func staticITabs(func(*abi.ITab) bool) {}

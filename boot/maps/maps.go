//go:build exokernel

// Package maps stands in for internal/runtime/maps: ring 0 has no maps, but the linker copies these types into
// the DWARF of every program.
package maps

type groupsReference struct{ data *byte }

type table struct{ groups groupsReference }

type Map struct {
	dirPtr *byte
	t      *table
}

// DWARF keeps the types reachable.
var DWARF = [...]any{(*Map)(nil), (*table)(nil), (*groupsReference)(nil)}

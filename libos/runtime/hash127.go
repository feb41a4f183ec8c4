//go:build exouser && go1.27

package runtime

import (
	"internal/runtime/maps"
	"unsafe"
)

// Go 1.27 has its hashes beside its maps.

func memhash(p unsafe.Pointer, h, n uintptr) uintptr { return maps.MemHash(p, h, n) }
func memhash32(p unsafe.Pointer, h uintptr) uintptr  { return maps.MemHash32(*(*uint32)(p), h) }
func memhash64(p unsafe.Pointer, h uintptr) uintptr  { return maps.MemHash64(*(*uint64)(p), h) }
func strhash(p unsafe.Pointer, h uintptr) uintptr    { return maps.StrHash(*(*string)(p), h) }

// bootstrapRand seeds them.
//
//go:linknamestd bootstrapRand
func bootstrapRand() uint64 { return rand() }

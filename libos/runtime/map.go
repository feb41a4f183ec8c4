//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/atomic"
	"internal/runtime/maps"
	"unsafe"
)

// Maps are Go's own, internal/runtime/maps; what it and compiled code want of package runtime is here.

func makemap64(t *abi.MapType, hint int64, m *maps.Map) *maps.Map { return makemap(t, int(hint), m) }
func makemap_small() *maps.Map                                    { return maps.NewEmptyMap() }
func makemap(t *abi.MapType, hint int, m *maps.Map) *maps.Map {
	return maps.NewMap(t, uintptr(max(hint, 0)), m, maxAlloc)
}

func mapaccess1(t *abi.MapType, m *maps.Map, key unsafe.Pointer) unsafe.Pointer // in maps

func mapaccess1_fat(t *abi.MapType, m *maps.Map, key, zero unsafe.Pointer) unsafe.Pointer {
	if e := mapaccess1(t, m, key); e != unsafe.Pointer(&zeroVal[0]) {
		return e
	}
	return zero
}

func mapaccess2_fat(t *abi.MapType, m *maps.Map, key, zero unsafe.Pointer) (unsafe.Pointer, bool) {
	if e := mapaccess1(t, m, key); e != unsafe.Pointer(&zeroVal[0]) {
		return e, true
	}
	return zero, false
}

func mapdelete(t *abi.MapType, m *maps.Map, key unsafe.Pointer) { m.Delete(t, key) }
func mapclear(t *abi.MapType, m *maps.Map)                      { m.Clear(t) }
func mapIterNext(it *maps.Iter)                                 { it.Next() }
func mapIterStart(t *abi.MapType, m *maps.Map, it *maps.Iter) {
	it.Init(t, m)
	it.Next()
}

//go:linkname mapclone maps.clone
func mapclone(m any) any {
	e := (*eface)(unsafe.Pointer(&m))
	e.data = unsafe.Pointer((*maps.Map)(e.data).Clone((*abi.MapType)(e._type)))
	return m
}

//go:linkname maps_fatal internal/runtime/maps.fatal
func maps_fatal(s string) { throw(s) }

//go:linkname maps_typeString internal/runtime/maps.typeString
func maps_typeString(t *abi.Type) string { return typeString(t) }

//go:linkname maps_errNilAssign internal/runtime/maps.errNilAssign
var maps_errNilAssign error = plainError("assignment to entry in nil map")

// randState is Weyl's sequence; rand mixes it (splitmix64).
var randState uint64

// SetRand makes rand, which seeds maps and iterations over them, go on from a value.
func SetRand(seed uint64) { atomic.Store64(&randState, seed) }

func rand() uint64 {
	z := atomic.Xadd64(&randState, -0x61c8864680b583eb)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func rand32() uint32 { return uint32(rand() >> 32) }

//go:linkname maps_rand internal/runtime/maps.rand
func maps_rand() uint64 { return rand() }

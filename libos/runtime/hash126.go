//go:build exouser && !go1.27

package runtime

import "unsafe"

// Go 1.26 has its hashes here: hash64.go is kept. No AES instructions, which would have to be asked for.

// hashkey seeds them; each map has a seed of its own besides.
var hashkey = [4]uintptr{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93}

func readUnaligned32(p unsafe.Pointer) uint32 { return *(*uint32)(p) }
func readUnaligned64(p unsafe.Pointer) uint64 { return *(*uint64)(p) }

func memhash(p unsafe.Pointer, h, n uintptr) uintptr { return memhashFallback(p, h, n) }
func memhash32(p unsafe.Pointer, h uintptr) uintptr  { return memhash32Fallback(p, h) }
func memhash64(p unsafe.Pointer, h uintptr) uintptr  { return memhash64Fallback(p, h) }
func strhash(p unsafe.Pointer, h uintptr) uintptr {
	s := *(*string)(p)
	return memhash(unsafe.Pointer(unsafe.StringData(s)), h, uintptr(len(s)))
}

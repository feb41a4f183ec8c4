//go:build exouser

package main

import (
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/mem"
)

const readWrite = abi.PermRead | abi.PermWrite

func words(at, bytes uint64) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(uintptr(at))), bytes/8)
}

func demandZero() string {
	const bytes = 1 << 30
	at, err := mem.Map(bytes, readWrite)
	if err != abi.OK {
		return "Map: " + err.Error()
	}
	before, _, _ := mem.Stats()
	w := words(at, bytes)
	for i := 0; i < len(w); i += len(w) / 16 {
		if w[i] != 0 {
			return "memory is not zero"
		}
		w[i] = uint64(i) + 1
	}
	for i := 0; i < len(w); i += len(w) / 16 {
		if w[i] != uint64(i)+1 {
			return "what was written is not there"
		}
	}
	after, _, _ := mem.Stats()
	if after-before != 16*4096 {
		return "16 pages that were touched are not 16 that are mapped"
	}
	if err := mem.Unmap(at, bytes); err != abi.OK {
		return "Unmap: " + err.Error()
	}
	last, _, _ := mem.Stats()
	return check(last == before, "Unmap left something")
}

func runsOfFrames() string {
	const pages = 64
	at, err := mem.Map(pages*4096, readWrite)
	if err != abi.OK {
		return "Map: " + err.Error()
	}
	_, before, _ := mem.Stats()
	w := words(at, pages*4096)
	for i := range w {
		w[i] = uint64(i)
	}
	for i := range w {
		if w[i] != uint64(i) {
			return "a word is another"
		}
	}
	_, after, _ := mem.Stats()
	mem.Unmap(at, pages*4096)
	return check(after-before >= 5 && after-before <= 12, "64 pages one after the other took more than 12 faults, or less than 5")
}

// faults says whether fn panics of a bad access.
func faults(fn func()) (did bool) {
	defer func() { did = recover() != nil }()
	fn()
	return false
}

func unmapped() string {
	at, err := mem.Map(3*4096, readWrite)
	if err != abi.OK {
		return "Map: " + err.Error()
	}
	w := words(at, 3*4096)
	for i := range w {
		w[i] = 7
	}
	if err := mem.Unmap(at+4096, 4096); err != abi.OK {
		return "Unmap: " + err.Error()
	}
	if !faults(func() { w[512] = 1 }) {
		return "a page that was unmapped can be written"
	}
	if w[0] != 7 || w[1024] != 7 {
		return "its neighbours are gone, too"
	}
	mem.Unmap(at, 3*4096)
	return check(faults(func() { w[0] = 1 }), "the first page is still there")
}

func protected() string {
	at, err := mem.Map(3*4096, readWrite)
	if err != abi.OK {
		return "Map: " + err.Error()
	}
	w := words(at, 3*4096)
	w[0], w[512], w[1024] = 1, 2, 3
	if err := mem.Protect(at+4096, 4096, abi.PermRead); err != abi.OK {
		return "Protect: " + err.Error()
	}
	if !faults(func() { w[512] = 9 }) || w[512] != 2 {
		return "a read-only page can be written"
	}
	w[0], w[1024] = 4, 5
	if err := mem.Protect(at+4096, 4096, readWrite); err != abi.OK {
		return "Protect back: " + err.Error()
	}
	w[512] = 6
	mem.Unmap(at, 3*4096)
	return ""
}

//go:noinline
func deep(n int) int {
	var pad [1024]byte
	pad[n%1024] = 1
	if n == 0 {
		return int(pad[0])
	}
	return deep(n-1) + int(pad[n%1024])
}

func stackGrows() string { return check(deep(500) == 501, "deep recursion counts wrong") }

func manyRegions() string {
	var at [40]uint64
	for i := range at {
		a, err := mem.Map(8192, readWrite)
		if err != abi.OK {
			return "Map: " + err.Error()
		}
		words(a, 8192)[0] = uint64(i)
		at[i] = a
	}
	for i, a := range at {
		if words(a, 8192)[0] != uint64(i) {
			return "regions overlap"
		}
	}
	for _, a := range at {
		mem.Unmap(a, 8192)
	}
	return ""
}

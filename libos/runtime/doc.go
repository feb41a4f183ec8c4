//go:build exouser

// Package runtime is what a program of ring 3 has instead of Go's runtime. Like boot/runtime, ring 0's, it is found by the
// stock compiler and linker under the name "runtime" when mkimage builds a program, and it shares files with that: the
// overlay maps them into both (tools/mkimage/overlay.go has the list). Some files of Go's own runtime are kept as they
// are, and so is all of internal/runtime/maps.
//
// A program may use, beyond what ring 0 may: new, make, append, strings, closures that escape, conversions to interfaces,
// interface switches, defer in loops, panic and recover, maps, print, package initialisers. There are no goroutines, no
// channels and no collector: code that wants them does not link.
//
// What the library OS gives, before Main: Grow (memory), Write (where a dying program says why) and Exit.
//
// Start reading: heap.go (memory), g.go (a thread), panic.go, upcall_amd64.s (how the kernel calls), docs/11-programs.md.
package runtime

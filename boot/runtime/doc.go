//go:build exokernel

// Package runtime is what ring 0 has instead of Go's runtime: a few hundred lines that the stock compiler and
// linker find under the name "runtime" when the kernel is built with -overlay (tools/mkimage makes the overlay).
//
// There is no heap, no scheduler, no collector, no map, no channel and no printing here, on purpose: code that
// needs one of them asks for a symbol that does not exist (runtime.newobject, runtime.newproc, runtime.makechan …)
// and does not link. That link error is the kernel's freestanding check.
//
// What compiled Go expects whenever it runs, per CPU and per task:
//
//	R14 = g, FS:-8 = g      assembly called from Go reloads R14 from FS:-8 on return
//	X15 = 0, DF = 0         the compiler's zero register and string direction
//	g.stack, g.stackguard0  describe the stack in use; every function that is not nosplit compares against them
//
// Start reading: g.go (the one structure compiled code knows), fault.go (how every run-time error becomes one trap),
// contract.go (what the linker insists on), docs/01-no-runtime.md (the story).
package runtime

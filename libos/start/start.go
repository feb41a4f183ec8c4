//go:build exouser

// Package start is where a program begins. mkimage makes every program import it.
//
// The entry (start_amd64.s) finds the start page in RDI, makes a g for the stack it was given, and calls begin, which gives
// the runtime shim what it wants of the library OS and runs the program.
package start

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/heap"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// first is the program's first thread.
var first runtime.Thread

// Numbers for the assembly.
const (
	threadTLS     = runtime.ThreadTLS
	callBases     = uint64(abi.ThreadBases)
	infoFeatures  = abi.InfoPage + uint64(unsafe.Offsetof(abi.Info{}.Features))
	featureFSBase = abi.FeatureFSGSBASE
)

func rt0()

// begin runs on the first thread's stack, with FS and R14 in place; its g knows no stack yet, so that nothing is checked.
func begin(page *startpage.Page) {
	if uintptr(unsafe.Pointer(page)) == abi.InitStart {
		page = fromKernel((*abi.Start)(unsafe.Pointer(page)))
	}
	first.Init(uintptr(page.Stack.Low), uintptr(page.Stack.High), uintptr(page.Upcall.Low), uintptr(page.Upcall.High))
	sys.SetStart(page)
	if a := sys.Args(); a.Len() > 0 {
		runtime.Name = a.At(0)
	}
	runtime.Write = write
	runtime.Exit = abandon
	runtime.SetRand(page.Seed)
	heap.Init(page)
	prepare()
	runtime.Main()
	exit(0)
}

func write(text []byte) {
	if console := sys.StartCap(startpage.RoleConsole, 0); console != 0 {
		sys.ConsoleWrite(console, text)
	}
}

func exit(status int) {
	if closing := sys.Closing; closing != nil {
		closing()
	}
	abandon(status)
}

// abandon ends a program that cannot go on, and may hold any lock. What it had open its parent closes.
func abandon(status int) {
	sys.EnvExit(int64(status))
	for {
		runtime.Pause()
	}
}

// First is the program's first thread.
func First() *runtime.Thread { return &first }

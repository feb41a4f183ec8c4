//go:build exouser && hosted

package start

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/startpage"
)

// A hosted program is started by Linux. What follows makes a start page of what Linux gives it, and turns the few system
// calls that testing the shim takes into Linux's.

const (
	linuxWrite     = 1
	linuxMmap      = 9
	linuxSigaction = 13
	linuxExitGroup = 231

	stackBytes = 1 << 20 // of the 8 MiB that Linux gives
	heapLow    = 0x4100_0000_0000
)

func prepare() {}

func linux(call, a0, a1, a2, a3, a4, a5 uint64) uint64
func handlers() (onFault, restore uint64)

var hosted struct {
	page   startpage.Page
	caps   [2]startpage.Cap
	args   [16]startpage.Text
	text   [4096]byte
	upcall [64 << 10]byte
	frames uint64 // of the last FrameAlloc
	name   uint64
	taken  uint64 // frames, in all
}

var sigaction struct {
	handler, flags, restorer, mask uint64
}

// host is called on Linux's stack; sp points at argc.
func host(sp *[17]uint64) {
	runtime.HostSyscall = hostCall
	h := &hosted
	base := uintptr(unsafe.Pointer(&h.page))
	offset := func(p unsafe.Pointer) uint64 { return uint64(uintptr(p) - base) }
	h.page = startpage.Page{
		Version: startpage.Version, Size: uint64(unsafe.Sizeof(h.page)), Bytes: uint64(unsafe.Sizeof(*h)),
		Stack:  startpage.Range{Low: uint64(uintptr(unsafe.Pointer(sp))) - stackBytes, High: uint64(uintptr(unsafe.Pointer(sp)))},
		Upcall: startpage.Range{Low: uint64(uintptr(unsafe.Pointer(&h.upcall))), High: uint64(uintptr(unsafe.Pointer(&h.upcall))) + 64<<10},
		Heap:   startpage.Range{Low: heapLow, High: heapLow + 1<<34},
		Args:   startpage.Table{Offset: offset(unsafe.Pointer(&h.args)), Entries: min(sp[0], uint64(len(h.args)))},
		Caps:   startpage.Table{Offset: offset(unsafe.Pointer(&h.caps)), Entries: uint64(len(h.caps))},
		Seed:   1,
	}
	h.caps = [2]startpage.Cap{{Role: startpage.RoleMemory, Name: 1}, {Role: startpage.RoleConsole, Name: 2}}
	at := 0
	for i := range h.page.Args.Entries {
		h.args[i].Offset = offset(unsafe.Pointer(&h.text[at]))
		for p := uintptr(sp[1+i]); *(*byte)(unsafe.Pointer(p)) != 0 && at < len(h.text)-1; p++ {
			h.text[at] = *(*byte)(unsafe.Pointer(p))
			h.args[i].Bytes++
			at++
		}
	}
	sigaction.handler, sigaction.restorer = handlers()
	sigaction.flags = 4 | 0x0400_0000 | 0x4000_0000 // SIGINFO, RESTORER, NODEFER
	linux(linuxSigaction, 11, uint64(uintptr(unsafe.Pointer(&sigaction))), 0, 8, 0, 0)
	begin(&h.page)
}

// hostFault is called from onFault: the instruction at *rip touched memory that is not there.
func hostFault(rip, rsp *uint64, address uintptr) {
	runtime.InjectFault(runtime.Getg(), rip, rsp, address)
}

func hostCall(call, a0, a1, a2, a3, a4, a5 uint64) (rax, rdx uint64) {
	errno := func(e abi.Errno) uint64 { return uint64(int64(e)) }
	switch abi.Call(call) {
	case abi.Null, abi.Yield:
		return 0, 0
	case abi.EnvExit:
		linux(linuxExitGroup, a0&255, 0, 0, 0, 0, 0)
	case abi.ConsoleWrite:
		if a0 != 2 {
			return errno(abi.BadCap), 0
		}
		return linux(linuxWrite, 1, a1, a2, 0, 0, 0), 0
	case abi.FrameAlloc:
		if a0 != 1 || a3 == 0 {
			return errno(abi.BadCap), 0
		}
		if h := &hosted; h.taken+a3 > 128<<20/4096 { // a quota
			return errno(abi.NoQuota), 0
		}
		hosted.frames = a3
		hosted.taken += a3
		hosted.name++
		return 100 + hosted.name, 0
	case abi.PageMap:
		if a0 != 100+hosted.name || a2%4096 != 0 {
			return errno(abi.BadArgument), 0
		}
		const readWrite, privateAnonymousFixed = 3, 0x100022
		if linux(linuxMmap, a2, hosted.frames*4096, readWrite, privateAnonymousFixed, ^uint64(0), 0) != a2 {
			return errno(abi.Exists), 0
		}
		return 0, 0
	}
	return errno(abi.BadCall), 0
}

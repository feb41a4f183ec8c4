//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/atomic"
	"unsafe"
)

// What Go's own packages want of package runtime, so that a program may import strings, strconv, sort, errors, bytes, maps and
// what those need. What has no meaning here ends the program if it is called.

// GOMAXPROCS is 1: it sizes caches for each CPU.
func GOMAXPROCS(int) int { return 1 }

// KeepAlive does nothing: nothing is collected.
func KeepAlive(any) {}

// SetFinalizer does nothing.
func SetFinalizer(obj, finalizer any) {}

// Goexit is of goroutines.
func Goexit() { throw("runtime.Goexit: there are no goroutines") }

// Func is a function as backtraces show it; there is no table for that.
type Func struct{}

// Name is not known.
func (*Func) Name() string { return "" }

// FuncForPC returns nil.
func FuncForPC(uintptr) *Func { return nil }

// Caller knows nothing.
func Caller(int) (pc uintptr, file string, line int, ok bool) { return 0, "", 0, false }

// Package sync. A lock that is taken is waited for by spinning, and giving the CPU away: libos has better ones.

// Relax is called while a thread spins.
var Relax = Pause

//go:linkname sync_runtime_Semacquire sync.runtime_Semacquire
func sync_runtime_Semacquire(s *uint32) {
	for {
		if v := atomic.Load(s); v > 0 && atomic.Cas(s, v, v-1) {
			return
		}
		Relax()
	}
}

//go:linkname sync_runtime_SemacquireWaitGroup sync.runtime_SemacquireWaitGroup
func sync_runtime_SemacquireWaitGroup(s *uint32, synctestDurable bool) { sync_runtime_Semacquire(s) }

//go:linkname sync_runtime_SemacquireRWMutexR sync.runtime_SemacquireRWMutexR
func sync_runtime_SemacquireRWMutexR(s *uint32, lifo bool, skip int) { sync_runtime_Semacquire(s) }

//go:linkname sync_runtime_SemacquireRWMutex sync.runtime_SemacquireRWMutex
func sync_runtime_SemacquireRWMutex(s *uint32, lifo bool, skip int) { sync_runtime_Semacquire(s) }

//go:linkname sync_runtime_Semrelease sync.runtime_Semrelease
func sync_runtime_Semrelease(s *uint32, handoff bool, skip int) { atomic.Xadd(s, 1) }

//go:linkname isync_runtime_SemacquireMutex internal/sync.runtime_SemacquireMutex
func isync_runtime_SemacquireMutex(s *uint32, lifo bool, skip int) { sync_runtime_Semacquire(s) }

//go:linkname isync_runtime_Semrelease internal/sync.runtime_Semrelease
func isync_runtime_Semrelease(s *uint32, handoff bool, skip int) { atomic.Xadd(s, 1) }

//go:linkname isync_runtime_canSpin internal/sync.runtime_canSpin
func isync_runtime_canSpin(i int) bool { return false }

//go:linkname isync_runtime_doSpin internal/sync.runtime_doSpin
func isync_runtime_doSpin() { Relax() }

//go:linkname isync_nanotime internal/sync.runtime_nanotime
func isync_nanotime() int64 { return 0 }

//go:linkname isync_throw internal/sync.throw
func isync_throw(s string) { throw(s) }

//go:linkname isync_fatal internal/sync.fatal
func isync_fatal(s string) { throw(s) }

//go:linkname sync_throw sync.throw
func sync_throw(s string) { throw(s) }

//go:linkname sync_fatal sync.fatal
func sync_fatal(s string) { throw(s) }

//go:linkname sync_registerPoolCleanup sync.runtime_registerPoolCleanup
func sync_registerPoolCleanup(func()) {}

//go:linkname sync_notifyListCheck sync.runtime_notifyListCheck
func sync_notifyListCheck(size uintptr) {}

//go:linkname isync_rand internal/sync.runtime_rand
func isync_rand() uint64 { return rand() }

// Package internal/bytealg, strings.

//go:linkname bytealg_MakeNoZero internal/bytealg.MakeNoZero
func bytealg_MakeNoZero(n int) []byte {
	if n < 0 || uintptr(n) > maxAlloc {
		panicmakeslicelen()
	}
	return rawbytes(n)
}

// Package internal/reflectlite, for errors.

//go:linkname reflectlite_resolveNameOff internal/reflectlite.resolveNameOff
func reflectlite_resolveNameOff(ptr unsafe.Pointer, off int32) unsafe.Pointer {
	return unsafe.Pointer(resolveName(abi.NameOff(off)).Bytes)
}

//go:linkname reflectlite_resolveTypeOff internal/reflectlite.resolveTypeOff
func reflectlite_resolveTypeOff(rtype unsafe.Pointer, off int32) unsafe.Pointer {
	return unsafe.Pointer(firstmoduledata.types + uintptr(off))
}

//go:linkname reflectlite_ifaceE2I internal/reflectlite.ifaceE2I
func reflectlite_ifaceE2I(inter *abi.InterfaceType, e eface, dst *iface) {
	*dst = iface{unsafe.Pointer(assertE2I(inter, (*abi.Type)(e._type))), e.data}
}

//go:linkname reflectlite_typedmemmove internal/reflectlite.typedmemmove
func reflectlite_typedmemmove(t *abi.Type, dst, src unsafe.Pointer) { typedmemmove(t, dst, src) }

//go:linkname reflectlite_unsafe_New internal/reflectlite.unsafe_New
func reflectlite_unsafe_New(t *abi.Type) unsafe.Pointer { return newobject(t) }

// Package math/rand, and what imports it.

//go:linkname rand_runtime_rand math/rand/v2.runtime_rand
func rand_runtime_rand() uint64 { return rand() }

//go:linkname godebug_setUpdate internal/godebug.setUpdate
func godebug_setUpdate(func(string, string)) {}

//go:linkname godebug_registerMetric internal/godebug.registerMetric
func godebug_registerMetric(string, func() uint64) {}

//go:linkname godebug_setNewIncNonDefault internal/godebug.setNewIncNonDefault
func godebug_setNewIncNonDefault(func(string) func()) {}

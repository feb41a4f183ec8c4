//go:build exouser

package mem

import (
	"runtime"
	"sync/atomic"

	"exo/libos/sys"
)

// spins is how often it is looked at a lock before the CPU is given away.
const spins = 100

func lock(l *uint32) {
	for n := 0; !atomic.CompareAndSwapUint32(l, 0, 1); n++ {
		if n%spins == spins-1 {
			sys.Yield(0)
		}
		runtime.Pause()
	}
}

func unlock(l *uint32) { atomic.StoreUint32(l, 0) }

// Lock is a lock that is waited for by looking again: for what is held shortly.
type Lock struct{ word uint32 }

// Lock takes it.
func (l *Lock) Lock() { lock(&l.word) }

// Unlock gives it up.
func (l *Lock) Unlock() { unlock(&l.word) }

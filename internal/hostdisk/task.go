// Package hostdisk is what lets the file system run on a host: contexts for goroutines, and devices made of a file, of sparse
// memory, of a memory that fails, and one that records what is written, for crash tests. It is no part of ring 0.
//
// Start reading: task.go, then file.go and record.go.
package hostdisk

import (
	"runtime"
	gosync "sync"

	"exo/kernel/sync"
)

// Permit is a Sleeper for a goroutine.
type Permit chan struct{}

// Park waits for the permit and takes it.
func (p Permit) Park() { <-p }

// Unpark gives it.
func (p Permit) Unpark() {
	select {
	case p <- struct{}{}:
	default:
	}
}

// cpus are the numbers of CPUs that no goroutine has. A context needs one of its own, as it waits for spinlocks there.
var cpus = func() chan int {
	c := make(chan int, 64)
	for i := range 64 {
		c <- i
	}
	return c
}()

var prepare gosync.Once

// NewContext makes a context for a goroutine, on a CPU of its own: there are 64. Release gives the CPU back.
func NewContext() *sync.Context {
	prepare.Do(func() {
		sync.CloseOrder()
		sync.Relax = func(int) { runtime.Gosched() } // whoever has the spinlock may be waiting for this goroutine's thread
	})
	return &sync.Context{CPU: <-cpus, Sleeper: make(Permit, 1)}
}

// Release ends a context's use. It holds no lock.
func Release(c *sync.Context) {
	c.AssertNoLocks()
	cpus <- c.CPU
}

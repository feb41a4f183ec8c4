//go:build exouser

// Package clock tells the time, without the kernel: from the CPU's counter and the page of kernel state.
package clock

import (
	"math/bits"

	"exo/libos/sys"
)

// TSC reads the CPU's counter; where QEMU counts instructions, those.
func TSC() uint64

// Now returns nanoseconds since boot: the kernel's time.
func Now() uint64 { return At(TSC()) }

// At returns the time at a value of the counter.
func At(tsc uint64) uint64 {
	i := sys.Info()
	hi, lo := bits.Mul64(tsc, i.Multiplier)
	s := uint(i.Shift) & 63
	return lo>>s | hi<<(64-s) + i.Offset
}

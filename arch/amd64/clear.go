//go:build exokernel

package amd64

func clearPages(at, n uintptr)

// ClearFrames zeroes n frames in a row, at least one, through the direct map.
func ClearFrames(at PhysAddr, n uint64) { clearPages(uintptr(at)+DirectMap, uintptr(n)) }

//go:build exokernel

package amd64

// CRC32C continues a CRC-32C over so many words of 8 bytes from an address on, without inversions. The CPU has SSE4.2.
func CRC32C(c uint32, at, words uintptr) uint32

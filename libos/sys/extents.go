//go:build exouser

package sys

import "exo/kernel/abi"

// ExtentBlock is the bytes of a block of an extent.
const ExtentBlock = 4096

// ExtentRead reads whole blocks of an extent, from block first on, and says how many that were. into begins with a page.
func ExtentRead(extent Cap, into []byte, first uint64) (blocks int, err abi.Errno) {
	at, n := outAll(into)
	v, err := call6(abi.ExtentRead, extent, at, n/ExtentBlock, first, 0, 0)
	return int(v), err
}

// ExtentWrite writes whole blocks. They outlast a loss of power after ExtentFlush. from begins with a page.
func ExtentWrite(extent Cap, from []byte, first uint64) (blocks int, err abi.Errno) {
	at, n := inAll(from)
	v, err := call6(abi.ExtentWrite, extent, at, n/ExtentBlock, first, 0, 0)
	return int(v), err
}

// ExtentFlush returns when what was written lasts.
func ExtentFlush(extent Cap) abi.Errno { return only3(abi.ExtentFlush, extent, 0, 0) }

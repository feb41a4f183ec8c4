//go:build exokernel

package amd64

import "runtime"

// What the kernel needs of a CPU to run address spaces (SDM vol. 3A §4.10).

// cr3Keep has a load of CR3 leave in the TLB what is there under the PCID.
const cr3Keep = 1 << 63

// LoadSpace makes the table at root this CPU's, under a PCID, which is 0 if there are none. keep: the TLB's entries of that
// PCID stay valid; else they go.
func LoadSpace(root PhysAddr, pcid uint16, keep bool) {
	v := uint64(root) | uint64(pcid)
	if keep && CPUFeatures.PCID {
		v |= cr3Keep
	}
	runtime.LoadCR3(v)
}

// ForgetPage has the TLB forget the page that covers va, under the PCID in use or global.
func ForgetPage(va uintptr) { runtime.InvalidatePage(va) }

// ForgetSpace has the TLB forget all that is under the PCID in use. Global pages stay.
func ForgetSpace() { writeCR3(readCR3()) }

// SealKernelTable makes sure that the upper half of the root table needs no further entries for addresses of the direct map
// below limit; from here on a mapping that would need one panics. Every address space has a copy of these entries.
func SealKernelTable(limit PhysAddr) {
	for pa := PhysAddr(0); pa < limit; pa += 1 << levelShift(4) {
		KernelTable.entry(pa.Virt(), 3)
	}
	sealed = true
}

var sealed bool

//go:build exokernel

package amd64

import "runtime"

// Features is what CPUID said that this kernel acts on. Bits are as the manuals name them.
type Features struct {
	NX, GlobalPages, Page1G    bool
	SMEP, SMAP, UMIP, FSGSBASE bool
	X2APIC, TSCDeadline, PCID  bool
	SSE42                      bool
	PhysBits                   uint8

	tscKHz uint64 // from leaf 0x15, 0 if it does not say
	vendor [12]byte
}

// CPUFeatures is the boot CPU's; the others are required to be its equals.
var CPUFeatures Features

// Control register bits (SDM vol. 3A §2.5).
const (
	cr0WP = 1 << 16

	cr4MCE      = 1 << 6
	cr4PGE      = 1 << 7
	cr4UMIP     = 1 << 11
	cr4FSGSBASE = 1 << 16
	cr4PCIDE    = 1 << 17 // set while CR3's low bits are 0
	cr4SMEP     = 1 << 20
	cr4SMAP     = 1 << 21

	msrEFER   = 0xC0000080
	msrGSBase = 0xC0000101
)

// DetectFeatures fills CPUFeatures from CPUID (SDM vol. 2A, CPUID).
func DetectFeatures() {
	f := &CPUFeatures
	top, b, c, d := cpuid(0, 0)
	for i, r := range [3]uint32{b, d, c} {
		for j := range 4 {
			f.vendor[i*4+j] = byte(r >> (8 * j))
		}
	}
	_, _, c, d = cpuid(1, 0)
	f.X2APIC = c&(1<<21) != 0
	f.PCID = c&(1<<17) != 0
	f.SSE42 = c&(1<<20) != 0
	runtime.SetPOPCNT(c&(1<<23) != 0)
	f.TSCDeadline = c&(1<<24) != 0
	f.GlobalPages = d&(1<<13) != 0
	if top >= 7 {
		_, b, c, _ = cpuid(7, 0)
		if f.FSGSBASE = b&(1<<0) != 0; f.FSGSBASE {
			fsgsbase = 1
		}
		f.SMEP = b&(1<<7) != 0
		if f.SMAP = b&(1<<20) != 0; f.SMAP {
			smap = 1
		}
		f.UMIP = c&(1<<2) != 0
	}
	if top >= 0x15 {
		// TSC = crystal Hz * EBX / EAX
		a, b, c, _ := cpuid(0x15, 0)
		if a != 0 && b != 0 && c != 0 {
			f.tscKHz = uint64(c) * uint64(b) / uint64(a) / 1000
		}
	}
	f.PhysBits = 36
	ext, _, _, _ := cpuid(0x80000000, 0)
	_, _, _, d = cpuid(0x80000001, 0)
	f.NX = d&(1<<20) != 0
	f.Page1G = d&(1<<26) != 0
	if ext >= 0x80000008 {
		a, _, _, _ := cpuid(0x80000008, 0)
		f.PhysBits = min(uint8(a), 52)
	}
}

// Vendor is the 12-character vendor string of CPUID leaf 0.
func (f *Features) Vendor() []byte { return f.vendor[:] }

// enableFeatures switches on, on this CPU, whatever protects the kernel and is there.
func enableFeatures() {
	f := &CPUFeatures
	writeCR0(readCR0() | cr0WP)
	writeCR4(readCR4() | f.cr4())
}

// cr4 is the set of CR4 bits that this kernel wants on every CPU, beyond what boot code needed.
func (f *Features) cr4() uint64 {
	v := uint64(cr4MCE) // a machine check becomes a trap instead of a shutdown
	for _, b := range [...]struct {
		have bool
		bit  uint64
	}{
		{f.GlobalPages, cr4PGE},
		{f.UMIP, cr4UMIP},
		{f.FSGSBASE, cr4FSGSBASE},
		{f.SMEP, cr4SMEP},
		{f.SMAP, cr4SMAP},
		{f.PCID, cr4PCIDE},
	} {
		if b.have {
			v |= b.bit
		}
	}
	return v
}

// ControlRegisters returns CR0, CR4 and EFER of this CPU, for tests.
func ControlRegisters() (cr0, cr4, efer uint64) { return readCR0(), readCR4(), rdmsr(msrEFER) }

// CPUID executes the instruction.
func CPUID(leaf, sub uint32) (eax, ebx, ecx, edx uint32) { return cpuid(leaf, sub) }

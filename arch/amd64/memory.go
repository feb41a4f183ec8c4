//go:build exokernel

package amd64

import "unsafe"

// The address space, drawn once.
//
//	ffffffff_80000000  kernel image at physical + this: text RX, rodata R, data RW
//	ffffc000_00000000  kernel stacks, 32 KiB apart, guards between them (stack.go)
//	ffff8000_00000000  direct map: all physical memory RW, firmware tables R, devices uncached RW
//	00007fff_ffffffff  ring 3
//	00000000_00000000  never mapped
const (
	DirectMap     = 0xffff800000000000
	DirectMapSize = stackWindow - DirectMap // bytes of physical addresses that it has room for
	KernelBase    = 0xffffffff80000000

	PageSize      = 4 << 10
	LargePageSize = 2 << 20
	HugePageSize  = 1 << 30
)

// PhysAddr is a physical address.
type PhysAddr uint64

// Pointer makes a pointer of an address that is mapped and is nobody's Go variable: the direct map, devices, stacks.
//
// SAFETY: nothing is collected or moved in ring 0, so the only condition is that va is mapped as the access needs.
//
//go:nosplit
func Pointer(va uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), va) }

// Virt is where the direct map shows pa.
func (pa PhysAddr) Virt() uintptr { return DirectMap + uintptr(pa) }

// Ptr points at pa through the direct map.
func (pa PhysAddr) Ptr() unsafe.Pointer { return Pointer(pa.Virt()) }

// Bytes is the n bytes at pa through the direct map; they must be mapped.
func (pa PhysAddr) Bytes(n uint64) []byte { return unsafe.Slice((*byte)(pa.Ptr()), n) }

// ImagePhys is the physical address of a kernel image address (text, rodata, data).
func ImagePhys(va uintptr) PhysAddr { return PhysAddr(va - KernelBase) }

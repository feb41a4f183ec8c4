//go:build exokernel

package amd64

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Kernel stacks live in a window of their own. Each has a slot of 32 KiB of addresses: the stack at the top, nothing
// mapped below it, so running off its end faults (and, where no stack is left to push on, double-faults).
const (
	stackWindow = 0xffffc00000000000
	stackSlot   = 32 << 10

	// KernelStackSize is the size of a task's, idle or panic stack in bytes.
	KernelStackSize = 16 << 10

	// ISTStackSize is the size of the stack of an NMI, double fault or machine check in bytes.
	ISTStackSize = 8 << 10
	// The trap entry finds the CPU block at the end of the IST stack by rounding up: sizes are powers of two.
	_ = -(ISTStackSize & (ISTStackSize - 1))
)

// stackSlots counts the slots handed out; slots are not given back.
var stackSlots atomic.Uint64

// NewStack maps a stack of size bytes (whole pages, at most 28 KiB) from frames of alloc, with a guard below it.
func NewStack(size uintptr, alloc func() PhysAddr) (lo, hi uintptr) {
	hi = stackWindow + uintptr(stackSlots.Add(1))*stackSlot
	lo = hi - size
	for va := lo; va < hi; va += PageSize {
		KernelTable.Map(va, alloc(), PageSize, PermRW)
	}
	return lo, hi
}

// IsStackGuard says whether va lies in a guard below some kernel stack.
func IsStackGuard(va uintptr) bool {
	return va >= stackWindow && va < stackWindow+uintptr(stackSlots.Load()+1)*stackSlot
}

// giveStacks gives the CPU its own set: one to boot and idle on, one to report fatal traps from, one per IST slot.
func (c *CPU) giveStacks(alloc func() PhysAddr) {
	for i, gp := range [...]*runtime.G{&c.bootG, &c.panicG} {
		lo, hi := NewStack(KernelStackSize, alloc)
		gp.SetStack(lo, hi)
		gp.CPU = unsafe.Pointer(c)
		c.stacks[i] = Span{uint64(lo), uint64(hi)}
	}
	for i := 1; i <= numIST; i++ {
		lo, hi := NewStack(ISTStackSize, alloc)
		c.setIST(i, hi)
		c.stacks[1+i] = Span{uint64(lo), uint64(hi)}
	}
}

// Stacks returns where this CPU's own stacks are: boot and idle, panic, and one per IST slot. The tops of the latter are
// read back from the TSS.
func (c *CPU) Stacks() (s [2 + numIST]Span) {
	s = c.stacks
	for i := range numIST {
		top := c.tss.ist[i]
		s[2+i].End = (uint64(top[0]) | uint64(top[1])<<32) + 16
	}
	return s
}

// setIST makes the stack that ends at hi IST slot i's, with the CPU block as its last word.
func (c *CPU) setIST(i int, hi uintptr) {
	*(**CPU)(Pointer(hi - 8)) = c
	c.tss.setIST(i, hi-16)
}

// Stacks for the boot CPU until there is memory to map others. The IST ones are aligned by hand.
var (
	bootPanicStack [KernelStackSize]byte
	bootISTStacks  [(numIST + 1) * ISTStackSize]byte
)

func (c *CPU) giveBootStacks() {
	lo := uintptr(unsafe.Pointer(&bootPanicStack))
	c.panicG.SetStack(lo, lo+KernelStackSize)
	c.panicG.CPU = unsafe.Pointer(c)
	base := (uintptr(unsafe.Pointer(&bootISTStacks)) + ISTStackSize - 1) &^ (ISTStackSize - 1)
	for i := 1; i <= numIST; i++ {
		c.setIST(i, base+uintptr(i)*ISTStackSize)
	}
}

// runOn continues on gp's stack in continueBoot.
func runOn(gp *runtime.G)

var afterStackSwitch func()

func continueBoot() { afterStackSwitch() }

// MoveToGuardedStack leaves bootStack for a stack with a guard page and calls next there; it does not return.
func MoveToGuardedStack(alloc func() PhysAddr, next func()) {
	c := ThisCPU()
	flags := IRQDisable()
	c.giveStacks(alloc)
	IRQRestore(flags)
	afterStackSwitch = next
	runOn(&c.bootG)
}

// guardAddress lies in the guard of the first stack.
var guardAddress uintptr = stackWindow + PageSize

// Package virtio drives disks that a virtual machine offers (Virtual I/O Device 1.2).
//
//	block.Request ─► Disk ─► queue ─────► descriptors, available ring ─► device
//	                  ▲        └────────► used ring ◄────────────────────────┘
//	                  └─ transport: modern (registers in memory) or legacy (I/O ports); Locate says which
//
// A device's driver is started by Disk.Init, before there are interrupts; then Interrupt and Check are to be called, as they
// say. Whatever the device writes or answers, or when it ends to answer, the driver neither hangs nor panics nor touches
// what is not its own: a device that breaks the rules is stopped, and what was asked of it has failed.
//
// Start reading: disk.go, then serve.go; queue.go is the ring.
package virtio

import "unsafe"

// Error is why a device is not driven, or not any more.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons.
const (
	ErrNoRegisters = Error("it says of no registers that they are where they can be reached")
	ErrNoReset     = Error("it is not reset")
	ErrFeatures    = Error("it does not take the features that the driver has")
	ErrNoQueue     = Error("it has no queue, or one of an impossible size")
	ErrBlockSize   = Error("its blocks are not 512 to 4,096 bytes")
	ErrSegments    = Error("it does not take pieces of 4,096 bytes")
	ErrEmpty       = Error("it has less than one block")
	ErrMemory      = Error("there is no memory for its queue")
	ErrTimeout     = Error("a request takes too long")
	ErrVanished    = Error("it does not answer any more")
	ErrNeedsReset  = Error("it says that it failed")
	ErrUsedIndex   = Error("it says that it has done more than it was asked")
	ErrUsedEntry   = Error("it says that it has done what it was not asked")
	ErrUsedLength  = Error("it says that it has written more than there was room for")
)

// Window is where some registers of a device are. bytes is 1, 2 or 4; off is a multiple of that, and inside the window. A
// device that has vanished reads as all ones.
type Window interface {
	Read(off uint32, bytes int) uint32
	Write(off uint32, bytes int, v uint32)
}

// Machine is what a driver needs of the machine that it runs on.
type Machine interface {
	NowNs() uint64

	// Address is where the device finds what is at p: memory of pages that requests name, or that Init was given.
	Address(p unsafe.Pointer) uint64

	// IRQDisable and IRQRestore keep interrupts away from this CPU.
	IRQDisable() uint64
	IRQRestore(flags uint64)

	// Stop keeps a device that may not obey from reaching memory; without any lock of others.
	Stop(d *Disk)

	// Failed is told once when the device is driven no more; after Stop. Busy is told that there is something to Check again.
	Failed(d *Disk, why Error)
	Busy(d *Disk)
}

// Bits of the device status (§2.1).
const (
	statusAcknowledge = 1
	statusDriver      = 2
	statusDriverOK    = 4
	statusFeaturesOK  = 8
	statusNeedsReset  = 64
	statusGone        = 0xff // all ones: nobody answers
)

// Features that the driver knows (§5.2.3, §6).
const (
	featSizeMax   = 1 << 1
	featSegMax    = 1 << 2
	featReadOnly  = 1 << 5
	featBlockSize = 1 << 6
	featFlush     = 1 << 9
	featVersion1  = 1 << 32
)

// Device configuration of a disk (§5.2.4).
const (
	confCapacity  = 0 // 64 bits, in 512 bytes
	confSizeMax   = 8
	confSegMax    = 12
	confBlockSize = 20
)

// noVector is no message interrupt.
const noVector = 0xffff

// transport is how a device's registers are reached.
type transport interface {
	status() uint8
	setStatus(v uint8)
	features() uint64
	setFeatures(v uint64)
	queueSize() uint16 // of queue 0, the only one; 0: there is none

	// setQueue tells the device of the queue. If the size is not the one that queueSize said, that is refused by legacy.
	setQueue(size uint16, desc, avail, used uint64)

	// setVector has the queue interrupt by a message; false: the device has no room for that.
	setVector(v uint16) bool
	notify()
	interruptStatus() uint8 // reading it ends the interrupt
	config(off uint32) uint32
	generation() uint8 // of the configuration: another one, if it has changed
	anySize() bool     // a queue may be smaller than the device says
}

package virtio

import (
	"unsafe"

	"exo/kernel/fs/block"
)

// Config is what a disk's driver begins with.
type Config struct {
	Machine   Machine
	Pause     func() // between two looks at a lock, or at a register
	TimeoutNs uint64 // for one request

	Legacy                      bool
	Common, Notify, ISR, Device Window // as in Registers
	Multiplier                  uint32
	NotifyLen                   uint32

	// Messages: the function interrupts by messages, and number 0 is for the queue.
	Messages bool

	// Memory returns zeroed memory, aligned to 4 KiB, and in one piece for the device; nil: there is none.
	Memory func(bytes uint64) []byte
}

// Init makes d the driver of a device, which works from now on. The function has been enabled; no interrupt comes yet.
// The errors are those above; then the device has been reset.
func (d *Disk) Init(c *Config) error {
	d.m, d.pause, d.timeout = c.Machine, c.Pause, c.TimeoutNs
	if c.Legacy {
		d.legacy = legacy{c.Common, c.Messages}
		d.t = &d.legacy
	} else {
		d.modern = modern{Common: c.Common, Notify: c.Notify, ISR: c.ISR, Device: c.Device,
			Multiplier: c.Multiplier, notifyLen: c.NotifyLen}
		d.t = &d.modern
	}
	err := d.begin(c)
	if err != nil {
		d.failed = true
		d.reset()
		d.m.Stop(d)
	}
	return err
}

// begin is the sequence of §3.1.1.
func (d *Disk) begin(c *Config) error {
	if !d.reset() {
		return ErrNoReset
	}
	d.t.setStatus(statusAcknowledge)
	d.t.setStatus(statusAcknowledge | statusDriver)
	has := d.t.features()
	if has == 1<<32-1 && c.Legacy || has == 1<<64-1 {
		return ErrVanished
	}
	want := has & (featSizeMax | featSegMax | featReadOnly | featBlockSize | featFlush | featVersion1)
	if !c.Legacy && want&featVersion1 == 0 {
		return ErrFeatures
	}
	d.t.setFeatures(want)
	status := uint8(statusAcknowledge | statusDriver)
	if !c.Legacy {
		status |= statusFeaturesOK
		d.t.setStatus(status)
		if s := d.t.status(); s != status {
			return ErrFeatures
		}
	}
	d.flushes = want&featFlush != 0
	pages, err := d.measure(want)
	if err != nil {
		return err
	}
	if err := d.makeQueue(c, pages); err != nil {
		return err
	}
	vector := uint16(noVector)
	if c.Messages {
		vector = 0
	}
	d.messages = d.t.setVector(vector) && c.Messages
	d.t.setStatus(status | statusDriverOK)
	d.rests = true
	return nil
}

// measure learns how large the disk is, and how many pages a request may have.
func (d *Disk) measure(features uint64) (pages uint32, err error) {
	var capacity uint64
	for range 10 { // it may change while it is read in two halves (§2.5.3)
		before := d.t.generation()
		capacity = uint64(d.t.config(confCapacity)) | uint64(d.t.config(confCapacity+4))<<32
		if d.t.generation() == before {
			break
		}
	}
	if features&featBlockSize != 0 {
		if n := d.t.config(confBlockSize); n < 512 || n > block.Size || n&(n-1) != 0 {
			return 0, ErrBlockSize
		}
	}
	pages = maxPages
	if features&featSegMax != 0 {
		pages = min(pages, d.t.config(confSegMax))
	}
	if pages == 0 || features&featSizeMax != 0 && d.t.config(confSizeMax) < block.Size {
		return 0, ErrSegments
	}
	if capacity < sectors {
		return 0, ErrEmpty
	}
	d.geometry = block.Geometry{Blocks: capacity / sectors, ReadOnly: features&featReadOnly != 0}
	return pages, nil
}

// makeQueue makes the queue, and the slots: at least four if the queue is long enough for that.
func (d *Disk) makeQueue(c *Config, pages uint32) error {
	size := d.t.queueSize()
	if d.t.anySize() {
		size = min(size, maxModern)
	}
	if size < 4 || size > maxLegacy || size&(size-1) != 0 {
		return ErrNoQueue
	}
	pages = min(pages, max(uint32(size)/4, 3)-2)
	chain := uint16(pages) + 2
	slots := min(size/chain, maxSlots)
	rings := (ringBytes(size) + headerBytes - 1) &^ (headerBytes - 1)
	memory := c.Memory(uint64(rings) + uint64(slots)*headerBytes)
	if memory == nil {
		return ErrMemory
	}
	d.q.init(size, chain, slots, memory)
	// SAFETY: behind the rings there is room for so many, aligned; the memory is the device's and ours for good.
	d.headers = unsafe.Slice((*header)(unsafe.Pointer(&memory[rings])), slots)
	d.free = 1<<slots - 1
	d.geometry.MaxPages, d.geometry.Depth = int(pages), int(slots)
	// SAFETY: the rings lie in that memory.
	at := d.m.Address(unsafe.Pointer(&memory[0]))
	if c.Legacy && at/ringAlign >= 1<<32 {
		return ErrMemory // its page number has 32 bits
	}
	d.t.setQueue(size, at, at+16*uint64(size), at+uint64(usedAt(size)))
	return nil
}

// reset has the device forget everything, and says whether it says that it has. One that has vanished says all ones.
func (d *Disk) reset() bool {
	d.t.setStatus(0)
	for range 100_000 {
		switch d.t.status() {
		case 0:
			return true
		case statusGone:
			return false
		}
		d.pause()
	}
	return false
}

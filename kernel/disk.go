//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/pci"
	"exo/kernel/sched"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
	"exo/kernel/virtio"
)

// Disks: kernel/virtio on this machine. Each has a task, its watcher, that looks after it while it has something to do: in the
// long run so that no interrupt that is lost, and no device that hangs, keeps a request for ever; often, if there are no
// interrupts at all.

const (
	maxDisks       = 4
	diskTimeoutNs  = 20_000 * ms
	diskWatchNs    = 100 * ms
	diskPollNs     = ms / 5
	lostInterrupts = 3 // so many lost in a row: there are none
	vectorDisk     = 0x40
)

// disk is one of them, and how it interrupts.
type disk struct {
	virtio.Disk
	f          pci.Function
	msix       pci.MSIX // if it is enabled
	windows    [4]window
	watcher    atom.Uint64 // the task
	interrupts atom.Uint64
	polled     atom.Uint32 // 1: it does not interrupt
	rests      atom.Uint32 // 1: the watcher waits for something to do
}

var (
	disks  [maxDisks]disk
	ndisks int
)

// window is registers in memory, or if ports is set I/O ports.
type window struct {
	base  uintptr
	ports bool
}

func (w *window) Read(off uint32, bytes int) uint32 {
	if w.ports {
		return amd64.In(uint16(w.base)+uint16(off), bytes)
	}
	return amd64.ReadRegister(w.base+uintptr(off), bytes)
}

func (w *window) Write(off uint32, bytes int, v uint32) {
	if w.ports {
		amd64.Out(uint16(w.base)+uint16(off), bytes, v)
	} else {
		amd64.WriteRegister(w.base+uintptr(off), bytes, v)
	}
}

// open makes a window of a region; false: it is not where registers can be.
func (w *window) open(r *virtio.Region) bool {
	if r.IO {
		*w = window{uintptr(r.Base), true}
		return true
	}
	w.base = mapRegisters(r.Addr(), uint64(r.Len))
	return w.base != 0
}

// mapRegisters maps what is no RAM; 0: it is.
func mapRegisters(at, n uint64) uintptr {
	if end := at + n; at == 0 || end < at || end > maxPhys() || physical.Intersect(mm.PhysAddr(at), n) != 0 {
		return 0
	}
	return amd64.MapDevice(amd64.PhysAddr(at), n)
}

// addDisk makes a disk ready, at boot: all but its interrupts and its watcher.
func addDisk(f pci.Function) {
	if ndisks == len(disks) {
		say("disk: there are more than 4; not used")
		return
	}
	d := &disks[ndisks]
	d.f = f
	err := d.begin()
	var l text.Line
	if err != nil {
		put(d.said(&l).Str("not used: ").Str(err.Error()))
		return
	}
	g := d.Geometry()
	d.said(&l).Uint(g.Blocks >> 8).Str(" MiB, ").Int(g.Depth).Str(" requests of ").Int(g.MaxPages * 4).Str(" KiB")
	if g.ReadOnly {
		l.Str(", read-only")
	}
	put(&l)
	ndisks++
}

// said begins a line about a disk.
func (d *disk) said(l *text.Line) *text.Line {
	return l.Str("disk: ").HexDigits(uint64(d.f.At.Bus()), 2).Byte(':').HexDigits(uint64(d.f.At.Device()), 2).Byte('.').
		Uint(uint64(d.f.At.Function())).Byte(' ')
}

// diskConfig is for one at a time.
var diskConfig virtio.Config

func (d *disk) begin() error {
	r, err := virtio.Locate(pciSpace, &d.f)
	if err != nil {
		return err
	}
	regions := [...]*virtio.Region{&r.Common, &r.Notify, &r.ISR, &r.Device}
	for i := range regions {
		if r.Legacy && i > 0 {
			break
		}
		if !d.windows[i].open(regions[i]) {
			return virtio.ErrNoRegisters
		}
	}
	d.f.Enable(pciSpace, true)
	c := &diskConfig
	*c = virtio.Config{
		Machine: d, Pause: pause, TimeoutNs: diskTimeoutNs, Legacy: r.Legacy,
		Common: &d.windows[0], Notify: &d.windows[1], ISR: &d.windows[2], Device: &d.windows[3],
		Multiplier: r.Multiplier, NotifyLen: r.Notify.Len, Messages: d.aimMessages(), Memory: diskMemory,
	}
	return d.Init(c)
}

// diskMemory is from before there are frames.
func diskMemory(bytes uint64) []byte {
	bytes = (bytes + mm.FrameSize - 1) &^ (mm.FrameSize - 1)
	pa, ok := early.Alloc(bytes, mm.FrameSize, mm.Range{})
	if !ok {
		return nil
	}
	b := amd64.PhysAddr(pa).Bytes(bytes)
	clear(b)
	return b
}

// startDisks has them interrupt, and be watched.
func startDisks() {
	for i := range ndisks {
		d := &disks[i]
		if _, err := spawn(&sched.Start{Name: "disk", Detached: true, Weight: sched.MaxWeight}, watchDisk, uint64(i)); err != nil {
			giveUp("out of memory", err)
		}
		how := "interrupts by message"
		if !d.Messages() {
			how = "interrupts by pin"
			if !d.openPin() {
				how = "polled"
				d.polled.Store(1)
			}
		}
		var l text.Line
		put(d.said(&l).Str(how))
	}
}

// watchDisk is the watcher.
func watchDisk(i uint64) uint64 {
	d := &disks[i]
	d.watcher.Store(uint64(currentPart().id))
	lost, seen := 0, uint64(0)
	for {
		wait := uint64(diskWatchNs)
		if d.polled.Load() != 0 {
			wait = diskPollNs
		}
		sleepUntil(amd64.NowNs() + wait) // first, so that nobody wakes this task more often
		done, more := d.Check()
		switch n := d.interrupts.Load(); {
		case n != seen: // perhaps only now, for what was done just before
			lost, seen = 0, n
		case done > 0 && d.polled.Load() == 0:
			if lost++; lost == lostInterrupts {
				var l text.Line
				put(d.said(&l).Str("interrupts get lost; polled"))
				d.polled.Store(1)
			}
		}
		if !more {
			d.rests.Store(1)
			park()
			d.rests.Store(0)
		}
	}
}

// What follows is for virtio.Machine.

func (d *disk) NowNs() uint64           { return amd64.NowNs() }
func (d *disk) IRQDisable() uint64      { return uint64(amd64.IRQDisable()) }
func (d *disk) IRQRestore(flags uint64) { amd64.IRQRestore(uintptr(flags)) }
func (d *disk) Busy(*virtio.Disk)       { callTask(&d.watcher) }

// Address: all memory of requests lies in the direct map, or in the kernel's image.
func (d *disk) Address(p unsafe.Pointer) uint64 {
	if va := uintptr(p); va < amd64.KernelBase {
		return uint64(va - amd64.DirectMap)
	}
	return uint64(amd64.ImagePhys(uintptr(p)))
}

func (d *disk) Stop(*virtio.Disk) {
	flags := amd64.IRQDisable()
	pciLock.Lock(pause)
	d.f.Disable(pciSpace)
	pciLock.Unlock()
	amd64.IRQRestore(flags)
}

func (d *disk) Failed(_ *virtio.Disk, why virtio.Error) {
	var l text.Line
	put(d.said(&l).Str("driven no more: ").Str(why.Error()))
}

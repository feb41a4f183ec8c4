//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/pci"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// Interrupts of disks: by a message of their own where there is MSI-X, else by a pin, which is wired to one of the old lines as
// firmware says. Others may interrupt at that line too.

const (
	msixEntryBytes = 16
	msixAddress    = 0 // 64 bits
	msixData       = 8
	msixControl    = 12 // bit 0: masked
)

// aimMessages has the disk's message 0 interrupt CPU 0, which runs this; false: it sends none.
func (d *disk) aimMessages() bool {
	m, ok := d.f.MSIX(pciSpace)
	if !ok {
		return false
	}
	bar, ok := d.f.BAR(pciSpace, int(m.BAR))
	if !ok || bar.IO || uint64(m.Offset)+msixEntryBytes > bar.Size {
		return false
	}
	v := vectorDisk + ndisks
	addr, data, ok := amd64.MessageTo(amd64.APICID(), uint8(v))
	if !ok {
		return false
	}
	at := mapRegisters(bar.Base+uint64(m.Offset), msixEntryBytes)
	if at == 0 {
		return false
	}
	amd64.Handle(v, onDiskMessage)
	amd64.WriteRegister(at+msixAddress, 4, uint32(addr))
	amd64.WriteRegister(at+msixAddress+4, 4, uint32(addr>>32))
	amd64.WriteRegister(at+msixData, 4, data)
	amd64.WriteRegister(at+msixControl, 4, 0)
	d.f.EnableMSIX(pciSpace, m, true)
	d.msix = m
	return true
}

func onDiskMessage(f *amd64.Frame) {
	d := &disks[(f.Vector-vectorDisk)%maxDisks]
	d.interrupts.Add(1)
	d.Interrupt()
}

// strays counts interrupts at a line that were nobody's, since one that was.
var strays [len(isa)]atom.Uint32

// maxStrays is when a line is given up: somebody interrupts without end whom nobody knows.
const maxStrays = 1000

// openPin has the disk's pin interrupt CPU 0; false: it cannot.
func (d *disk) openPin() bool {
	i := int(d.f.Line)
	if d.msix != (pci.MSIX{}) || d.f.Pin == 0 || i >= len(isa) || i == amd64.COM1IRQ {
		return false
	}
	flags := amd64.IRQDisable()
	lines.lock.Lock(pause)
	lines.kernel[i] = true
	isa[i].trigger.Level = true // as all of PCI's are
	amd64.Handle(amd64.VectorIRQ+i, onDiskPin)
	ok := openLine(i)
	lines.lock.Unlock()
	amd64.IRQRestore(flags)
	return ok
}

func onDiskPin(f *amd64.Frame) {
	i := int(f.Vector-amd64.VectorIRQ) % len(isa)
	ours := false
	for n := range ndisks {
		if d := &disks[n%maxDisks]; d.msix == (pci.MSIX{}) && int(d.f.Line) == i && d.Interrupt() {
			d.interrupts.Add(1)
			ours = true
		}
	}
	if ours {
		strays[i].Store(0)
	} else if strays[i].Add(1) == maxStrays {
		lines.lock.Lock(pause)
		amd64.MaskGSI(isa[i].gsi)
		lines.lock.Unlock()
		for n := range ndisks {
			if d := &disks[n%maxDisks]; d.msix == (pci.MSIX{}) && int(d.f.Line) == i {
				d.polled.Store(1)
			}
		}
		var l text.Line
		put(l.Str("disk: line ").Int(i).Str(" interrupts without end; masked, its disks polled"))
	}
}

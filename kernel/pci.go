//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/arch/amd64/acpi"
	"exo/kernel/mm"
	"exo/kernel/pci"
	"exo/kernel/sync"
	"exo/kernel/text"
	"exo/kernel/virtio"
)

// PCI: what functions there are. All that is found is found at boot, by the boot CPU alone.

var (
	ecam       = pci.ECAM{Memory: ecamMemory{}}
	mechanism1 = pci.Mechanism1{Ports: pciPorts{}}
	pciSpace   pci.Space   // nil: there is none
	pciLock    sync.Ticket // of pciSpace, once other CPUs run; interrupts off
)

// ecamMemory maps the registers of those functions that somebody looks at.
type ecamMemory struct{}

func (ecamMemory) Read32(at uint64) (uint32, bool) {
	if !usableDevice(at &^ (mm.FrameSize - 1)) {
		return 0, false
	}
	return amd64.ReadRegister(amd64.MapDevice(amd64.PhysAddr(at), 4), 4), true
}

func (ecamMemory) Write32(at uint64, v uint32) bool {
	if !usableDevice(at &^ (mm.FrameSize - 1)) {
		return false
	}
	amd64.WriteRegister(amd64.MapDevice(amd64.PhysAddr(at), 4), 4, v)
	return true
}

type pciPorts struct{}

func (pciPorts) In(port uint16) uint32     { return amd64.Inl(port) }
func (pciPorts) Out(port uint16, v uint32) { amd64.Outl(port, v) }

// readPCI lists the functions, and makes the disks among them ready.
func readPCI(root *acpi.Root) {
	how := " by ports"
	if findECAM(root) {
		how = " by ECAM"
		pciSpace = &ecam
	} else if mechanism1.Present() {
		pciSpace = &mechanism1
	} else {
		return
	}
	n := 0
	for f := range pci.Functions(pciSpace).All {
		var l text.Line
		f.Print(l.Str("pci: "))
		if m, ok := f.MSIX(pciSpace); ok {
			l.Str(" msix=").Uint(uint64(m.Entries))
		}
		if f.Pin != 0 {
			l.Str(" line=").Uint(uint64(f.Line))
		}
		put(&l)
		n++
		if virtio.IsDisk(&f) {
			addDisk(f)
		}
	}
	var l text.Line
	put(l.Str("pci: ").Int(n).Str(" functions").Str(how))
}

// findECAM finds the registers of the first buses, and sees that there is somebody.
func findECAM(root *acpi.Root) bool {
	b, err := root.Find("MCFG")
	if err == acpi.ErrAbsent {
		return false
	}
	var t acpi.MCFG
	if err == nil {
		t, err = acpi.ParseMCFG(b)
	}
	if err != nil {
		complain("MCFG", err)
		return false
	}
	for e := range t.Entries {
		if e.Segment == 0 && e.First == 0 {
			ecam.Base, ecam.Last = e.Base, e.Last
			for range pci.Functions(&ecam).All {
				return true
			}
		}
	}
	complain("MCFG", failure("there is no function where the table says"))
	return false
}

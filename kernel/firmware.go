//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/arch/amd64/acpi"
	"exo/kernel/mm"
	"exo/kernel/numa"
	"exo/kernel/text"
)

// topology is which CPU and which memory is where.
var topology numa.Topology

var nodes numa.Builder

// What the tables say about distance; the zero SRAT has no entries.
var (
	srat    acpi.SRAT
	slit    acpi.SLIT
	hasSLIT bool
)

// softOff is how to turn the machine off.
var softOff amd64.SoftOff

// found are the CPUs that firmware says can be started, the boot CPU first.
var found struct {
	apicID [amd64.MaxCPUs]uint32
	n      int
	extra  int // more than MaxCPUs
}

// isaLine is where an ISA interrupt arrives.
type isaLine struct {
	gsi     uint32
	trigger amd64.Trigger
}

var isa [16]isaLine

// firmwareMemory reads tables: only where the loader says there is memory of some kind, or below 1 MiB. That keeps a lying
// address away from most device registers; reserved ranges may hold some all the same.
type firmwareMemory struct{}

var theFirmwareMemory firmwareMemory

func (*firmwareMemory) Bytes(addr, n uint64) []byte {
	end := addr + n
	if end < addr || addr < 0x400 || !known(addr, end) {
		return nil
	}
	amd64.MapFirmware(amd64.PhysAddr(addr), n)
	return amd64.PhysAddr(addr).Bytes(n)
}

func known(addr, end uint64) bool {
	if end <= 1<<20 {
		return true
	}
	for i := range loader.NRanges {
		r := &loader.Ranges[i]
		if addr >= r.Base && end <= r.Base+r.Len {
			return true
		}
	}
	return false
}

// readFirmware finds CPUs, interrupt controllers, nodes, timers and the power switch. Whatever is missing or broken is
// reported and done without: one CPU, one node, the PIT.
func readFirmware() {
	for i := range isa {
		isa[i].gsi = uint32(i)
	}
	root, err := openRoot()
	if err != nil {
		complain("ACPI", err)
	} else {
		if f := root.Fallback(); f != nil {
			complain("XSDT unusable, using the RSDT", f)
		}
		for t := range root.Tables {
			if t.Err != nil {
				var l text.Line
				put(l.Str("acpi: table at ").Hex(t.Addr).Str(" ignored: ").Str(t.Err.Error()))
			}
		}
	}
	madt, err := findMADT(&root)
	if err != nil {
		complain("MADT", err)
	}
	if err == nil && madt.LocalAPIC != uint64(amd64.APICBase()) {
		complain("MADT", failure("the local APIC is not where it says; believing the CPU"))
	}
	amd64.InitAPIC()
	amd64.Handle(amd64.VectorSpurious, func(*amd64.Frame) {})
	readMADT(madt)
	readHPET(&root)
	if !amd64.Calibrate() {
		complain("clock", failure("there is no timer to measure the CPU's by; guessing"))
	}
	readFADT(&root)
	readAffinity(&root)
	readPCI(&root)

	var l text.Line
	c := &amd64.Clock
	l.Str("clock: tsc ").Uint(c.TSCKHz).Str(" kHz, apic timer ").Uint(c.TimerKHz).Str(" kHz, by ").Str(c.Source)
	if c.Deadline {
		l.Str(", tsc-deadline")
	}
	put(&l)
}

func openRoot() (acpi.Root, error) {
	if b := loader.RSDP(); b != nil {
		return acpi.OpenRSDP(&theFirmwareMemory, b)
	}
	addr, ok := acpi.FindRSDP(&theFirmwareMemory)
	if !ok {
		return acpi.Root{}, acpi.ErrAbsent
	}
	return acpi.Open(&theFirmwareMemory, addr)
}

// doubts counts what firmware said and the kernel could not believe.
var doubts int

func complain(what string, err error) {
	doubts++
	var l text.Line
	put(l.Str("acpi: ").Str(what).Str(": ").Str(err.Error()))
}

func findMADT(root *acpi.Root) (acpi.MADT, error) {
	b, err := root.Find("APIC")
	if err != nil {
		return acpi.MADT{}, err
	}
	return acpi.ParseMADT(b)
}

// readMADT lists the CPUs, the boot CPU first, and sets up the I/O APICs and where ISA lines go.
func readMADT(madt acpi.MADT) {
	addCPU(amd64.APICID())
	for e := range madt.Entries {
		switch e.Kind {
		case acpi.MADTCPU:
			if e.Enabled {
				addCPU(e.APICID)
			}
		case acpi.MADTIOAPIC:
			if !usableDevice(e.Addr) || !amd64.AddIOAPIC(amd64.PhysAddr(e.Addr), e.GSI) {
				complain("I/O APIC", failure("there is none where the table says, or more than 8; not used"))
			}
		case acpi.MADTOverride:
			if e.Bus == 0 && int(e.IRQ) < len(isa) {
				isa[e.IRQ] = isaLine{e.GSI, amd64.Trigger{
					Level: e.Trigger == acpi.Level, ActiveLow: e.Polarity == acpi.ActiveLow,
				}}
			}
		}
	}
	if found.extra > 0 {
		var l text.Line
		put(l.Str("smp: ").Int(found.extra).Str(" CPUs more than the ").Int(amd64.MaxCPUs).Str(" that this kernel runs are left out"))
	}
}

func addCPU(id uint32) {
	for _, have := range found.apicID[:found.n] {
		if have == id {
			return
		}
	}
	if !amd64.CanAddress(id) {
		complain("MADT", failure("a CPU has an APIC id that cannot be addressed without x2APIC; left out"))
		return
	}
	if found.n == len(found.apicID) {
		found.extra++
		return
	}
	found.apicID[found.n] = id
	found.n++
}

func readHPET(root *acpi.Root) {
	b, err := root.Find("HPET")
	if err == nil {
		var h acpi.HPET
		if h, err = acpi.ParseHPET(b); err == nil {
			if usableDevice(h.Base) && amd64.UseHPET(amd64.PhysAddr(h.Base)) {
				return
			}
			err = failure("there is no counter where the table says")
		}
	}
	complain("HPET", err)
}

// usableDevice says whether device registers can be at addr: not in RAM, and within the CPU's physical addresses.
func usableDevice(addr uint64) bool {
	return addr != 0 && addr%8 == 0 && addr < maxPhys() && physical.Intersect(mm.PhysAddr(addr), mm.FrameSize) == 0
}

// readFADT learns how to turn the machine off.
func readFADT(root *acpi.Root) {
	b, err := root.Find("FACP")
	if err != nil {
		complain("FADT", err)
		return
	}
	f, err := acpi.ParseFADT(b)
	if err != nil {
		complain("FADT", err)
		return
	}
	dsdt, err := root.DSDT()
	if err != nil {
		complain("DSDT", err)
		return
	}
	s5, ok := acpi.ParseS5(dsdt)
	if !ok || f.PM1aControl.Space != acpi.SpaceIO || !f.PM1aControl.Present() {
		complain("power-off", failure("the tables do not say how"))
		return
	}
	softOff = amd64.SoftOff{PM1a: uint16(f.PM1aControl.Addr), TypeA: s5.TypeA, TypeB: s5.TypeB, Known: true}
	if f.PM1bControl.Present() && f.PM1bControl.Space == acpi.SpaceIO {
		softOff.PM1b = uint16(f.PM1bControl.Addr)
	}
}

// readAffinity keeps the SRAT: before the CPUs start it tells where their memory should be, after that it makes the
// topology.
func readAffinity(root *acpi.Root) {
	b, err := root.Find("SRAT")
	if err == nil {
		srat, err = acpi.ParseSRAT(b)
	}
	if err != nil && err != acpi.ErrAbsent {
		complain("SRAT", err)
	}
	b, err = root.Find("SLIT")
	if err == nil {
		slit, err = acpi.ParseSLIT(b)
		hasSLIT = err == nil
	}
	if err != nil && err != acpi.ErrAbsent {
		complain("SLIT", err)
	}
}

// near returns a range of memory in the proximity domain of a CPU, the zero Range if none is known.
func near(apicID uint32) mm.Range {
	domain, known := uint32(0), false
	for e := range srat.Entries {
		if e.Kind == acpi.SRATCPU && e.APICID == apicID {
			domain, known = e.Domain, true
			break
		}
	}
	if known {
		for e := range srat.Entries {
			if e.Kind == acpi.SRATMemory && e.Domain == domain && physical.Intersect(mm.PhysAddr(e.Base), e.Len) >= 1<<20 {
				return mm.Range{Base: mm.PhysAddr(e.Base), Len: e.Len}
			}
		}
	}
	return mm.Range{}
}

// buildTopology makes the topology of the CPUs that run.
func buildTopology() {
	for e := range srat.Entries {
		switch e.Kind {
		case acpi.SRATMemory:
			if err := nodes.AddMemory(mm.PhysAddr(e.Base), e.Len, numa.Domain(e.Domain)); err != nil {
				complain("SRAT", err)
			}
		case acpi.SRATCPU:
			for i := range ncpu {
				if amd64.CPUByIndex(i).APICID == e.APICID {
					if err := nodes.AddCPU(numa.CPU(i), numa.Domain(e.Domain)); err != nil {
						complain("SRAT", err)
					}
				}
			}
		}
	}
	if hasSLIT {
		if err := nodes.SetDistances(slit.N(), slit.At); err != nil {
			complain("SLIT", err)
		}
	}
	if err := nodes.Build(&topology, ncpu, physical.Intersect); err != nil {
		complain("topology", err)
	}
}

// printTopology prints the nodes as every reader of the boot log wants them.
func printTopology() {
	var l text.Line
	t := &topology
	for _, n := range t.Notes[:min(t.NNotes, len(t.Notes))] {
		put(l.Reset().Str("numa: note: ").Str(n.Text).Byte(' ').Hex(n.Arg))
	}
	put(t.Summary(l.Reset()))
	for n := range numa.Node(t.Nodes()) {
		put(t.NodeLine(l.Reset(), n))
	}
	for n := range numa.Node(t.Nodes()) {
		put(t.DistLine(l.Reset(), n))
	}
}

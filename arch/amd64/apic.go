//go:build exokernel

package amd64

// The local APIC (SDM vol. 3A ch. 10): by memory (xAPIC) or by MSR (x2APIC, where the CPU has it).

const (
	msrAPICBase  = 0x1B
	apicEnable   = 1 << 11
	apicX2       = 1 << 10
	msrX2APIC    = 0x800
	apicBaseMask = 0x000ffffffffff000

	regID        = 0x020
	regTPR       = 0x080
	regEOI       = 0x0B0
	regSpurious  = 0x0F0
	regISR       = 0x100
	regESR       = 0x280
	regICRLow    = 0x300
	regICRHigh   = 0x310
	regLVTTimer  = 0x320
	regLVTPerf   = 0x340
	regLVTLINT0  = 0x350
	regLVTLINT1  = 0x360
	regLVTError  = 0x370
	regInitCount = 0x380
	regCurCount  = 0x390
	regDivide    = 0x3E0

	apicSoftwareEnable = 1 << 8

	lvtMasked = 1 << 16
	lvtNMI    = 4 << 8

	icrFixed   = 0 << 8
	icrNMI     = 4 << 8
	icrInit    = 5 << 8
	icrStartup = 6 << 8
	icrPending = 1 << 12
	icrAssert  = 1 << 14
)

// apic is how every CPU reaches its own local APIC: the address or the MSRs are the same on all.
type apic struct {
	base  uintptr // xAPIC registers, mapped
	x2    bool
	ready bool
}

var localAPIC apic

// APICBase is where this CPU says that its local APIC's registers are.
func APICBase() PhysAddr { return PhysAddr(rdmsr(msrAPICBase) & apicBaseMask) }

// InitAPIC maps the local APIC's registers and enables it on the boot CPU.
func InitAPIC() {
	a := &localAPIC
	a.x2 = CPUFeatures.X2APIC
	if !a.x2 {
		a.base = MapDevice(APICBase(), PageSize)
	}
	a.enable()
	ThisCPU().APICID = a.id()
	a.ready = true
}

// enable turns this CPU's APIC on with everything but NMI masked.
func (a *apic) enable() {
	v := rdmsr(msrAPICBase) | apicEnable
	wrmsr(msrAPICBase, v)
	if a.x2 {
		wrmsr(msrAPICBase, v|apicX2)
	}
	// First the enabling: while the APIC is off by software, every LVT entry is and stays masked (SDM vol. 3A §10.4.7.2).
	a.write(regSpurious, apicSoftwareEnable|VectorSpurious)
	a.write(regLVTTimer, lvtMasked)
	a.write(regLVTPerf, lvtMasked)
	a.write(regLVTLINT0, lvtMasked) // the 8259's line
	a.write(regLVTLINT1, lvtNMI)    // ACPI 6.5 §5.2.12.7: NMI on LINT1 of all CPUs is what firmware says in practice
	a.write(regLVTError, VectorError)
	a.write(regESR, 0)
	a.write(regTPR, 0)
	// Whatever the loader left in service is over.
	for reg := uint32(regISR); reg < regISR+8*0x10; reg += 0x10 {
		for n := 0; a.read(reg) != 0 && n < 32; n++ {
			a.eoi()
		}
	}
}

// LVTsAsSet says whether the local vector table entries that enable sets up once and for all are as it set them; for tests.
func LVTsAsSet() bool {
	const statusBits = 1<<12 | 1<<14 // delivery status and remote IRR come and go
	entry := func(reg uint32) uint32 { return localAPIC.read(reg) &^ statusBits }
	return entry(regLVTLINT0)&lvtMasked != 0 && entry(regLVTLINT1) == lvtNMI && entry(regLVTError) == VectorError
}

func (a *apic) read(reg uint32) uint32 {
	if a.x2 {
		return uint32(rdmsr(msrX2APIC + reg>>4))
	}
	return mmioRead32(a.base + uintptr(reg))
}

func (a *apic) write(reg, v uint32) {
	if a.x2 {
		wrmsr(msrX2APIC+reg>>4, uint64(v))
		return
	}
	mmioWrite32(a.base+uintptr(reg), v)
}

func (a *apic) id() uint32 {
	if a.x2 {
		return a.read(regID)
	}
	return a.read(regID) >> 24
}

func (a *apic) eoi() { a.write(regEOI, 0) }

// command sends an interprocessor interrupt. In xAPIC mode it waits until the last one has left, with interrupts off
// between the two halves of the register.
func (a *apic) command(dest, v uint32) {
	if !CanAddress(dest) {
		panic("apic: this APIC id cannot be addressed in the mode that the APIC is in")
	}
	if a.x2 {
		storeFence() // WRMSR to the x2APIC does not wait for earlier stores (SDM vol. 3A §10.12.3)
		wrmsr(msrX2APIC+regICRLow>>4, uint64(dest)<<32|uint64(v))
		return
	}
	flags := IRQDisable()
	for range 1_000_000 {
		if a.read(regICRLow)&icrPending == 0 {
			break
		}
		Pause()
	}
	a.write(regICRHigh, dest<<24)
	a.write(regICRLow, v)
	IRQRestore(flags)
}

func (a *apic) sendNMI(dest uint32) { a.command(dest, icrNMI|icrAssert) }

// X2APIC says whether the local APICs are driven in x2APIC mode.
func X2APIC() bool { return localAPIC.x2 }

// APICID reads this CPU's id from its local APIC.
func APICID() uint32 { return localAPIC.id() }

// SendIPI raises a vector on the CPU with that APIC id.
func SendIPI(apicID uint32, vector uint8) {
	localAPIC.command(apicID, icrFixed|icrAssert|uint32(vector))
}

// SendNMI raises an NMI on the CPU with that APIC id.
func SendNMI(apicID uint32) { localAPIC.sendNMI(apicID) }

// CanAddress says whether this machine can send an interrupt to that APIC id in the mode it is in.
// The highest id is the broadcast in either mode.
func CanAddress(apicID uint32) bool {
	if localAPIC.x2 {
		return apicID != 1<<32-1
	}
	return apicID < 255
}

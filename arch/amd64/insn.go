//go:build exokernel

package amd64

// One function per instruction that Go does not have; insn_amd64.s has the bodies. None of them checks anything.

func Outb(port uint16, v uint8)
func Outw(port uint16, v uint16)
func Outl(port uint16, v uint32)
func Inb(port uint16) uint8

func rdmsr(msr uint32) uint64
func wrmsr(msr uint32, v uint64)
func cpuid(leaf, sub uint32) (eax, ebx, ecx, edx uint32)

func readCR0() uint64
func readCR2() uint64
func readCR3() uint64
func readCR4() uint64
func writeCR0(v uint64)
func writeCR3(v uint64)
func writeCR4(v uint64)
func writeDR0(v uint64)
func writeDR7(v uint64)

// storeFence makes earlier loads and stores visible before anything that follows, WRMSR included: MFENCE; LFENCE.
func storeFence()

func invlpg(va uintptr)

func lgdt(base uintptr, limit uint16)
func lidt(base uintptr, limit uint16)
func ltr(sel uint16)
func sgdt() uintptr // the base only
func sidt() uintptr
func readTR() uint16

// reloadSegments makes CS the kernel's code selector and loads the null selector into the others.
func reloadSegments(cs uint16)

// haltIRQ turns interrupts on and halts in one step, so that no wake-up falls between the two.
func haltIRQ()

func haltEntry() uint64

// HaltForever turns interrupts off and halts; only an NMI, SMI or reset gets this CPU's attention again.
func HaltForever()

// PushOntoGuard moves RSP to an unmapped page and pushes: the page fault cannot be pushed either, which makes a double
// fault. For crash=doublefault.
func PushOntoGuard()

// ClobberRegisters leaves garbage in every register that a called function may change; for tests.
func ClobberRegisters()

// foreignBases sends this CPU an NMI, by the APIC register or, if icr is 0, the MSR, while FS and GS have bases of
// nobody's, and says whether they still had them when the NMI had been seen.
func foreignBases(icr uintptr, command uint64, seen *uint32) bool

// HoldRegisters fills every register with a pattern, spins, and says whether the pattern is still there. For tests.
func HoldRegisters(seed, spins uint64) bool

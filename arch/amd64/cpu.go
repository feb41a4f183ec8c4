//go:build exokernel

package amd64

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// MaxCPUs is how many CPUs the kernel brings up; more are reported and left out.
const MaxCPUs = 64

// CPU is one processor's block. GS points at it and FS just behind g, so the linker's TLS slot (FS:-8) is g.
// Everything below Index is written by this CPU alone once it runs, except the fields marked atomic.
type CPU struct {
	self   *CPU       // GS:0
	g      *runtime.G // FS:-8: the g of whatever runs here
	tlsEnd uint64     // where FS points; keeps g's slot from being anything's neighbour

	fsBase   uintptr    // &tlsEnd
	user     *UserState // of the thread that runs here, nil if that is the kernel's own
	kernelSP uintptr    // where its kernel stack begins
	userSP   uintptr    // its RSP, for the first instructions after SYSCALL

	leaves unsafe.Pointer // the set that hand takes the CPU out of
	others uint64         // all CPUs but this one, as such a set has them

	Index  int    // dense number, boot CPU 0
	APICID uint32 // as the local APIC and the MADT say

	online  atomic.Uint32 // offline, online or abandoned
	stopped atomic.Uint32 // 1 once it halted for somebody's panic
	pings   atomic.Uint32 // NMIs that PingNMI sent and this CPU has not seen
	seen    atomic.Uint32 // NMIs of PingNMI that it has seen
	looks   atomic.Uint32 // 1: Look wants to know where this CPU is
	looked  atomic.Uint32 // 1: seenAt is what it asked for
	spare   uint32        // NMIs that may still come though what they were sent for has been done
	dying   uint32        // a fatal trap is being handled: the next one is fatal for the report, too

	seenAt Snapshot // written for Look

	stacks [2 + numIST]Span // boot, panic, IST: once they have guards

	bootG  runtime.G // the boot and idle stack
	panicG runtime.G // fatal traps are reported from here

	Local unsafe.Pointer // the kernel's own block for this CPU; not looked at in this package

	gdt [gdtEntries]uint64
	tss taskState
	idt [256]gate
}

// A CPU goes from offline to online itself; CPU 0 gives it up by making it abandoned first.
const (
	offline = iota
	online
	abandoned
)

// bootCPU is the boot processor's block; the others are allocated on their nodes.
var bootCPU CPU

// cpus[i] is CPU i's block, nil if there is none; written by the boot CPU before CPU i starts.
var cpus [MaxCPUs]*CPU

// ThisCPU returns the block of the CPU that runs this. The caller must not move between the call and the use:
// interrupts off, preemption off, or a task bound to its CPU.
func ThisCPU() *CPU { return (*CPU)(runtime.Getg().CPU) }

// CPUByIndex returns CPU i's block, or nil.
func CPUByIndex(i int) *CPU { return cpus[i] }

// gsCPU is ThisCPU for code that cannot trust g.
func gsCPU() *CPU

// Online says whether the CPU has reported in.
func (c *CPU) Online() bool { return c.online.Load() == online }

// Stack returns the bounds of the stack in use on this CPU.
func Stack() (lo, hi uintptr) {
	gp := runtime.Getg()
	return gp.StackLo, gp.StackHi
}

// SetContext says who runs on this CPU's boot and idle stack: runtime.G's Context, which is the kernel's affair.
func (c *CPU) SetContext(context unsafe.Pointer) { c.bootG.Context = context }

// Context returns who runs on this CPU's boot and idle stack just now.
func (c *CPU) Context() unsafe.Pointer { return c.bootG.Context }

// Pause, IRQDisable, IRQRestore and TSC are the runtime shim's hot primitives by their local names.

func Pause()                   { runtime.Pause() }
func IRQDisable() uintptr      { return runtime.IRQDisable() }
func IRQRestore(flags uintptr) { runtime.IRQRestore(flags) }
func TSC() uint64              { return runtime.RDTSC() }

// InterruptsOff says whether this CPU takes no interrupts.
func InterruptsOff() bool { return runtime.Flags()&flagIF == 0 }

const flagIF = 1 << 9

// Idle halts until the next interrupt has been handled. Call it with interrupts off, after a last look for work:
// the halt and the enabling are one step, so a wake-up that came after the look ends the halt at once.
// It returns with interrupts on.
func Idle() { haltIRQ() }

// init prepares this CPU's tables and features; runs on the CPU itself, interrupts off.
func (c *CPU) init() {
	c.loadDescriptors()
	enableFeatures()
	c.prepareUser()
}

// PingNMI interrupts c, which may be this CPU, by an NMI that does nothing but count. One sender per target at a time:
// an NMI that comes when no ping is due is fatal.
func (c *CPU) PingNMI() {
	c.pings.Add(1)
	localAPIC.sendNMI(c.APICID)
}

// NMIWithForeignBases has an NMI come while FS and GS are not the kernel's, and says whether it came and they survived.
func NMIWithForeignBases() bool {
	flags := IRQDisable()
	c := ThisCPU()
	c.pings.Add(1)
	icr := localAPIC.base + regICRLow
	command := uint64(icrNMI | icrAssert)
	if localAPIC.x2 {
		icr = 0
		command |= uint64(c.APICID) << 32
	} else {
		command |= uint64(c.APICID) << 56
	}
	ok := foreignBases(icr, command, (*uint32)(unsafe.Pointer(&c.seen)))
	IRQRestore(flags)
	return ok
}

// SeenNMIs is how many pings c has seen.
func (c *CPU) SeenNMIs() uint32 { return c.seen.Load() }

// Consistent says whether the three ways to this CPU's block, and the stack that g describes, agree; for tests.
func Consistent() bool {
	c, gp := ThisCPU(), runtime.Getg()
	here := uintptr(unsafe.Pointer(&gp))
	return c == gsCPU() && c.self == c && c.g == gp && here >= gp.StackLo && here < gp.StackHi
}

// ThisCPUByMSR is ThisCPU the slow way, as a baseline.
func ThisCPUByMSR() *CPU { return (*CPU)(Pointer(uintptr(rdmsr(msrGSBase)))) }

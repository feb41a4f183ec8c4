//go:build exokernel

package amd64

import (
	"runtime"
	"unsafe"
)

// Waking application processors (SDM vol. 3A §9.4.4.1): INIT, ten milliseconds, then a start-up IPI, a second one if
// the first was not heard. boot/trampoline.S is what they run first.

// Start-up parameters, at the end of the trampoline page; trampoline.S has the same layout.
type trampolineParams struct {
	cr3, efer, cr0 uint32
	apicID         uint32
	entry          uint64
	cpu            uint64
}

func apEntryPC() uintptr

// apEntry is in rt0_amd64.s.
func apEntry()

// Starter wakes CPUs through one page below 1 MiB.
type Starter struct {
	page PhysAddr

	// Mute, if HasMute, is the APIC id of a CPU to be given parameters that look like another's: it halts in the
	// trampoline as one that wakes too late does. For testing what happens then.
	Mute    uint32
	HasMute bool
}

// NewStarter puts the trampoline into page (below 1 MiB, whole, nobody else's) and maps it, executable, at its own
// address until Close.
func NewStarter(page PhysAddr) Starter {
	t := Boot.Trampoline
	copy(page.Bytes(PageSize), PhysAddr(t.Start).Bytes(t.Size()))
	KernelTable.Map(uintptr(page), page, PageSize, PermRX)
	return Starter{page: page}
}

// Close unmaps the trampoline. Nobody is in it: CPUs that were given up have been sent back to waiting for a start-up IPI.
func (s Starter) Close() { KernelTable.Unmap(uintptr(s.page)) }

// InitAll sends INIT to every CPU that Start will be asked for, and waits the 10 ms that all of them need.
func (s Starter) InitAll(apicIDs []uint32) {
	for _, id := range apicIDs {
		localAPIC.command(id, icrInit|icrAssert)
	}
	DelayUs(10_000)
}

// Prepare fills in a new CPU's block, which must be zeroed, and gives it stacks.
func (c *CPU) Prepare(index int, apicID uint32, alloc func() PhysAddr) {
	c.self, c.Index, c.APICID = c, index, apicID
	c.g = &c.bootG
	c.giveStacks(alloc)
	cpus[index] = c
}

// Start wakes one CPU after InitAll and waits for it to report in, at most patienceUs microseconds. A CPU that does
// not is forgotten: its block must not be given to another.
func (s Starter) Start(c *CPU, patienceUs uint64) bool {
	t := Boot.Trampoline
	p := (*trampolineParams)(unsafe.Add(s.page.Ptr(), t.Size()-uint64(unsafe.Sizeof(trampolineParams{}))))
	*p = trampolineParams{
		cr3: uint32(KernelTable.root), efer: uint32(Boot.EFER), cr0: uint32(readCR0()),
		apicID: c.APICID,
		entry:  uint64(apEntryPC()), cpu: uint64(uintptr(unsafe.Pointer(c))),
	}
	if s.HasMute && s.Mute == c.APICID {
		p.apicID = ^c.APICID
		patienceUs = min(patienceUs, 200_000) // it is known not to come
	}
	startup := icrStartup | icrAssert | uint32(s.page>>12)
	localAPIC.command(c.APICID, startup)
	if !c.waitOnline(min(patienceUs, 1_000)) {
		localAPIC.command(c.APICID, startup)
		c.waitOnline(patienceUs)
	}
	if !c.online.CompareAndSwap(offline, abandoned) {
		return true
	}
	p.apicID = ^uint32(0)                          // whoever comes now halts
	localAPIC.command(c.APICID, icrInit|icrAssert) // and a CPU that is somewhere in the trampoline leaves it
	cpus[c.Index] = nil
	return false
}

func (c *CPU) waitOnline(us uint64) bool {
	start, n := TSC(), us*Clock.TSCKHz/1000
	for !c.Online() && TSC()-start < n {
		runtime.Pause()
	}
	return c.Online()
}

// OnCPUStart is what a new CPU does for the rest of its life, on its boot stack, interrupts off. Set by the kernel.
var OnCPUStart func(c *CPU)

// apStart is a new CPU's first Go function.
func apStart() {
	c := gsCPU()
	c.init()
	localAPIC.enable()
	if !c.online.CompareAndSwap(offline, online) {
		HaltForever() // too late: CPU 0 goes on without this one
	}
	OnCPUStart(c)
	HaltForever()
}

// InitBootCPU makes the boot processor CPU 0: descriptors, features. Exceptions are reported from here on.
func InitBootCPU() {
	c := &bootCPU
	cpus[0] = c
	DetectFeatures()
	c.giveBootStacks()
	c.init()
	c.online.Store(online)
}

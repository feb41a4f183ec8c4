// Package sync … classes.go: every lock class of the kernel, and which may be taken while which is held.
//
// This is the one place where lock order is declared; order.go checks it each time a lock is taken, and a static check
// reads it at build time. To add a lock: use a class that fits, or add a constant and a line to the table.
//
// Two rules hold for all and are not repeated in the table: a spin class may be taken under any sleep class; a sleep class
// is never taken under a spin class. Everything else that is not declared, directly or through others, is refused.
package sync

// Class is the place of a lock in the order. Locks of one class are interchangeable as far as order goes.
type Class uint8

const (
	ClassNone      Class = iota // no class; a lock of it cannot be taken
	ClassFileTask               // one call of the file system's
	ClassRename                 // moving directories of one file system
	ClassLog                    // one operation that is open in the file system's log
	ClassDirectory              // the names in one directory
	ClassInode                  // one inode
	ClassSuper                  // what is one per file system: its state
	ClassBuffer                 // one cached block
	ClassFiles                  // lists of the file system: of who waits, of a bucket
	ClassSpace                  // one address space's page tables
	ClassThreads                // the list of one environment's threads
	ClassKernelMap              // the kernel's own
	ClassPI                     // who waits for which sleeplock, and the priorities that follow from it (sleeplock.go)
	ClassConsole                // the serial console

	// For tests only, on the host and in the kernel.
	ClassTestA    // sleep: A < B < C and A < D < C
	ClassTestB    //
	ClassTestC    //
	ClassTestD    //
	ClassTestNest // sleep, nests
	ClassTestSpin // spin, nests
	ClassTestIRQ  // spin, taken by handlers

	NumClasses int = iota // at most 64
)

// kind says how a lock of a class waits, and where it may be taken. A class of kind 0 is none.
type kind uint8

const (
	kindSleep   kind = 1 + iota // waiting gives up the CPU
	kindSpin                    // waiting does not; interrupt handlers never take it
	kindSpinIRQ                 // so do handlers: taken with interrupts off, everywhere
)

type classInfo struct {
	name   string
	kind   kind
	nests  bool   // several may be held at once, if taken in ascending order of address
	before uint64 // bit c: class c may be taken while this one is held
}

var classes = [NumClasses]classInfo{
	// The file system: an operation reserves room in the log, then holds its directories (a rename has two), its inodes, the
	// state if it changes that, and then their blocks. Who waits for the log holds none of those that come after it.
	ClassFileTask:  {name: "file-task", kind: kindSleep, nests: true, before: 1 << ClassRename},
	ClassRename:    {name: "rename", kind: kindSleep, before: 1 << ClassLog},
	ClassLog:       {name: "log", kind: kindSleep, before: 1 << ClassDirectory},
	ClassDirectory: {name: "directory", kind: kindSleep, nests: true, before: 1 << ClassInode},
	ClassInode:     {name: "inode", kind: kindSleep, nests: true, before: 1<<ClassSuper | 1<<ClassBuffer},
	ClassSuper:     {name: "super", kind: kindSleep, before: 1 << ClassBuffer},
	ClassBuffer:    {name: "buffer", kind: kindSleep},
	ClassFiles:     {name: "files", kind: kindSpin, before: 1<<ClassPI | 1<<ClassConsole},

	// Tables are changed, and other CPUs shot at, with interrupts on: who waits for a space serves (kernel/spaces.go).
	ClassSpace: {name: "space", kind: kindSpin, nests: true, before: 1<<ClassPI | 1<<ClassConsole},

	ClassThreads: {name: "threads", kind: kindSpin, before: 1<<ClassPI | 1<<ClassConsole},

	ClassKernelMap: {name: "kernel-map", kind: kindSpin, before: 1 << ClassConsole},

	ClassPI:      {name: "pi", kind: kindSpin, before: 1 << ClassConsole}, // innermost but for printing
	ClassConsole: {name: "console", kind: kindSpinIRQ},                    // last of all: anybody may print

	// The diamond, and what may follow it.
	ClassTestA:    {name: "test-a", kind: kindSleep, before: 1<<ClassTestB | 1<<ClassTestD},
	ClassTestB:    {name: "test-b", kind: kindSleep, before: 1 << ClassTestC},
	ClassTestC:    {name: "test-c", kind: kindSleep, before: 1 << ClassTestNest},
	ClassTestD:    {name: "test-d", kind: kindSleep, before: 1 << ClassTestC},
	ClassTestNest: {name: "test-nest", kind: kindSleep, nests: true},
	ClassTestSpin: {name: "test-spin", kind: kindSpin, nests: true, before: 1<<ClassPI | 1<<ClassTestIRQ},
	ClassTestIRQ:  {name: "test-irq", kind: kindSpinIRQ, before: 1 << ClassConsole},
}

// Name is what reports call the class.
func (c Class) Name() string {
	if int(c) >= NumClasses || c == ClassNone {
		return "none"
	}
	return classes[c].name
}

// Sleeps says whether locks of the class are sleeplocks; the others are spinlocks.
func (c Class) Sleeps() bool { return classes[c].kind == kindSleep }

// IRQ says whether interrupt handlers take locks of the class.
func (c Class) IRQ() bool { return classes[c].kind == kindSpinIRQ }

// Nests says whether several locks of the class may be held at once, taken in ascending order of address.
func (c Class) Nests() bool { return classes[c].nests }

// Before is the classes that are declared to follow this one directly: bit c stands for class c.
func (c Class) Before() uint64 { return classes[c].before }

func (c Class) kind() kind { return classes[c].kind }

// Package startpage is what a program finds at the address in RDI when it begins: what it holds, and what it was called with.
// The parent writes it; for the initial environment, whom the kernel gives abi.Start instead, libos/start does.
package startpage

// Version is of this package: it changes when a field changes its meaning.
const Version = 1

// Page lies in pages of the environment's own, which it may read and write. Offsets count from the beginning of Page, and
// everything lies in its first Bytes bytes. A later version only adds at the end: read a field where Size says that it is
// there.
type Page struct {
	Version, Size   uint64 // Version; bytes of Page
	Bytes           uint64 // of Page and all that its tables point at
	Stack, Upcall   Range  // the stack that RSP points into, and the one for upcalls; both can be written
	Image           Range  // from the program's first page to behind its last one
	Heap            Range  // addresses for the library OS to use; nothing is mapped there
	Args, Env       Table  // of Text: the program's name and arguments; NAME=VALUE
	Caps            Table  // of Cap
	Seed            uint64 // a random number, or 0
	Parent, Console uint64 // numbers of who started it, and for whom it prints, 0: none
	State           Range  // what its library OS knows of its memory (libos/mem); empty: nothing yet
	Files           Table  // of File: its descriptors
	Self            uint64 // its number
	Pipes           uint64 // not 0: among Files are, or have been, ends of pipes
}

// File is what a descriptor is for; libos/file says more.
type File struct {
	Kind, Flags uint32
	Name        uint64 // a capability, or 0
	At          uint64
	Offset      uint64 // where the next read or write is
	More        uint64
}

// Range is [Low, High).
type Range struct{ Low, High uint64 }

// Table is so many entries, from Offset on.
type Table struct{ Offset, Entries uint64 }

// Text is so many bytes, from Offset on.
type Text struct{ Offset, Bytes uint64 }

// Cap is a capability that the environment holds from the start.
type Cap struct {
	Role  uint64 // RoleMemory …: what it is for
	Index uint64 // which of those, where there are several: number of the CPU, of the interrupt
	Name  uint64 // of the capability
	Value uint64 // RoleFiles: bytes of the archive, and Index where in the first frame it begins; RolePorts: how many; others: 0
}

// ToTake is in the Name of a capability that the environment does not hold yet: it takes it by the number beside it (abi.CapTake) when it
// first needs it.
const ToTake = 1 << 63

// Roles of initial capabilities. From RoleFree on they are between parent and child.
const (
	RoleMemory    uint64 = iota + 1 // the environment's account
	RoleEnv                         // an environment, below which others may be looked at: the initial one
	RoleThread                      // its first thread
	RoleCPU                         // Index: which
	RoleConsole                     // the serial line
	RolePorts                       // Index: the first one
	RoleInterrupt                   // Index: which
	RoleFiles                       // frames with the initramfs, to be read
	RoleParent                      // an endpoint of whoever made it
	RoleDisk                        // an endpoint of who keeps files: user/fsd
	RoleServe                       // an endpoint to receive calls at, of a server
	RoleRoot                        // the root directory of the kernel's files
	RoleExtent                      // blocks of the disk that are no file system's
	RoleFree      uint64 = 1 << 16
)

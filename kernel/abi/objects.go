package abi

// Kinds of capabilities.
const (
	KindNone         uint64 = iota
	KindMemory              // may take frames, and make objects: an account
	KindFrames              // so many frames in a row
	KindEnv                 // an environment
	KindThread              // a thread
	KindCPU                 // a CPU's time
	KindEndpoint            // where calls are received
	KindNotification        // bits
	KindConsole             // the serial line
	KindInterrupt           // a device's
	KindPorts               // a range of I/O ports
	KindInode               // a file, directory or symbolic link
	KindExtent              // a range of blocks of the disk that no file system uses
	NumKinds                // how many there are
)

// Rights; those from the ninth on belong to the kind.
const (
	RightRead     uint64 = 1 << iota // frames: map for reading; env, thread: inspect; inode: read, open below; notification: wait
	RightWrite                       // frames: map for writing; env, thread: change; inode: write, make and remove below; notification: notify
	RightExecute                     // frames: map for executing; endpoint: call; cpu: run there
	RightDelete                      // the capability, and what was derived from it
	RightDerive                      // from it
	RightRevoke                      // what was derived from it
	RightTransfer                    // to another holder
	RightReceive  uint64 = 1 << 16   // endpoint: receive from it
	RightShare    uint64 = 1 << 17   // frames: give co-ownership; env: have it charged
	RightOwn      uint64 = 1 << 31   // frames: pays for them and keeps them; env: it ends with this. Cannot be derived
	AllRights     uint64 = 1<<32 - 1
)

// Object is what a capability is for. Frames: number of the first, how many. Ports: first, how many. Extents: number
// of the first block of the disk, how many. Inodes: number, and which of its
// lives in the upper half; 1 if it stays without a name, else 0. Environments: the number; one for
// an environment may be narrowed to any that it has made, or that those have. Others: the kernel's.
type Object struct{ First, Second uint64 }

// CapInfo is what CapInspect tells.
type CapInfo struct {
	Kind, Rights uint64
	Object       Object
	Mapped       uint64 // frames: where, 0: nowhere
}

// EnvInfo is what EnvInspect tells.
type EnvInfo struct {
	State               uint64 // EnvRunning …
	Status              int64  // of EnvExit, or why it was ended
	Threads             uint64
	Frames, FrameLimit  uint64 // its tables included
	Caps, CapLimit      uint64
	Faults, Calls, Lost uint64 // upcalls for faults, system calls, capabilities that were taken from it
	RanNs               uint64 // of CPUs, all its threads
	Number              uint64 // which it is: never used twice
	Parent              uint64 // number of who made it
	Name                [16]byte
}

// States of an environment.
const (
	EnvRunning uint64 = iota + 1
	EnvSuspended
	EnvEnded
)

// What an environment's status says if it did not exit by itself.
const (
	StatusKilled int64 = -(iota + 1) // destroyed, or its last thread was
	StatusFault                      // a fault that it has no upcall for, or on its upcall stack
)

// Upcalls says where the kernel enters an environment. 0: nowhere; then a fault ends it, and the others do not happen.
type Upcalls struct {
	Fault    uint64 // page faults and exceptions
	Foreign  uint64 // SYSCALL from outside TextLow to TextHigh
	Revoke   uint64 // somebody wants something back
	Slice    uint64 // a slice has begun, or ends
	TextLow  uint64 // [TextLow, TextHigh) is the library OS's own code; both 0: everything is
	TextHigh uint64
	Name     [16]byte // what it is to be called
}

// UpcallFrame is what the kernel pushes on the upcall stack before it enters one, lowest address first; RSP points at it, and
// all other registers are as they were. The last five are what IRETQ wants.
type UpcallFrame struct {
	Vector, Err, Address     uint64 // of the CPU; of others: kind, how many or time lost, deadline
	_                        uint64
	RIP, CS, RFLAGS, RSP, SS uint64
	_                        uint64
}

// ThreadStart says how a thread begins.
type ThreadStart struct {
	RIP, RSP, Arg         uint64 // Arg: RDI
	FS, GS                uint64 // bases
	UpcallLow, UpcallHigh uint64 // its upcall stack
	CPUs                  uint64 // a bit for each CPU it may run on; 0: all that its environment may
	Weight                uint64 // 0: as usual
	Ended, EndedBits      uint64 // notification that is told when it ends, 0: none
	Flags                 uint64 // ThreadSuspended and so on
}

const (
	ThreadSuspended uint64 = 1 << iota // it waits for ThreadResume
	ThreadSlices                       // it gets an upcall when it runs again after others have
	ThreadNameless                     // no capability is made for it: 0 comes back
	ThreadSliceEnds                    // it gets an upcall when others are to run, and SliceGrace to leave things in order
)

// Kinds of upcalls for slices: the frame's Vector.
const (
	SliceBegun uint64 = iota // Err: for how many ns others have run
	SliceEnds                // Address: when it stops running, if it has not yielded by then
)

// SliceGrace is how long a thread may go on after it was told that its slice ends, ns. It is paid for like the slice.
const SliceGrace = 50_000

// ThreadInfo is what ThreadInspect tells.
type ThreadInfo struct {
	State    uint64 // of kernel/sched
	RIP, RSP uint64
	RanNs    uint64
	Switches uint64
	CPU      uint64
}

// Schedule is what ThreadSchedule asks for.
type Schedule struct {
	Class  uint64 // 0 fair, 1 batch, 2 real time
	Weight uint64
	Budget uint64 // ns
	Period uint64 // ns
}

// Lost is one entry of the repossession vector: the kernel took this capability back.
type Lost struct {
	Name, Kind uint64
	Object     Object
}

// FileInfo is what FileStat tells, and FileChange sets some of.
type FileInfo struct {
	Inode, Life                uint32
	Mode                       uint32 // type and permission, with Unix's numbers
	Links                      uint32 // names
	UID, GID                   uint32
	Size                       uint64 // bytes; of a directory, names
	Blocks                     uint64 // of 4 KiB, on the disk
	Atime, Mtime, Ctime, Btime int64  // ns since 1970
}

// Types, in FileInfo.Mode.
const (
	FileTypeMask    = 0o170000
	FileTypeRegular = 0o100000
	FileTypeFolder  = 0o040000
	FileTypeSymlink = 0o120000
)

// What FileChange sets.
const (
	FileSetMode  uint64 = 1 << iota // permission
	FileSetOwner                    // UID, GID
	FileSetTimes                    // Atime, Mtime
)

// FileEntry is a name in a directory. The name follows it, and zeroes up to a multiple of 8.
type FileEntry struct {
	Next  uint64 // where to go on from after this one
	Inode uint32
	Type  uint16 // FileTypeRegular …
	Len   uint16 // of the name
}

// FileSystemInfo tells about a file system.
type FileSystemInfo struct {
	Blocks, Free       uint64 // of 4 KiB
	Inodes, FreeInodes uint64
	MaxName            uint64
	ID                 [2]uint64
}

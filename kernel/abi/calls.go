package abi

// Call is the number of a system call.
type Call uint64

// The calls: what they take → what they return. "own" is the caller's environment; times are nanoseconds of Info.Now.
const (
	Null Call = iota // → 0

	// Capabilities of any kind.
	CapDerive   // cap, rights, to env, *Object to narrow it to or 0 → name
	CapTransfer // cap, to env → 0; one that owns an environment: to one that was made before that
	CapRevoke   // cap → 0, all that was derived from it is no more
	CapDelete   // cap → 0, nor is the capability
	CapInspect  // cap, *CapInfo → 0
	CapHeld     // from slot, *names, n → how many; RDX: the slot to go on from, 0 if that was all

	// Memory. A frame capability names so many frames in a row, and is mapped in at most one place.
	FrameAlloc  // memory, How, where, frames, align (frames, 0: none) → name; RDX: number of the first frame
	FrameShare  // frames, env, rights → name, of the env's: co-owned, paid for by both
	PageMap     // frames, env, address, Perm → 0; where it was mapped before it is no more
	PageProtect // frames, first, n, Perm → 0; n 0: all from first on
	PageUnmap   // frames, first, n → 0
	PageOps     // *[]PageOp, n → how many were done; the next one has its Errno

	// Environments.
	EnvCreate  // memory, frames, caps, flags → name; RDX: name of its memory capability, which it holds itself; R8: its number; R9, R10: frames and caps
	EnvUpcalls // env, *Upcalls → 0
	EnvWatch   // env, notification, bits → 0; signalled when it ends
	EnvInspect // env, *EnvInfo → 0
	EnvSuspend // env → 0, none of its threads runs
	EnvResume  // env → 0
	EnvDestroy // env → 0, all that it held is free
	EnvExit    // status → never; it stays until it is destroyed
	EnvGive    // env, *[]Grant, n → how many were given; the next one has its Errno
	EnvAwait   // env, until, end → 0 when it has ended; RDX: its status. end not 0: then the capability goes too

	// Threads.
	ThreadCreate   // env, *ThreadStart → name
	ThreadExit     // → never
	ThreadSuspend  // thread → 0
	ThreadResume   // thread → 0
	ThreadInspect  // thread, *ThreadInfo → 0
	ThreadDestroy  // thread, end → 0; end 1: it may have ended, and the capability goes too
	ThreadSchedule // thread, cpu or 0 (any; not for real time), *Schedule → 0
	ThreadBases    // FS base, GS base → 0; where the CPU has no instructions for that
	Yield          // thread or 0 → 0; the rest of the slice is that thread's
	Sleep          // until → 0

	// Protected control transfer. A message is four words, and a capability or 0, which changes hands. The first word of a call is
	// below 1<<63; of a reply, it may be an Errno.
	EndpointCreate // memory → name
	IPCCall        // endpoint, w0, w1, w2, w3, cap → reply's w0; RDX, R8, R9: w1 to w3; R10: cap
	IPCReceive     // endpoint, until (0: do not wait) → w0; RDX, R8, R9: w1 to w3; R10: cap; RSI: number of the caller's environment
	IPCReplyWait   // endpoint, w0, w1, w2, w3, cap → as IPCReceive
	IPCReply       // w0, w1, w2, w3, cap → 0
	IPCTimeout     // until → 0; for the thread's next IPCCall; 0: none

	// Notifications: 64 bits that somebody may wait for.
	NotifyCreate // memory → name
	Notify       // notification, bits → 0
	Wait         // notification, mask, until (0: do not, Forever: no limit) → 0; RDX: the bits of mask that were set, cleared
	WaitUntil    // *[]bpf.Insn, n, frames, until → what the predicate returned, not 0
	TimerSet     // notification, bits, when (0: never) → 0

	// Devices.
	ConsoleWrite  // console, *bytes, n → n
	ConsoleRead   // console, *bytes, n → how many there were, maybe 0
	ConsoleBind   // console, notification, bits → 0; signalled when there is input
	InterruptBind // interrupt, notification, bits → 0; signalled when it comes, and then not before InterruptAck
	InterruptAck  // interrupt → 0, it may come again
	PortIn        // ports, port, bytes (1, 2, 4) → value
	PortOut       // ports, port, bytes, value → 0

	// Visible revocation.
	RevokeRequest // env, kind, how many (frames: of them), deadline → 0; then what is still missing is taken
	Repossessed   // *[]Lost, n → how many; they are forgotten
	SystemEnd     // cap of the console, status → never; the machine ends

	EnvNext // env, from, *EnvInfo → of env or of one that descends from it: where to go on from, 0: there are no more; from 0 at first

	CapOffer // number (below 16), cap or 0 to withdraw it, rights → 0; the caller's heirs may take it
	CapTake  // number → name, derived from what the caller's maker offers; of an heir

	// Files. A path is names with slashes between them, down from a directory: links are not followed, and there is no way up. Who has a
	// directory may open what is below it, with no more rights. A file without a name stays as long as there is a capability for
	// it; a directory is no more, and Stale.
	FileOpen     // directory, *path, n, rights → name, derived from the directory's; RDX: type and permission, R8: bytes, R9: Object.First
	FileMake     // directory, *name, n, type and permission → Object.First of a file or directory that was not there
	FileSymlink  // directory, *name, n, *text, n → 0
	FileLink     // directory, *name, n, file → 0; needs all rights to the file
	FileRemove   // directory, *name, n, what: 0 what is no directory, 1 a directory that is empty → 0
	FileRename   // directory, *name, n, directory, *name, n → 0; what was there is gone. Needs all rights to the first, if they are two
	FileRead     // file, *bytes, n, offset → how many, 0 at the end
	FileWrite    // file, *bytes, n, offset (Forever: its end) → how many; RDX: where
	FileTruncate // file, bytes → 0
	FileStat     // inode, *FileInfo → 0
	FileChange   // inode, *FileInfo, FileSetMode … → 0
	FileList     // directory, *FileEntry …, n, from (0: the first) → how many bytes of them, 0: no more; RDX: where to go on from
	FileText     // symbolic link, *bytes, n → how many
	FileSync     // inode, all → 0 when what was done to it lasts; all not 0: what was done at all
	FileSystem   // inode, *FileSystemInfo → 0

	// Extents: blocks of 4 KiB of the disk, which the kernel keeps nothing of. Memory for them begins with a page.
	ExtentRead  // extent, *blocks, n, first → how many; of more than 32, the first ones
	ExtentWrite // extent, *blocks, n, first → how many; they outlast a loss of power only after ExtentFlush
	ExtentFlush // extent → 0 when all lasts whose writing had returned

	Calls // how many there are
)

// Forever is a time that does not come.
const Forever = ^uint64(0)

// How says where frames are to come from.
type How uint64

// The ways. HowHuge may be added to the others: each 512 frames are one page of 2 MiB.
const (
	HowNear How = iota // by the policy of the environment: near the CPU
	HowNode            // on node where
	HowAt              // beginning with frame number where
	HowHuge How = 1 << 8
)

// Perm is what a mapping permits; one that may be written or executed may be read. It never permits both.
type Perm uint64

const (
	PermRead Perm = 1 << iota
	PermWrite
	PermExecute

	// PermAlone may be added for PageProtect: if somebody else has the frames too it is refused with Busy.
	PermAlone Perm = 1 << 8
)

// PageOp is one of several calls that are made together, in order. Op is PageMap, PageProtect, PageUnmap or FrameShare, then
// its arguments as of the call.
type PageOp struct {
	Op   Call
	Args [4]uint64
	Ret  int64
}

// Flags of EnvCreate.
const (
	EnvAlike = 1 << iota // the new one's upcalls and name are the caller's
	EnvPart              // frames and caps are how many 65,536th parts of what the caller has left
	EnvHeir              // the new one may take what the caller offers (CapOffer, CapTake)
)

// GrantKind is what a Grant is made of.
type GrantKind uint64

// The kinds of grants.
const (
	GrantDerive GrantKind = iota // as CapDerive, of any kind
	GrantShare                   // as FrameShare
	GrantCopy                    // as FrameAlloc, with the caller's bytes in them
)

// Grant is a thing that EnvGive gives an environment: a capability, which that holds and pays for, and if it is for frames and VA is not
// 0, where they are mapped there. The caller needs the right to change the environment and to have it charged.
type Grant struct {
	How    GrantKind
	From   uint64 // the caller's capability; of GrantCopy: an address of the caller's, of bytes that the caller may read
	Rights uint64
	First  uint64 // of the capability's frames, from the First-th on; of GrantCopy: zeroes that come first, in bytes
	N      uint64 // so many frames; 0: all from there on
	Bytes  uint64 // of GrantCopy: so many of From's, and zeroes behind them
	VA     uint64
	Perm   Perm
	Way    How // of GrantCopy: where the frames are to come from, as of FrameAlloc,
	Where  uint64
	// Of GrantShare and GrantCopy: so many of the last frames, fewer than all, are mapped to permit LastPerm.
	Last     uint64
	LastPerm Perm
	Name     int64 // comes back: what it is called there, or an Errno
}

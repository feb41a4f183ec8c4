package abi

// Errno is why a system call was refused; it comes back negative. A call that is refused has changed nothing.
type Errno int64

// The reasons.
const (
	OK           Errno = -iota
	BadCall            // there is no such call
	BadCap             // the caller holds no such capability
	BadKind            // the capability is of another kind
	BadRights          // it lacks a right
	BadAddress         // what the argument points at is not the caller's, or is not mapped
	BadArgument        // an argument makes no sense
	NoMemory           // no frames there, or that frame is not free
	NoQuota            // the environment has as many as it may
	NoSlots            // the kernel has no room for one more
	Exists             // something is there already
	NotMapped          // nothing is there
	Revoked            // the object went away while the caller waited for it
	TimedOut           // the time came first
	Interrupted        // a thread that waited was told to go on
	Busy               // somebody else does that
	Again              // nothing just now
	Dead               // the environment or thread has ended
	Unsupported        // not on this machine
	BadPredicate       // the program was not accepted; RDX: the instruction
	Deadlock           // it would wait for itself
	NotAdmitted        // the reservation does not fit
	RateLimited        // the capability is used up for now
	NoFiles            // no file system is mounted
	DiskError          // the disk failed
	ReadOnly           // nothing can be written there
	Corrupt            // what the disk says contradicts itself
	Stopped            // a write has failed before: nothing more is written
	NotFound           // no such name
	NotDirectory       // only a directory has names
	IsDirectory        // not of a directory
	NotFile            // neither read nor written: it is no regular file
	NotLink            // it is no symbolic link
	NotEmpty           // the directory has names
	BadName            // empty, ".", "..", with a slash or a zero byte, or its hash is another's
	Stale              // the directory has lost its name
	Loop               // a directory would come to lie in itself
	HasLinks           // a directory has one name only
	NoSpace            // no block is free
	NoInodes           // no inode is free
	TooLong            // a name of more than 255 bytes, a path of more than 4,096, or a link's text of more than 4,000
	TooLarge           // a file of more than 1 TiB
	TooMany            // names of a file, or inodes or buffers in use at this moment
	numErrnos    = iota
)

var errnoNames = [numErrnos]string{
	"ok", "no such call", "no such capability", "capability of another kind", "missing right", "bad address",
	"bad argument", "no memory", "quota used up", "no room in the kernel", "exists", "not mapped", "revoked", "timed out",
	"interrupted", "busy", "nothing just now", "has ended", "not supported", "predicate refused", "deadlock", "not admitted",
	"rate limited", "no files here", "disk error", "read-only", "corrupt disk", "stopped after a failed write", "no such file",
	"not a directory", "is a directory", "not a regular file", "not a symbolic link", "directory not empty", "bad name",
	"file is gone", "directory within itself", "a directory has one name", "no space left", "no inode left", "name too long",
	"file too large", "too many",
}

func (e Errno) Error() string {
	if e > 0 || -e >= numErrnos {
		return "unknown error"
	}
	return errnoNames[-e]
}

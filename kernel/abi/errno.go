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
	numErrnos    = iota
)

var errnoNames = [numErrnos]string{
	"ok", "no such call", "no such capability", "capability of another kind", "missing right", "bad address",
	"bad argument", "no memory", "quota used up", "no room in the kernel", "exists", "not mapped", "revoked", "timed out",
	"interrupted", "busy", "nothing just now", "has ended", "not supported", "predicate refused", "deadlock", "not admitted",
	"rate limited",
}

func (e Errno) Error() string {
	if e > 0 || -e >= numErrnos {
		return "unknown error"
	}
	return errnoNames[-e]
}

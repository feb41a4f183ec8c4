package cap

// A Name is what a capability is called: its slot in the lower half, and in the upper the generation, which counts the
// capabilities that the slot has held. 0 is no name.
type Name uint64

func (n Name) slot() uint32       { return uint32(n) }
func (n Name) generation() uint64 { return uint64(n) >> 32 }

// key is what the owner word of a capability of this name and this holder is.
func (n Name) key(h Holder) uint64 { return uint64(n)&^(1<<32-1) | uint64(h) }

func nameOf(slot uint32, owner uint64) Name { return Name(owner&^(1<<32-1) | uint64(slot)) }

// A Holder is who can have capabilities: an environment, by a number, up to MaxHolder, that is not used twice.
type Holder uint32

// MaxHolder is the largest number of a holder.
const MaxHolder Holder = 1<<31 - 1

func (h Holder) valid() bool { return int32(h) > 0 }

// Nobody holds nothing.
const Nobody Holder = 0

// Rights say what may be done with the object or with the capability itself. Those from KindRight on mean what the kind says.
type Rights uint32

const (
	Read     Rights = 1 << iota
	Write           // change the object
	Execute         // run it, or call it
	Delete          // delete the capability, with all below it
	Derive          // derive from it
	Revoke          // revoke what is below it
	Transfer        // give it to another holder

	KindRight Rights = 1 << 16 // the first of sixteen
)

// AllRights is every right there is.
const AllRights = ^Rights(0)

// A Kind is what an object is: a frame, an address space, a CPU's slices, …
type Kind uint8

// Kinds is how many kinds there can be; 0 is one.
const Kinds = 64

// Object is what a capability is for, in two words: a frame and how many follow, an index and a generation, …
type Object struct{ First, Second uint64 } // no array, which Go passes through memory

// Ops is what a kind needs to have done. The functions are called on the CPU of the caller, with preemption as it has it,
// and with no lock held. They may look capabilities up, and nothing else in the table.
type Ops struct {
	// Teardown is called once for each capability that was killed, after those of all that were derived from it have
	// returned and before its slot is used again. From when it is called on no lookup succeeds; what was bound by a lookup
	// before is for it to undo. nil: nothing to do.
	Teardown func(cpu int, name Name, rights Rights, o Object)
	// Within says whether an object is a part of another, so that a capability for it may be derived. nil: it never is.
	Within func(whole, part Object) bool
}

// Error is an error that is a constant.
type Error string

func (e Error) Error() string { return string(e) }

// What can be wrong.
const (
	ErrNone     = Error("cap: no such capability for this holder")
	ErrKind     = Error("cap: a capability of another kind")
	ErrRights   = Error("cap: the capability lacks a right")
	ErrRate     = Error("cap: used up for now")
	ErrRevoking = Error("cap: being revoked, nothing can be derived")
	ErrObject   = Error("cap: not a part of the object")
	ErrLimit    = Error("cap: no such limit, or a second one")
	ErrHolder   = Error("cap: no such holder")
	ErrNoMemory = Error("cap: no memory for more capabilities")
)

// meta is the word that says what a capability is good for; it does not change in a life.
type meta uint64

const (
	kindShift       = 32
	limited    meta = 1 << 62 // uses are counted by the bucket
	ownsBucket meta = 1 << 63 // the bucket goes with this capability
	kindMask   meta = 0xff << kindShift
)

func newMeta(k Kind, r Rights) meta { return meta(k)<<kindShift | meta(r) }
func (m meta) kind() Kind           { return Kind(m >> kindShift) }
func (m meta) rights() Rights       { return Rights(m) }

// allows says whether an unlimited capability is of the kind and has the rights: one comparison.
func (m meta) allows(k Kind, need Rights) bool {
	return m&(kindMask|limited|meta(need)) == newMeta(k, need)
}

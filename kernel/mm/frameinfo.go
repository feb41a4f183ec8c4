package mm

// Info says whose a frame is, in one word.
//
//	63        32 31     24 23            8 7    4 3    0
//	┌───────────┬─────────┬───────────────┬──────┬──────┐
//	│   owner   │ 2 MiB?  │  references   │ node │ kind │
//	└───────────┴─────────┴───────────────┴──────┴──────┘
type Info uint64

// Owner is who answers for a frame: what the number means is up to who allocates. 0 is the kernel.
type Owner uint32

// FrameKind says what a frame is used for.
type FrameKind uint8

// The kinds. What is neither NoFrame nor FreeFrame is allocated; a caller of Alloc chooses among the kinds from Kernel on.
const (
	NoFrame   FrameKind = iota // there is no memory, or none of ours
	FreeFrame                  // nobody's
	Boot                       // taken before there was an allocator, for good
	Kernel                     // the kernel's own
	Table                      // a page table
	Slab                       // cut into objects
	User                       // an environment's
	Device                     // devices read and write it
	numKinds
)

// MaxNodes limits the number of nodes.
const MaxNodes = 16

// maxRefs is the largest count of references.
const maxRefs = 1<<16 - 1

const (
	infoNode  = 4  // shift
	infoRefs  = 8  // shift
	infoHuge  = 24 // shift
	infoOwner = 32 // shift
)

// NewInfo is the word of a frame with one reference.
func NewInfo(kind FrameKind, node int, owner Owner) Info { return newInfo(kind, node, owner) }

func newInfo(kind FrameKind, node int, owner Owner) Info {
	return Info(kind) | Info(node)<<infoNode | 1<<infoRefs | Info(owner)<<infoOwner
}

// freeInfo is the word of a free frame.
func freeInfo(node int) Info { return Info(FreeFrame) | Info(node)<<infoNode }

// likeTaken says whether node, references and size are those of another word.
func (i Info) likeTaken(o Info) bool { return uint32(i)&^(1<<infoNode-1) == uint32(o) }

// Kind is what the frame is used for.
func (i Info) Kind() FrameKind { return FrameKind(i & 15) }

// Node is the node that the frame belongs to, which never changes.
func (i Info) Node() int { return int(i >> infoNode & 15) }

// Refs is how many references there are, 0 for a frame that is not allocated, or taken for good.
func (i Info) Refs() int { return int(i >> infoRefs & maxRefs) }

// As is the same of another kind and owner.
func (i Info) As(kind FrameKind, owner Owner) Info {
	return i&(1<<infoOwner-1)&^15 | Info(kind) | Info(owner)<<infoOwner
}

// some says whether it has from low to high references and is not part of one of 2 MiB.
func (i Info) some(low, high uint32) bool { return uint32(i)>>infoRefs-low <= high-low }

// Huge says whether the frame was allocated as part of one of 2 MiB.
func (i Info) Huge() bool { return i>>infoHuge&1 != 0 }

// Owner is who answers for it.
func (i Info) Owner() Owner { return Owner(i >> infoOwner) }

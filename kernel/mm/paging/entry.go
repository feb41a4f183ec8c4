package paging

import "exo/kernel/mm"

// Error is a refusal. What refuses has had no effect.
type Error string

func (e Error) Error() string { return string(e) }

// What the operations return.
const (
	ErrAddress    = Error("paging: the address is none that ring 3 may map")
	ErrMisaligned = Error("paging: the address or the frame is no multiple of the page size")
	ErrSize       = Error("paging: a page of the other size, or several, are mapped there")
	ErrMapped     = Error("paging: something is mapped there already")
	ErrNotMapped  = Error("paging: nothing is mapped there")
	ErrPerm       = Error("paging: a page is readable, and executable only if it is neither writable nor a device")
	ErrFrame      = Error("paging: there is no such physical memory")
	ErrTables     = Error("paging: the space has no frame left for a page table")
	ErrBatch      = Error("paging: the batch is full; shoot it first")
	ErrInUse      = Error("paging: a CPU has the space loaded")
)

// Where ring 3 may map. The first page stays empty, so that a nil pointer faults. So does the last: a SYSCALL at its end
// would return to an address that is not canonical (SDM vol. 2B, SYSRET).
const (
	UserBase  = uint64(mm.FrameSize)         // first address
	UserLimit = uint64(1)<<47 - mm.FrameSize // first address past
)

// Size is how large a page is.
type Size uint8

// The sizes.
const (
	Small Size = iota // 4 KiB
	Large             // 2 MiB
)

// Bytes is the size in bytes.
func (s Size) Bytes() uint64 { return mm.FrameSize << (9 * s & 63) }

// Frames is the size in frames.
func (s Size) Frames() uint64 { return 1 << (9 * s & 63) }

// Perm is what ring 3 may do with a page, a set of bits.
type Perm uint8

// The bits. Every page has Read; none has Exec beside Write or Device.
const (
	Read   Perm = 1 << iota
	Write       //
	Exec        //
	Device      // not a right: registers of a device, not cached
)

// Mapping is one page as an operation finds it.
type Mapping struct {
	VA              uint64 // of its first byte
	Frame           mm.Frame
	Size            Size
	Perm            Perm
	Accessed, Dirty bool // the CPU has read, has written it since it was mapped
}

// Entry is one of the 512 words of a table (SDM vol. 3A §4.5): a page's, as Unmap or Protect found it. Bits 52 to 62 of
// one that points to a table are the software's: in ours they count the entries in use of that table.
type Entry uint64

type entry = Entry

const (
	present    entry = 1 << 0
	writable   entry = 1 << 1
	user       entry = 1 << 2
	writeThr   entry = 1 << 3
	uncached   entry = 1 << 4
	accessed   entry = 1 << 5
	dirty      entry = 1 << 6
	large      entry = 1 << 7
	noExec     entry = 1<<63 | noExecSoft // the CPU's bit and, for CPUs that do not have it (UseNX), ours
	noExecSoft entry = 1 << 9

	frameBits entry = 0x000f_ffff_ffff_f000
	permBits        = writable | writeThr | uncached | noExec

	used     = 1 << 52 // one entry in use
	usedMask = entry(0x3ff) << 52

	// A table permits everything; the page decides.
	toTable = present | writable | user

	frameLimit = mm.Frame(mm.PhysLimit >> mm.FrameShift)
)

// Frame is the first frame of the page.
func (e entry) Frame() mm.Frame { return mm.Frame(e & frameBits >> mm.FrameShift) }

// Accessed says that a CPU has used the page since it was mapped.
func (e entry) Accessed() bool { return e&accessed != 0 }

// Dirty says that a CPU has written the page since it was mapped.
func (e entry) Dirty() bool { return e&dirty != 0 }

// Perm is what the page permits.
func (e entry) Perm() Perm {
	p := Read
	if e&writable != 0 {
		p |= Write
	}
	if e&noExecSoft == 0 {
		p |= Exec
	}
	if e&uncached != 0 {
		p |= Device
	}
	return p
}

func tableEntry(f mm.Frame) entry { return entry(f.Addr()) | toTable | used }

// permEntries is what a page's entry has for each permission; 0: that is none.
var permEntries = [16]entry{
	Read:                  present | user | noExec,
	Read | Write:          present | user | noExec | writable,
	Read | Exec:           present | user,
	Read | Device:         present | user | noExec | uncached | writeThr,
	Read | Write | Device: present | user | noExec | uncached | writeThr | writable,
}

// hardware is the bits that the CPU lets entries have.
var hardware = ^entry(0)

// UseNX says whether the CPU knows that a page is not to be executed (CPUID, NX). Where it does not, all pages are, whatever their
// permission says. Called before there are spaces.
func UseNX(has bool) {
	if hardware = ^entry(0); !has {
		hardware &^= 1 << 63
	}
}

// bits is the permission as an entry has it; 0: it is none.
func (p Perm) bits() entry {
	if p > 15 {
		return 0
	}
	return permEntries[p&15] & hardware
}

// page is the Mapping of a page's entry.
func (e entry) page(va uint64, s Size) Mapping {
	return Mapping{
		VA: va &^ (s.Bytes() - 1), Frame: e.Frame(), Size: s, Perm: e.Perm(),
		Accessed: e.Accessed(), Dirty: e.Dirty(),
	}
}
